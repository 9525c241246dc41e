import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// SYNs at their times, and when the request is withdrawn.
struct WithdrawalRow: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let syns: [Int64]
    let end: Int64
    let reason: Withdrawal

    init(_ name: String, _ syns: [Int64], _ end: Int64, _ reason: Withdrawal = .silent) {
        (testDescription, self.syns, self.end, self.reason) = (name, syns, end, reason)
    }

    static let all = [
        WithdrawalRow("one SYN", [0], 3_000),
        WithdrawalRow("a client of Linux, killed after 2 s", [0, 1_000], 4_000),
        WithdrawalRow("Linux's timers, some late", [0, 1_024, 2_048], 5_048),
        WithdrawalRow("2 s apart", [0, 1_000, 2_000, 3_000, 4_000, 5_000, 7_000], 12_000),
        WithdrawalRow("4 s apart", [0, 1_000, 2_000, 3_000, 4_000, 5_000, 7_000, 11_000], 21_000),
        WithdrawalRow("RFC 6298, two SYNs", [0, 1_000], 4_000),
        WithdrawalRow("RFC 6298, three SYNs", [0, 1_000, 3_000], 8_000),
        WithdrawalRow("RFC 6298, four SYNs", [0, 1_000, 3_000, 7_000], 17_000),
        WithdrawalRow("RFC 6298, five SYNs", [0, 1_000, 3_000, 7_000, 15_000], 35_000),
        WithdrawalRow("RFC 6298, six SYNs", [0, 1_000, 3_000, 7_000, 15_000, 31_000], 63_000, .overdue),
        WithdrawalRow("the least gap that counts for more than 3 s", [0, 1_201], 4_701),
        WithdrawalRow("just as far apart as 3 s are enough for", [0, 1_200], 4_200),
        WithdrawalRow("a gap between the half seconds", [0, 1_300], 4_800),
        WithdrawalRow("gaps that become smaller", [0, 2_000, 3_000], 6_000),
        WithdrawalRow("a copy of the last SYN", [0, 1_000, 3_000, 3_249], 8_000),
        WithdrawalRow("copies only", [0, 10, 20, 249], 3_000),
        WithdrawalRow("an eager client", [0, 250, 500, 750], 3_750),
        WithdrawalRow("a SYN every 2 s", (0...31).map { $0 * 2_000 }, 63_000, .overdue),
        WithdrawalRow("a SYN at the very end", [0, 2_999], 10_499),
    ]
}

@Suite("Requests that are withdrawn")
struct RequestWithdrawalTests {
    @Test("when the client is silent or the time is up", arguments: WithdrawalRow.all, Family.allCases)
    func withdrawal(_ row: WithdrawalRow, _ family: Family) throws {
        var station = try Station(family)
        let listener = try station.asks()
        for time in row.syns { station.ask(at: time) }
        let id = try station.request()
        #expect(station.wait(until: row.end - 1) == [] && station.events() == [])
        #expect(try station.stack.request(id).synCount == row.syns.count)
        #expect(station.wait(until: row.end) == [] && station.events() == [.withdrawn(id, row.reason)])
        #expect(station.failure { try $0.stack.decide(id, .accept, at: $0.now) } == .staleHandle)
        #expect(station.stack.tables.isEmpty && station.stack.nextDeadline() == nil)
        #expect(try station.stack.info(of: listener).synQueueLength == 0)
        let attempt = try station.attempt()
        #expect(attempt.verdict == (row.reason == .overdue ? .ignored : .withdrawn))
        #expect(attempt.endedAt == .zero + .milliseconds(row.end) && attempt.startedAt == .zero)
        let counters = station.stack.counters
        #expect(counters.requestsSilent == (row.reason == .silent ? 1 : 0))
        #expect(counters.requestsOverdue == (row.reason == .overdue ? 1 : 0))
        #expect(counters.requests == 1 && counters.packetsOut == 0)
    }

