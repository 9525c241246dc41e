import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

@Suite("Active open")
struct ActiveOpenTests {
    @Test(
        "SYNs and the end, by profile (RFC 9293, MUST-23; checklist 2.1)", arguments: Family.allCases,
        [
            (Configuration.numbered, [0, 1, 3, 7, 15, 31, 63, 127], 180),
            (Configuration.numbered.with { $0.tcp = .linux }, [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67], 131),
        ] as [(Configuration, [Int64], Int64)])
    func schedule(_ family: Family, _ row: (Configuration, [Int64], Int64)) throws {
        var station = try Station(family, row.0)
        let id = try station.stack.connect(to: station.peer, at: .zero)
        let log = station.sent().map { "0: \($0)" } + station.wait(until: row.2 * 1_000 - 1)
        #expect(log == row.1.map { "\($0 * 1_000): S 1000" })
        #expect(station.events() == [])
        #expect(station.wait(until: row.2 * 1_000) == [])
        #expect(station.events() == [.closed(id)])
        guard case .timedOut(let attempt)? = try station.stack.failure(of: id) else {
            Issue.record("no timeout")
            return
        }
        #expect(attempt.verdict == .timedOut && attempt.isActive)
        #expect((0..<row.1.count).map { attempt.synTime($0)?.milliseconds } == row.1.map { $0 * 1_000 })
        #expect(attempt.synTime(row.1.count) == nil)
        #expect((attempt.endedAt - attempt.startedAt).milliseconds == row.2 * 1_000)
        #expect(station.stack.nextAttempt() == attempt)
        #expect(station.stack.nextAttempt() == nil)
        let counters = station.stack.counters
        #expect(counters.activeOpens == 1 && counters.attemptFails == 1)
        #expect(counters.synRetransmits == UInt64(row.1.count - 1))
        try station.stack.close(id, at: station.now)
        #expect(station.stack.tables.isEmpty)
    }

    @Test("refused by the peer's RST, and only by the right one (checklist 9, 10)", arguments: Family.allCases)
    func refused(_ family: Family) throws {
        var station = try Station(family)
        let id = try station.stack.connect(to: station.peer, from: station.own, at: .zero)
        _ = station.sent()
        station.receive(.rst(seq: 0))
        station.receive(Segment([.rst, .ack], seq: 0, ack: 1_002))
        #expect(station.events() == [])
        station.receive(Segment([.rst, .ack], seq: 0, ack: 1_001), at: 100)
        #expect(station.events() == [.closed(id)])
        guard case .refused(let attempt)? = try station.stack.failure(of: id) else {
            Issue.record("not refused")
            return
        }
        #expect((attempt.endedAt - attempt.startedAt).milliseconds == 100)
        #expect(station.failure { try $0.write(id, 1) } == .connectionOver(.refused(attempt)))
        #expect(station.failure { try $0.read(id) } == .connectionOver(.refused(attempt)))
        #expect(station.receive(.synAck()) == ["R 1001"])
    }

    @Test(
        "the SYN tells of what the interface carries, of every option, with an unscaled window",
        arguments: Family.allCases)
    func options(_ family: Family) throws {
        var station = try Station(family, Configuration())
        _ = try station.stack.connect(to: station.peer, at: .zero)
        let syn = try #require(Wire.segment(station.packets()[0]))
        #expect(syn.options.maximumSegmentSize == family.mss)
        #expect(syn.options.isSACKPermitted && syn.options.timestamps != nil)
        #expect(syn.options.windowScale == 5)
        #expect(syn.window == 65_535)
        _ = station.wait(until: 999)
        station.stack.timersFired(at: .zero + .seconds(1))
        let again = try #require(Wire.segment(station.packets()[0]))
        #expect(again.seq == syn.seq)
        #expect(again.options.timestamps.map { $0.value &- syn.options.timestamps!.value } == 999)
    }

