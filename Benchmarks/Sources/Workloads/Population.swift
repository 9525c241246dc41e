import NetPrimitives
public import Netstack

/// A stack that holds so many entries of one kind, and what they cost.
public struct Population: Sendable {
    /// What is counted.
    public enum Kind: String, CaseIterable, Sendable {
        case halfOpen = "half-open"
        /// Established, no data anywhere: the end that accepted, and the end that connected.
        case accepted = "idle, accepted"
        case connected = "idle, connected"
        case timeWait = "TIME-WAIT"
    }

    /// What the stack says it holds, before and after, in bytes.
    public private(set) var allocatedBefore = 0
    public private(set) var allocatedAfter = 0
    /// The same by `probe`.
    public private(set) var probedBefore: Int64 = 0
    public private(set) var probedAfter: Int64 = 0

    /// Fills a stack with `count` entries and counts what it holds for them.
    /// - Parameter probe: bytes that this thread holds from the allocator.
    public init(_ kind: Kind, _ count: Int, isIPv6: Bool, probe: () -> Int64) throws(StackError) {
        switch kind {
        case .halfOpen: try halfOpen(count, isIPv6: isIPv6, probe: probe)
        case .accepted, .connected: try idle(kind, count, isIPv6: isIPv6, probe: probe)
        case .timeWait: try timeWait(count, isIPv6: isIPv6, probe: probe)
        }
    }

    private mutating func halfOpen(_ count: Int, isIPv6: Bool, probe: () -> Int64) throws(StackError) {
        let before = probe()
        let empty = try SynFlood(.listener(standing: 0), isIPv6: isIPv6)
        let between = probe()
        let full = try SynFlood(.listener(standing: count), isIPv6: isIPv6)
        let after = probe()
        precondition(full.halfOpenCount == count && empty.halfOpenCount == 0, "as many as were asked for")
        allocatedBefore = empty.allocatedBytes
        allocatedAfter = full.allocatedBytes
        probedBefore = between - before
        probedAfter = after - between
    }

    private mutating func idle(_ kind: Kind, _ count: Int, isIPv6: Bool, probe: () -> Int64) throws(StackError) {
        var crowd = try Crowd(isIPv6: isIPv6, capacity: count)
        let before = crowd.allocated
        probedBefore = probe()
        while crowd.opened < count { try crowd.open(count: min(64, count - crowd.opened)) }
        // Retransmission timers and their kin fire for the last time.
        crowd.rest()
        probedAfter = probe()
        let after = crowd.allocated
        precondition(crowd.established == (count, count), "all are open at both ends")
        // The allocator cannot tell the two ends apart: it counts both.
        allocatedBefore = kind == .accepted ? before.server : before.client
        allocatedAfter = kind == .accepted ? after.server : after.client
        let other = kind == .accepted ? after.client - before.client : after.server - before.server
        probedAfter -= Int64(other)
    }

    private mutating func timeWait(_ count: Int, isIPv6: Bool, probe: () -> Int64) throws(StackError) {
        var crowd = try Crowd(isIPv6: isIPv6, capacity: count)
        try crowd.openAndClose(count: 64)
        allocatedBefore = crowd.allocated.client
        probedBefore = probe()
        while crowd.closed < count + 64 { try crowd.openAndClose(count: min(64, count + 64 - crowd.closed)) }
        probedAfter = probe()
        allocatedAfter = crowd.allocated.client
        precondition(crowd.timeWaits == count + 64, "all are in TIME-WAIT")
    }
}

/// Two stacks with many connections between them.
private struct Crowd: ~Copyable {
    private var pair: StackPair
    private let listener: ListenerID
    private var handles: [ConnectionID] = []
    private(set) var opened = 0
    private(set) var closed = 0

    /// Ports that the client uses of each of its addresses.
    private static let portsPerAddress = 16_000

    init(isIPv6: Bool, capacity: Int) throws(StackError) {
        var configuration = Configuration()
        configuration.budget = (capacity + 1_024) * 16_384
        configuration.prefixShare = 100
        configuration.timeWaitLimit = capacity + 1_024
        var pair = try StackPair(
            configuration: configuration, packets: 128, isIPv6: isIPv6,
            clientAddresses: UInt16(capacity / Self.portsPerAddress + 1))
        listener = try pair.server.listen(on: Endpoint(pair.serverAddress, 80), backlog: 1_024)
        self.pair = pair
        handles.reserveCapacity(128)
    }

    var allocated: (client: Int, server: Int) { (pair.client.allocatedBytes, pair.server.allocatedBytes) }
    var established: (client: Int, server: Int) { (pair.client.tables.connections, pair.server.tables.connections) }
    var timeWaits: Int { pair.client.tables.timeWaits }

    mutating func open(count: Int) throws(StackError) {
        handles.removeAll(keepingCapacity: true)
        for _ in 0..<count {
            let address = pair.clientAddress(UInt16(opened / Self.portsPerAddress))
            let local = Endpoint(address, UInt16(10_000 + opened % Self.portsPerAddress))
            handles.append(try pair.client.connect(to: Endpoint(pair.serverAddress, 80), from: local, at: pair.now))
            opened += 1
        }
        for _ in 0..<3 { pair.turn() }
        while pair.client.nextEvent() != nil {}
        while pair.client.nextAttempt() != nil {}
        while pair.server.nextAttempt() != nil {}
        while pair.server.nextEvent() != nil {}
        for _ in 0..<count { handles.append(try pair.server.accept(listener)) }
    }

    mutating func openAndClose(count: Int) throws(StackError) {
        try open(count: count)
        for handle in handles.prefix(count) { try pair.client.close(handle, at: pair.now) }
        for _ in 0..<2 { pair.turn() }
        for handle in handles.dropFirst(count) { try pair.server.close(handle, at: pair.now) }
        for _ in 0..<3 { pair.turn() }
        while pair.server.nextEvent() != nil {}
        closed += count
    }

    /// Timers that were armed while connections opened fire for the last time.
    mutating func rest() { for _ in 0..<8 { pair.wait(.seconds(1)) } }
}
