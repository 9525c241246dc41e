import NetPrimitives
import TCPStateMachine
import Testing

@testable import Netstack

@Suite("A listener's limits")
struct LimitTests {
    /// Sends `count` SYNs, each from a port of its own.
    private static func syns(_ station: inout Station, _ ports: Range<UInt16>) -> Int {
        ports.filter { !station.receive(.syn(), from: Endpoint(station.family.peer, $0)).isEmpty }.count
    }

    private static func waiting(_ station: borrowing Station, _ id: ListenerID) throws -> Int {
        try station.stack.info(of: id).acceptQueueLength
    }

    private static func halfOpen(_ station: borrowing Station, _ id: ListenerID) throws -> Int {
        try station.stack.info(of: id).synQueueLength
    }

    @Test(
        "listen(n) lets n + 1 wait, and n + 1 be half open before cookies (2.3; checklist 43, 48)",
        arguments: [0, 1, 2, 5, 64])
    func plusOne(_ backlog: Int) throws {
        var station = try Station()
        let id = try station.stack.listen(on: station.own, backlog: backlog)
        let (first, room) = (UInt16(4_000), UInt16(backlog + 1))
        #expect(Self.syns(&station, first..<first + room) == backlog + 1)
        #expect(station.stack.counters.cookiesSent == 0)
        #expect(Self.syns(&station, 9_000..<9_003) == 3)
        #expect(station.stack.counters.cookiesSent == 3)
        #expect(try Self.halfOpen(station, id) == backlog + 1)
        for port in first..<first + room { station.receive(.ack(1_001), from: Endpoint(station.family.peer, port)) }
        #expect(try Self.waiting(station, id) == backlog + 1)
        #expect(try Self.halfOpen(station, id) == 0)
        #expect(Self.syns(&station, 9_100..<9_103) == 0)
        #expect(station.stack.counters.listenOverflows == 3 && station.stack.counters.listenDrops == 3)
    }

    @Test("raised while running: at once more may wait", arguments: [0, 3])
    func raised(_ backlog: Int) throws {
        var station = try Station()
        let id = try station.stack.listen(on: station.own, backlog: backlog)
        for port in 0..<UInt16(backlog + 1) { station.open(from: 4_000 + port) }
        #expect(Self.syns(&station, 9_000..<9_001) == 0)
        try station.stack.setBacklog(backlog + 2, of: id)
        #expect(try station.stack.info(of: id).backlog == backlog + 2)
        for port in 0..<UInt16(5) { station.open(from: 9_000 + port) }
        #expect(try Self.waiting(station, id) == backlog + 3)
    }

    @Test("lowered while running: nobody is dropped, nobody more is let in until there is room again")
    func lowered() throws {
        var station = try Station()
        let id = try station.stack.listen(on: station.own, backlog: 3)
        for port in 0..<UInt16(3) { station.open(from: 4_000 + port) }
        #expect(Self.syns(&station, 5_000..<5_001) == 1)
        try station.stack.setBacklog(0, of: id)
        #expect(try Self.waiting(station, id) == 3)
        #expect(try Self.halfOpen(station, id) == 1)
        #expect(Self.syns(&station, 9_000..<9_001) == 0)
        // The half-open one waits for room, as with any full accept queue.
        #expect(station.receive(.ack(1_001), from: Endpoint(station.family.peer, 5_000)) == [])
        for _ in 0..<3 { _ = try station.stack.accept(id) }
        station.receive(.ack(1_001), from: Endpoint(station.family.peer, 5_000))
        #expect(try Self.waiting(station, id) == 1)
        #expect(Self.syns(&station, 9_000..<9_001) == 0)
        _ = try station.stack.accept(id)
        #expect(Self.syns(&station, 9_000..<9_001) == 1)
    }

    @Test("the limit of all listeners together is read with every SYN")
    func stackLimit() throws {
        var station = try Station(.ipv4, .numbered.with { ($0.halfOpenLimit, $0.synCookies) = (2, .off) })
        _ = try station.stack.listen(on: station.own, backlog: 64)
        // Without cookies each newcomer is answered, and an older entry gives way to it.
        #expect(Self.syns(&station, 4_000..<4_010) == 10)
        #expect(station.stack.tables.halfOpen == 2 && station.stack.counters.halfOpenEvictions == 8)
        station.stack.configuration.halfOpenLimit = 5
        #expect(Self.syns(&station, 5_000..<5_010) == 10)
        #expect(station.stack.tables.halfOpen == 5 && station.stack.counters.halfOpenEvictions == 15)
        // A limit that was lowered is reached one entry a SYN; until then nobody is let in.
        station.stack.configuration.halfOpenLimit = 1
        #expect(Self.syns(&station, 6_000..<6_010) == 6)
        #expect(station.stack.tables.halfOpen == 1)
        station.stack.configuration.synCookies = .whenFull
        #expect(Self.syns(&station, 7_000..<7_010) == 10)
        #expect(station.stack.tables.halfOpen == 1 && station.stack.counters.cookiesSent == 10)
    }

    @Test(
        "a SYN that comes again and again: one answer at once, then at most two a second (2.2)",
        arguments: [1, 7, 100, 499] as [Int64])
    func repeatedSYN(_ gap: Int64) throws {
        var station = try Station()
        _ = try station.stack.listen(on: station.own, backlog: 1)
        station.receive(.syn())
        var answered: [Int64] = []
        var repeated: [Int64] = []
        for time in stride(from: gap, to: 10_000, by: Int.Stride(gap)) {
            repeated += station.wait(until: time).compactMap { Int64($0.prefix { $0 != ":" }) }
            if !station.receive(.syn(), at: time).isEmpty { answered.append(time) }
        }
        #expect(answered.first == gap)
        for (earlier, later) in zip(answered, answered.dropFirst()) { #expect(later - earlier >= 500) }
        // What the timer sends does not depend on it.
        #expect(repeated == [1_000, 3_000, 7_000])
        #expect(answered.count <= 20)
        #expect(answered.count >= 10)
    }
}
