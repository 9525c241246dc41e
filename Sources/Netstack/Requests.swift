public import NetPrimitives
import TCPStateMachine
import WireFormats

/// What a request keeps in the fields of its entry that only an answered SYN needs.
extension HalfOpenEntry {
    /// Which request it is: 24 bits.
    var serial: UInt32 {
        get { halfOpen.iss.rawValue >> 8 }
        set { halfOpen.iss = SequenceNumber(newValue << 8 | UInt32(patience)) }
    }

    /// Half seconds that may pass after the last SYN, 1...127.
    var patience: UInt8 {
        get { UInt8(truncatingIfNeeded: halfOpen.iss.rawValue) }
        set { halfOpen.iss = SequenceNumber(serial << 8 | UInt32(newValue)) }
    }

    /// Milliseconds from the first SYN to the last, at most 65,535.
    var age: Interval {
        get { .milliseconds(Int64(halfOpen.retransmissions) << 8 | Int64(halfOpen.repeatedAt)) }
        set {
            let milliseconds = UInt16(clamping: (newValue.microseconds &+ 500) / 1000)
            halfOpen.retransmissions = UInt8(milliseconds >> 8)
            halfOpen.repeatedAt = UInt8(truncatingIfNeeded: milliseconds)
        }
    }

    var lastSYN: Instant {
        get { halfOpen.answeredAt }
        set { halfOpen.answeredAt = newValue }
    }

    /// Why it was withdrawn.
    var withdrawal: Withdrawal {
        get { Withdrawal(rawValue: halfOpen.repeatedAt) ?? .listenerClosed }
        set { halfOpen.repeatedAt = newValue.rawValue }
    }

    /// With what it is to be rejected.
    var rejection: UnreachableReason {
        get { UnreachableReason(rawValue: halfOpen.repeatedAt) ?? .host }
        set { halfOpen.repeatedAt = newValue.rawValue }
    }
}

// MARK: - The application's calls

extension NetworkStack {
    /// What is known of a request now.
    /// - Throws: ``StackError/staleHandle`` once it is decided or withdrawn.
    public func request(_ id: RequestID) throws(StackError) -> ConnectionRequest {
        let entry = flows.halfOpens[try check(id)]
        let halfOpen = entry.halfOpen
        let listener = Slot(UInt32(entry.listener))
        return ConnectionRequest(
            id: id, listener: ListenerID(slot: listener, generation: listeners.entries[listener].generation),
            tuple: flows.tuple(entry.key), maximumSegment: halfOpen.mss,
            windowScale: halfOpen.agreement.contains(.windowScale) ? halfOpen.peerScale : nil,
            offersSACK: halfOpen.agreement.contains(.sack),
            offersTimestamps: halfOpen.agreement.contains(.timestamps), since: entry.lastSYN - entry.age,
            synCount: Int(halfOpen.synCount))
    }

    /// Answers a request: what is to be sent goes out with the next ``transmit(into:at:)``. The handle is stale
    /// afterwards.
    /// - Throws: ``StackError/staleHandle`` once it is decided or withdrawn.
    public mutating func decide(_ id: RequestID, _ decision: RequestDecision, at now: Instant) throws(StackError) {
        let slot = try check(id)
        record(decision, on: slot, at: now)
        if decision == .ignore {
            // It stays where it is, with its deadline: SYNs that follow find it and are ignored too.
            flows.halfOpens[slot].halfOpen.stage = .ignored
        } else {
            carryOut(decision, on: slot)
        }
    }

    private func check(_ id: RequestID) throws(StackError) -> Slot {
        guard id.slot.index < flows.halfOpens.capacityUsed, flows.halfOpens[id.slot].halfOpen.stage == .undecided,
            flows.halfOpens[id.slot].serial == id.serial, flows.halfOpens[id.slot].halfOpen.irs == id.irs
        else { throw .staleHandle }
        return id.slot
    }