    @Test("both open at once (MUST-10)", arguments: Family.allCases)
    func simultaneous(_ family: Family) throws {
        var station = try Station(family)
        let id = try station.stack.connect(to: station.peer, from: station.own, at: .zero)
        #expect(station.sent() == ["S 1000"])
        #expect(station.receive(.syn()) == ["S. 1000 ack 5001"])
        #expect(station.receive(.synAck()) == [". 1001 ack 5001"])
        #expect(station.events() == [.established(id)])
    }

    @Test(
        "close and shutdown in SYN-SENT are silent; what comes later is reset (checklist 7, 8)", arguments: [0, 1, 2])
    func givenUp(_ how: Int) throws {
        var station = try Station()
        let id = try station.stack.connect(to: station.peer, from: station.own, at: .zero)
        _ = station.sent()
        switch how {
        case 0: try station.stack.close(id, at: station.now)
        case 1: try station.stack.abort(id, at: station.now)
        default:
            try station.stack.shutdown(id, at: station.now)
            #expect(station.events() == [.closed(id)])
            #expect(station.failure { try $0.read(id) } == .connectionOver(.aborted))
            try station.stack.close(id, at: station.now)
        }
        #expect(station.wait(until: 300_000) == [])
        #expect(station.receive(.synAck()) == ["R 1001"])
        #expect(station.stack.nextAttempt()?.verdict == .aborted)
        #expect(station.stack.tables.isEmpty)
    }

    @Test(
        "where one cannot connect to, or from",
        arguments: [
            (IPAddress.v4(.any), 80, nil, .addressNotUsable),
            (.v4(.broadcast), 80, nil, .addressNotUsable),
            (.v4(IPv4Address(192, 0, 2, 255)), 80, nil, .addressNotUsable),
            (.v4(IPv4Address(224, 0, 0, 1)), 80, nil, .addressNotUsable),
            (Family.ipv4.peer, 0, nil, .addressNotUsable),
            (.v4(IPv4Address(198, 51, 100, 1)), 80, nil, .noRoute),
            (Family.ipv4.peer, 80, Family.ipv4.address(9), .addressNotAvailable),
            (Family.ipv4.peer, 80, Family.ipv6.host, .addressNotUsable),
        ] as [(IPAddress, UInt16, IPAddress?, StackError)])
    func notUsable(_ remote: IPAddress, _ port: UInt16, _ local: IPAddress?, _ expected: StackError) throws {
        var station = try Station()
        let error = station.failure {
            try $0.stack.connect(to: Endpoint(remote, port), from: local.map { Endpoint($0, 0) }, at: .zero)
        }
        #expect(error == expected)
    }

    @Test(
        "ephemeral ports: every one of a range is used, then there are none (RFC 6056; checklist 20)",
        arguments: 0..<20)
    func ports(_ seed: Int) throws {
        var station = try Station(
            .ipv4, .numbered.with { $0.ephemeralPorts = ClosedRange16(40_000, 40_006) }, seed: UInt64(seed))
        var seen: Set<UInt16> = []
        for round in 0..<3 {
            var ids: [ConnectionID] = []
            seen = []
            for _ in 0..<7 {
                let id = try station.stack.connect(to: station.peer, at: .zero)
                seen.insert(try station.stack.info(of: id).tuple.localPort)
                ids.append(id)
            }
            #expect(seen == Set(40_000...40_006), "seed \(seed), round \(round)")
            #expect(station.failure { try $0.stack.connect(to: $0.peer, at: .zero) } == .noPorts)
            // Another peer's are its own.
            let other = try station.stack.connect(to: Endpoint(station.family.address(3), 80), at: .zero)
            for id in ids + [other] { try station.stack.close(id, at: .zero) }
        }
    }

