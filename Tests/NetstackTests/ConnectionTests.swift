import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

@Suite("Calls on a connection")
struct CallTests {
    @Test("read: would block, what there is, the end, again the end", arguments: Family.allCases)
    func read(_ family: Family) throws {
        var station = try Station(family)
        let id = try station.accepted()
        #expect(station.failure { try $0.read(id) } == .wouldBlock)
        #expect(try station.read(id, 0) == 0)
        station.receive(.text(10))
        #expect(station.events() == [.readable(id)])
        #expect(try station.read(id, 4) == 4)
        station.receive(.fin(seq: 5_011))
        #expect(station.events() == [.readClosed(id)])
        #expect(try station.read(id) == 6)
        #expect(try station.read(id) == 0)
        #expect(try station.read(id) == 0)
    }

    @Test("read: what came before a RST is still there, then the connection is over (checklist 70, 71)")
    func readBehindReset() throws {
        var station = try Station()
        let id = try station.accepted()
        station.receive(.text(10))
        station.receive(.rst(seq: 5_011))
        #expect(station.events() == [.readable(id), .closed(id)])
        #expect(try station.stack.failure(of: id) == .reset)
        #expect(station.failure { try $0.write(id, 1) } == .connectionOver(.reset))
        #expect(try station.read(id) == 10)
        #expect(station.failure { try $0.read(id) } == .connectionOver(.reset))
        #expect(station.stack.counters.establishedResets == 1)
        #expect(station.receive(.ack(1_001)) == ["R 1001"])
    }

    @Test("write: as much as fits, would block, told when there is room (checklist 98)")
    func write() throws {
        var station = try Station(.ipv4, .numbered.with { $0.tcp.sendBuffer = 4_000 })
        let id = try station.accepted()
        #expect(try station.write(id, 0) == 0)
        #expect(station.sent() == [])
        #expect(try station.write(id, 5_000) == 4_000)
        #expect(station.failure { try $0.write(id, 1) } == .wouldBlock)
        #expect(station.sent() == [". 1001+1460 ack 5001", ". 2461+1460 ack 5001"])
        station.receive(.ack(2_461))
        #expect(station.events() == [])
        station.receive(.ack(3_921))
        #expect(station.events() == [.writable(id)])
        #expect(try station.write(id, 5_000) == 2_920)
    }

    @Test("shutdown: the FIN behind what was written, no more to write, still to read (checklist 77, 80)")
    func shutdown() throws {
        var station = try Station()
        let id = try station.accepted()
        _ = try station.write(id, 10)
        try station.stack.shutdown(id, at: station.now)
        #expect(station.sent() == ["FP. 1001+10 ack 5001"])
        #expect(station.failure { try $0.write(id, 1) } == .sideClosed)
        station.receive(.ack(1_012))
        station.receive(.text(7, ack: 1_012))
        #expect(station.events() == [.readable(id)])
        #expect(try station.read(id) == 7)
        #expect(station.receive(.fin(seq: 5_008, ack: 1_012)) == [". 1012 ack 5009"])
        #expect(station.events() == [.readClosed(id), .closed(id)])
        #expect(try station.read(id) == 0)
        #expect(try station.stack.failure(of: id) == nil)
        #expect(station.stack.tables.timeWaits == 1)
        try station.stack.close(id, at: station.now)
        #expect(station.stack.tables.connections == 0)
    }

    @Test("close with unread text: RST (MUST-17); abort: RST (MUST-13)", arguments: [false, true], Family.allCases)
    func reset(_ abort: Bool, _ family: Family) throws {
        var station = try Station(family)
        let id = try station.accepted()
        station.receive(.text(10))
        if abort { try station.stack.abort(id, at: station.now) } else { try station.stack.close(id, at: station.now) }
        #expect(station.sent() == ["R. 1001 ack 5011"])
        #expect(station.receive(.ack(1_001, seq: 5_011)) == ["R 1001"])
        #expect(station.stack.counters.resetsOut == 2)
        #expect(station.stack.tables.isEmpty)
    }

    @Test("text after close: RST (checklist 67)")
    func textAfterClose() throws {
        var station = try Station()
        let id = try station.accepted()
        try station.stack.close(id, at: station.now)
        #expect(station.sent() == ["F. 1001 ack 5001"])
        station.receive(.ack(1_002))
        #expect(station.receive(.text(5, ack: 1_002)) == ["R 1002"])
        #expect(station.stack.tables.isEmpty)
    }

    @Test("FIN-WAIT-2 that nobody holds ends after 60 s (checklist 82), one that is held does not (83)")
    func finWait2() throws {
        var station = try Station()
        let id = try station.accepted()
        try station.stack.shutdown(id, at: station.now)
        _ = station.sent()
        station.receive(.ack(1_002))
        #expect(station.wait(until: 1_000_000) == [])
        #expect(try station.stack.info(of: id).state == .finWait2)
        try station.stack.close(id, at: station.now)
        station.wait(until: 1_060_000)
        #expect(station.stack.tables.isEmpty)
        #expect(station.receive(.fin(ack: 1_002)) == ["R 1002"])
    }