    @Test("the time limit is that of a SYN-ACK that nobody answers")
    func timeLimit() throws {
        for (retries, initial, end) in [(1, 1, 3), (3, 1, 15), (3, 2, 30), (9, 1, 63_500)] as [(UInt8, Int64, Int64)] {
            var station = try Station(
                .ipv4,
                .numbered.with {
                    $0.tcp.synAckRetries = retries
                    $0.tcp.initialRTO = .seconds(initial)
                })
            _ = try station.asks()
            let end = end > 100 ? end : end * 1_000
            for time in stride(from: 0, to: end, by: 1_000) { station.ask(at: time) }
            let id = try station.request()
            station.wait(until: end - 1)
            #expect(station.events() == [])
            station.wait(until: end)
            #expect(station.events() == [.withdrawn(id, .overdue)], "\(retries) retries")
        }
    }

    @Test(
        "when the time is up, what the listener does with the undecided is done", arguments: Family.allCases,
        [
            (RequestDecision.ignore, [], Verdict.ignored), (.refuse, ["R. 0 ack 5001"], .refused),
            (.reject(.administrativelyProhibited), ["icmp 3/13", "icmp 1/1"], .unreachable),
            (.accept, ["S. 1000 ack 5001"], .established),
        ] as [(RequestDecision, [String], Verdict)])
    func undecided(_ family: Family, _ row: (decision: RequestDecision, said: [String], verdict: Verdict)) throws {
        var station = try Station(family)
        let listener = try station.asks(row.decision)
        for second: Int64 in 0..<63 { station.ask(at: second * 1_000) }
        let id = try station.request()
        station.wait(until: 63_000)
        #expect(station.failure { try $0.stack.decide(id, .refuse, at: $0.now) } == .staleHandle)
        #expect(station.events() == [.withdrawn(id, .overdue)])
        #expect(station.sent() == (row.said.count > 1 ? [row.said[family == .ipv4 ? 0 : 1]] : row.said))
        if row.decision == .accept {
            station.receive(.ack(1_001))
            #expect(station.events() == [.acceptable(listener)])
        }
        #expect(station.stack.nextAttempt()?.verdict == row.verdict && station.stack.nextAttempt() == nil)
        #expect(station.stack.tables.halfOpen == 0)
    }

    @Test(
        "by a RST that is exactly RCV.NXT, and by nothing else",
        arguments: [
            ("RST", .rst(seq: 5_001), true), ("RST|ACK", Segment([.rst, .ack], seq: 5_001, ack: 9), true),
            ("the SYN's own number", .rst(seq: 5_000), false), ("in the window", .rst(seq: 5_002), false),
            ("0", .rst(seq: 0), false), ("an ACK", .ack(1_001), false), ("text", .text(10), false),
            ("a FIN", .fin(), false), ("nothing", Segment([], seq: 5_001), false),
            ("another SYN", .syn(6_000), false), ("an older SYN", .syn(4_000), false),
            ("a SYN-ACK", .synAck(), false), ("SYN|FIN", Segment([.syn, .fin]), false),
            ("SYN|RST", Segment([.syn, .rst]), false),
        ] as [(String, Segment, Bool)])
    func segments(_ row: (name: String, seg: Segment, isEnd: Bool)) throws {
        var station = try Station()
        _ = try station.asks()
        // Not told of yet, undecided, ignored.
        for stage in 0..<3 {
            station.ask()
            let requests = stage > 0 ? station.requests() : []
            if stage == 2 { try station.stack.decide(requests[0], .ignore, at: station.now) }
            #expect(station.receive(row.seg) == [], "\(row.name): nothing is said to it")
            #expect(station.events().count == (row.isEnd ? (stage == 1 ? 1 : 0) : (stage == 0 ? 1 : 0)), "\(row.name)")
            #expect(station.stack.tables.halfOpen == (row.isEnd ? 0 : 1), "\(row.name)")
            #expect(station.stack.counters.requestsReset == (row.isEnd ? UInt64(min(stage + 1, 2)) : 0))
            station.receive(.rst(seq: 5_001))
            _ = station.events()
            if !row.isEnd { station.stack.counters.requestsReset = 0 }
            #expect(station.stack.tables.halfOpen == 0)
        }
        let between = station.stack.counters
        #expect(between.packetsOut == 0)
    }

