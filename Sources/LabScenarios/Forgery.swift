import NetPrimitives
import WireFormats

/// Segments that none of the lab's stacks has sent: an attacker's, or those of an earlier connection.
enum Forgery {
    /// A packet with a segment between two endpoints of one family.
    static func packet(_ seg: Segment, text: String, from source: Endpoint, to destination: Endpoint) -> [UInt8] {
        var seg = seg
        let payload = Array(text.utf8)
        seg.payloadLength = payload.count
        var octets = [UInt8](repeating: 0, count: seg.headerLength) + payload
        let length = octets.count
        var span = octets.mutableSpan
        seg.emitHeader(into: &span, sourcePort: source.port, destinationPort: destination.port)
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source.address, destination: destination.address, protocol: .tcp, length: length)
        Segment.storeChecksum(in: &span, pseudoHeaderSum: sum)
        return header(length, from: source.address, to: destination.address) + octets
    }

    private static func header(_ length: Int, from source: IPAddress, to destination: IPAddress) -> [UInt8] {
        switch (source, destination) {
        case (.v4(let a), .v4(let b)):
            var header = [UInt8](repeating: 0, count: IPv4Header.length)
            var span = header.mutableSpan
            IPv4Header(source: a, destination: b, protocol: .tcp, payloadLength: length).emit(into: &span)
            return header
        case (.v6(let a), .v6(let b)):
            var header = [UInt8](repeating: 0, count: IPv6Header.length)
            var span = header.mutableSpan
            IPv6Header(source: a, destination: b, nextHeader: .tcp, payloadLength: length).emit(into: &span)
            return header
        default: preconditionFailure("both ends of a conversation are of one family")
        }
    }
}

extension Segment {
    /// A segment with an ACK, or without one.
    static func forged(
        _ flags: TCPFlags, seq: SequenceNumber, ack: SequenceNumber = SequenceNumber(0)
    ) -> Segment {
        var seg = Segment()
        (seg.seq, seg.ack, seg.flags, seg.window) = (seq, ack, flags, flags.contains(.rst) ? 0 : 65_535)
        if flags.contains(.syn) { seg.options.maximumSegmentSize = 1_460 }
        return seg
    }
}
