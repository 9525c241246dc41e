public import NetPrimitives
public import WireFormats

/// What the caller knows of the way to the peer, and the machine has to know too.
public struct PathFacts: Hashable, Sendable, BitwiseCopyable {
    /// What one segment may carry on our interface: MTU less 40 for IPv4, less 60 for IPv6.
    public var mss: UInt16
    /// What a peer that tells of no MSS accepts: 536 for IPv4, 1220 for IPv6 (RFC 9293, 3.7.1, MUST-15).
    public var defaultPeerMSS: UInt16
    /// The offset of our timestamps between these ends.
    public var timestampOffset: UInt32

    @inlinable public init(mss: UInt16, defaultPeerMSS: UInt16, timestampOffset: UInt32) {
        self.mss = mss
        self.defaultPeerMSS = defaultPeerMSS
        self.timestampOffset = timestampOffset
    }
}

extension Connection {
    /// Chunks that a connection has reserved from its beginning to its end: one each way.
    @inlinable public static var reservedChunks: Int { 2 }

    /// RFC 9293, 3.10.1, OPEN, active: state SYN-SENT, a SYN to send.
    /// - Returns: `nil` when the memory for its buffers cannot be promised.
    public init?(
        opening iss: SequenceNumber, path: PathFacts, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant
    ) {
        guard memory.chunks.reserve(Self.reservedChunks) else { return nil }
        self.init(state: .synSent, iss: iss, irs: SequenceNumber(0), path: path, configuration: configuration)
        flags.insert(.active)
        if configuration.ecn == .always { ecn = .asked }
        lifetimeAt = now + configuration.synTimeLimit
        inFlight = memory.inFlight.insert(InFlight())
        memory.inFlight[inFlight].startedAt = now
    }

    /// A handshake that a listener began and `seg` completes: state ESTABLISHED. Pass `seg` to
    /// ``segmentArrives(_:payload:memory:configuration:at:)`` next: its window and its data count.
    /// - Parameter syn: when the SYN-ACK went out, for a first round-trip time; `nil` when it was sent more than once.
    /// - Returns: `nil` when the memory for its buffers cannot be promised.
    public init?(
        completing halfOpen: HalfOpen, with seg: Segment, path: PathFacts,
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) {
        guard memory.chunks.reserve(Self.reservedChunks) else { return nil }
        self.init(
            state: .established, iss: halfOpen.iss, irs: halfOpen.irs, path: path, configuration: configuration)
        if halfOpen.agreement.contains(.timestamps) {
            flags.insert(.timestamps)
            noteTimestamp(halfOpen.tsRecent, at: now)
        }
        if halfOpen.agreement.contains(.sack) { flags.insert(.sack) }
        if halfOpen.agreement.contains(.windowScale) {
            sendScale = WindowScale(halfOpen.peerScale)
            receiveScale = configuration.offeredScale
        }
        if halfOpen.agreement.contains(.ecn), configuration.ecn != .off { ecn = .agreed }
        acceptPeerMSS(halfOpen.mss)
        // The window of the completing segment is the first that counts, and it is scaled.
        updateSendWindow(seg)
        if configuration.opensLikeLinux { boundToHalfWindow() }
        congestion = CongestionControl(segments: configuration.initialWindow, mss: segmentPayload)
        rcv.nxt = irs + 1
        rcv.advertisedEdge = rcv.nxt + UInt32(configuration.synWindowField)
        rcv.lastAckSent = rcv.nxt
        snd.una = iss + 1
        snd.nxt = snd.una
        snd.max = snd.una
        // RFC 6298, 3: no measurement from what was retransmitted.
        if halfOpen.retransmissions == 0 {
            if halfOpen.synCount == 1 { roundTrip.measure(now - halfOpen.answeredAt, configuration: configuration) }
        } else {
            roundTrip.distrustHandshake()
            congestion.window = segmentPayload
        }
    }

    /// Segments that two of fit into the window, so that a small one does not stop and go (Linux); a window below 536
    /// is taken whole.
    private mutating func boundToHalfWindow() {
        let options = UInt32(mss) &- min(segmentPayload, UInt32(mss))
        let bound = snd.wnd > 536 ? snd.wnd / 2 : snd.wnd
        guard bound > 0, segmentPayload > bound else { return }
        mss = UInt16(clamping: max(bound, 48) &+ options)
    }