    @Test("a port that somebody listens on is not taken; an own choice twice is refused")
    func takenPorts() throws {
        var station = try Station(.ipv4, .numbered.with { $0.ephemeralPorts = ClosedRange16(80, 81) })
        _ = try station.stack.listen(on: station.own, backlog: 0)
        let id = try station.stack.connect(to: station.peer, at: .zero)
        #expect(try station.stack.info(of: id).tuple.localPort == 81)
        let local = Endpoint(station.family.host, 81)
        #expect(station.failure { try $0.stack.connect(to: $0.peer, from: local, at: .zero) } == .addressInUse)
    }

    /// The initial sequence number of a connection that `seed` opens from `port` at `time`.
    static func iss(_ seed: UInt64, port: UInt16 = 80, at time: Instant = .zero, _ clock: Interval = .microseconds(4))
        throws -> UInt32
    {
        let configuration = Configuration().with { $0.sequenceClock = clock }
        var station = try Station(.ipv4, configuration, seed: seed)
        let id = try station.stack.connect(
            to: station.peer, from: Endpoint(station.family.host, port), at: time)
        return try station.stack.info(of: id).iss.rawValue
    }

    @Test("ISN: a clock of 4 us and a keyed hash of both ends (RFC 6528; MUST-8, MUST-9)")
    func initialSequence() throws {
        let start = try Self.iss(1)
        #expect(try Self.iss(1, at: .zero + .seconds(1)) &- start == 250_000)
        #expect(try Self.iss(1, at: .zero + .seconds(1), .nanoseconds(64)) &- start == 15_625_000)
        let bySeed = try Set((0..<50).map { try Self.iss(UInt64($0)) })
        let byTuple = try Set((1..<50).map { try Self.iss(1, port: UInt16($0)) })
        #expect(bySeed.count == 50 && byTuple.count == 49)
        // Unrelated: the differences spread over the circle instead of following the ports.
        let high = byTuple.filter { $0 >= 1 << 31 }.count
        #expect((10...39).contains(high))
    }
}

@Suite("Passive open")
struct PassiveOpenTests {
    @Test("SYN-ACKs at 0, 1, 3, 7, 15, 31 s, gone at 63 s without a word (2.2)", arguments: Family.allCases)
    func schedule(_ family: Family) throws {
        var station = try Station(family)
        _ = try station.stack.listen(on: station.own, backlog: 1)
        #expect(station.receive(.syn()) == ["S. 1000 ack 5001"])
        #expect(station.wait(until: 62_999) == [1, 3, 7, 15, 31].map { "\($0)000: S. 1000 ack 5001" })
        #expect(station.stack.tables.halfOpen == 1)
        #expect(station.wait(until: 63_000) == [])
        #expect(station.stack.tables.isEmpty)
        #expect(station.stack.counters.halfOpenTimeouts == 1)
        #expect(station.receive(.ack(1_001)) == ["R 1001"])
    }

    @Test("the SYN again: answered at once, then once in half a second, the timer untouched (checklist 30)")
    func repeatedSYN() throws {
        var station = try Station()
        _ = try station.stack.listen(on: station.own, backlog: 1)
        station.receive(.syn())
        var answered: [Int64] = []
        for time in [10, 20, 30, 505, 511, 520, 990] as [Int64]
        where station.receive(.syn(), at: time) == ["S. 1000 ack 5001"] { answered.append(time) }
        #expect(answered == [10, 990])
        #expect(station.wait(until: 1_000) == ["1000: S. 1000 ack 5001"])
        for time in [2_500, 2_510, 2_520, 2_900] as [Int64]
        where !station.receive(.syn(), at: time).isEmpty { answered.append(time) }
        #expect(answered == [10, 990, 2_500])
    }

