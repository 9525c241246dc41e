public import NetPrimitives
import TCPStateMachine

/// How often something has happened in the second that it is.
struct SecondCount: BitwiseCopyable, Sendable {
    private var second: UInt32 = 0
    private var count: UInt32 = 0

    /// Once more.
    /// - Returns: how often by now.
    mutating func next(at now: Instant) -> UInt32 {
        let second = UInt32(truncatingIfNeeded: now.seconds)
        if self.second != second { (self.second, count) = (second, 0) }
        count &+= 1
        return count
    }

    /// Once less, if it was in this second.
    mutating func takeBack(at now: Instant) {
        if count > 0, second == UInt32(truncatingIfNeeded: now.seconds) { count &-= 1 }
    }
}

/// A listener and its accept queue.
struct ListenerEntry: Listed, Sendable {
    var local: Endpoint
    var backlog: UInt32
    var generation: UInt32
    /// Half-open entries that belong to it: its SYN queue.
    var halfOpen: UInt32
    /// Established connections that the application has not taken.
    var acceptQueue: SlotList
    var isReady: Bool
    var mode: ListenerMode
    /// When the last classic cookie went out, and how the next cookie is made.
    var cookieSentAt: Instant?
    var cookieCodec: CookieCodec
    /// Attempts of this second that failed.
    var failed = SecondCount()
    /// What of this second makes a flood (``Configuration/floodThreshold``), and the flood that is watched, plus one.
    var overload = SecondCount()
    var flood: UInt8 = 0
    var link: Slot
    /// Links of the list of ready listeners.
    var neighbours: SlotLinks

    subscript(links list: Int) -> SlotLinks {
        get { neighbours }
        set { neighbours = newValue }
    }

    static var vacant: ListenerEntry {
        ListenerEntry(
            local: Endpoint(.v4(.any), 0), backlog: 0, generation: 0, halfOpen: 0, acceptQueue: SlotList(),
            isReady: false, mode: .immediate, cookieSentAt: nil, cookieCodec: .classic, link: .none,
            neighbours: SlotLinks())
    }

    /// The accept queue takes `backlog + 1`, as in Linux: a backlog of 0 still lets one in.
    var isAcceptQueueFull: Bool { acceptQueue.count > Int(backlog) }
}

/// Listeners, found by port and then by address: the exact address before the wildcard, and that before the listener
/// for all ports.
struct ListenerTable: ~Copyable, Sendable {
    var entries = SlotTable<ListenerEntry>(segmentSize: 16, filler: .vacant)
    /// Chains of listeners whose ports share a bucket.
    private var heads = [64 of Slot](repeating: .none)

    init() {}

    func copy() -> ListenerTable {
        var twin = ListenerTable()
        twin.entries = entries.copy()
        twin.heads = heads
        return twin
    }

    /// - Parameter port: the tuple's own; 0 finds the listener that takes every port.
    private func find(_ tuple: FourTuple, port: UInt16) -> Slot? {
        var wildcard: Slot?
        var slot = heads[Int(port & 63)]
        while !slot.isNone {
            let local = entries[slot].local
            if local.port == port, local.address.isIPv6 == tuple.isIPv6 {
                if local.address == tuple.localAddress { return slot }
                if local.address.isAny { wildcard = slot }
            }
            slot = entries[slot].link
        }
        return wildcard
    }

    /// Who listens at the tuple's local end.
    func find(_ tuple: FourTuple) -> Slot? { find(tuple, port: tuple.localPort) ?? find(tuple, port: 0) }

    /// Whether a listener has the tuple's local port for itself.
    func hasPort(of tuple: FourTuple) -> Bool { find(tuple, port: tuple.localPort) != nil }

    func isTaken(_ endpoint: Endpoint) -> Bool {
        var slot = heads[Int(endpoint.port & 63)]
        while !slot.isNone {
            if entries[slot].local == endpoint { return true }
            slot = entries[slot].link
        }
        return false
    }

    mutating func insert(_ entry: ListenerEntry) -> Slot {
        let slot = entries.insert(entry)
        let bucket = Int(entry.local.port & 63)
        entries[slot].link = heads[bucket]
        heads[bucket] = slot
        return slot
    }

    mutating func remove(_ slot: Slot) {
        let bucket = Int(entries[slot].local.port & 63)
        if heads[bucket] == slot {
            heads[bucket] = entries[slot].link
        } else {
            var before = heads[bucket]
            while entries[before].link != slot { before = entries[before].link }
            entries[before].link = entries[slot].link
        }
        entries[slot].generation = 0
        entries.remove(slot)
    }
}

