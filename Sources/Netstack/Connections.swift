public import NetPrimitives
import TCPStateMachine
import WireFormats

/// What happens to connections as a whole: they come, things happen to them, they go.
extension NetworkStack {
    /// What a segment of ours may carry, and what we tell the peer of.
    func ownMSS(for tuple: FourTuple, by interface: InterfaceID) -> UInt16 {
        let mss = interfaces[interface].mss(isIPv6: tuple.isIPv6)
        return min(mss, configuration.tcp.maximumSegment ?? mss)
    }

    /// - Parameter offset: of the connection's timestamps, where it is not the stack's own choice.
    func pathFacts(for tuple: FourTuple, by interface: InterfaceID, timestampOffset offset: UInt32? = nil) -> PathFacts
    {
        PathFacts(
            mss: ownMSS(for: tuple, by: interface), defaultPeerMSS: tuple.defaultMSS,
            timestampOffset: offset ?? timestampOffset(for: tuple))
    }

    /// Puts a connection into its table and into the index.
    mutating func insertConnection(
        _ tcb: Connection, key: FlowKey, prefix: PrefixPlace, tuple: FourTuple, interface: InterfaceID
    ) -> Slot {
        memoryShares.add(Connection.reservedChunks, at: prefix)
        let entry = ConnectionEntry(
            tcb, key: key, prefix: prefix, interface: interface, flowLabel: flowLabel(for: tuple),
            generation: nextGeneration())
        let slot = flows.connections.insert(entry)
        flows.add(.connection(slot))
        flows.connections[slot].flags.insert(.indexed)
        return slot
    }

    /// A segment for a connection.
    mutating func segmentArrives(
        _ seg: Segment, payload: Span<UInt8>, connection slot: Slot, tuple: FourTuple, answers: inout PacketBatch,
        at now: Instant
    ) {
        flows.connections[slot].heardAt = UInt32(truncatingIfNeeded: now.seconds)
        openAccount(of: slot)
        let disposition = flows.connections[slot].tcb.segmentArrives(
            seg, payload: payload, memory: &memory, configuration: configuration.tcp, at: now)
        closeAccount(of: slot)
        if let reply = disposition.reply {
            answer(reply, tuple, by: flows.connections[slot].interface, into: &answers, at: now)
        }
        if !disposition.effects.isDisjoint(with: .counted) { count(disposition.effects, seg) }
        if disposition.end == .aborted { counters.abortsOnData &+= 1 }
        perform(disposition, on: slot, at: now)
    }

    private mutating func count(_ effects: ConnectionEffects, _ seg: Segment) {
        if effects.contains(.challenged) { counters.challengeAcks &+= 1 }
        if effects.contains(.challengeHeld) { counters.challengeAcksHeld &+= 1 }
        if !effects.isDisjoint(with: [.challenged, .challengeHeld]), seg.flags.contains(.syn) {
            counters.synChallenges &+= 1
        }
        if effects.contains(.outdated) { counters.outdatedSegments &+= 1 }
        if effects.contains(.strangeEcho) { counters.openingEchoesRefused &+= 1 }
    }

    /// Does what the machine has decided.
    mutating func perform(_ disposition: Disposition, on slot: Slot, at now: Instant) {
        let effects = disposition.effects
        var readiness: Readiness = []
        if effects.contains(.readable) { readiness.insert(.readable) }
        if effects.contains(.writable) { readiness.insert(.writable) }
        if effects.contains(.readClosed) { readiness.insert(.readClosed) }
        if effects.contains(.established) {
            readiness.insert(.established)
            concludeAttempt(of: slot, .established, at: now)
        }
        if let end = disposition.end {
            conclude(slot, end, at: now)
            readiness.insert(.closed)
        } else if effects.contains(.timeWait) {
            flows.connections[slot].endCode = ConnectionEnd.closed.rawValue + 1
            beginTimeWait(slot, at: now)
            readiness.insert(.closed)
        }
        if !readiness.isEmpty {
            flows.connections[slot].readiness.formUnion(readiness)
            if flows.connections[slot].flags.contains(.held) { markReady(slot) }
        }
        update(slot, at: now)
    }

