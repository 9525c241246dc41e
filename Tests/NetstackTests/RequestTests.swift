import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

extension Station {
    /// A listener that asks, at port 80.
    mutating func asks(_ undecided: RequestDecision = .ignore, backlog: Int = 8) throws -> ListenerID {
        try stack.listen(on: own, backlog: backlog, mode: .requests(undecided: undecided))
    }

    /// A SYN from a port, at its time; expects that nothing is answered.
    mutating func ask(_ seg: Segment = .syn(), from port: UInt16 = 4_000, at milliseconds: Int64? = nil) {
        if let milliseconds { wait(until: milliseconds) }
        let said = receive(seg, from: Endpoint(family.peer, port))
        #expect(said == [])
    }

    /// The requests that there are to tell of.
    mutating func requests() -> [RequestID] {
        events().compactMap { if case .requested(let id) = $0 { id } else { nil } }
    }

    /// The one request that there is to tell of.
    mutating func request() throws -> RequestID {
        let requests = requests()
        #expect(requests.count == 1)
        return try #require(requests.first)
    }

    /// The record of an attempt that there must be.
    mutating func attempt() throws -> ConnectionAttempt {
        let attempt = stack.nextAttempt()
        return try #require(attempt)
    }

    /// One SYN and the request that it makes.
    mutating func asked(from port: UInt16 = 4_000) throws -> RequestID {
        ask(from: port)
        return try request()
    }

    /// Decides, and tells what goes out.
    mutating func decide(_ id: RequestID, _ decision: RequestDecision) throws -> [String] {
        try stack.decide(id, decision, at: now)
        return sent()
    }
}

@Suite("Requests: a listener that asks before it answers")
struct RequestTests {
    @Test("tells who, to where, what is offered, since when, and how many SYNs there were", arguments: Family.allCases)
    func particulars(_ family: Family) throws {
        var station = try Station(family)
        let listener = try station.asks()
        var syn = Segment.syn()
        syn.options.maximumSegmentSize = 1_234
        syn.options.windowScale = 9
        syn.options.isSACKPermitted = true
        syn.options.timestamps = TCPTimestamps(value: 77, echoReply: 0)
        station.ask(syn, at: 500)
        let id = try station.request()
        let request = try station.stack.request(id)
        #expect(request.id == id && request.listener == listener)
        #expect(request.tuple.local == station.own && request.tuple.remote == station.peer)
        #expect(request.maximumSegment == 1_234 && request.windowScale == 9)
        #expect(request.offersSACK && request.offersTimestamps, "though this stack offers neither")
        #expect(request.since == .zero + .milliseconds(500) && request.synCount == 1)
        station.ask(syn, at: 1_500)
        station.ask(syn, at: 3_501)
        let later = try station.stack.request(id)
        #expect(later.since == .zero + .milliseconds(500) && later.synCount == 3)
    }

    @Test("a SYN without options offers nothing", arguments: [(Family.ipv4, UInt16(536)), (.ipv6, 1_220)])
    func bareSYN(_ row: (family: Family, mss: UInt16)) throws {
        var station = try Station(row.family, Configuration())
        _ = try station.asks()
        station.ask(Segment(.syn))
        let request = try station.stack.request(station.request())
        #expect(request.maximumSegment == row.mss && request.windowScale == nil)
        #expect(!request.offersSACK && !request.offersTimestamps)
    }

