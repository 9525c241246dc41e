import NetPrimitives
import TCPStateMachine
import WireFormats

/// The deadlines of half-open entries. All that have repeated their SYN-ACK equally often wait equally long, so a
/// queue for each number of repetitions is in order by itself.
struct HalfOpenLists: BitwiseCopyable, Sendable {
    /// By repetitions; the last takes all from there on.
    private var waiting = [16 of SlotList](repeating: SlotList())
    /// SYN-ACKs to be sent with the next ``NetworkStack/transmit(into:at:)``.
    var due = SlotList()

    static let count = 16

    /// Which list an entry stands in; the last, number ``count``, is that of those due.
    func place(of halfOpen: HalfOpen) -> Int {
        halfOpen.isAnswerDue ? Self.count : min(Int(halfOpen.retransmissions), Self.count - 1)
    }

    func first(ofList place: Int) -> Slot { place == Self.count ? due.first : waiting[place].first }

    @inline(__always) subscript(repetitions: UInt8) -> SlotList {
        get { waiting[min(Int(repetitions), Self.count - 1)] }
        set { waiting[min(Int(repetitions), Self.count - 1)] = newValue }
    }
}

extension NetworkStack {
    /// A SYN for a listener (RFC 9293, 3.10.7.2, third): a new half-open entry and its SYN-ACK.
    mutating func synArrives(
        _ seg: Segment, _ tuple: FourTuple, listener: Slot, interface: InterfaceID, answers: inout PacketBatch,
        iss: SequenceNumber? = nil, at now: Instant
    ) {
        if listeners.entries[listener].mode != .immediate {
            return requestArrives(seg, tuple, listener: listener, at: now)
        }
        // Linux: with a full accept queue a SYN is dropped without a word; the client will ask again.
        if listeners.entries[listener].isAcceptQueueFull {
            counters.listenOverflows &+= 1
            counters.listenDrops &+= 1
            noteOverload(listener, tuple, .dropped, at: now)
            return synDropped(seg, tuple, listener, at: now)
        }
        let isTableFull = isHalfOpenTableFull
        let isQueueFull = listeners.entries[listener].halfOpen > listeners.entries[listener].backlog
        let isFull = isQueueFull || isTableFull
        if configuration.synCookies == .always || isFull && configuration.synCookies == .whenFull {
            if isFull { counters.synQueueCookies &+= 1 }
            noteOverload(listener, tuple, .cookie, at: now)
            return sendCookie(
                answering: seg, tuple, listener: listener, interface: interface, answers: &answers, at: now)
        }
        if isTableFull, !isQueueFull {
            evictHalfOpen(at: now)
            noteOverload(listener, tuple, .evicted, at: now)
        }
        if isQueueFull || isHalfOpenTableFull {
            noteSynQueueDrop(ofListener: isQueueFull)
            noteOverload(listener, tuple, .dropped, at: now)
            return synDropped(seg, tuple, listener, at: now)
        }
        // Linux: without cookies the last quarter is kept for peers that are known, and none is.
        if configuration.synCookies == .off, let most = configuration.synBacklogLimit,
            most - Int(listeners.entries[listener].halfOpen) < most / 4
        {
            counters.listenDrops &+= 1
            return synDropped(seg, tuple, listener, at: now)
        }
        var entry = HalfOpenEntry.vacant
        entry.halfOpen = HalfOpen(
            answering: seg, iss: iss ?? initialSequence(for: tuple, at: now),
            defaultMSS: tuple.defaultMSS, configuration: configuration.tcp, at: now)
        entry.key = flows.makeKey(tuple)
        entry.listener = UInt16(truncatingIfNeeded: listener.rawValue)
        let slot = flows.halfOpens.insert(entry)
        flows.add(.halfOpen(slot))
        halfOpenShares.add(1, at: flows.prefixPlace(of: tuple))
        listeners.entries[listener].halfOpen &+= 1
        flows.halfOpens[slot].halfOpen.isAnswerDue = false
        flows.halfOpens.append(slot, to: &halfOpenLists[0])
        sendSynAck(slot, into: &answers, at: now)
    }