    /// Counts a decision, and tells of an attempt that it ends.
    mutating func record(_ decision: RequestDecision, on slot: Slot, at now: Instant) {
        switch decision {
        case .accept:
            counters.requestsAccepted &+= 1
        case .refuse:
            counters.requestsRefused &+= 1
            tell(requestAttempt(slot, .refused, at: now), of: slot)
        case .reject(let reason):
            counters.requestsRejected &+= 1
            var attempt = requestAttempt(slot, .unreachable, at: now)
            let isIPv6 = attempt.tuple.isIPv6
            attempt.icmp = ICMPEvidence(
                reporter: attempt.tuple.localAddress, type: UnreachableReason.type(isIPv6: isIPv6),
                code: reason.code(isIPv6: isIPv6), at: now)
            tell(attempt, of: slot)
        case .ignore:
            counters.requestsIgnored &+= 1
            tell(requestAttempt(slot, .ignored, at: now), of: slot)
        }
    }

    /// An attempt that is over without having become a connection: told singly, or in sum when there are many.
    mutating func tell(_ attempt: ConnectionAttempt, of slot: Slot) {
        attemptEnded(attempt, listener: Slot(UInt32(flows.halfOpens[slot].listener)), at: attempt.endedAt)
    }

    func requestAttempt(_ slot: Slot, _ verdict: Verdict, at now: Instant) -> ConnectionAttempt {
        let entry = flows.halfOpens[slot]
        var attempt = ConnectionAttempt(
            tuple: flows.tuple(entry.key), isActive: false, iss: SequenceNumber(0), irs: entry.halfOpen.irs,
            at: entry.lastSYN - entry.age)
        attempt.verdict = verdict
        attempt.synCount = entry.halfOpen.synCount
        attempt.endedAt = now
        return attempt
    }

    /// Has the answer to a request sent.
    mutating func carryOut(_ decision: RequestDecision, on slot: Slot) {
        if decision == .ignore { return removeHalfOpen(slot) }
        delistRequest(slot)
        switch decision {
        case .accept:
            flows.halfOpens[slot].halfOpen.stage = .acceptDue
        case .refuse:
            flows.halfOpens[slot].halfOpen.stage = .refuseDue
        case .reject(let reason):
            flows.halfOpens[slot].halfOpen.stage = .rejectDue
            flows.halfOpens[slot].rejection = reason
        case .ignore:
            break
        }
        flows.halfOpens.append(slot, to: &requestLists.decided)
    }
}

// MARK: - Segments

extension NetworkStack {
    /// SYNs closer together than this are copies of one another, not signs of how patient the client is.
    private static var copyGap: Interval { .milliseconds(250) }

    /// A SYN for a listener in request mode. When there is no room for its entry it is dropped without a word.
    mutating func requestArrives(_ seg: Segment, _ tuple: FourTuple, listener: Slot, at now: Instant) {
        let isWelcome = Int(listeners.entries[listener].halfOpen) < configuration.requestLimit
        guard isWelcome, !isHalfOpenTableFull else {
            noteSynQueueDrop(ofListener: !isWelcome)
            noteOverload(listener, tuple, .dropped, at: now)
            return synDropped(seg, tuple, listener, at: now)
        }
        // All that the client offers, as the application is to know; what we offer ourselves counts when it accepts.
        var everything = configuration.tcp
        (everything.offersTimestamps, everything.offersSACK, everything.offersWindowScale) = (true, true, true)
        var entry = HalfOpenEntry.vacant
        entry.halfOpen = HalfOpen(
            answering: seg, iss: SequenceNumber(0), defaultMSS: tuple.defaultMSS, configuration: everything,
            at: now)
        entry.halfOpen.stage = .untold
        entry.patience = patience(gap: .zero, age: .zero)
        entry.serial = nextGeneration() & 0xFF_FFFF
        entry.key = flows.makeKey(tuple)
        entry.listener = UInt16(truncatingIfNeeded: listener.rawValue)
        let slot = flows.halfOpens.insert(entry)
        flows.add(.halfOpen(slot))
        halfOpenShares.add(1, at: flows.prefixPlace(of: tuple))
        listeners.entries[listener].halfOpen &+= 1
        flows.halfOpens.append(slot, to: &requestLists.untold)
        counters.requests &+= 1
    }

