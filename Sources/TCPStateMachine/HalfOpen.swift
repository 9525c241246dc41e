public import NetPrimitives
public import WireFormats

/// A connection in SYN-RECEIVED that a listener began: all that is kept until the handshake completes.
///
/// The rules of LISTEN and SYN-RECEIVED are functions over this value; who stores it, and how many, is the caller's
/// business. Without its addresses it takes 28 bytes.
public struct HalfOpen: Hashable, Sendable, BitwiseCopyable {
    /// What both ends agreed on.
    public struct Agreement: OptionSet, Hashable, Sendable, BitwiseCopyable {
        public let rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let timestamps = Agreement(rawValue: 1 << 0)
        public static let sack = Agreement(rawValue: 1 << 1)
        public static let windowScale = Agreement(rawValue: 1 << 2)
        public static let ecn = Agreement(rawValue: 1 << 3)
    }

    /// What an entry waits for. SYN-RECEIVED's rules hold for the first two only; the others are a request's, about
    /// which the application decides before anything is answered.
    public enum Stage: UInt8, Hashable, Sendable, BitwiseCopyable {
        /// The third packet.
        case answered
        /// The next chance to send the SYN-ACK again.
        case answerDue
        /// That the application is told of it.
        case untold
        /// The application's decision.
        case undecided
        /// Nothing: the application does not want it, and the peer is to learn nothing of that.
        case ignored
        /// The next chance to send what was decided: the first SYN-ACK, a RST, an ICMP error.
        case acceptDue
        case refuseDue
        case rejectDue
        /// That the application is told of its end.
        case withdrawn

        /// Nothing has been answered yet.
        @inlinable public var isRequest: Bool { rawValue >= Stage.untold.rawValue }
    }

    /// When the last SYN-ACK went out.
    public var answeredAt: Instant
    /// ISS: our initial sequence number.
    public var iss: SequenceNumber
    /// IRS: the peer's.
    public var irs: SequenceNumber
    /// TS.Recent, when timestamps were agreed.
    public var tsRecent: UInt32
    /// The peer's MSS; what RFC 9293, 3.7.1 assumes when it told of none.
    public var mss: UInt16
    public var agreement: Agreement
    /// The peer's window scale.
    public var peerScale: UInt8
    /// SYN-ACKs sent because no answer came.
    public var retransmissions: UInt8
    /// SYNs that arrived for this entry, at most 255.
    public var synCount: UInt8
    /// When a repeated SYN or a stray was last answered, in eighths of ``TCPConfiguration/synAckMinimumGap`` after
    /// ``answeredAt``, rounded up; 0 for not at all.
    public var repeatedAt: UInt8
    public var stage: Stage

    /// Retransmissions by the timer and answers to repeated SYNs share this: whether a SYN-ACK is to be sent now.
    @inlinable public var isAnswerDue: Bool {
        get { stage == .answerDue }
        set { stage = newValue ? .answerDue : .answered }
    }
}

/// What LISTEN makes of a segment (RFC 9293, 3.10.7.2).
public enum ListenDisposition: Hashable, Sendable, BitwiseCopyable {
    /// Nothing to answer.
    case ignore
    /// An ACK has no business here.
    case reset(ResetReply)
    /// A connection request.
    case connectionRequest
}

/// What SYN-RECEIVED makes of a segment (RFC 9293, 3.10.7.4).
public enum HalfOpenDisposition: Hashable, Sendable, BitwiseCopyable {
    case ignore
    /// Say again where we stand: `<SEQ=ISS+1><ACK=IRS+1><CTL=ACK>`.
    case acknowledge
    /// The SYN again: the SYN-ACK again.
    case repeatAnswer
    /// Not ours: answer with a RST, keep the entry.
    case reset(ResetReply)
    /// The peer has given up: drop the entry, say nothing.
    case drop
    /// A SYN that starts anew inside the window: answer with a RST and drop the entry, as Linux does.
    case dropAndReset(ResetReply)
    /// The handshake is complete: ``Connection/init(completing:...)`` takes over and sees this very segment.
    case complete
}

extension HalfOpen {
    /// LISTEN's rule, which needs no state at all.
    public static func listenDisposition(_ seg: Segment) -> ListenDisposition {
        // 3.10.7.2, first: a RST is ignored.
        if seg.flags.contains(.rst) { return .ignore }
        // Second: an ACK to a port that only listens is answered with a RST.
        if seg.flags.contains(.ack) { return .reset(.bare(seq: seg.ack)) }
        // Third: a SYN. With a FIN it is no honest one (Linux drops it too).
        if seg.flags.contains(.syn) { return seg.flags.contains(.fin) ? .ignore : .connectionRequest }
        // Fourth: anything else is dropped.
        return .ignore
    }