    /// A SYN finds no room: with its listener, or in the table that all listeners share.
    mutating func noteSynQueueDrop(ofListener: Bool) {
        if ofListener { counters.synQueueDrops &+= 1 } else { counters.synTableDrops &+= 1 }
        counters.listenDrops &+= 1
    }

    /// A segment for an entry in SYN-RECEIVED.
    mutating func segmentArrives(
        _ seg: Segment, payload: Span<UInt8>, halfOpen slot: Slot, tuple: FourTuple, interface: InterfaceID,
        answers: inout PacketBatch, at now: Instant
    ) {
        let halfOpen = flows.halfOpens[slot].halfOpen
        if halfOpen.stage.isRequest { return segmentArrives(seg, request: slot, at: now) }
        var disposition = halfOpen.segmentArrives(seg, configuration: configuration.tcp)
        if configuration.tcp.opensLikeLinux, disposition != .repeatAnswer, seg.options.timestamps != nil,
            halfOpen.hasStrangeEcho(
                seg, timestampOffset: timestampOffset(for: tuple), configuration: configuration.tcp, at: now)
        {
            counters.echoesRefused &+= 1
            disposition = seg.flags.contains(.rst) ? .ignore : .acknowledge
        }
        switch disposition {
        case .ignore:
            break
        case .acknowledge:
            if halfOpen.isOutdated(seg) { counters.outdatedSegments &+= 1 }
            guard flows.halfOpens[slot].halfOpen.mayAcknowledge(seg, configuration: configuration.tcp, at: now) else {
                counters.synAcksHeld &+= 1
                break
            }
            if seg.flags.contains(.rst) { counters.challengeAcks &+= 1 }
            let answer = halfOpen.acknowledgement(
                timestampOffset: timestampOffset(for: tuple), configuration: configuration.tcp, at: now)
            emit(answer, tuple, by: interface, into: &answers)
        case .repeatAnswer:
            if flows.halfOpens[slot].halfOpen.synRepeated(seg, configuration: configuration.tcp, at: now) {
                sendSynAck(slot, into: &answers, at: now)
            } else {
                counters.synAcksHeld &+= 1
            }
        case .reset(let reset):
            // A cookie that went out before this entry was made counts as well.
            let listener = Slot(UInt32(flows.halfOpens[slot].listener))
            guard
                completeByCookie(
                    seg, payload: payload, tuple, listener: listener, interface: interface, replacing: slot,
                    answers: &answers, at: now)
            else { return answer(reset, tuple, by: interface, into: &answers, at: now) }
        case .drop:
            counters.embryonicResets &+= 1
            counters.attemptFails &+= 1
            attemptFailed(slot, .refused, at: now)
            removeHalfOpen(slot)
        case .dropAndReset(let reset):
            counters.embryonicResets &+= 1
            counters.attemptFails &+= 1
            attemptFailed(slot, .aborted, at: now)
            removeHalfOpen(slot)
            answer(reset, tuple, by: interface, into: &answers, at: now)
        case .complete:
            complete(slot, seg, payload: payload, tuple: tuple, interface: interface, answers: &answers, at: now)
        }
    }

    mutating func sendSynAck(_ slot: Slot, into batch: inout PacketBatch, at now: Instant) {
        let tuple = flows.tuple(flows.halfOpens[slot].key)
        guard let interface = interfaces.route(to: tuple.remoteAddress) else { return }
        let answer = flows.halfOpens[slot].halfOpen.answer(
            mss: ownMSS(for: tuple, by: interface), timestampOffset: timestampOffset(for: tuple),
            configuration: configuration.tcp, at: now)
        emit(answer, tuple, by: interface, into: &batch)
    }