    @Test("an application that said ignore is not asked again while the attempt lasts, and nothing is said")
    func ignored() throws {
        var station = try Station()
        _ = try station.asks()
        try station.stack.decide(try station.asked(), .ignore, at: .zero)
        for second: Int64 in [1, 2, 3, 4, 5, 7, 11, 19, 35] { station.ask(at: second * 1_000) }
        #expect(station.events() == [] && station.stack.tables.halfOpen == 1)
        #expect(station.wait(until: 62_999) == [] && station.stack.tables.halfOpen == 1)
        #expect(station.wait(until: 63_000) == [] && station.stack.tables.halfOpen == 0)
        #expect(station.events() == [], "there is nobody to tell")
        station.ask(at: 67_000)
        #expect(station.requests().count == 1, "Linux tries for longer: that is a new attempt here")
        #expect(station.stack.counters.requestsOverdue == 0 && station.stack.counters.requestsIgnored == 1)
    }

    @Test("closing the listener withdraws what is undecided, and drops what is not told or decided, without a word")
    func closing() throws {
        var station = try Station()
        let listener = try station.asks(.refuse)
        let other = try station.stack.listen(
            on: Endpoint(station.family.host, 81), backlog: 1, mode: .requests(undecided: .refuse))
        for port: UInt16 in 4_000..<4_004 { station.ask(from: port) }
        let requests = station.requests()
        station.receive(.syn(), to: Endpoint(station.family.host, 81))
        let kept = try station.request()
        station.ask(from: 4_004)
        try station.stack.decide(requests[0], .ignore, at: .zero)
        try station.stack.decide(requests[1], .accept, at: .zero)
        station.receive(.rst(seq: 5_001), from: Endpoint(station.family.peer, 4_002))
        try station.stack.close(listener, at: .zero)
        // Its place is taken at once, and must not be charged with what is left of it.
        let next = try station.stack.listen(on: station.own, backlog: 1, mode: .requests())
        #expect(station.sent() == [])
        #expect(station.events() == [.withdrawn(requests[2], .reset), .withdrawn(requests[3], .listenerClosed)])
        #expect(try station.stack.info(of: next).synQueueLength == 0)
        #expect(try station.stack.tables.halfOpen == 1 && station.stack.request(kept).listener == other)
        #expect(station.stack.counters.requestsClosed == 2, "one of them before it was told")
        try station.stack.close(other, at: .zero)
        #expect(station.events() == [.withdrawn(kept, .listenerClosed)] && station.stack.tables.isEmpty)
    }

    @Test("what is due when the listener closes is not done any more")
    func closingOverdue() throws {
        var station = try Station()
        let listener = try station.asks(.refuse)
        for second: Int64 in 0..<63 { station.ask(at: second * 1_000) }
        let id = try station.request()
        station.wait(until: 63_000)
        try station.stack.close(listener, at: station.now)
        #expect(station.events() == [.withdrawn(id, .listenerClosed)] && station.sent() == [])
        #expect(station.stack.tables.isEmpty)
    }