    @Test("the undecided hold their entry and nothing else, and survive repeated SYNs", arguments: Family.allCases)
    func holding(_ family: Family) throws {
        var station = try Station(family)
        let listener = try station.asks()
        for port: UInt16 in 4_000..<4_100 { station.ask(from: port) }
        let before = station.stack.allocatedBytes
        for second: Int64 in 1...3 {
            for port: UInt16 in 4_000..<4_100 { station.ask(from: port, at: second * 1_000) }
        }
        #expect(station.stack.allocatedBytes == before)
        #expect(station.requests().count == 100, "each is told once")
        let tables = station.stack.tables
        #expect(tables.halfOpen == 100 && tables.connections == 0 && tables.attempts == 0)
        #expect(tables.chunksInUse == 0 && tables.chunksReserved == 0)
        #expect(station.stack.flows.count == 100 && station.stack.flows.pairs.count == (family == .ipv4 ? 0 : 100))
        #expect(try station.stack.info(of: listener).synQueueLength == 100)
        #expect(station.stack.counters.requests == 100 && station.stack.counters.packetsOut == 0)
        let tuple = FourTuple(
            local: family.host, localPort: 80, remote: family.peer, remotePort: 4_000, interface: InterfaceID(0))
        #expect(station.stack.state(of: tuple) == .listen && station.stack.synAckRetransmissions(of: tuple) == nil)
    }

    @Test(
        "what each decision sends", arguments: Family.allCases,
        [
            (RequestDecision.accept, ["S. 1000 ack 5001"], ["S. 1000 ack 5001"]),
            (.refuse, ["R. 0 ack 5001"], []),
            (.reject(.host), ["icmp 3/1", "icmp 1/3"], []),
            (.ignore, [], []),
        ] as [(RequestDecision, [String], [String])])
    func decisions(_ family: Family, _ row: (decision: RequestDecision, said: [String], again: [String])) throws {
        var station = try Station(family)
        _ = try station.asks()
        let id = try station.asked()
        let said = try station.decide(id, row.decision)
        #expect(said == (row.said.count > 1 ? [row.said[family == .ipv4 ? 0 : 1]] : row.said))
        #expect(station.failure { try $0.stack.decide(id, .refuse, at: $0.now) } == .staleHandle)
        #expect(station.failure { try $0.stack.request(id) } == .staleHandle)
        #expect(station.receive(.syn(), at: 1_000) == row.again, "the SYN again")
        switch row.decision {
        case .accept, .ignore: #expect(station.events() == [] && station.stack.tables.halfOpen == 1)
        case .refuse, .reject: #expect(station.requests().count == 1, "nothing is left: the next SYN asks anew")
        }
    }

    @Test("what is accepted is half-open like any other: repeated, completed, queued", arguments: Family.allCases)
    func accepted(_ family: Family) throws {
        var station = try Station(family)
        let listener = try station.asks(backlog: 0)
        station.ask()
        station.ask(at: 1_000)
        station.ask(at: 3_000)
        let id = try station.request()
        station.wait(until: 5_000)
        #expect(try station.decide(id, .accept) == ["S. 1000 ack 5001"])
        #expect(station.wait(until: 9_000) == ["6000: S. 1000 ack 5001", "8000: S. 1000 ack 5001"])
        #expect(station.receive(.ack(1_001)) == [])
        #expect(station.events() == [.acceptable(listener)])
        let attempt = try station.attempt()
        #expect(attempt.verdict == .established && attempt.synCount == 3 && attempt.answerCount == 3)
        // The accept queue is full now. The next one is asked for, and accepted, and has to wait.
        let other = try station.asked(from: 4_001)
        #expect(try station.decide(other, .accept) == ["S. 1000 ack 5001"])
        #expect(station.receive(.ack(1_001), from: Endpoint(family.peer, 4_001)) == [])
        #expect(station.stack.counters.listenOverflows == 1 && station.stack.tables.halfOpen == 1)
        _ = try station.stack.accept(listener)
        #expect(station.receive(.ack(1_001), from: Endpoint(family.peer, 4_001)) == [])
        #expect(try station.stack.info(of: listener).acceptQueueLength == 1 && station.stack.tables.halfOpen == 0)
        #expect(station.stack.counters.requestsAccepted == 2 && station.stack.counters.passiveOpens == 2)
    }