/// What a listener holds, as `ss -l` would show it.
public struct ListenerInfo: Hashable, Sendable, BitwiseCopyable {
    public var local: Endpoint
    /// Connections that may wait, less one: the queue takes `backlog + 1`.
    public var backlog: Int
    /// Entries in SYN-RECEIVED, and requests that are not decided or ignored.
    public var synQueueLength: Int
    /// Established connections that nobody has accepted.
    public var acceptQueueLength: Int
}

extension NetworkStack {
    /// LISTEN (RFC 9293, 3.10.1, passive OPEN).
    /// - Parameters:
    ///   - local: where; the address `any` of a family takes every address of ours, and those of networks that we are
    ///     a gateway of. The port is at least 1; with the address `any` and in request mode also 0, which takes all
    ///     ports that no other listener has.
    ///   - backlog: the accept queue takes one more than this, as in Linux; negative counts as 0, at most 65,535.
    ///   - mode: whether a SYN is answered at once, or the application asked first.
    public mutating func listen(
        on local: Endpoint, backlog: Int, mode: ListenerMode = .immediate
    ) throws(StackError) -> ListenerID {
        guard local.port != 0 || local.address.isAny && mode != .immediate,
            local.address.isAny || local.address.isUnicast
        else { throw .addressNotUsable }
        guard local.address.isAny || interfaces.isLocal(local.address) else { throw .addressNotAvailable }
        guard !listeners.isTaken(local) else { throw .addressInUse }
        guard listeners.entries.count < plan.listeners else {
            counters.listenersRefused &+= 1
            throw .limitReached
        }
        var entry = ListenerEntry.vacant
        entry.local = local
        entry.backlog = UInt32(min(max(backlog, 0), 65_535))
        entry.mode = mode
        entry.generation = nextGeneration()
        entry.cookieCodec = configuration.cookieCodec
        let slot = listeners.insert(entry)
        return ListenerID(slot: slot, generation: entry.generation)
    }

    /// Changes the backlog while running. Raising it lets more in at once, lowering it drops nobody.
    public mutating func setBacklog(_ backlog: Int, of id: ListenerID) throws(StackError) {
        let slot = try check(id)
        listeners.entries[slot].backlog = UInt32(min(max(backlog, 0), 65_535))
    }

    /// Takes the oldest connection out of the accept queue.
    /// - Throws: ``StackError/wouldBlock`` when there is none.
    public mutating func accept(_ id: ListenerID) throws(StackError) -> ConnectionID {
        let listener = try check(id)
        guard
            let slot = flows.connections.popFirst(
                from: &listeners.entries[listener].acceptQueue, links: ConnectionEntry.readyLinks)
        else { throw .wouldBlock }
        flows.connections[slot].flags.remove(.queued)
        flows.connections[slot].flags.insert(.held)
        flows.connections[slot].listener = ConnectionEntry.noListener
        if !flows.connections[slot].readiness.isEmpty { markReady(slot) }
        return ConnectionID(slot: slot, generation: flows.connections[slot].generation)
    }

    /// Ends a listener: connections that nobody accepted are reset, half-open entries are dropped without a word.
    /// Requests that the application has not decided are withdrawn.
    public mutating func close(_ id: ListenerID, at now: Instant) throws(StackError) {
        let listener = try check(id)
        while let slot = flows.connections.popFirst(
            from: &listeners.entries[listener].acceptQueue, links: ConnectionEntry.readyLinks)
        {
            flows.connections[slot].flags.remove(.queued)
            abortConnection(slot, at: now)
        }
        dropHalfOpens(of: listener)
        endFlood(of: listener)
        if listeners.entries[listener].mode != .immediate { dropRequests(of: listener, at: now) }
        if listeners.entries[listener].isReady { listeners.entries.remove(listener, from: &readyListeners) }
        listeners.remove(listener)
    }

    /// What a listener holds now.
    public func info(of id: ListenerID) throws(StackError) -> ListenerInfo {
        let entry = listeners.entries[try check(id)]
        return ListenerInfo(
            local: entry.local, backlog: Int(entry.backlog), synQueueLength: Int(entry.halfOpen),
            acceptQueueLength: entry.acceptQueue.count)
    }

    func check(_ id: ListenerID) throws(StackError) -> Slot {
        guard id.slot.index < listeners.entries.capacityUsed, listeners.entries[id.slot].generation == id.generation
        else { throw .staleHandle }
        return id.slot
    }

    mutating func nextGeneration() -> UInt32 {
        generations = generations == .max ? 1 : generations &+ 1
        return generations
    }
}