    @Test(
        "what ends a half-open entry, and what does not (2.6)",
        arguments: [
            ("an exact RST", Segment.rst(seq: 5_001), [], 0),
            ("an inexact RST", .rst(seq: 5_002), [". 1001 ack 5001"], 1),
            ("a SYN in the window", .syn(5_100), ["R. 0 ack 5101"], 0),
            ("an ACK of nothing", .ack(1_000), ["R 1000"], 1),
            ("an ACK beyond", .ack(1_002), ["R 1002"], 1),
            ("an ACK from elsewhere", .ack(1_001, seq: 5_000), [". 1001 ack 5001"], 1),
        ] as [(String, Segment, [String], Int)], Family.allCases)
    func halfOpen(_ row: (String, Segment, [String], Int), _ family: Family) throws {
        var station = try Station(family)
        let listener = try station.stack.listen(on: station.own, backlog: 1)
        station.receive(.syn())
        #expect(station.receive(row.1) == row.2, "\(row.0)")
        #expect(station.stack.tables.halfOpen == row.3, "\(row.0)")
        #expect(try station.stack.info(of: listener).synQueueLength == row.3)
        #expect(station.stack.counters.embryonicResets == UInt64(1 - row.3))
        // A slot that was freed is free, one that is held completes.
        station.open()
        #expect(try station.stack.info(of: listener).acceptQueueLength == 1, "\(row.0)")
    }

    @Test("the record of a handshake: whom, when, how deep the queues were")
    func record() throws {
        var station = try Station()
        _ = try station.stack.listen(on: station.own, backlog: 5)
        station.open(from: 3_999)
        _ = station.stack.nextAttempt()
        station.receive(.syn(), at: 10)
        station.receive(.syn(), at: 20)
        station.wait(until: 1_020)
        station.receive(.ack(1_001), at: 1_100)
        let next = station.stack.nextAttempt()
        let attempt = try #require(next)
        #expect(attempt.verdict == .established && !attempt.isActive)
        #expect(attempt.tuple.remote == station.peer && attempt.tuple.local == station.own)
        #expect(attempt.synCount == 2 && attempt.answerCount == 2)
        #expect(attempt.iss.rawValue == 1_000 && attempt.irs.rawValue == 5_000)
        #expect(attempt.synQueueDepth == 1 && attempt.acceptQueueDepth == 1)
        #expect(attempt.startedAt == .zero + .milliseconds(10))
        #expect(attempt.endedAt == .zero + .milliseconds(1_100))
    }

    @Test(
        "a backlog of n takes n + 1; a full queue drops SYNs and third packets, until accept (checklist 43 to 47)",
        arguments: [1, 5])
    func overflow(_ backlog: Int) throws {
        var station = try Station()
        let listener = try station.stack.listen(on: station.own, backlog: backlog)
        let late = Endpoint(station.family.peer, 9_000)
        for port in 0..<UInt16(backlog) { station.open(from: 4_000 + port) }
        station.receive(.syn(), from: late)
        station.open(from: 8_000)
        #expect(try station.stack.info(of: listener).acceptQueueLength == backlog + 1)
        #expect(station.receive(.syn(), from: Endpoint(station.family.peer, 7_000)) == [])
        #expect(station.receive(.ack(1_001), from: late) == [])
        #expect(station.stack.counters.listenOverflows == 2 && station.stack.counters.listenDrops == 2)
        #expect(station.receive(.ack(77), from: Endpoint(station.family.peer, 6_000)) == ["R 77"])
        #expect(station.wait(until: 1_000) == ["1000: S. 1000 ack 5001"])
        _ = try station.stack.accept(listener)
        #expect(station.receive(.text(5), from: late) == [])
        #expect(try station.stack.info(of: listener).acceptQueueLength == backlog + 1)
        #expect(station.wait(until: 1_100) == ["1040: . 1001 ack 5006"])
    }

    @Test("a SYN queue of n + 1; one more is dropped (2.3, cookies off)", arguments: [0, 3])
    func synQueue(_ backlog: Int) throws {
        var station = try Station(.ipv4, .numbered.with { $0.synCookies = .off })
        let listener = try station.stack.listen(on: station.own, backlog: backlog)
        for port in 0..<UInt16(backlog + 2) {
            station.receive(.syn(), from: Endpoint(station.family.peer, 4_000 + port))
        }
        #expect(try station.stack.info(of: listener).synQueueLength == backlog + 1)
        #expect(station.stack.counters.synQueueDrops == 1 && station.stack.counters.listenDrops == 1)
        try station.stack.setBacklog(backlog + 1, of: listener)
        station.receive(.syn(), from: Endpoint(station.family.peer, 9_000))
        #expect(try station.stack.info(of: listener).synQueueLength == backlog + 2)
    }