    @Test("an accepted request that comes to nothing is told of by its listener: RST, and no third packet")
    func acceptedInVain() throws {
        var station = try Station()
        let listener = try station.asks()
        _ = try station.decide(try station.asked(), .accept)
        station.receive(.rst(seq: 5_001))
        #expect(station.events() == [.acceptable(listener)] && station.stack.tables.halfOpen == 0)
        #expect(station.failure { try $0.stack.accept(listener) } == .wouldBlock)
        _ = try station.decide(try station.asked(), .accept)
        #expect(station.wait(until: 62_999).count == 5 && station.events() == [])
        station.wait(until: 63_000)
        #expect(station.events() == [.acceptable(listener)] && station.stack.tables.isEmpty)
    }

    @Test("only what both offer is agreed, and the timestamp echoed is the last SYN's (RFC 7323, 4.3)")
    func options() throws {
        for offers in [false, true] {
            var station = try Station(
                .ipv4,
                Configuration().with {
                    $0.tcp.offersSACK = offers
                    $0.tcp.offersWindowScale = offers
                })
            _ = try station.asks()
            var syn = Segment.syn()
            (syn.options.isSACKPermitted, syn.options.windowScale) = (true, 7)
            for (time, value) in [(0, 100), (1_000, 1_100), (1_100, 1_200)] as [(Int64, UInt32)] {
                syn.options.timestamps = TCPTimestamps(value: value, echoReply: 0)
                station.ask(syn, at: time)
            }
            try station.stack.decide(station.request(), .accept, at: station.now)
            let answer = try #require(station.packets().first.flatMap { Wire.segment($0) })
            #expect(answer.options.timestamps?.echoReply == 1_100, "of a copy, the first counts")
            #expect(answer.options.isSACKPermitted == offers && (answer.options.windowScale != nil) == offers)
        }
    }

    @Test("an ICMP rejection, bit by bit", arguments: Family.allCases, UnreachableReason.allCases)
    func rejection(_ family: Family, _ reason: UnreachableReason) throws {
        var station = try Station(family)
        _ = try station.asks()
        try station.stack.decide(try station.asked(), .reject(reason), at: .zero)
        let packets = station.packets()
        try #require(packets.count == 1)
        let codes: [UnreachableReason: (UInt8, UInt8)] = [
            .network: (0, 0), .host: (1, 3), .transport: (2, 4), .port: (3, 4), .networkProhibited: (9, 1),
            .hostProhibited: (10, 1), .administrativelyProhibited: (13, 1),
        ]
        let code = try #require(codes[reason])
        // The SYN as it would be without options; of its TCP header what RFC 792 asks for.
        let syn = Wire.packet(Segment(.syn), from: station.peer, to: station.own)
        let quoted = Array(syn.prefix((family == .ipv4 ? 20 : 40) + 8))
        let expected = Wire.icmp(
            family, type: family == .ipv4 ? 3 : 1, code: family == .ipv4 ? code.0 : code.1, body: quoted,
            from: family.host, to: family.peer)
        #expect(packets[0] == expected)
        #expect(station.stack.tables.isEmpty && station.stack.counters.requestsRejected == 1)
        let attempt = try station.attempt()
        #expect(attempt.verdict == .unreachable && attempt.icmp?.code == (family == .ipv4 ? code.0 : code.1))
    }

    @Test(
        "our own connect() understands a refusal and a rejection",
        arguments: [RequestDecision.refuse, .reject(.host), .reject(.port), .reject(.administrativelyProhibited)])
    func understood(_ decision: RequestDecision) throws {
        var pair = try Pair()
        let own = Endpoint(Pair.serverAddress, 80)
        _ = try pair.server.listen(on: own, backlog: 1, mode: .requests())
        let id = try pair.client.connect(to: own, at: .zero)
        pair.settle()
        guard case .requested(let request)? = pair.server.nextEvent() else {
            Issue.record("no request")
            return
        }
        try pair.server.decide(request, decision, at: .zero)
        pair.settle()
        switch (decision, try pair.client.failure(of: id)) {
        case (.refuse, .refused?): break
        case (.reject(let reason), .unreachable(let icmp, _)?):
            #expect(icmp.code == reason.code(isIPv6: false) && icmp.reporter == Pair.serverAddress)
        case (_, let failure): Issue.record("\(decision): \(String(describing: failure))")
        }
    }