    /// The entry that a SYN makes.
    /// - Parameters:
    ///   - defaultMSS: what a peer that tells of no MSS accepts: 536 for IPv4, 1220 for IPv6 (RFC 9293, 3.7.1,
    /// MUST-15).
    public init(
        answering seg: Segment, iss: SequenceNumber, defaultMSS: UInt16,
        configuration: TCPConfiguration, at now: Instant
    ) {
        let options = seg.options
        var agreement: Agreement = []
        if configuration.offersTimestamps, options.timestamps != nil { agreement.insert(.timestamps) }
        if configuration.offersSACK, options.isSACKPermitted { agreement.insert(.sack) }
        if configuration.offersWindowScale, options.windowScale != nil { agreement.insert(.windowScale) }
        if configuration.ecn != .off, seg.asksForECN { agreement.insert(.ecn) }
        self.answeredAt = now
        self.iss = iss
        self.irs = seg.seq
        self.tsRecent = options.timestamps?.value ?? 0
        self.mss = options.maximumSegmentSize ?? defaultMSS
        self.agreement = agreement
        self.peerScale = options.windowScale ?? 0
        self.retransmissions = 0
        self.synCount = 1
        self.repeatedAt = 0
        self.stage = .answerDue
    }

    /// The entry that would have been kept, rebuilt from the ACK that completes the handshake and from what its number
    /// says (RFC 4987, 3.6). No round trip can be measured with it.
    public init(
        completedBy seg: Segment, mss: UInt16, agreement: Agreement, peerScale: UInt8, at now: Instant
    ) {
        self.answeredAt = now
        self.iss = seg.ack + UInt32.max
        self.irs = seg.seq + UInt32.max
        self.tsRecent = seg.options.timestamps?.value ?? 0
        self.mss = mss
        self.agreement = agreement
        self.peerScale = peerScale
        self.retransmissions = 0
        self.synCount = 0
        self.repeatedAt = 0
        self.stage = .answered
    }

