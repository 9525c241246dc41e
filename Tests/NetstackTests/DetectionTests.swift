import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// What is told of attempts that never completed, and of floods of them.
@Suite("Detection")
struct DetectionTests {
    private static func station(_ family: Family = .ipv4, _ change: (inout Configuration) -> Void = { _ in }) throws
        -> Station
    {
        var station = try Station(family, .numbered.with { change(&$0) })
        let everywhere: IPAddress = family == .ipv4 ? .v4(.any) : .v6(.any)
        try station.stack.addRoute(#require(IPPrefix(everywhere, length: 0)), by: InterfaceID(0))
        return station
    }

    private static func peer(_ family: Family, network: Int, host: Int) -> Endpoint {
        family == .ipv4
            ? Endpoint(.v4(IPv4Address(UInt32(0x0B00_0000 + network << 8 + host))), 4_000)
            : Endpoint(.v6(IPv6Address(high: 0x2001_0DB9_0000_0000 + UInt64(network) << 8, low: UInt64(host))), 4_000)
    }

    private static func nextAttempt(_ station: inout Station) -> ConnectionAttempt? { station.stack.nextAttempt() }
    private static func nextSummary(_ station: inout Station) -> AttemptSummary? { station.stack.nextSummary() }
    private static func nextFlood(_ station: inout Station) -> FloodReport? { station.stack.nextFlood() }

    private static func required<Value>(_ value: Value?) throws -> Value { try #require(value) }

    private static func attempts(_ station: inout Station) -> [Verdict] {
        var verdicts: [Verdict] = []
        while let attempt = nextAttempt(&station) { verdicts.append(attempt.verdict) }
        return verdicts
    }

    @Test("each way in which a half-open entry ends is told, with what was seen", arguments: Family.allCases)
    func singly(_ family: Family) throws {
        var station = try Self.station(family) { $0.synCookies = .off }
        _ = try station.stack.listen(on: station.own, backlog: 0)
        station.receive(.syn(5_000))
        station.receive(.syn(5_000), from: Endpoint(family.peer, 4_001))
        let dropped = try Self.required(Self.nextAttempt(&station))
        #expect(dropped.verdict == .dropped && !dropped.isActive && dropped.tuple.remotePort == 4_001)
        #expect(dropped.synQueueDepth == 1 && dropped.irs == SequenceNumber(5_000) && dropped.answerCount == 0)
        station.receive(.rst(seq: 5_001))
        #expect(Self.attempts(&station) == [.refused])
        station.receive(.syn(5_000))
        _ = station.wait(until: 64_000)
        let silent = try Self.required(Self.nextAttempt(&station))
        #expect(silent.verdict == .timedOut && silent.answerCount == 6 && silent.startedAt == .zero)
        #expect(silent.endedAt == .zero + .seconds(63))
        let told1 = (Self.nextAttempt(&station), Self.nextSummary(&station))
        #expect(told1.0 == nil && told1.1 == nil)
    }

    @Test("more than eight in a second are told as one, with networks and samples", arguments: Family.allCases)
    func summary(_ family: Family) throws {
        var station = try Self.station(family) {
            $0.synCookies = .off
            $0.floodThreshold = 0
        }
        _ = try station.stack.listen(on: station.own, backlog: 0)
        station.receive(.syn(5_000))
        // 60 from one network, 30 from another, one each from ten more: the rest of the first second.
        for host in 1...60 { station.receive(.syn(5_000), from: Self.peer(family, network: 1, host: host), at: 10) }
        for host in 1...30 { station.receive(.syn(5_000), from: Self.peer(family, network: 2, host: host), at: 20) }
        for network in 3...12 {
            station.receive(.syn(5_000), from: Self.peer(family, network: network, host: 1), at: 30)
        }
        #expect(Self.attempts(&station) == [Verdict](repeating: .dropped, count: 8))
        let told2 = Self.nextSummary(&station)
        #expect(told2 == nil, "its second is not over")
        #expect(station.stack.nextDeadline() == .zero + .seconds(1))
        _ = station.wait(until: 1_000)
        let summary = try Self.required(Self.nextSummary(&station))
        #expect(summary.count == 92 && summary.verdict == .dropped && summary.listener == station.own)
        #expect(summary.first == .zero + .milliseconds(10) && summary.last == .zero + .milliseconds(30))
        #expect(summary.sample(0)?.remote == Self.peer(family, network: 1, host: 9))
        #expect(summary.sample(3) != nil && summary.sample(4) == nil)
        let (first, second) = (try #require(summary.top[0]), try #require(summary.top[1]))
        #expect(first.prefix.contains(Self.peer(family, network: 1, host: 1).address) && first.count == 52)
        #expect(second.prefix.contains(Self.peer(family, network: 2, host: 1).address) && second.count == 30)
        #expect(first.prefix.length == (family == .ipv4 ? 24 : 56))
        let told3 = Self.nextSummary(&station)
        #expect(told3 == nil)
        // A new second begins with single records again.
        station.receive(.syn(5_000), from: Self.peer(family, network: 1, host: 1))
        #expect(Self.attempts(&station) == [.dropped])
        #expect(station.stack.counters.attemptsLost == 0)
    }

    @Test("what finds no room is counted: records, and summaries")
    func lost() throws {
        var station = try Self.station { $0.synCookies = .off }
        let listener = try station.stack.listen(on: station.own, backlog: 0)
        station.receive(.syn(5_000))
        for second in 0..<Int64(SummaryBoard.readyLimit + 3) {
            for host in 1...9 {
                station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 1, host: host), at: second * 1_000)
            }
            _ = station.wait(until: second * 1_000 + 999)
        }
        _ = station.wait(until: 100_000)
        var summaries = 0
        while Self.nextSummary(&station) != nil { summaries += 1 }
        #expect(summaries == SummaryBoard.readyLimit)
        // 256 records are kept of 35 x 8, and of the entry that timed out.
        #expect(Self.attempts(&station).count == 256)
        #expect(station.stack.counters.attemptsLost == UInt64(3 + 35 * 8 + 1 - 256))
        try station.stack.close(listener, at: station.now)
    }

    @Test("a flood is told when its first second is over and when it ends: rate, networks, what was done")
    func flood() throws {
        var station = try Self.station { $0.floodThreshold = 50 }
        _ = try station.stack.listen(on: station.own, backlog: 3)
        for host in 1...53 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 1, host: host), at: 100) }
        // That was 49 which found the queue full. With the fiftieth it begins.
        for host in 54...100 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 2, host: host), at: 200) }
        for host in 1...8 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 3, host: host), at: 300) }
        let told4 = Self.nextFlood(&station)
        #expect(told4 == nil, "the second is not over")
        _ = station.wait(until: 1_000)
        let begun = try Self.required(Self.nextFlood(&station))
        #expect(!begun.isOver && begun.syns == 55 && begun.peakRate == 104 && begun.cookiesSent == 55)
        #expect(begun.listener == station.own && begun.began == .zero + .milliseconds(200))
        #expect(begun.top.count == 2)
        #expect(begun.top[0]?.prefix.contains(Self.peer(.ipv4, network: 2, host: 1).address) == true)
        #expect(begun.top[1]?.prefix.contains(Self.peer(.ipv4, network: 3, host: 1).address) == true)
        for second in 1...3 {
            for host in 1...200 {
                station.receive(
                    .syn(5_000), from: Self.peer(.ipv4, network: 1, host: host % 250), at: Int64(second) * 1_000 + 100)
            }
            _ = station.wait(until: Int64(second) * 1_000 + 900)
        }
        _ = station.wait(until: 6_900)
        let told5 = Self.nextFlood(&station)
        #expect(told5 == nil, "two quiet seconds are not three")
        _ = station.wait(until: 7_000)
        let over = try Self.required(Self.nextFlood(&station))
        #expect(over.isOver && over.syns == 643 && over.peakRate == 196 && over.cookiesSent == 643)
        #expect(over.began == begun.began && over.last == .zero + .milliseconds(3_100))
        #expect(over.dropped == 0 && over.evicted == 0 && over.cookiesReceived == 0 && over.badCookies == 0)
        let told6 = Self.nextFlood(&station)
        #expect(told6 == nil)
    }

    @Test("dropped and evicted are told apart; a closed listener ends its flood; 0 tells of none")
    func answers() throws {
        var station = try Self.station {
            $0.floodThreshold = 5
            $0.synCookies = .off
            $0.halfOpenLimit = 4
        }
        let listener = try station.stack.listen(on: station.own, backlog: 1)
        for host in 1...8 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 1, host: host)) }
        try station.stack.setBacklog(100, of: listener)
        for host in 11...20 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 1, host: host)) }
        try station.stack.close(listener, at: station.now)
        let begun = try Self.required(Self.nextFlood(&station))
        let over = try Self.required(Self.nextFlood(&station))
        #expect(!begun.isOver && begun.peakRate == 14)
        #expect(over.isOver && over.dropped == 2 && over.evicted == 8 && over.syns == 10)
        station.stack.configuration.floodThreshold = 0
        _ = try station.stack.listen(on: station.own, backlog: 0)
        for host in 1...80 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 1, host: host)) }
        _ = station.wait(until: 5_000)
        let told8 = Self.nextFlood(&station)
        #expect(told8 == nil)
    }

    @Test("with cookies always: who comes back is no flood, who does not is")
    func cookiesAlways() throws {
        var station = try Self.station {
            $0.floodThreshold = 20
            $0.synCookies = .always
            $0.fixedInitialSequence = nil
        }
        let listener = try station.stack.listen(on: station.own, backlog: 200)
        for round in 0..<10 {
            for host in 1...15 {
                let peer = Self.peer(.ipv4, network: round, host: host)
                let packet = station.answerPacket(to: .syn(5_000), from: peer)
                let answer = try #require(packet.flatMap(Wire.segment))
                station.receive(.ack((answer.seq + 1).rawValue), from: peer)
            }
        }
        _ = station.wait(until: 5_000)
        #expect(try station.stack.info(of: listener).acceptQueueLength == 150)
        let told = Self.nextFlood(&station)
        #expect(told == nil)
        for host in 1...20 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 20, host: host)) }
        _ = station.wait(until: 6_000)
        let begun = try Self.required(Self.nextFlood(&station))
        #expect(begun.peakRate == 20 && begun.cookiesSent == 1 && begun.syns == 1)
    }

    @Test("ACKs with no good cookie are a flood as well, and so are SYNs at a full accept queue")
    func others() throws {
        for cookies in [SynCookies.always, .off] {
            var station = try Self.station {
                $0.floodThreshold = 20
                $0.synCookies = cookies
            }
            _ = try station.stack.listen(on: station.own, backlog: 0)
            station.open()
            for host in 1...29 {
                let peer = Self.peer(.ipv4, network: 20, host: host)
                if cookies == .off { station.receive(.syn(), from: peer) } else { station.receive(.ack(7), from: peer) }
            }
            if cookies == .always { #expect(station.stack.counters.cookiesFailed == 30) }
            _ = station.wait(until: 1_000)
            let begun = try Self.required(Self.nextFlood(&station))
            #expect(begun.badCookies == (cookies == .off ? 0 : 12) && begun.dropped == (cookies == .off ? 10 : 0))
        }
    }

    @Test("the networks that most came from are found among a thousand others")
    func top() {
        var top = TopPrefixes()
        func tuple(_ network: UInt32) -> FourTuple {
            FourTuple(
                local: .v4(.any), localPort: 1, remote: .v4(IPv4Address(network << 8 | 7)), remotePort: 1,
                interface: InterfaceID(0))
        }
        for index in 0..<UInt32(3_000) {
            top.note(tuple(1_000 + index % 1_000))
            top.note(tuple(5))
            if index % 2 == 0 { top.note(tuple(6)) }
        }
        #expect(top.count == 4)
        #expect(top[0]?.prefix.address == .v4(IPv4Address(5 << 8)))
        #expect((top[0]?.count ?? 0) >= 3_000)
        #expect(top[4] == nil && top[-1] == nil)
    }
}