    @Test("beyond requestLimit, or the stack's own limit, SYNs are dropped without a word, and counted")
    func limit() throws {
        for isOwn in [true, false] {
            var station = try Station(
                .ipv4, .numbered.with { if isOwn { $0.requestLimit = 10 } else { $0.halfOpenLimit = 10 } })
            let listener = try station.asks(backlog: 0)
            for port: UInt16 in 4_000..<4_015 { station.ask(from: port) }
            #expect(station.stack.tables.halfOpen == 10 && station.stack.counters.requests == 10)
            #expect(station.stack.counters.synQueueDrops == (isOwn ? 5 : 0) && station.stack.counters.listenDrops == 5)
            #expect(station.stack.counters.synTableDrops == (isOwn ? 0 : 5))
            let requests = station.requests()
            #expect(requests.count == 10 && station.stack.counters.cookiesSent == 0)
            // Those that are ignored or accepted and not complete count as well; one that is refused makes room.
            try station.stack.decide(requests[0], .ignore, at: .zero)
            _ = try station.decide(requests[1], .accept)
            station.ask(from: 5_000)
            #expect(station.requests().isEmpty)
            _ = try station.decide(requests[2], .refuse)
            station.ask(from: 5_000)
            #expect(station.requests().count == 1)
            #expect(try station.stack.info(of: listener).synQueueLength == 10)
        }
        #expect(Configuration().requestLimit == 4_096)
    }

    @Test("cookies do not apply, neither when all else is answered with them nor when one comes")
    func noCookies() throws {
        var station = try Station(.ipv4, .numbered.with { $0.synCookies = .always })
        _ = try station.asks()
        _ = try station.stack.listen(on: Endpoint(station.family.host, 81), backlog: 1)
        var answers = PacketBatch(byteCapacity: 1_000, packetCapacity: 1)
        var batch = PacketBatch(byteCapacity: 1_000, packetCapacity: 1)
        let syn = Wire.packet(.syn(), from: station.peer, to: Endpoint(station.family.host, 81))
        batch.append(syn.span, interface: InterfaceID(0))
        station.stack.receive(batch, answers: &answers, at: .zero)
        #expect(station.stack.counters.cookiesSent == 1)
        _ = try station.asked()
        #expect(station.stack.counters.cookiesSent == 1)
        #expect(station.receive(.ack(77), from: Endpoint(station.family.peer, 4_009)) == ["R 77"])
        #expect(station.stack.counters.cookiesFailed == 0)
    }

    @Test("a handle never decides about a later request, though that has the same place and the same ends")
    func staleHandles() throws {
        var station = try Station()
        _ = try station.asks()
        var handles: [RequestID] = []
        for _ in 0..<100 {
            let id = try station.asked()
            #expect(!handles.contains(id) && id.slot == handles.last?.slot ?? id.slot)
            for old in handles {
                #expect(station.failure { try $0.stack.decide(old, .accept, at: $0.now) } == .staleHandle)
            }
            handles.append(id)
            station.receive(.rst(seq: 5_001))
            #expect(station.events() == [.withdrawn(id, .reset)])
        }
        #expect(station.stack.counters.requestsReset == 100 && station.stack.tables.isEmpty)
        #expect(station.failure { try $0.stack.decide(handles[99], .accept, at: $0.now) } == .staleHandle)
    }

