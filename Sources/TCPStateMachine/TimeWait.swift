public import NetPrimitives
public import WireFormats

/// What is left of a connection in TIME-WAIT: enough to acknowledge what strays in and to know a new SYN from an old
/// one.
public struct TimeWait: Hashable, Sendable, BitwiseCopyable {
    /// When the state ends.
    public var expiresAt: Instant
    /// SND.NXT, beyond our FIN.
    public var sndNxt: SequenceNumber
    /// RCV.NXT, beyond the peer's FIN.
    public var rcvNxt: SequenceNumber
    /// TS.Recent, where timestamps were in use.
    public var tsRecent: UInt32
    /// What is added to our timestamps.
    public var timestampOffset: UInt32
    /// The last window field that we sent.
    public var window: UInt16
    public var hasTimestamps: Bool
    /// When a stray was last answered, as ``mayAcknowledge(_:configuration:at:)`` counts; 0 for not at all.
    var answeredAt: UInt8

    /// What fills unused places of a table.
    public static var vacant: TimeWait {
        TimeWait(.vacant, configuration: TCPConfiguration(), at: .zero)
    }

    /// - Precondition: `connection` is in TIME-WAIT.
    public init(_ connection: Connection, configuration: TCPConfiguration, at now: Instant) {
        expiresAt = now + configuration.timeWait
        sndNxt = connection.snd.max
        rcvNxt = connection.rcv.nxt
        window = connection.receiveScale.wireWindow(connection.rcv.wnd)
        hasTimestamps = connection.flags.contains(.timestamps)
        tsRecent = connection.timestamps.recent
        timestampOffset = connection.timestamps.offset
        answeredAt = 0
    }
}

/// What TIME-WAIT makes of a segment.
public enum TimeWaitDisposition: Hashable, Sendable, BitwiseCopyable {
    case ignore
    /// Say where we stand.
    case acknowledge
    /// Say where we stand, and wait the whole time again.
    case acknowledgeAndRestart
    /// The peer wants a new connection between the same ports, and its SYN is beyond doubt newer.
    case connectionRequest
    /// The peer has reset the connection: nothing is left to wait for.
    case drop
}

extension TimeWait {
    /// RFC 9293, 3.10.7.4 for TIME-WAIT, with RFC 6191 for a new SYN and RFC 5961 for a RST.
    public func segmentArrives(_ seg: Segment) -> TimeWaitDisposition {
        let older = hasTimestamps && seg.options.timestamps.map { isOlder($0.value) } == true
        if seg.flags.contains(.rst) {
            // RFC 1337 would have it ignored; RFC 9293 and Linux let an exact one end the state.
            return seg.seq == rcvNxt ? .drop : .ignore
        }
        if seg.flags.contains(.syn), !seg.flags.contains(.ack) {
            // RFC 6191: timestamps beat sequence numbers; RFC 9293, 3.6.1, MAY-2: a larger number than we ever saw.
            if hasTimestamps, let ts = seg.options.timestamps {
                if isNewer(ts.value) { return .connectionRequest }
                return !older && seg.seq.isAfter(rcvNxt) ? .connectionRequest : .acknowledge
            }
            return seg.seq.isAfter(rcvNxt) ? .connectionRequest : .acknowledge
        }
        if older { return .acknowledge }
        // Eighth: a FIN again means that our last ACK was lost. The wait begins anew.
        if seg.flags.contains(.fin), seg.seq + (seg.length &- 1) == rcvNxt - 1 { return .acknowledgeAndRestart }
        // First: whatever is not exactly where it should be is told so; a pure ACK in place needs no answer.
        return seg.length > 0 || seg.flags.contains(.syn) || seg.seq != rcvNxt ? .acknowledge : .ignore
    }

    /// A segment that is not where it should be asks to be told where we stand: whether to tell. Text and a FIN always;
    /// what could be an answer itself at most once per ``TCPConfiguration/challengeAckGap``, so that two ends that
    /// disagree do not answer each other for ever (RFC 5961, 7).
    ///
    /// The time counts in eighths of the gap, backwards from the end of the state, and after 255 of them from the
    /// beginning: now and then a stray long after another finds no answer, as if that had been lost.
    public mutating func mayAcknowledge(_ seg: Segment, configuration: TCPConfiguration, at now: Instant) -> Bool {
        if seg.isMoreThanAnswer { return true }
        let unit = max(configuration.challengeAckGap.nanoseconds / 8, 1)
        let left = max((expiresAt - now).nanoseconds, 0) / unit % 255
        let since = (Int64(answeredAt) &- 1 &- left &+ 255) % 255
        guard answeredAt == 0 || since >= 8 else { return false }
        answeredAt = UInt8(truncatingIfNeeded: left &+ 1)
        return true
    }

    /// A FIN came again: the wait begins anew.
    public mutating func restart(configuration: TCPConfiguration, at now: Instant) {
        expiresAt = now + configuration.timeWait
        answeredAt = 0
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`
    public func acknowledgement(at now: Instant) -> Segment {
        var seg = Segment()
        seg.seq = sndNxt
        seg.ack = rcvNxt
        seg.flags = .ack
        seg.window = window
        if hasTimestamps {
            let value = timestampOffset &+ UInt32(truncatingIfNeeded: now.milliseconds)
            seg.options.timestamps = TCPTimestamps(value: value, echoReply: tsRecent)
        }
        return seg
    }

    private func isOlder(_ value: UInt32) -> Bool { Int32(truncatingIfNeeded: value &- tsRecent) < 0 }
    private func isNewer(_ value: UInt32) -> Bool { Int32(truncatingIfNeeded: value &- tsRecent) > 0 }

    /// All that decides what this state does next, for a digest; times relative to `now`.
    public func encode(into sink: inout SipHash, at now: Instant) {
        sink.combine(UInt64(sndNxt.rawValue) << 32 | UInt64(rcvNxt.rawValue))
        sink.combine(UInt64(tsRecent) << 32 | UInt64(window) << 8 | (hasTimestamps ? 1 : 0))
        sink.combine(UInt64(timestampOffset) << 8 | UInt64(answeredAt))
        sink.combine(UInt64(bitPattern: (expiresAt - now).nanoseconds))
    }
}