    /// What fills unused places of a table.
    public static var vacant: Connection {
        Connection(
            state: .closed, iss: SequenceNumber(0), irs: SequenceNumber(0),
            path: PathFacts(mss: 536, defaultPeerMSS: 536, timestampOffset: 0), configuration: TCPConfiguration())
    }

    private init(
        state: ConnectionState, iss: SequenceNumber, irs: SequenceNumber, path: PathFacts,
        configuration: TCPConfiguration
    ) {
        self.state = state
        self.iss = iss
        self.irs = irs
        sendScale = .none
        receiveScale = .none
        probesUnanswered = 0
        flags = []
        mss = path.mss
        advertisedMSS = path.mss
        defaultPeerMSS = path.defaultPeerMSS
        snd = SendSequence(una: iss, nxt: iss, max: iss, wnd: 0, wl1: irs, wl2: iss, maxWnd: 0)
        rcv = ReceiveSequence(nxt: irs, advertisedEdge: irs, lastAckSent: irs)
        timestamps = TimestampState()
        timestamps.offset = path.timestampOffset
        congestion = CongestionControl(segments: configuration.initialWindow, mss: UInt32(path.mss))
        roundTrip = RoundTripEstimator(initial: configuration.initialRTO)
        inFlight = .none
        outOfOrder = .none
        sendRing = ByteRing()
        receiveRing = ByteRing()
        retransmitAt = .distantFuture
        ackAt = .distantFuture
        lifetimeAt = .distantFuture
        finSequence = irs
        challengedAt = 0
        receivedAt = 0
        smallEnd = iss
        duplicate = SequenceRange(irs, irs)
        quickAcksLeft = 0
        ecn = []
        if !configuration.usesNagle { flags.insert(.noDelay) }
    }

    /// Eff.snd.MSS (RFC 9293, 3.7.1, MUST-16), never absurdly small (Linux: 48).
    mutating func acceptPeerMSS(_ peer: UInt16) { mss = min(mss, max(peer, 48)) }

    /// Takes over what the peer's SYN offers and we offered too (RFC 7323, 1.3; RFC 2018, 2).
    mutating func negotiate(
        _ options: TCPOptions, defaultMSS: UInt16, configuration: TCPConfiguration, at now: Instant
    ) {
        acceptPeerMSS(options.maximumSegmentSize ?? defaultMSS)
        if configuration.offersTimestamps, let ts = options.timestamps {
            flags.insert(.timestamps)
            noteTimestamp(ts.value, at: now)
        }
        if configuration.offersSACK, options.isSACKPermitted { flags.insert(.sack) }
        if configuration.offersWindowScale, let shift = options.windowScale {
            sendScale = WindowScale(shift)
            receiveScale = configuration.offeredScale
        }
        congestion = CongestionControl(segments: configuration.initialWindow, mss: segmentPayload)
    }

    /// `<SEQ=ISS><CTL=SYN>`, and with an ACK once the peer's SYN is known (simultaneous open).
    func synSegment(configuration: TCPConfiguration, at now: Instant) -> Segment {
        var seg = Segment()
        seg.seq = iss
        seg.flags = .syn
        seg.window = configuration.synWindowField
        seg.options.layout = configuration.optionLayout
        seg.options.maximumSegmentSize = advertisedMSS
        seg.options.isSACKPermitted = configuration.offersSACK
        if configuration.offersWindowScale { seg.options.windowScale = configuration.offeredScale.rawValue }
        if configuration.offersTimestamps {
            seg.options.timestamps = TCPTimestamps(value: timestamps.value(at: now), echoReply: 0)
        }
        if ecn.contains(.asked) { seg.flags.formUnion([.ece, .cwr]) }
        if state == .synReceived {
            seg.flags.insert(.ack)
            if ecn.contains(.agreed) { seg.flags.insert(.ece) }
            seg.ack = rcv.nxt
            // A SYN-ACK offers only what the SYN it answers offered (RFC 7323, 1.3; RFC 2018, 2).
            seg.options.isSACKPermitted = flags.contains(.sack)
            if !flags.contains(.scaled) { seg.options.windowScale = nil }
            seg.options.timestamps?.echoReply = timestamps.recent
            if !flags.contains(.timestamps) { seg.options.timestamps = nil }
        }
        return seg
    }
}