    @Test("a handle is stale once it is given back, also when its place is taken again")
    func stale() throws {
        var station = try Station()
        let id = try station.accepted()
        try station.stack.abort(id, at: station.now)
        _ = station.sent()
        let other = try station.stack.connect(to: station.peer, at: station.now)
        #expect(other != id)
        #expect(station.failure { try $0.read(id) } == .staleHandle)
        #expect(station.failure { try $0.write(id, 1) } == .staleHandle)
        #expect(station.failure { try $0.stack.close(id, at: .zero) } == .staleHandle)
        #expect(station.failure { try $0.stack.abort(id, at: .zero) } == .staleHandle)
        #expect(station.failure { try $0.stack.shutdown(id, at: .zero) } == .staleHandle)
        #expect(station.failure { try $0.stack.info(of: id) } == .staleHandle)
        #expect(station.failure { try $0.stack.failure(of: id) } == .staleHandle)
        #expect(station.failure { try $0.stack.setNoDelay(true, of: id) } == .staleHandle)
    }

    @Test("events: one place for each connection, in order, none twice")
    func events() throws {
        var station = try Station()
        let id = try station.accepted()
        for seq in stride(from: UInt32(5_001), to: 5_101, by: 10) { station.receive(.text(10, seq: seq)) }
        station.receive(.fin(seq: 5_101))
        try station.stack.shutdown(id, at: station.now)
        _ = station.sent()
        station.receive(.ack(1_002, seq: 5_102))
        #expect(station.events() == [.readable(id), .readClosed(id), .closed(id)])
        #expect(station.events() == [])
    }

    @Test("memory that cannot be promised refuses a connection, here and there")
    func memory() throws {
        var station = try Station(
            .ipv4,
            .numbered.with {
                $0.budget = 1 << 20
                $0.prefixShare = 100
            })
        let listener = try station.stack.listen(on: station.own, backlog: 8)
        station.open(from: 4_000)
        for _ in 1..<station.stack.plan.connections { _ = try station.stack.connect(to: station.peer, at: .zero) }
        _ = station.sent()
        #expect(station.failure { try $0.stack.connect(to: $0.peer, at: .zero) } == .outOfMemory)
        station.open(from: 4_001)
        #expect(try station.stack.info(of: listener).acceptQueueLength == 1)
        #expect(station.stack.counters.memoryRefusals == 2)
        // The entry stays: its SYN-ACK is repeated, and a place may be free by then.
        #expect(station.stack.tables.halfOpen == 1)
    }
}

@Suite("TIME-WAIT in the stack")
struct TimeWaitTests {
    /// SND.NXT 1002, RCV.NXT 5002.
    static func station(_ family: Family = .ipv4, _ configuration: Configuration = .numbered, listening: Bool = true)
        throws -> Station
    {
        var station = try Station(family, configuration)
        let listener = try station.stack.listen(on: station.own, backlog: 8)
        station.open()
        try station.stack.close(station.stack.accept(listener), at: station.now)
        _ = station.sent()
        station.receive(.fin(ack: 1_002))
        if !listening { try station.stack.close(listener, at: station.now) }
        #expect(station.stack.tables.timeWaits == 1 && station.stack.tables.connections == 0)
        return station
    }

    @Test("60 s, from the last FIN on (checklist 84, 85)", arguments: Family.allCases)
    func duration(_ family: Family) throws {
        var station = try Self.station(family)
        #expect(station.receive(.fin(ack: 1_002), at: 30_000) == [". 1002 ack 5002"])
        station.wait(until: 89_999)
        #expect(station.stack.tables.timeWaits == 1)
        station.wait(until: 90_000)
        #expect(station.stack.tables.isEmpty)
    }

    @Test(
        "what strays in (checklist 86 to 90)",
        arguments: [
            ("a pure ACK in place", Segment.ack(1_002, seq: 5_002), [], 1),
            ("text", .text(5, seq: 5_002), [". 1002 ack 5002"], 1),
            ("a SYN-ACK", .synAck(seq: 9_000), [". 1002 ack 5002"], 1),
            ("an old SYN", .syn(4_000), [". 1002 ack 5002"], 1),
            ("an exact RST", .rst(seq: 5_002), [], 0), ("an inexact RST", .rst(seq: 5_003), [], 1),
            // RFC 9293, MAY-2: ISN = SND.NXT + 65537.
            ("a new SYN", .syn(6_000), ["S. 66539 ack 6001"], 0),
        ] as [(String, Segment, [String], Int)], Family.allCases)
    func strays(_ row: (String, Segment, [String], Int), _ family: Family) throws {
        var station = try Self.station(family)
        #expect(station.receive(row.1) == row.2, "\(row.0)")
        #expect(station.stack.tables.timeWaits == row.3, "\(row.0)")
    }