    /// Sees to it that a connection is sent from, woken and forgotten when it should be. After whatever happened to it.
    mutating func update(_ slot: Slot, at now: Instant) {
        let sends =
            flows.connections[slot].flags.contains(.resetDue)
            || flows.connections[slot].tcb.hasSegment(memory: memory, configuration: configuration.tcp)
        if sends {
            if !flows.connections[slot].flags.contains(.output) {
                flows.connections[slot].flags.insert(.output)
                flows.connections.append(slot, to: &output, links: ConnectionEntry.outputLinks)
            }
        } else {
            flows.connections[slot].tcb.armPersistTimer(memory: memory, configuration: configuration.tcp, at: now)
        }
        if let deadline = flows.connections[slot].tcb.nextDeadline { timers.arm(slot, at: deadline) }
        if !sends { forgetIfUnused(slot) }
    }

    /// The connection is over: no segment finds it any more.
    private mutating func conclude(_ slot: Slot, _ end: ConnectionEnd, at now: Instant) {
        flows.connections[slot].endCode = end.rawValue + 1
        let verdict: Verdict
        switch end {
        case .refused: verdict = .refused
        case .timedOut: verdict = .timedOut
        case .unreachable: verdict = .unreachable
        default: verdict = .aborted
        }
        if concludeAttempt(of: slot, verdict, at: now) { counters.attemptFails &+= 1 }
        if end == .reset { counters.establishedResets &+= 1 }
        if end == .timedOut { counters.abortsOnTimeout &+= 1 }
        if flows.connections[slot].flags.contains(.indexed) { detach(slot) }
    }

    /// Takes a connection out of the index. It keeps its key: there may be a last word to send.
    mutating func detach(_ slot: Slot) {
        flows.remove(.connection(slot))
        flows.connections[slot].flags.remove(.indexed)
        timers.disarm(slot)
    }

    /// ABORT by the application or by the end of its listener.
    mutating func abortConnection(_ slot: Slot, at now: Instant) {
        openAccount(of: slot)
        let disposition = flows.connections[slot].tcb.abort(memory: &memory)
        closeAccount(of: slot)
        end(slot, disposition, at: now)
    }

    /// ABORT of every connection there is, held by somebody or not: for a driver that ends. Each peer gets a RST with
    /// the next ``transmit(into:at:)``; handles stay, and tell ``ConnectionFailure/aborted``.
    public mutating func abortAll(at now: Instant) {
        for index in 0..<flows.connections.capacityUsed {
            let slot = Slot(UInt32(truncatingIfNeeded: index))
            // A free place is in no index, nor is a connection that is over.
            if flows.connections[slot].flags.contains(.indexed) { abortConnection(slot, at: now) }
        }
    }

    /// A call of the user has ended a connection, or not. A RST waits for the next transmit: the entry stays until
    /// then.
    mutating func end(_ slot: Slot, _ disposition: Disposition, at now: Instant) {
        if disposition.reply != nil { flows.connections[slot].flags.insert(.resetDue) }
        perform(disposition, on: slot, at: now)
    }

    /// Frees the entry of a connection that is over, said all it had to say, and that nobody holds.
    mutating func forgetIfUnused(_ slot: Slot) {
        let entry = flows.connections[slot].flags
        guard entry.isDisjoint(with: [.held, .indexed, .queued, .resetDue]) else { return }
        if entry.contains(.ready) {
            flows.connections.remove(slot, from: &readyConnections, links: ConnectionEntry.readyLinks)
        }
        if entry.contains(.output) {
            flows.connections.remove(slot, from: &output, links: ConnectionEntry.outputLinks)
        }
        timers.disarm(slot)
        if !flows.connections[slot].attempt.isNone { attempts.remove(flows.connections[slot].attempt) }
        openAccount(of: slot)
        flows.connections[slot].tcb.destroy(memory: &memory)
        closeAccount(of: slot)
        memoryShares.add(-Connection.reservedChunks, at: flows.connections[slot].prefix)
        flows.release(flows.connections[slot].key)
        flows.connections[slot].generation = 0
        flows.connections[slot].flags = []
        flows.connections.remove(slot)
    }

    func check(_ id: ConnectionID) throws(StackError) -> Slot {
        guard id.slot.index < flows.connections.capacityUsed,
            flows.connections[id.slot].generation == id.generation, id.generation != 0
        else { throw .staleHandle }
        return id.slot
    }
}
