import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// One number of bytes for everything, and how what does not fit is refused.
@Suite("The budget")
struct BudgetTests {
    /// A stack with a budget of so many KiB, reachable from everywhere.
    private static func station(
        _ kibibytes: Int, _ family: Family = .ipv4, _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> Station {
        let configuration = Configuration.numbered.with {
            $0.budget = kibibytes << 10
            change(&$0)
        }
        var station = try Station(family, configuration)
        let everywhere: IPAddress = family == .ipv4 ? .v4(.any) : .v6(.any)
        try station.stack.addRoute(#require(IPPrefix(everywhere, length: 0)), by: InterfaceID(0))
        return station
    }

    /// Peer `host` of network `network`: a /24 of IPv4, a /56 of IPv6.
    private static func peer(_ family: Family, network: Int, host: Int = 1, port: UInt16 = 4_000) -> Endpoint {
        family == .ipv4
            ? Endpoint(.v4(IPv4Address(UInt32(0x0B00_0000 + network << 8 + host))), port)
            : Endpoint(.v6(IPv6Address(high: 0x2001_0DB9_0000_0000 + UInt64(network) << 8, low: UInt64(host))), port)
    }

    private static func open(_ station: inout Station, _ peer: Endpoint) {
        station.receive(.syn(5_000), from: peer)
        station.receive(.ack(1_001, seq: 5_001), from: peer)
    }

    @Test("every table at its limit fits", arguments: [512, 1_024, 2_048, 16_384], Family.allCases)
    func everythingFits(_ kibibytes: Int, _ family: Family) throws {
        var station = try Self.station(kibibytes, family) { $0.prefixShare = 100 }
        let budget = kibibytes << 10
        func isWithin() -> Bool { station.stack.allocatedBytes <= budget }
        _ = try station.stack.listen(on: station.own, backlog: 65_535)
        let plan = station.stack.plan
        // TIME-WAITs first: the connections that they come from go again.
        for index in 0..<plan.timeWaits + 10 {
            let peer = Self.peer(family, network: index)
            let id = try station.stack.connect(to: peer, from: Endpoint(station.family.host, 9), at: station.now)
            _ = station.packets()
            var answer = Segment.syn(5_000)
            answer.flags = [.syn, .ack]
            answer.ack = SequenceNumber(1_001)
            station.receive(answer, from: peer, to: Endpoint(station.family.host, 9))
            try station.stack.close(id, at: station.now)
            _ = station.packets()
            station.receive(.fin(seq: 5_001, ack: 1_002), from: peer, to: Endpoint(station.family.host, 9))
        }
        #expect(station.stack.tables.timeWaits == plan.timeWaits && isWithin())
        for index in 0..<plan.halfOpens + 10 {
            station.receive(.syn(5_000), from: Self.peer(family, network: index))
        }
        #expect(station.stack.tables.halfOpen == plan.halfOpens && isWithin())
        for index in 0..<plan.connections + 10 {
            try? _ = station.stack.connect(to: Self.peer(family, network: index, host: 2), at: station.now)
        }
        #expect(station.stack.tables.connections == plan.connections && isWithin())
        #expect(station.stack.tables.attempts == plan.connections)
        #expect(station.stack.counters.memoryRefusals == 10)
        for port in 1...UInt16(min(plan.listeners, 60_000)) where port != 80 {
            try? _ = station.stack.listen(on: Endpoint(family.host, port), backlog: 0)
        }
        #expect(station.stack.tables.listeners >= min(plan.listeners, 60_000) - 1 && isWithin())
    }

    @Test("too small for anything: nothing is promised, and nothing traps", arguments: [-1, 0, 1, 64, 256])
    func tiny(_ kibibytes: Int) throws {
        var station = try Self.station(kibibytes)
        #expect(station.failure { try $0.stack.connect(to: $0.peer, at: .zero) } == .outOfMemory)
        if let listener = try? station.stack.listen(on: station.own, backlog: 8) {
            station.open()
            #expect(try station.stack.info(of: listener).acceptQueueLength == 0)
        }
    }

    @Test("no network of peers holds over half; others find the rest", arguments: Family.allCases)
    func prefix(_ family: Family) throws {
        var station = try Self.station(1_024, family)
        let listener = try station.stack.listen(on: station.own, backlog: 1_000)
        let half = station.stack.plan.connections / 2
        for host in 1...half + 5 { Self.open(&station, Self.peer(family, network: 7, host: host)) }
        #expect(try station.stack.info(of: listener).acceptQueueLength == half)
        #expect(station.stack.counters.prefixRefusals == 5 && station.stack.counters.memoryRefusals == 0)
        Self.open(&station, Self.peer(family, network: 8))
        #expect(try station.stack.info(of: listener).acceptQueueLength == half + 1)
        // What is given back may be taken again.
        try station.stack.abort(station.stack.accept(listener), at: station.now)
        _ = station.packets()
        Self.open(&station, Self.peer(family, network: 7, host: 200))
        #expect(try station.stack.info(of: listener).acceptQueueLength == half + 1)
        #expect(station.stack.counters.prefixRefusals == 5)
    }

    @Test("buffers count for the network as well, and come back to it")
    func buffers() throws {
        var station = try Self.station(1_024)
        let listener = try station.stack.listen(on: station.own, backlog: 100)
        let peers = (1...6).map { Self.peer(.ipv4, network: 7, host: $0) }
        for peer in peers { Self.open(&station, peer) }
        let total = station.stack.plan.bufferBytes / ChunkPool.chunkSize
        for seq in stride(from: UInt32(5_001), to: 65_000, by: 1_000) {
            for peer in peers { station.receive(.text(1_000, seq: seq), from: peer) }
        }
        let reserved = station.stack.tables.chunksReserved
        #expect(station.stack.tables.chunksInUse + reserved - peers.count <= total / 2)
        #expect(station.stack.tables.chunksInUse > total / 3)
        #expect(station.stack.counters.inOrderRefused > 0)
        // What was acknowledged is there, all of it.
        var read = 0
        for _ in peers {
            let id = try station.stack.accept(listener)
            let info = try station.stack.info(of: id)
            #expect(info.readableBytes == Int(info.rcv.nxt - info.irs) - 1)
            while let count = try? station.read(id, 4_096), count > 0 { read += count }
            try station.stack.abort(id, at: station.now)
        }
        _ = station.packets()
        #expect(read > 0 && station.stack.tables.chunksInUse == 0)
        let place = station.stack.flows.prefixPlace(
            of: FourTuple(
                local: station.own.address, localPort: 80, remote: peers[0].address, remotePort: 1,
                interface: InterfaceID(0)))
        #expect(station.stack.memoryShares.count(at: place) == 0)
    }

    @Test("what keeps the order of early segments counts for the network as well, and why none was left is told")
    func ranges() throws {
        var station = try Self.station(4_096)
        let listener = try station.stack.listen(on: station.own, backlog: 1_000)
        let share = station.stack.plan.ranges / 2
        let crowd = (1...share + 3).map { Self.peer(.ipv4, network: 7, host: $0) }
        let others = (1...share + 3).map { Self.peer(.ipv4, network: 7 + $0) }
        for peer in crowd + others { Self.open(&station, peer) }
        for peer in crowd { station.receive(.text(10, seq: 6_001), from: peer) }
        let counters = { (station: borrowing Station) in station.stack.counters }
        #expect(station.stack.tables.ranges == share && counters(station).outOfOrderRefused == 3)
        #expect(counters(station).prefixShortages == 3 && counters(station).memoryShortages == 0)
        for peer in others { station.receive(.text(10, seq: 6_001), from: peer) }
        let refused = 2 * (share + 3) - station.stack.plan.ranges
        #expect(station.stack.tables.ranges == station.stack.plan.ranges)
        #expect(Int(counters(station).outOfOrderRefused) == refused && counters(station).prefixShortages == 3)
        #expect(Int(counters(station).memoryShortages) == refused - 3)
        // All of it comes back.
        while let id = try? station.stack.accept(listener) { try station.stack.abort(id, at: station.now) }
        _ = station.packets()
        #expect(station.stack.tables.ranges == 0)
        for column in 0..<PrefixShares.columns {
            let place = PrefixPlace(first: UInt16(column), second: UInt16(column + PrefixShares.columns))
            #expect(station.stack.rangeShares.count(at: place) == 0)
        }
    }

    @Test("no connection is given up for another, unless it may be: silent for so long, and nothing lost with it")
    func idle() throws {
        for limit in [nil, Interval.seconds(60)] {
            var station = try Self.station(1_024) { $0.evictIdle = limit }
            let listener = try station.stack.listen(on: station.own, backlog: 1_000)
            let peers = (0..<station.stack.plan.connections).map { Self.peer(.ipv4, network: $0) }
            for peer in peers { Self.open(&station, peer) }
            var held: [ConnectionID] = []
            while let id = try? station.stack.accept(listener) { held.append(id) }
            #expect(held.count == peers.count)
            // The first has something to read, the second something to send; the third is heard of meanwhile.
            station.receive(.text(10), from: peers[0])
            _ = try station.write(held[1], 10)
            station.receive(.ack(1_001), from: peers[2], at: 59_000)
            let newcomer = Self.peer(.ipv4, network: 900)
            station.receive(.syn(5_000), from: newcomer, at: 60_000)
            station.receive(.ack(1_001), from: newcomer)
            #expect(station.stack.counters.memoryRefusals == 1)
            let gone = limit == nil ? 0 : peers.count - 3
            #expect(station.stack.counters.idleEvictions == UInt64(gone))
            for (index, id) in held.enumerated() where index > 2 && limit != nil {
                #expect(station.failure { try $0.read(id) } == .connectionOver(.aborted))
                try station.stack.close(id, at: station.now)
            }
            #expect(station.stack.tables.connections == peers.count - gone)
            station.receive(.ack(1_001), from: newcomer)
            #expect((try? station.stack.accept(listener)) == nil || limit != nil)
            #expect(station.stack.counters.passiveOpens == UInt64(peers.count + (limit == nil ? 0 : 1)))
        }
    }

    @Test("a full table without cookies: the oldest of the largest network gives way", arguments: Family.allCases)
    func eviction(_ family: Family) throws {
        var station = try Self.station(1_024, family) {
            $0.halfOpenLimit = 8
            $0.synCookies = .off
        }
        _ = try station.stack.listen(on: station.own, backlog: 100)
        let others = [Self.peer(family, network: 1), Self.peer(family, network: 2)]
        station.receive(.syn(5_000), from: others[0])
        let crowd = (1...6).map { Self.peer(family, network: 7, host: $0) }
        for (index, peer) in crowd.enumerated() { station.receive(.syn(5_000), from: peer, at: Int64(index) * 10) }
        station.receive(.syn(5_000), from: others[1])
        func isHalfOpen(_ peer: Endpoint) -> Bool {
            let tuple = FourTuple(
                local: station.own.address, localPort: 80, remote: peer.address, remotePort: peer.port,
                interface: InterfaceID(0))
            return station.stack.state(of: tuple) == .synReceived
        }
        for (gone, network) in [(1, 3), (2, 4), (3, 5)] {
            station.receive(.syn(5_000), from: Self.peer(family, network: network), at: 100)
            #expect(crowd.map(isHalfOpen) == (0..<6).map { $0 >= gone })
        }
        #expect(others.allSatisfy(isHalfOpen))
        #expect(station.stack.counters.halfOpenEvictions == 3 && station.stack.tables.halfOpen == 8)
        #expect(station.stack.counters.synQueueDrops == 0)
    }

    @Test("with cookies nobody has to give way; a listener's own limit drops, as Linux does")
    func noEviction() throws {
        var station = try Self.station(1_024) { $0.halfOpenLimit = 2 }
        let listener = try station.stack.listen(on: station.own, backlog: 100)
        for host in 1...5 { station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 7, host: host)) }
        #expect(station.stack.counters.cookiesSent == 3 && station.stack.counters.halfOpenEvictions == 0)
        station.stack.configuration.synCookies = .off
        try station.stack.setBacklog(0, of: listener)
        station.receive(.syn(5_000), from: Self.peer(.ipv4, network: 8))
        #expect(station.stack.counters.synQueueDrops == 1 && station.stack.counters.halfOpenEvictions == 0)
    }

    @Test("the digest tells budgets apart, and where the next one to give way is looked for")
    func digest() throws {
        let one = try Self.station(1_024)
        let other = try Self.station(2_048)
        let third = try Self.station(1_024) { $0.prefixShare = 51 }
        #expect(one.stack.digest(at: .zero) != other.stack.digest(at: .zero))
        #expect(one.stack.digest(at: .zero) != third.stack.digest(at: .zero))
    }
}