    /// The third packet is here: the entry becomes a connection in the accept queue, if that has room.
    private mutating func complete(
        _ slot: Slot, _ seg: Segment, payload: Span<UInt8>, tuple: FourTuple, interface: InterfaceID,
        answers: inout PacketBatch, at now: Instant
    ) {
        let listener = Slot(UInt32(flows.halfOpens[slot].listener))
        // Linux: the ACK is ignored, the entry stays, its SYN-ACK goes on being repeated until a place is free.
        if listeners.entries[listener].isAcceptQueueFull {
            counters.listenOverflows &+= 1
            counters.listenDrops &+= 1
            if configuration.abortsOnOverflow {
                counters.embryonicResets &+= 1
                counters.attemptFails &+= 1
                attemptFailed(slot, .aborted, at: now)
                removeHalfOpen(slot)
                answer(.bare(seq: seg.ack), tuple, by: interface, into: &answers, at: now)
            }
            return
        }
        establish(
            flows.halfOpens[slot].halfOpen, replacing: slot, seg, payload: payload, tuple, listener: listener,
            interface: interface, answers: &answers, at: now)
    }

    /// An ACK that nothing was kept for may carry a cookie of ours.
    /// - Parameter slot: an entry of the same 4-tuple, which a later SYN made.
    /// - Returns: whether it does; then it is dealt with.
    mutating func completeByCookie(
        _ seg: Segment, payload: Span<UInt8>, _ tuple: FourTuple, listener: Slot, interface: InterfaceID,
        replacing slot: Slot? = nil, answers: inout PacketBatch, at now: Instant
    ) -> Bool {
        guard listeners.entries[listener].mode == .immediate,
            let cookie = readCookie(seg, tuple, listener: listener, at: now)
        else { return false }
        noteCookieReturned(listener, at: now)
        // Linux: no answer either; the same ACK may come again when a place is free.
        if listeners.entries[listener].isAcceptQueueFull {
            counters.listenOverflows &+= 1
            counters.listenDrops &+= 1
            return true
        }
        establish(
            cookie.entry, replacing: slot, seg, payload: payload, tuple, listener: listener, interface: interface,
            timestampOffset: cookie.timestampOffset, answers: &answers, at: now)
        return true
    }

    private mutating func establish(
        _ halfOpen: HalfOpen, replacing slot: Slot?, _ seg: Segment, payload: Span<UInt8>, _ tuple: FourTuple,
        listener: Slot, interface: InterfaceID, timestampOffset: UInt32? = nil, answers: inout PacketBatch,
        at now: Instant
    ) {
        let prefix = flows.prefixPlace(of: tuple)
        guard maySettle(prefix) else {
            counters.listenDrops &+= 1
            return
        }
        guard
            let tcb = Connection(
                completing: halfOpen, with: seg,
                path: pathFacts(for: tuple, by: interface, timestampOffset: timestampOffset), memory: &memory,
                configuration: configuration.tcp, at: now)
        else {
            noteMemoryRefusal(at: now)
            counters.listenDrops &+= 1
            return
        }
        let attempt = passiveAttempt(halfOpen, tuple, listener: listener, at: now)
        let key = slot.map { unlinkHalfOpen($0) } ?? flows.makeKey(tuple)
        let connection = insertConnection(tcb, key: key, prefix: prefix, tuple: tuple, interface: interface)
        flows.connections[connection].listener = UInt16(truncatingIfNeeded: listener.rawValue)
        flows.connections[connection].flags.insert(.queued)
        flows.connections.append(
            connection, to: &listeners.entries[listener].acceptQueue, links: ConnectionEntry.readyLinks)
        markReady(listener: listener)
        counters.passiveOpens &+= 1
        report(attempt)
        segmentArrives(seg, payload: payload, connection: connection, tuple: tuple, answers: &answers, at: now)
    }

    // MARK: Leaving