    @Test("a new SYN where nobody listens any more is told where we stand")
    func nobodyListens() throws {
        var station = try Self.station(listening: false)
        #expect(station.receive(.syn(6_000)) == [". 1002 ack 5002"])
    }

    @Test("its port is not chosen for the same peer; the oldest gives way to one too many")
    func limits() throws {
        var station = try Self.station(
            .ipv4,
            .numbered.with {
                $0.ephemeralPorts = ClosedRange16(80, 80)
                $0.timeWaitLimit = 1
            }, listening: false)
        #expect(station.failure { try $0.stack.connect(to: $0.peer, at: .zero) } == .noPorts)
        let listener = try station.stack.listen(on: station.own, backlog: 8)
        station.open(from: 4_001)
        try station.stack.close(station.stack.accept(listener), at: station.now)
        _ = station.sent()
        station.receive(.fin(ack: 1_002), from: Endpoint(station.family.peer, 4_001))
        #expect(station.stack.tables.timeWaits == 1)
        #expect(station.stack.counters.timeWaits == 2 && station.stack.counters.timeWaitOverflows == 1)
    }
}

@Suite("Digest and fork")
struct DigestTests {
    /// Something that makes a stack behave differently from then on.
    private static let changes: [(String, @Sendable (inout Station) throws -> Void)] = [
        ("a segment", { $0.receive(.text(10)) }),
        ("a SYN", { $0.receive(.syn(), from: Endpoint($0.family.peer, 4_001)) }),
        ("an open", { _ = try $0.stack.connect(to: $0.peer, at: $0.now) }),
        ("a listener", { _ = try $0.stack.listen(on: Endpoint($0.family.host, 81), backlog: 1) }),
        ("a setting", { $0.stack.configuration.tcp.delayedAck = .milliseconds(41) }),
        ("an order of options", { $0.stack.configuration.tcp.optionLayout = .windows }),
        ("another setting", { $0.stack.configuration.hopLimit = 63 }),
        ("an interface", { _ = try $0.stack.addInterface(InterfaceConfiguration(mtu: 1_400)) }),
        ("an address", { try $0.stack.addAddress(IPPrefix(host: $0.family.address(7)), to: InterfaceID(0)) }),
        ("a route", { try $0.stack.addRoute(IPPrefix(host: $0.family.address(8)), by: InterfaceID(0)) }),
    ]

    @Test("a fork has the same digest, and whatever changes behaviour changes it", arguments: changes.indices)
    func change(_ index: Int) throws {
        let (name, change) = Self.changes[index]
        var station = try Station()
        _ = try station.accepted()
        let before = station.stack.digest(at: station.now)
        let twin = station.stack.fork()
        #expect(twin.digest(at: station.now) == before)
        try change(&station)
        #expect(station.stack.digest(at: station.now) != before, "\(name)")
        #expect(twin.digest(at: station.now) == before, "\(name)")
    }

    @Test("counters do not count, nor does when it was, only how long from now")
    func irrelevant() throws {
        // A RST that is answered would be one fewer in this second.
        var station = try Station(.ipv4, .numbered.with { $0.resetsPerSecond = .max })
        let id = try station.accepted()
        let before = station.stack.digest(at: station.now)
        station.receive(.rst(seq: 4_000))
        station.receive(.ack(77), from: Endpoint(station.family.peer, 4_001))
        #expect(station.stack.digest(at: station.now) == before)
        _ = try station.write(id, 10)
        #expect(station.stack.digest(at: station.now) != before)
    }

    @Test("fed alike, both give the same bytes")
    func fork() throws {
        var station = try Station(.ipv4, Configuration())
        let listener = try station.stack.listen(on: station.own, backlog: 8)
        let other = try station.stack.connect(to: station.peer, at: .zero)
        var twin = station.stack.fork()
        _ = twin.configuration
        for round in 0..<3 {
            let now = Instant.zero + .seconds(Int64(round * 2))
            station.stack.timersFired(at: now)
            twin.timersFired(at: now)
            var a = PacketBatch(byteCapacity: 10_000, packetCapacity: 8)
            var b = PacketBatch(byteCapacity: 10_000, packetCapacity: 8)
            station.stack.transmit(into: &a, at: now)
            twin.transmit(into: &b, at: now)
            #expect(a.count == 1 && Wire.copy(a, 0) == Wire.copy(b, 0))
            #expect(station.stack.digest(at: now) == twin.digest(at: now))
        }
        #expect(try twin.info(of: other).state == .synSent)
        #expect(try twin.info(of: listener).backlog == 8)
    }
}
