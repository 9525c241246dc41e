import NetPrimitives
import TCPStateMachine

/// Who holds how much of the memory for connections: no network of peers more than its share.
extension NetworkStack {
    /// What one prefix may hold of `whole`.
    private func share(of whole: Int) -> Int {
        whole &* Int(min(max(configuration.prefixShare, 1), 100)) / 100
    }

    /// Whether a connection with this peer may reserve its memory; counts why not.
    mutating func maySettle(_ prefix: PrefixPlace) -> Bool {
        guard
            configuration.prefixShare >= 100
                || memoryShares.count(at: prefix) &+ Connection.reservedChunks <= share(of: memory.chunks.chunkLimit)
        else {
            counters.prefixRefusals &+= 1
            return false
        }
        return true
    }

    /// What follows is done for this connection, and goes on the account of its prefix.
    @inline(__always) mutating func openAccount(of slot: Slot) {
        let prefix = flows.connections[slot].prefix
        // Most of the time nobody holds any ranges.
        let ranges = memory.ranges.count == 0 ? 0 : rangeShares.count(at: prefix)
        memory.openAccount(
            chunks: max(share(of: memory.chunks.chunkLimit) &- memoryShares.count(at: prefix), 0),
            ranges: max(share(of: plan.ranges) &- ranges, 0))
    }

    /// It is done.
    @inline(__always) mutating func closeAccount(of slot: Slot) {
        let taken = memory.closeAccount()
        if taken.chunks != 0 { memoryShares.add(taken.chunks, at: flows.connections[slot].prefix) }
        if taken.ranges != 0 { rangeShares.add(taken.ranges, at: flows.connections[slot].prefix) }
        if !memory.shortage.isNone { noteShortage() }
    }

    private mutating func noteShortage() {
        counters.outOfOrderRefused &+= UInt64(memory.shortage.outOfOrder)
        counters.outOfOrderDropped &+= UInt64(memory.shortage.reneged)
        counters.inOrderRefused &+= UInt64(memory.shortage.inOrder)
        counters.writesRefused &+= UInt64(memory.shortage.writes)
        // Whatever one call asks for, four chunks and a set of ranges would have been enough.
        let isLeft = memory.chunks.freeBytes >= 4 &* ChunkPool.chunkSize && memory.ranges.count < plan.ranges
        if isLeft { counters.prefixShortages &+= 1 } else { counters.memoryShortages &+= 1 }
        memory.shortage = MemoryShortage()
    }
}

// MARK: - Half-open entries

extension NetworkStack {
    /// Entries that one search looks at.
    private static var evictionReach: Int { 64 }

    /// No entry more fits, whichever listener it is for.
    var isHalfOpenTableFull: Bool { flows.halfOpens.count >= min(configuration.halfOpenLimit, plan.halfOpens) }

    /// The table is full, and no cookie can be sent: an entry of the network that has most of them gives way.
    ///
    /// The search goes through the entries in the order of their deadlines and looks at 64 of them, each time at the
    /// next ones. Of the largest prefix among them the oldest goes. A flood that fills the table is met at once,
    /// whatever it looks like; a table of up to 64 entries is searched whole.
    mutating func evictHalfOpen(at now: Instant) {
        var victim = Slot.none
        var most = 0
        var slot = evictionCursor.isNone ? nextHalfOpen(after: .none) : evictionCursor
        for _ in 0..<min(Self.evictionReach, flows.halfOpens.count) {
            if slot.isNone { slot = nextHalfOpen(after: .none) }
            // Nothing but requests: they are the application's to end.
            if slot.isNone { break }
            let tuple = flows.tuple(flows.halfOpens[slot].key)
            let held = halfOpenShares.count(at: flows.prefixPlace(of: tuple))
            if held > most || held == most && isOlder(slot, than: victim) { (victim, most) = (slot, held) }
            slot = nextHalfOpen(after: slot)
        }
        guard !victim.isNone else { return }
        evictionCursor = slot
        counters.halfOpenEvictions &+= 1
        counters.attemptFails &+= 1
        attemptFailed(victim, .dropped, at: now)
        removeHalfOpen(victim)
    }

    private func isOlder(_ slot: Slot, than other: Slot) -> Bool {
        other.isNone
            || flows.halfOpens[slot].halfOpen.begunAt(configuration: configuration.tcp)
                < flows.halfOpens[other].halfOpen.begunAt(configuration: configuration.tcp)
    }

    /// The entries in order: most repetitions first, and of each number the oldest.
    func nextHalfOpen(after slot: Slot) -> Slot {
        var list = HalfOpenLists.count + 1
        if !slot.isNone {
            let next = flows.halfOpens[slot].neighbours.next
            if !next.isNone { return next }
            list = halfOpenLists.place(of: flows.halfOpens[slot].halfOpen)
        }
        while list > 0 {
            list -= 1
            let first = halfOpenLists.first(ofList: list)
            if !first.isNone { return first }
        }
        return .none
    }
}
