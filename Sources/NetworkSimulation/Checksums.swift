internal import NetPrimitives

/// The internet checksums of a packet (RFC 1071): which bytes they cover and whether they hold.
extension PacketLayout {
    /// Ranges of whole 16-bit words in which a change of one to fifteen bits of one word cannot escape every checksum.
    ///
    /// A checksum sees each change of one word except 0x0000 to 0xFFFF and back, as long as the change does not move
    /// what is summed. So these stay out: IPv4's version and header length; IPv6's whole first row, payload length,
    /// next header and hop limit (its header has no checksum; the addresses are covered by the transport's), and its
    /// extension headers; UDP's length and checksum (0 means "none"); the data of fragments (two flips in two
    /// fragments of a datagram may cancel out); protocols without a checksum.
    func coveredRanges(_ packet: Span<UInt8>) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        if family == .v4 { ranges.append(2..<transportStart) }
        guard !isFragment, transportChecksumOffset(packet) != nil else { return ranges }
        // A routing header makes the destination of the pseudo-header another one than that in the header.
        let addressesCovered = family == .v6 && transport != TransportProtocol.icmp && !hasExtensionHeaders
        if addressesCovered { ranges.append(addresses) }
        if transport == TransportProtocol.udp {
            ranges.append(transportStart..<transportStart + 4)
            ranges.append(transportStart + 8..<end)
        } else {
            ranges.append(transportStart..<end)
        }
        return ranges.filter { !$0.isEmpty }
    }

    /// Whether every checksum in the packet holds. A packet without any passes.
    func checksumsHold(_ packet: Span<UInt8>) -> Bool {
        if family == .v4, packet.extracting(0..<transportStart).onesComplementSum() != 0xFFFF { return false }
        guard !isFragment, transportChecksumOffset(packet) != nil else { return true }
        // For UDP the sum goes over the length that its own header tells.
        var length = transportLength
        if transport == TransportProtocol.udp {
            length = Int(packet.uint16(at: transportStart + 4))
            guard length >= 8, length <= transportLength else { return false }
        }
        return transportSum(packet, length: length) == 0xFFFF
    }

    /// The sum of the transport's bytes and its pseudo-header: 0xFFFF when the checksum in there is right.
    private func transportSum(_ packet: Span<UInt8>, length: Int) -> UInt16 {
        var sum = UInt32(packet.extracting(transportStart..<transportStart + length).onesComplementSum())
        if !(family == .v4 && transport == TransportProtocol.icmp) {
            sum += UInt32(packet.extracting(addresses).onesComplementSum())
            sum += UInt32(transport) + UInt32(length >> 16) + UInt32(length & 0xFFFF)
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
        return UInt16(sum)
    }

    /// Where the transport's checksum lies, or `nil` when it has none.
    private func transportChecksumOffset(_ packet: Span<UInt8>) -> Int? {
        switch transport {
        case TransportProtocol.tcp where transportLength >= 20:
            return transportStart + 16
        case TransportProtocol.udp where transportLength >= 8:
            // RFC 768: zero means that the sender made none.
            return packet.uint16(at: transportStart + 6) == 0 ? nil : transportStart + 6
        case TransportProtocol.icmp where family == .v4 && transportLength >= 8,
            TransportProtocol.icmpv6 where family == .v6 && transportLength >= 8:
            return transportStart + 2
        default:
            return nil
        }
    }

    /// Writes the checksums of a packet that is otherwise complete.
    static func fillChecksums(_ packet: inout [UInt8]) {
        guard let layout = PacketLayout(packet.span) else { return }
        if layout.family == .v4 {
            packet.store(0, at: 10)
            packet.store(~packet.span.extracting(0..<layout.transportStart).onesComplementSum(), at: 10)
        }
        let isUDP = layout.transport == TransportProtocol.udp
        // An unset UDP checksum reads as "none": mark it as present first.
        if isUDP, layout.transportLength >= 8 { packet.store(0xFFFF, at: layout.transportStart + 6) }
        guard !layout.isFragment, let offset = layout.transportChecksumOffset(packet.span) else { return }
        packet.store(0, at: offset)
        let checksum = ~layout.transportSum(packet.span, length: layout.transportLength)
        packet.store(isUDP && checksum == 0 ? 0xFFFF : checksum, at: offset)
    }
}

extension [UInt8] {
    /// Writes 16 bits in network byte order.
    mutating func store(_ value: UInt16, at offset: Int) {
        self[offset] = UInt8(value >> 8)
        self[offset + 1] = UInt8(value & 0xFF)
    }
}