    /// Takes the entry out of index, lists and counts.
    /// - Returns: its key, which now belongs to the caller.
    private mutating func unlinkHalfOpen(_ slot: Slot) -> FlowKey {
        let entry = flows.halfOpens[slot]
        if slot == evictionCursor { evictionCursor = nextHalfOpen(after: slot) }
        halfOpenShares.add(-1, at: flows.prefixPlace(of: flows.tuple(entry.key)))
        if entry.halfOpen.stage.isRequest {
            delistRequest(slot)
            // A handle that somebody still has must not find it.
            flows.halfOpens[slot].halfOpen.stage = .answered
        } else if entry.halfOpen.isAnswerDue {
            flows.halfOpens.remove(slot, from: &halfOpenLists.due)
        } else {
            flows.halfOpens.remove(slot, from: &halfOpenLists[entry.halfOpen.retransmissions])
        }
        flows.remove(.halfOpen(slot))
        if entry.listener != ConnectionEntry.noListener {
            listeners.entries[Slot(UInt32(entry.listener))].halfOpen &-= 1
        }
        flows.halfOpens.remove(slot)
        return entry.key
    }

    mutating func removeHalfOpen(_ slot: Slot) {
        tellEndOfAccepted(slot)
        let key = unlinkHalfOpen(slot)
        flows.release(key)
    }

    mutating func dropHalfOpens(of listener: Slot) {
        for repetitions in 0..<UInt8(HalfOpenLists.count) {
            dropHalfOpens(of: listener, from: halfOpenLists[repetitions].first)
        }
        dropHalfOpens(of: listener, from: halfOpenLists.due.first)
    }

    private mutating func dropHalfOpens(of listener: Slot, from first: Slot) {
        var slot = first
        while !slot.isNone {
            let next = flows.halfOpens[slot].neighbours.next
            if UInt32(flows.halfOpens[slot].listener) == listener.rawValue { removeHalfOpen(slot) }
            slot = next
        }
    }

    // MARK: Time

    /// SYN-ACKs that nobody answered: due again, or given up.
    mutating func halfOpenTimersFired(at now: Instant) {
        for repetitions in 0..<UInt8(HalfOpenLists.count) {
            while true {
                let slot = halfOpenLists[repetitions].first
                guard !slot.isNone,
                    flows.halfOpens[slot].halfOpen.deadline(configuration: configuration.tcp) <= now
                else { break }
                if flows.halfOpens[slot].halfOpen.retransmissions >= min(configuration.tcp.synAckRetries, 15) {
                    counters.halfOpenTimeouts &+= 1
                    counters.attemptFails &+= 1
                    attemptFailed(slot, .timedOut, at: now)
                    removeHalfOpen(slot)
                } else {
                    flows.halfOpens.remove(slot, from: &halfOpenLists[repetitions])
                    flows.halfOpens[slot].halfOpen.isAnswerDue = true
                    flows.halfOpens.append(slot, to: &halfOpenLists.due)
                }
            }
        }
    }

    var nextHalfOpenDeadline: Instant? {
        guard flows.halfOpens.count > 0 else { return nil }
        var first: Instant?
        for repetitions in 0..<UInt8(HalfOpenLists.count) {
            let slot = halfOpenLists[repetitions].first
            if slot.isNone { continue }
            let deadline = flows.halfOpens[slot].halfOpen.deadline(configuration: configuration.tcp)
            if first.map({ deadline < $0 }) ?? true { first = deadline }
        }
        return first
    }

    /// Sends the SYN-ACKs that are due, as far as there is room.
    mutating func transmitHalfOpens(into batch: inout PacketBatch, at now: Instant) {
        while batch.hasRoom(for: Self.largestBareSegment),
            let slot = flows.halfOpens.popFirst(from: &halfOpenLists.due)
        {
            flows.halfOpens[slot].halfOpen.isAnswerDue = false
            flows.halfOpens[slot].halfOpen.answerRepeated(at: now)
            flows.halfOpens.append(slot, to: &halfOpenLists[flows.halfOpens[slot].halfOpen.retransmissions])
            counters.synRetransmits &+= 1
            counters.segmentsRetransmitted &+= 1
            sendSynAck(slot, into: &batch, at: now)
        }
    }
}
