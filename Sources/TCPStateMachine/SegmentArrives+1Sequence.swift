import NetPrimitives
import WireFormats

extension Connection {
    /// RFC 9293, 3.10.7.4, first step, with the test for old duplicates by timestamps before it (RFC 7323, 5.3).
    /// - Returns: whether the segment may be processed further. If not, the answer is already due.
    mutating func checkSequence(
        _ seg: Segment, configuration: TCPConfiguration, at now: Instant, into disposition: inout Disposition
    ) -> Bool {
        let isReset = seg.flags.contains(.rst)
        if flags.contains(.timestamps), let ts = seg.options.timestamps, !isReset, isOutdated(ts.value, at: now) {
            disposition.effects.insert(.outdated)
            acknowledgeUnacceptable(seg, configuration: configuration, at: now, into: &disposition)
            return false
        }
        guard seg.isAcceptable(nxt: rcv.nxt, window: rcv.wnd) else {
            if !isReset {
                acknowledgeUnacceptable(seg, configuration: configuration, at: now, into: &disposition)
            }
            // A closed window takes no text, but the ACK or RST that comes with it (RFC 9293, 3.10.7.4, MUST-66).
            return rcv.wnd == 0 && seg.seq == rcv.nxt
        }
        return true
    }

    /// PAWS (RFC 7323, 5.3, R1), unless TS.Recent has grown too old to judge by (5.5: 24 days).
    private func isOutdated(_ value: UInt32, at now: Instant) -> Bool {
        guard Int32(truncatingIfNeeded: value &- timestamps.recent) < 0 else { return false }
        let age = UInt32(truncatingIfNeeded: now.seconds) &- timestamps.recentAt
        return age < 24 * 24 * 3600
    }

    /// An unacceptable segment is acknowledged (first step). One without data is answered at the pace of challenge
    /// ACKs, so that a misled peer and we do not go round in circles; a probe just before RCV.NXT is answered always,
    /// but a SYN there is none (RFC 5961, 4.2 and 7).
    private mutating func acknowledgeUnacceptable(
        _ seg: Segment, configuration: TCPConfiguration, at now: Instant, into disposition: inout Disposition
    ) {
        let isProbe = seg.seq == rcv.nxt - 1 && !seg.flags.contains(.syn)
        if seg.isMoreThanAnswer || isProbe {
            if !seg.flags.contains(.syn) { noteDuplicate(seg, configuration: configuration) }
            flags.insert(.ackNow)
        } else if seg.flags.contains(.syn) {
            challenge(configuration: configuration, at: now, into: &disposition)
        } else {
            _ = sayWhereWeStand(configuration: configuration, at: now)
        }
    }
}