    @Test("closing a listener resets who waits, forgets who is half open (checklist 37)", arguments: Family.allCases)
    func close(_ family: Family) throws {
        var station = try Station(family)
        let listener = try station.stack.listen(on: station.own, backlog: 5)
        station.open(from: 4_000)
        station.open(from: 4_001)
        station.receive(.syn(), from: Endpoint(family.peer, 4_002))
        try station.stack.close(listener, at: station.now)
        #expect(station.sent() == ["R. 1001 ack 5001", "R. 1001 ack 5001"])
        #expect(station.wait(until: 100_000) == [])
        #expect(station.receive(.ack(1_001), from: Endpoint(family.peer, 4_002)) == ["R 1001"])
        #expect(station.stack.tables.isEmpty)
        #expect(station.failure { try $0.stack.accept(listener) } == .staleHandle)
        #expect(station.events() == [])
        _ = try station.stack.listen(on: station.own, backlog: 5)
    }

    @Test("reset before accept: handed out all the same, then over (checklist 38)")
    func resetInQueue() throws {
        var station = try Station()
        let listener = try station.stack.listen(on: station.own, backlog: 5)
        station.open()
        station.receive(.rst(seq: 5_001))
        let id = try station.stack.accept(listener)
        #expect(station.failure { try $0.read(id) } == .connectionOver(.reset))
        try station.stack.close(id, at: station.now)
        #expect(station.stack.tables.isEmpty)
    }

    @Test(
        "the third packet brings text, or a FIN, before anyone accepts (checklist 25 to 27)", arguments: [false, true])
    func textBeforeAccept(_ fin: Bool) throws {
        var station = try Station()
        let listener = try station.stack.listen(on: station.own, backlog: 5)
        station.receive(.syn())
        let third = Segment(fin ? [.ack, .fin] : .ack, seq: 5_001, ack: 1_001, length: 5)
        #expect(station.receive(third) == (fin ? [". 1001 ack 5007"] : []))
        #expect(station.events() == [.acceptable(listener)])
        let id = try station.stack.accept(listener)
        #expect(station.events() == (fin ? [.readable(id), .readClosed(id)] : [.readable(id)]))
        #expect(try station.read(id) == 5)
        #expect(station.failure { try $0.read(id) } == (fin ? nil : .wouldBlock))
    }

    @Test(
        "who may listen where",
        arguments: [
            (Endpoint(Family.ipv4.host, 80), .addressInUse), (Endpoint(Family.ipv4.host, 0), .addressNotUsable),
            (Endpoint(Family.ipv4.peer, 81), .addressNotAvailable), (Endpoint(.v4(.broadcast), 81), .addressNotUsable),
            (Endpoint(.v4(.any), 80), nil), (Endpoint(.v6(.any), 80), nil),
        ] as [(Endpoint, StackError?)])
    func places(_ local: Endpoint, _ expected: StackError?) throws {
        var station = try Station()
        _ = try station.stack.listen(on: station.own, backlog: 0)
        #expect(station.failure { try $0.stack.listen(on: local, backlog: 0) } == expected)
    }

    @Test("the exact address comes before the wildcard")
    func exactFirst() throws {
        var station = try Station()
        let wildcard = try station.stack.listen(on: Endpoint(.v4(.any), 80), backlog: 0)
        let exact = try station.stack.listen(on: station.own, backlog: 0)
        station.open()
        #expect(try station.stack.info(of: exact).acceptQueueLength == 1)
        try station.stack.close(exact, at: station.now)
        station.open(from: 4_001)
        #expect(try station.stack.info(of: wildcard).acceptQueueLength == 1)
    }
}