    /// A segment for a request. Nothing is answered, whatever it is: that is the application's to say.
    mutating func segmentArrives(_ seg: Segment, request slot: Slot, at now: Instant) {
        let entry = flows.halfOpens[slot]
        if seg.flags.contains(.rst) {
            // RFC 5961, 3.2: exactly RCV.NXT, or it is only a rumour. That is what the RST of a client says which knows
            // of its SYN and of no answer, and anybody else has to guess it among 2^32. A challenge would be an answer.
            guard seg.seq == entry.halfOpen.irs + 1 else { return }
            switch entry.halfOpen.stage {
            case .untold, .undecided: withdraw(slot, .reset, at: now)
            case .withdrawn: break
            default: removeHalfOpen(slot)
            }
            return
        }
        // Any other SYN is of another attempt, older or newer or forged. With nothing said yet nothing can be found out
        // about it, so the first one stands, as long as its client repeats it.
        guard seg.flags.contains(.syn), seg.flags.isDisjoint(with: [.ack, .fin]), seg.seq == entry.halfOpen.irs else {
            return
        }
        flows.halfOpens[slot].halfOpen.synCount = entry.halfOpen.synCount == .max ? .max : entry.halfOpen.synCount + 1
        switch entry.halfOpen.stage {
        case .untold, .undecided, .ignored: synRepeated(slot, seg, at: now)
        default: break
        }
    }

    /// The client is still there: it is given two and a half times as long as it has just waited.
    private mutating func synRepeated(_ slot: Slot, _ seg: Segment, at now: Instant) {
        var entry = flows.halfOpens[slot]
        let gap = now - entry.lastSYN
        guard gap >= Self.copyGap else { return }
        let isListed = entry.halfOpen.stage != .untold
        if isListed { flows.halfOpens.remove(slot, from: &requestLists[entry.patience]) }
        entry = flows.halfOpens[slot]
        entry.age = entry.age + gap
        entry.lastSYN = now
        entry.patience = patience(gap: gap, age: entry.age)
        // RFC 7323, 4.3: what the SYN-ACK echoes is the last SYN's, or the client measures how long we have thought.
        if let timestamps = seg.options.timestamps, entry.halfOpen.agreement.contains(.timestamps) {
            entry.halfOpen.tsRecent = timestamps.value
        }
        flows.halfOpens[slot] = entry
        if isListed { flows.halfOpens.append(slot, to: &requestLists[entry.patience]) }
    }

    /// Whether a SYN that a TIME-WAIT would let through may become this listener's. The number of the answer is chosen
    /// only when a request is accepted: that it lies beyond the old connection's (RFC 9293, 3.6.1, MAY-2), its clock
    /// must grant.
    func mayReopen(_ timeWait: Slot, _ tuple: FourTuple, listener: Slot, at now: Instant) -> Bool {
        listeners.entries[listener].mode == .immediate
            || initialSequence(for: tuple, at: now).isAfter(flows.timeWaits[timeWait].timeWait.sndNxt)
    }

    /// Whether a packet is for a host that we are the gateway of, and of a kind in which we speak for it: TCP, and the
    /// errors about what was sent in its name.
    func isForGateway(_ facts: PacketFacts) -> Bool {
        let address = facts.destination
        let isSpokenFor =
            facts.upperProtocol == .tcp || facts.upperProtocol == (facts.source.isIPv6 ? .icmpv6 : .icmp)
        return isSpokenFor && interfaces.isBehindGateway(address, facts.interface) && address != facts.source
            && address.isUnicast && !interfaces.isBroadcast(address) && !isLoopback(address)
    }
}
