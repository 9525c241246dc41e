import NetPrimitives
import WireFormats

extension Connection {
    /// RFC 9293, 3.10.7.4, second step, with RFC 5961, 3.2: only the exact number ends the connection; another in the
    /// window is challenged, for an honest peer will answer with the exact one.
    mutating func resetArrives(
        _ seg: Segment, memory: inout ConnectionMemory, configuration: TCPConfiguration,
        at now: Instant
    ) -> Disposition {
        guard seg.seq == rcv.nxt else {
            var disposition = Disposition.proceed
            challenge(configuration: configuration, at: now, into: &disposition)
            return disposition
        }
        let wasOpening = state == .synReceived
        finish(memory: &memory)
        return ended(wasOpening ? .refused : .reset)
    }
}
