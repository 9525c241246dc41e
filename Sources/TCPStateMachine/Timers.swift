public import NetPrimitives
import WireFormats

/// Retransmission (RFC 6298), persist (RFC 9293, 3.8.6.1), delayed acknowledgement, and how long a state may last.
extension Connection {
    /// Time has passed: whatever deadline has come is acted on.
    public mutating func timersFired(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        if ackAt <= now {
            ackAt = .distantFuture
            flags.insert(.ackNow)
        }
        if lifetimeAt <= now {
            let end: ConnectionEnd = state == .finWait2 ? .closed : .timedOut
            finish(memory: &memory)
            return ended(end)
        }
        guard retransmitAt <= now else { return .proceed }
        if flags.contains(.persisting) { return probe(memory: &memory, configuration: configuration, at: now) }
        return isOpening
            ? synTimesOut(memory: &memory, configuration: configuration, at: now)
            : dataTimesOut(memory: &memory, configuration: configuration, at: now)
    }

    /// The SYN, or the SYN-ACK of a simultaneous open, was not answered in time.
    private mutating func synTimesOut(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        let timeouts = memory.inFlight[inFlight].timeouts
        if let most = configuration.synRetries, timeouts >= most {
            finish(memory: &memory)
            return ended(.timedOut)
        }
        memory.inFlight[inFlight].timeouts = timeouts &+ 1
        snd.nxt = iss
        retransmitAt = .distantFuture
        return Disposition(effects: .timeout)
    }

    /// How long to wait for an answer to a SYN: the first timeout, doubled each time, once the linear ones are used up.
    func synTimeout(memory: borrowing ConnectionMemory, configuration: TCPConfiguration) -> Interval {
        let timeouts = memory.inFlight[inFlight].timeouts
        // Linux: the SYN-ACK of a simultaneous open doubles from the first.
        let linear = state == .synSent ? configuration.synLinearTimeouts : 0
        let doublings = timeouts > linear ? timeouts &- linear : 0
        return min(configuration.initialRTO * (1 << Int64(min(doublings, 20))), .seconds(1 << 20))
    }

    /// RFC 6298, 5.4 to 5.6: the earliest unacknowledged segment again, the timer doubled.
    private mutating func dataTimesOut(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        retransmitAt = .distantFuture
        guard !inFlight.isNone else { return .proceed }
        guard memory.inFlight[inFlight].timeouts < configuration.dataRetries else {
            finish(memory: &memory)
            return ended(.timedOut)
        }
        if memory.inFlight[inFlight].timeouts == 0 {
            congestion.timedOut(flight: snd.max - snd.una, mss: segmentPayload)
            noteReduction(memory: &memory)
        }
        memory.inFlight[inFlight].timeouts &+= 1
        memory.inFlight[inFlight].isTiming = false
        memory.inFlight[inFlight].timedAt = now
        memory.inFlight[inFlight].isRecovering = false
        memory.inFlight[inFlight].holesDue = 0
        memory.inFlight[inFlight].duplicateAcks = 0
        // RFC 6582, 4: no fast retransmit for what was outstanding when the timer fired.
        memory.inFlight[inFlight].recover = snd.max
        let scoreboard = memory.inFlight[inFlight].scoreboard
        if !scoreboard.isNone {
            // RFC 2018, 8: after a timeout what was selectively acknowledged is no longer relied on.
            memory.ranges.remove(scoreboard)
            memory.inFlight[inFlight].scoreboard = .none
        }
        roundTrip.backoff = min(roundTrip.backoff &+ 1, 20)
        snd.nxt = snd.una
        if snd.wnd == 0 {
            // The peer has closed its window over what is on its way: ask before sending it again.
            flags.formUnion([.persisting, .probeDue])
            retransmitAt = now + roundTrip.retransmissionTimeout(maximum: configuration.maximumRTO)
        }
        return Disposition(effects: .timeout)
    }

    /// RFC 9293, 3.8.6.1: a closed window is probed, at growing intervals (SHLD-30), for as long as the peer answers
    /// (MUST-36, MUST-37). One that does not is given up like one that acknowledges no data.
    private mutating func probe(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        guard probesUnanswered < configuration.dataRetries else {
            finish(memory: &memory)
            return ended(.timedOut)
        }
        probesUnanswered &+= 1
        flags.insert(.probeDue)
        roundTrip.backoff = min(roundTrip.backoff &+ 1, 20)
        retransmitAt = now + roundTrip.retransmissionTimeout(maximum: configuration.maximumRTO)
        return .proceed
    }

    /// The window has opened: what was waiting goes out under a timer that has not been doubled.
    mutating func stopPersisting() {
        flags.subtract([.persisting, .probeDue])
        roundTrip.backoff = 0
        retransmitAt = .distantFuture
    }

    /// Nothing can be sent now. If only the peer's window is in the way and nothing on its way will bring news, a probe
    /// will have to ask.
    public mutating func armPersistTimer(
        memory: borrowing ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) {
        guard needsPersistTimer else { return }
        flags.insert(.persisting)
        retransmitAt = now + roundTrip.retransmissionTimeout(maximum: configuration.maximumRTO)
    }

    /// Something waits to be sent, nothing is on its way that could bring news, and no timer runs.
    public var needsPersistTimer: Bool {
        guard state.isSynchronized, state != .timeWait, retransmitAt == .distantFuture, snd.una == snd.max else {
            return false
        }
        return dataEnd.isAfter(snd.nxt) || flags.contains(.finQueued) && dataEnd == snd.nxt
    }

    /// ICMP says that the peer cannot be reached, about a segment of ours that began at `quoted`.
    /// - Returns: the end of the attempt in SYN-SENT (RFC 5461, 4.1), nothing otherwise: for an open connection it is
    ///   advice (RFC 9293, 3.9.2.2, MUST-56).
    public mutating func unreachable(
        quoted: SequenceNumber, memory: inout ConnectionMemory, configuration: TCPConfiguration
    ) -> Disposition {
        guard concerns(quoted), isOpening, !configuration.treatsUnreachableAsSoftError else { return .proceed }
        finish(memory: &memory)
        return ended(.unreachable)
    }

    /// Whether `quoted` is a number that we have in flight: what ICMP quotes must be (RFC 5927, 4.1).
    public func concerns(_ quoted: SequenceNumber) -> Bool {
        quoted.isAtOrAfter(snd.una) && quoted.isBefore(snd.max)
    }

    /// The path carries no more than `mss` in a segment: cut smaller, and send again what was too large (RFC 1191,
    /// 6.4).
    public mutating func pathCarries(_ smaller: UInt16, quoted: SequenceNumber) {
        guard concerns(quoted), smaller < mss else { return }
        mss = max(smaller, 48)
        if state.isSynchronized { snd.nxt = snd.una }
    }
}
