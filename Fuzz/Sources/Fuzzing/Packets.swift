import NetPrimitives
import WireFormats

/// Packets of the other side, made by hand.
enum Packets {
    /// IPv4's header checksum, if there is a header: behind it is more to be found.
    static func putHeaderChecksumRight(_ packet: inout [UInt8]) {
        guard packet.count >= 20, packet[0] >> 4 == 4 else { return }
        let header = min(max(Int(packet[0] & 0xF) * 4, 20), packet.count)
        (packet[10], packet[11]) = (0, 0)
        let sum = InternetChecksum.checksum(packet.span.extracting(0..<header))
        (packet[10], packet[11]) = (UInt8(sum >> 8), UInt8(sum & 0xFF))
    }

    /// A TCP segment in an IP packet, all checksums right.
    static func tcp(_ seg: Segment, payload: [UInt8] = [], from source: Endpoint, to destination: Endpoint)
        -> [UInt8]
    {
        var seg = seg
        seg.payloadLength = payload.count
        let header = seg.headerLength
        var octets = [UInt8](repeating: 0, count: header + payload.count)
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source.address, destination: destination.address, protocol: .tcp, length: octets.count)
        var span = octets.mutableSpan
        seg.emitHeader(into: &span, sourcePort: source.port, destinationPort: destination.port)
        span.copy(from: payload.span, at: header)
        Segment.storeChecksum(in: &span, pseudoHeaderSum: sum)
        return ip(octets, .tcp, from: source.address, to: destination.address)
    }

    /// An ICMP error that quotes the beginning of `packet`.
    static func icmp(
        type: UInt8, code: UInt8, rest: UInt32, quoting packet: [UInt8], from source: IPAddress,
        to destination: IPAddress
    ) -> [UInt8] {
        let isIPv6 = source.isIPv6
        let quoted = Array(packet.prefix(ICMPEmitter.quotedLength(of: packet.count, isIPv6: isIPv6)))
        var octets = [UInt8](repeating: 0, count: 8 + quoted.count)
        let upper: IPProtocol = isIPv6 ? .icmpv6 : .icmp
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source, destination: destination, protocol: upper, length: octets.count)
        var span = octets.mutableSpan
        ICMPEmitter.emit(
            type: type, code: code, rest: rest, body: quoted.span, into: &span, pseudoHeaderSum: isIPv6 ? sum : nil)
        return ip(octets, upper, from: source, to: destination)
    }

    static func ip(_ payload: [UInt8], _ upper: IPProtocol, from source: IPAddress, to destination: IPAddress)
        -> [UInt8]
    {
        switch (source, destination) {
        case (.v4(let from), .v4(let to)):
            var packet = [UInt8](repeating: 0, count: IPv4Header.length) + payload
            var span = packet.mutableSpan
            IPv4Header(source: from, destination: to, protocol: upper, payloadLength: payload.count).emit(into: &span)
            return packet
        case (.v6(let from), .v6(let to)):
            var packet = [UInt8](repeating: 0, count: IPv6Header.length) + payload
            var span = packet.mutableSpan
            IPv6Header(source: from, destination: to, nextHeader: upper, payloadLength: payload.count).emit(into: &span)
            return packet
        default:
            return []
        }
    }

    /// The segment of a packet that a stack sent, with its text and both ends.
    static func segment(_ packet: [UInt8])
        -> (segment: Segment, payload: [UInt8], source: Endpoint, destination: Endpoint)?
    {
        if let view = try? IPv4View(validating: packet.span), view.protocol == .tcp {
            return segment(view.payload, .v4(view.source), .v4(view.destination))
        }
        if let view = try? IPv6View(validating: packet.span), view.upperProtocol == .tcp {
            return segment(view.payload, .v6(view.source), .v6(view.destination))
        }
        return nil
    }

    private static func segment(_ octets: Span<UInt8>, _ source: IPAddress, _ destination: IPAddress)
        -> (segment: Segment, payload: [UInt8], source: Endpoint, destination: Endpoint)?
    {
        guard let view = try? TCPView(validating: octets) else { return nil }
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source, destination: destination, protocol: .tcp, length: octets.count)
        check(view.hasValidChecksum(pseudoHeaderSum: sum), "a stack's own checksums are right")
        let payload = view.payload
        return (
            view.segment, copy(of: payload), Endpoint(source, view.sourcePort),
            Endpoint(destination, view.destinationPort)
        )
    }

    /// Who sent the segment that an ICMP error complains about.
    static func quotedClient(_ packet: [UInt8]) -> Endpoint? {
        var quoted: QuotedPacket?
        if let view = try? IPv4View(validating: packet.span), view.protocol == .icmp {
            quoted = (try? ICMPView(validating: view.payload, pseudoHeaderSum: nil))?.quoted
        } else if let view = try? IPv6View(validating: packet.span), view.upperProtocol == .icmpv6 {
            let sum = InternetChecksum.pseudoHeaderSum(
                source: .v6(view.source), destination: .v6(view.destination), protocol: .icmpv6,
                length: view.payload.count)
            quoted = (try? ICMPView(validating: view.payload, pseudoHeaderSum: sum))?.quoted
        }
        guard let quoted, quoted.protocol == .tcp else { return nil }
        return Endpoint(quoted.source, quoted.sourcePort)
    }

    /// The packets of a batch, one by one.
    static func copies(_ batch: borrowing PacketBatch) -> [[UInt8]] {
        (0..<batch.count).map { index in
            let bytes = batch.bytes(of: index)
            return copy(of: bytes)
        }
    }

    private static func copy(of bytes: Span<UInt8>) -> [UInt8] {
        unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
