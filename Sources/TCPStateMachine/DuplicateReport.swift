import NetPrimitives
import WireFormats

/// What came twice is told to the peer, which learns from it that nothing was lost (RFC 2883).
extension Connection {
    /// A segment begins before RCV.NXT: as far as that, its numbers have come before.
    mutating func noteDuplicate(_ seg: Segment, configuration: TCPConfiguration) {
        guard seg.seq.isBefore(rcv.nxt) else { return }
        noteDuplicate(
            SequenceRange(seg.seq, .earliest(seg.seq + seg.length, rcv.nxt)), configuration: configuration)
    }

    mutating func noteDuplicate(_ range: SequenceRange, configuration: TCPConfiguration) {
        guard configuration.reportsDuplicates, flags.contains(.sack), !range.isEmpty else { return }
        duplicate = range
    }
}
