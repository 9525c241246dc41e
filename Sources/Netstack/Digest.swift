public import NetPrimitives
import TCPStateMachine

extension NetworkStack {
    /// Which version of the encoding ``digest(at:)`` is taken over.
    public static var digestVersion: UInt64 { 1 }

    /// A number for all that decides what this stack does next: two stacks with the same one answer the same calls
    /// alike.
    ///
    /// Times count relative to `now`; counters, records of attempts and places in tables do not count. Tables are
    /// summed entry by entry, so that their order does not matter; queues count in their order.
    public func digest(at now: Instant) -> UInt64 {
        var sink = Self.newSink
        generator.encode(into: &sink)
        ports.encode(into: &sink)
        quiet.encode(into: &sink, at: now)
        keys.encode(into: &sink)
        cookieKeys.encode(into: &sink)
        answerLimits.encode(into: &sink, at: now)
        configuration.encode(into: &sink)
        interfaces.encode(into: &sink)
        sink.combine(connectionsDigest(at: now))
        sink.combine(halfOpenDigest(at: now))
        encodeRequests(into: &sink, at: now)
        sink.combine(timeWaitDigest(at: now))
        sink.combine(listenersDigest(at: now))
        encodeQueue(readyConnections, links: ConnectionEntry.readyLinks, into: &sink, at: now)
        encodeQueue(output, links: ConnectionEntry.outputLinks, into: &sink, at: now)
        if !evictionCursor.isNone { sink.combine(flows.tuple(flows.halfOpens[evictionCursor].key).hash(Self.newSink)) }
        if nextEviction > now { sink.combine(UInt64(bitPattern: (nextEviction - now).nanoseconds)) }
        encodeFragments(into: &sink, at: now)
        return sink.finish()
    }

    static var newSink: SipHash { SipHash(key: SipKey(0, digestVersion)) }

    private func connectionsDigest(at now: Instant) -> UInt64 {
        var sum: UInt64 = 0
        for index in 0..<flows.connections.capacityUsed {
            let slot = Slot(UInt32(truncatingIfNeeded: index))
            if !flows.connections[slot].flags.isEmpty { sum &+= connectionDigest(slot, at: now) }
        }
        return sum
    }

    private func connectionDigest(_ slot: Slot, at now: Instant) -> UInt64 {
        let entry = flows.connections[slot]
        var sink = Self.newSink
        sink.combine(flows.tuple(entry.key).hash(Self.newSink))
        sink.combine(UInt64(entry.flags.rawValue) << 8 | UInt64(entry.readiness.rawValue))
        sink.combine(UInt64(entry.endCode) << 32 | UInt64(entry.interface.rawValue))
        if configuration.evictIdle != nil { sink.combine(UInt64(silence(of: slot, at: now))) }
        entry.tcb.encode(into: &sink, memory: memory, at: now)
        return sink.finish()
    }

    /// Each list in its order: the same repetitions, the same deadlines, one after the other.
    private func halfOpenDigest(at now: Instant) -> UInt64 {
        var sink = Self.newSink
        for repetitions in 0...UInt8(HalfOpenLists.count) {
            let list =
                repetitions < HalfOpenLists.count ? halfOpenLists[repetitions] : halfOpenLists.due
            var slot = list.first
            sink.combine(UInt64(repetitions))
            while !slot.isNone {
                let entry = flows.halfOpens[slot]
                sink.combine(flows.tuple(entry.key).hash(Self.newSink))
                entry.halfOpen.encode(into: &sink, at: now)
                slot = entry.neighbours.next
            }
        }
        return sink.finish()
    }

    private func timeWaitDigest(at now: Instant) -> UInt64 {
        var sink = Self.newSink
        var slot = timeWaitList.first
        while !slot.isNone {
            let entry = flows.timeWaits[slot]
            sink.combine(flows.tuple(entry.key).hash(Self.newSink))
            entry.timeWait.encode(into: &sink, at: now)
            slot = entry.neighbours.next
        }
        return sink.finish()
    }

    private func listenersDigest(at now: Instant) -> UInt64 {
        var sum: UInt64 = 0
        for index in 0..<listeners.entries.capacityUsed {
            let entry = listeners.entries[Slot(UInt32(truncatingIfNeeded: index))]
            guard entry.generation != 0 else { continue }
            let own = FourTuple(
                local: entry.local.address, localPort: entry.local.port, remote: entry.local.address, remotePort: 0,
                interface: InterfaceID(0))
            var sink = Self.newSink
            sink.combine(own.hash(Self.newSink))
            sink.combine(UInt64(entry.backlog) << 32 | UInt64(entry.halfOpen) << 1 | (entry.isReady ? 1 : 0))
            sink.combine(UInt64(entry.cookieCodec.rawValue))
            sink.combine(entry.mode.code)
            sink.combine(entry.cookieSentAt.map { UInt64(bitPattern: ($0 - now).nanoseconds) } ?? .max)
            encodeQueue(entry.acceptQueue, links: ConnectionEntry.readyLinks, into: &sink, at: now)
            sum &+= sink.finish()
        }
        return sum
    }

    /// A queue as the digests of its connections, first to last: those that are over, and that nobody has accepted yet,
    /// may have the 4-tuple of others.
    private func encodeQueue(_ list: SlotList, links: Int, into sink: inout SipHash, at now: Instant) {
        var slot = list.first
        sink.combine(UInt64(truncatingIfNeeded: list.count))
        while !slot.isNone {
            sink.combine(connectionDigest(slot, at: now))
            slot = flows.connections[slot][links: links].next
        }
    }
}

extension Configuration {
    /// Every field, in the order of its declaration.
    func encode(into sink: inout SipHash) {
        tcp.encode(into: &sink)
        sink.combine(UInt64(bitPattern: Int64(budget)))
        sink.combine(UInt64(prefixShare))
        sink.combine(evictIdle.map { UInt64(bitPattern: $0.nanoseconds) } ?? .max)
        sink.combine(UInt64(bitPattern: Int64(fragmentMemoryLimit)))
        sink.combine(UInt64(bitPattern: Int64(fragmentedDatagramLimit)))
        sink.combine(UInt64(bitPattern: Int64(halfOpenLimit)))
        sink.combine(UInt64(bitPattern: Int64(requestLimit)))
        sink.combine(UInt64(bitPattern: Int64(timeWaitLimit)))
        sink.combine(UInt64(bitPattern: Int64(synBacklogLimit ?? -1)))
        sink.combine(UInt64(ephemeralPorts.first) << 16 | UInt64(ephemeralPorts.last))
        sink.combine(
            UInt64(trafficClass) << 16 | UInt64(hopLimit) << 8 | UInt64(synCookies.rawValue) << 2
                | (abortsOnOverflow ? 2 : 0) | (answersEcho ? 1 : 0))
        sink.combine(UInt64(floodThreshold))
        sink.combine(UInt64(cookieCodec.rawValue))
        sink.combine(UInt64(bitPattern: cookieEpoch.nanoseconds))
        sink.combine(UInt64(icmpErrorsPerSecond) << 32 | UInt64(resetsPerSecond))
        sink.combine(UInt64(bitPattern: sequenceClock.nanoseconds))
        sink.combine(UInt64(bitPattern: quietTime.nanoseconds))
        sink.combine(fixedInitialSequence.map { UInt64($0) } ?? .max)
    }
}