    /// `<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>`, with the options of the peer that we share.
    public func answer(
        mss: UInt16, timestampOffset: UInt32, configuration: TCPConfiguration, at now: Instant
    ) -> Segment {
        var seg = Segment()
        seg.seq = iss
        seg.ack = irs + 1
        seg.flags = agreement.contains(.ecn) ? [.syn, .ack, .ece] : [.syn, .ack]
        seg.window = configuration.synWindowField
        seg.options.layout = configuration.optionLayout
        seg.options.maximumSegmentSize = mss
        seg.options.isSACKPermitted = agreement.contains(.sack)
        if agreement.contains(.windowScale) { seg.options.windowScale = configuration.offeredScale.rawValue }
        seg.options.timestamps = timestamps(offset: timestampOffset, at: now)
        return seg
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`: where we stand.
    public func acknowledgement(
        timestampOffset: UInt32, configuration: TCPConfiguration, at now: Instant
    ) -> Segment {
        var seg = Segment()
        seg.seq = iss + 1
        seg.ack = irs + 1
        seg.flags = .ack
        seg.window = configuration.synWindowField
        seg.options.timestamps = timestamps(offset: timestampOffset, at: now)
        return seg
    }

    private func timestamps(offset: UInt32, at now: Instant) -> TCPTimestamps? {
        guard agreement.contains(.timestamps) else { return nil }
        return TCPTimestamps(value: offset &+ UInt32(truncatingIfNeeded: now.milliseconds), echoReply: tsRecent)
    }

    /// SYN-RECEIVED's rules for an entry of a listener, in the order of RFC 9293, 3.10.7.4.
    public func segmentArrives(_ seg: Segment, configuration: TCPConfiguration)
        -> HalfOpenDisposition
    {
        let nxt = irs + 1
        // The SYN that made this entry, again: the SYN-ACK was lost or late.
        if seg.flags.contains(.syn), !seg.flags.contains(.ack), !seg.flags.contains(.rst), seg.seq == irs {
            return .repeatAnswer
        }
        // First: check the sequence number, after PAWS (RFC 7323, 5.3).
        if isOutdated(seg) { return .acknowledge }
        let window = UInt32(configuration.synWindowField)
        guard seg.isAcceptable(nxt: nxt, window: window) else {
            // A SYN-ACK that acknowledges our SYN: the peer thinks it began. Tell it where we stand, keep the entry.
            return seg.flags.contains(.rst) ? .ignore : .acknowledge
        }
        // Second: RST. RFC 5961, 3.2: exactly RCV.NXT, or it is only a rumour.
        if seg.flags.contains(.rst) { return seg.seq == nxt ? .drop : .acknowledge }
        // Fourth: a SYN inside the window.
        if seg.flags.contains(.syn) {
            return .dropAndReset(.acknowledging(ack: seg.seq + seg.length))
        }
        // Fifth: ACK. Only ISS+1 is acceptable here; reset anything else and keep the entry.
        guard seg.flags.contains(.ack) else { return .ignore }
        guard seg.ack == iss + 1 else { return .reset(.bare(seq: seg.ack)) }
        return .complete
    }

    /// PAWS (RFC 7323, 5.3, R1).
    public func isOutdated(_ seg: Segment) -> Bool {
        guard agreement.contains(.timestamps), let ts = seg.options.timestamps, !seg.flags.contains(.rst) else {
            return false
        }
        return Int32(truncatingIfNeeded: ts.value &- tsRecent) < 0
    }

    /// Whether a segment echoes a timestamp that none of our SYN-ACKs can have had.
    public func hasStrangeEcho(
        _ seg: Segment, timestampOffset: UInt32, configuration: TCPConfiguration, at now: Instant
    ) -> Bool {
        guard agreement.contains(.timestamps), let ts = seg.options.timestamps else { return false }
        var sent = TimestampState()
        sent.offset = timestampOffset
        return !sent.hasSent(ts.echoReply, since: begunAt(configuration: configuration), at: now)
    }

    /// A SYN again: whether to answer it. The first one at once, then at most one in
    /// ``TCPConfiguration/synAckMinimumGap``, so that repeated SYNs cannot make us send more than they cost.
    public mutating func synRepeated(_ seg: Segment, configuration: TCPConfiguration, at now: Instant) -> Bool {
        // A client that goes without ECN now has taken its lost SYN for the fault of the question (RFC 3168, 6.1.1.1).
        if !seg.asksForECN { agreement.remove(.ecn) }
        synCount = synCount == .max ? .max : synCount &+ 1
        let unit = max(configuration.synAckMinimumGap.nanoseconds / 8, 1)
        let elapsed = max((now - answeredAt).nanoseconds, 0)
        guard synCount == 2 || elapsed >= unit &* Int64(repeatedAt &+ 8) else { return false }
        repeatedAt = UInt8(clamping: min((elapsed &+ unit &- 1) / unit, 247))
        return true
    }

    /// A segment that is not acceptable asks to be told where we stand: whether to tell. Text and a FIN always; what
    /// could be an answer itself the first time at once, then at the pace of repeated SYNs, which it shares (as Linux
    /// does), so that two ends that disagree do not answer each other for ever (RFC 5961, 7).
    public mutating func mayAcknowledge(_ seg: Segment, configuration: TCPConfiguration, at now: Instant) -> Bool {
        if seg.isMoreThanAnswer { return true }
        let unit = max(configuration.synAckMinimumGap.nanoseconds / 8, 1)
        let elapsed = max((now - answeredAt).nanoseconds, 0)
        guard repeatedAt == 0 || elapsed >= unit &* Int64(repeatedAt &+ 8) else { return false }
        repeatedAt = UInt8(clamping: min(max((elapsed &+ unit &- 1) / unit, 1), 247))
        return true
    }

    /// The timer has fired: the SYN-ACK goes out once more.
    public mutating func answerRepeated(at now: Instant) {
        retransmissions &+= 1
        repeatedAt = 0
        answeredAt = now
    }

    /// When the SYN came that made this entry, reckoned back over the times that the SYN-ACK waited.
    public func begunAt(configuration: TCPConfiguration) -> Instant {
        answeredAt - configuration.initialRTO * ((1 << Int64(min(retransmissions, 20))) - 1)
    }

    /// When the SYN-ACK is due again: 1 s after it first went out, then doubling (RFC 6298, 5.5).
    public func deadline(configuration: TCPConfiguration) -> Instant {
        answeredAt + configuration.initialRTO * (1 << Int64(min(retransmissions, 20)))
    }

    /// All that decides what this entry does next, for a digest; times relative to `now`.
    public func encode(into sink: inout SipHash, at now: Instant) {
        sink.combine(UInt64(iss.rawValue) << 32 | UInt64(irs.rawValue))
        sink.combine(UInt64(tsRecent) << 32 | UInt64(mss) << 16 | UInt64(agreement.rawValue) << 8 | UInt64(peerScale))
        sink.combine(UInt64(bitPattern: (answeredAt - now).nanoseconds))
        sink.combine(
            UInt64(repeatedAt) << 24 | UInt64(retransmissions) << 16 | UInt64(synCount) << 8 | UInt64(stage.rawValue))
    }
}

extension TCPConfiguration {
    /// The window field of a SYN or SYN-ACK, which is never scaled (RFC 7323, 2.2).
    public var synWindowField: UInt16 { synWindow ?? UInt16(clamping: receiveBuffer) }
}

extension Segment {
    /// Whether it carries text or a FIN. One without may be the answer to an answer of ours, and another answer would
    /// be answered again.
    var isMoreThanAnswer: Bool { payloadLength > 0 || flags.contains(.fin) }

    /// RFC 9293, 3.4, the four cases of an acceptable segment.
    @inlinable public func isAcceptable(nxt: SequenceNumber, window: UInt32) -> Bool {
        let length = length
        let first = seq - nxt
        if length == 0 { return window == 0 ? first == 0 : first < window }
        if window == 0 { return false }
        return first < window || (seq + (length &- 1)) - nxt < window
    }
}

extension HalfOpen {
    /// What fills unused places of a table.
    public static var vacant: HalfOpen {
        HalfOpen(
            answering: Segment(), iss: SequenceNumber(0), defaultMSS: 536, configuration: TCPConfiguration(), at: .zero)
    }
}