    @Test("thousands at a time, each withdrawn at its time, in whatever order they came and went")
    func many() throws {
        var station = try Station(.ipv4, .numbered.with { $0.requestLimit = 10_000 })
        let listener = try station.asks()
        var random = Generator(seed: Seed(3))
        var ends: [RequestID: Int64] = [:]
        var lastSYN: [UInt16: (id: RequestID, at: Int64)] = [:]
        for step: Int64 in 0..<4_000 {
            let time = step * 5
            station.wait(until: time)
            for case .withdrawn(let id, .silent) in station.events() { #expect(ends.removeValue(forKey: id) == time) }
            let port = UInt16(1_000 + random.next() % 3_000)
            station.ask(from: port)
            if let id = station.requests().first {
                (lastSYN[port], ends[id]) = ((id, time), time + 3_000)
            } else if let last = lastSYN[port], time - last.at >= 250 {
                let gap = time - last.at
                lastSYN[port]?.at = time
                ends[last.id] = time + max((gap * 5 + 999) / 1_000 * 500, 3_000)
            }
        }
        #expect(ends.count > 500 && station.stack.tables.halfOpen == ends.count)
        station.wait(until: 100_000)
        let withdrawn = station.events().filter { if case .withdrawn = $0 { true } else { false } }
        #expect(withdrawn.count == ends.count && station.stack.tables.isEmpty)
        #expect(try station.stack.info(of: listener).synQueueLength == 0)
    }
}

@Suite("Requests: digest and fork")
struct RequestDigestTests {
    private static let changes: [(String, @Sendable (inout Station, RequestID) throws -> Void)] = [
        ("a decision", { try $0.stack.decide($1, .accept, at: $0.now) }),
        ("ignoring", { try $0.stack.decide($1, .ignore, at: $0.now) }),
        ("the SYN again", { station, _ in station.ask() }),
        ("the SYN again, later", { station, _ in station.ask(at: 1_000) }),
        ("a RST", { station, _ in station.receive(.rst(seq: 5_001)) }),
        ("another request", { station, _ in station.ask(from: 4_001) }),
        ("time", { station, _ in station.wait(until: 1) }),
        (
            "a gateway",
            { station, _ in
                try station.stack.addGateway(of: #require(IPPrefix("10.0.0.0/8")), on: InterfaceID(0))
            }
        ),
        ("the limit", { station, _ in station.stack.configuration.requestLimit = 1 }),
    ]

    @Test("all that decides counts, and a fork goes its own way", arguments: changes.indices)
    func change(_ index: Int) throws {
        let (name, change) = Self.changes[index]
        var station = try Station()
        _ = try station.asks()
        let id = try station.asked()
        let before = station.stack.digest(at: station.now)
        let twin = station.stack.fork()
        #expect(twin.digest(at: station.now) == before)
        try change(&station, id)
        #expect(station.stack.digest(at: station.now) != before, "\(name)")
        #expect(twin.digest(at: .zero) == before, "\(name)")
        #expect((try? twin.request(id)) != nil, "\(name)")
    }

    @Test("which number a request was given decides nothing, what a listener does with the undecided does")
    func irrelevant() throws {
        func digest(_ undecided: RequestDecision, rounds: Int) throws -> UInt64 {
            var station = try Station()
            _ = try station.asks(undecided)
            for _ in 0..<rounds {
                _ = try station.asked()
                station.receive(.rst(seq: 5_001))
                _ = station.events()
            }
            _ = try station.asked()
            return station.stack.digest(at: station.now)
        }
        #expect(try digest(.ignore, rounds: 0) == digest(.ignore, rounds: 7))
        var all: [UInt64] = [try Station().stack.digest(at: .zero)]
        for decision in [RequestDecision.ignore, .accept, .refuse, .reject(.network), .reject(.port)] {
            all.append(try digest(decision, rounds: 0))
        }
        for (place, digest) in all.enumerated() { #expect(!all[..<place].contains(digest)) }
    }

    @Test("fed alike, a fork decides, sends and withdraws alike", arguments: Family.allCases)
    func fork(_ family: Family) throws {
        var station = try Station(family)
        _ = try station.asks(.refuse)
        for port: UInt16 in 4_000..<4_010 { station.ask(from: port) }
        let requests = station.requests()
        station.ask(from: 4_003, at: 2_000)
        var twin = station.stack.fork()
        for (index, decision) in [RequestDecision.accept, .refuse, .reject(.host), .ignore].enumerated() {
            try station.stack.decide(requests[index], decision, at: station.now)
            try twin.decide(requests[index], decision, at: station.now)
        }
        for time: Int64 in [2_000, 3_000, 5_000, 7_500] {
            let now = Instant.zero + .milliseconds(time)
            station.stack.timersFired(at: now)
            twin.timersFired(at: now)
            while let event = station.stack.nextEvent() { #expect(twin.nextEvent() == event) }
            var a = PacketBatch(byteCapacity: 10_000, packetCapacity: 32)
            var b = PacketBatch(byteCapacity: 10_000, packetCapacity: 32)
            station.stack.transmit(into: &a, at: now)
            twin.transmit(into: &b, at: now)
            #expect((0..<a.count).map { Wire.copy(a, $0) } == (0..<b.count).map { Wire.copy(b, $0) })
            #expect(station.stack.digest(at: now) == twin.digest(at: now) && a.count + b.count > 0 || time > 2_000)
        }
    }
}
