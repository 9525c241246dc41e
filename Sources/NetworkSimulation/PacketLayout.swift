internal import NetPrimitives

/// Where the parts of an IP packet lie: just enough of the headers to name a packet and to find its checksums.
///
/// The stacks under test parse with WireFormats; the network between them looks with its own eyes, so that a mistake
/// there does not hide itself here.
struct PacketLayout {
    enum Family { case v4, v6 }

    let family: Family
    /// The transport's protocol number, behind any extension headers.
    let transport: UInt8
    /// Where the transport header begins.
    let transportStart: Int
    /// Where the packet ends by its own length field: at most the number of bytes there are.
    let end: Int
    /// One of several fragments: the transport's checksum covers more than is here.
    let isFragment: Bool
    /// A fragment that does not begin with a transport header.
    let isLaterFragment: Bool
    /// IPv6 headers between the fixed one and the transport, which no checksum covers.
    let hasExtensionHeaders: Bool

    /// - Returns: `nil` when the headers contradict themselves or the length.
    init?(_ packet: Span<UInt8>) {
        guard let first = packet.isEmpty ? nil : packet[0] else { return nil }
        switch first >> 4 {
        case 4: self.init(ipv4: packet)
        case 6: self.init(ipv6: packet)
        default: return nil
        }
    }

    private init?(ipv4 packet: Span<UInt8>) {
        guard packet.count >= 20 else { return nil }
        let headerLength = Int(packet[0] & 0xF) * 4
        let end = Int(packet.uint16(at: 2))
        guard headerLength >= 20, headerLength <= end, end <= packet.count else { return nil }
        let fragmentField = packet.uint16(at: 6)
        family = .v4
        transport = packet[9]
        transportStart = headerLength
        self.end = end
        isFragment = fragmentField & 0x3FFF != 0
        isLaterFragment = fragmentField & 0x1FFF != 0
        hasExtensionHeaders = false
    }

    private init?(ipv6 packet: Span<UInt8>) {
        guard packet.count >= 40 else { return nil }
        let end = 40 + Int(packet.uint16(at: 4))
        guard end <= packet.count else { return nil }
        var next = packet[6]
        var offset = 40
        var fragmentField: UInt16 = 0
        // Hop-by-hop, routing, fragment, destination options (RFC 8200, 4); more than eight are nobody's honest packet.
        for _ in 0..<8 where [0, 43, 44, 60].contains(next) {
            guard offset + 8 <= end else { return nil }
            let length = next == 44 ? 8 : (Int(packet[offset + 1]) + 1) * 8
            if next == 44 { fragmentField = packet.uint16(at: offset + 2) }
            guard offset + length <= end else { return nil }
            next = packet[offset]
            offset += length
        }
        family = .v6
        transport = next
        transportStart = offset
        self.end = end
        isFragment = fragmentField & 0xFFF9 != 0
        isLaterFragment = fragmentField & 0xFFF8 != 0
        hasExtensionHeaders = offset > 40
    }

    var transportLength: Int { end - transportStart }

    /// Where the addresses lie, both together.
    var addresses: Range<Int> { family == .v4 ? 12..<20 : 8..<40 }
}

/// The transport protocols that the simulated network knows.
enum TransportProtocol {
    static let icmp: UInt8 = 1
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let icmpv6: UInt8 = 58
}