    @Test("a TIME-WAIT gives way to a request if the clock's numbers are beyond the old ones (RFC 9293, 3.6.1)")
    func timeWait() throws {
        for isBeyond in [true, false] {
            var station = try Station()
            let listener = try station.asks()
            _ = try station.decide(try station.asked(), .accept)
            station.receive(.ack(1_001))
            let id = try station.stack.accept(listener)
            try station.stack.close(id, at: .zero)
            _ = station.sent()
            station.receive(.fin(ack: 1_002))
            #expect(station.stack.tables.timeWaits == 1)
            _ = station.events()
            station.stack.configuration.fixedInitialSequence = isBeyond ? 1_003 : 1_000
            #expect(station.receive(.syn(6_000)) == (isBeyond ? [] : [". 1002 ack 5002"]))
            #expect(station.requests().count == (isBeyond ? 1 : 0))
            #expect(station.stack.tables.timeWaits == (isBeyond ? 0 : 1))
        }
    }

    @Test("every attempt that is decided has its record, and every reason its counter")
    func records() throws {
        var station = try Station()
        _ = try station.asks()
        let rows: [(RequestDecision, Verdict, KeyPath<Counters, UInt64>)] = [
            (.refuse, .refused, \.requestsRefused), (.reject(.network), .unreachable, \.requestsRejected),
            (.ignore, .ignored, \.requestsIgnored),
        ]
        for (index, row) in rows.enumerated() {
            let port = UInt16(4_000 + index)
            station.ask(from: port, at: 10_000 * Int64(index))
            station.ask(from: port, at: 10_000 * Int64(index) + 1_000)
            station.wait(until: 10_000 * Int64(index) + 2_000)
            _ = try station.decide(station.request(), row.0)
            let attempt = try station.attempt()
            #expect(attempt.verdict == row.1 && !attempt.isActive && attempt.synCount == 2)
            #expect(attempt.tuple.remotePort == port && attempt.answerCount == 0)
            #expect(attempt.endedAt - attempt.startedAt == .seconds(2))
            #expect(station.stack.counters[keyPath: row.2] == 1)
        }
        #expect(station.stack.nextAttempt() == nil)
    }

    @Test("what is decided is limited like all such answers: for the client's network alone")
    func answerLimits() throws {
        var station = try Station(
            .ipv4,
            .numbered.with {
                $0.resetsPerSecond = 2
                $0.icmpErrorsPerSecond = 2
            })
        try station.stack.addRoute(#require(IPPrefix("0.0.0.0/0")), by: InterfaceID(0))
        _ = try station.asks()
        for (decision, said) in [(RequestDecision.refuse, "R. 0 ack 5001"), (.reject(.host), "icmp 3/1")] {
            for round in 0..<3 {
                let answer = try station.decide(try station.asked(), decision)
                #expect(answer == (round < 2 ? [said] : []))
            }
            station.receive(.syn(), from: Endpoint(.v4(IPv4Address(198, 51, 100, 1)), 4_000))
            #expect(try station.decide(try station.request(), decision) == [said])
        }
        #expect(station.stack.counters.resetsLimited == 1 && station.stack.counters.icmpRateLimited == 1)
        #expect(station.stack.tables.halfOpen == 0, "what is not said is decided all the same")
    }

    @Test("many that end in one second are told singly up to a number, and then in sum")
    func summaries() throws {
        var station = try Station()
        _ = try station.asks()
        for port: UInt16 in 4_000..<4_020 { station.ask(from: port) }
        #expect(station.requests().count == 20)
        station.wait(until: 3_000)
        var singly = 0
        while let attempt = station.stack.nextAttempt() {
            #expect(attempt.verdict == .withdrawn)
            singly += 1
        }
        station.wait(until: 4_000)
        let told = station.stack.nextSummary()
        let summary = try #require(told)
        #expect(summary.verdict == .withdrawn && summary.listener == station.own)
        #expect(singly + Int(summary.count) == 20 && singly == Int(NetworkStack.toldSingly))
    }
}
