import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

@Suite("A gateway: one listener for all addresses and ports")
struct GatewayTests {
    /// A host far away, in the network that the gateway serves.
    private static func host(_ family: Family, _ number: UInt8 = 3) -> IPAddress {
        family == .ipv4
            ? .v4(IPv4Address(10, 1, 2, number)) : .v6(IPv6Address(high: 0xFD77_0000_0000_0000, low: UInt64(number)))
    }

    /// A station that is the gateway of 10.0.0.0/8 or fd77::/16, with a listener for everything.
    private static func station(_ family: Family) throws -> Station {
        var station = try Station(family)
        try station.stack.addGateway(
            of: #require(IPPrefix(family == .ipv4 ? "10.0.0.0/8" : "fd77::/16")), on: InterfaceID(0))
        return station
    }

    private static func listen(_ station: inout Station) throws -> ListenerID {
        let any: IPAddress = station.family == .ipv4 ? .v4(.any) : .v6(.any)
        return try station.stack.listen(on: Endpoint(any, 0), backlog: 8, mode: .requests())
    }

    /// Whether source address and port are those.
    private static func isFrom(_ endpoint: Endpoint, _ packet: [UInt8]) -> Bool {
        let model = Wire.packet(.syn(), from: endpoint, to: endpoint)
        let (address, port) = endpoint.address.isIPv6 ? (8..<24, 40..<42) : (12..<16, 20..<22)
        return packet[address] == model[address] && packet[port] == model[port]
    }

    @Test("asks for any host of its network, at any port, and answers in that host's name", arguments: Family.allCases)
    func anyHost(_ family: Family) throws {
        var station = try Self.station(family)
        let listener = try Self.listen(&station)
        for (number, port) in [(3, 80), (4, 1), (255, 65_535)] as [(UInt8, UInt16)] {
            let far = Endpoint(Self.host(family, number), port)
            #expect(station.receive(.syn(), to: far) == [])
            let id = try station.request()
            let request = try station.stack.request(id)
            #expect(request.tuple.local == far && request.tuple.remote == station.peer)
            #expect(request.listener == listener)
            try station.stack.decide(id, .accept, at: .zero)
            let answer = try #require(station.packets().first)
            #expect(Wire.line(answer) == "S. 1000 ack 5001" && Self.isFrom(far, answer))
            #expect(station.receive(.ack(1_001), to: far) == [])
            #expect(station.events() == [.acceptable(listener)])
            let connection = try station.stack.accept(listener)
            #expect(try station.stack.info(of: connection).tuple.local == far)
            #expect(station.receive(.text(10), to: far) == [])
            #expect(try station.read(connection) == 10)
            _ = station.sent()
        }
    }

    @Test("refuses and rejects in that host's name", arguments: Family.allCases)
    func refusals(_ family: Family) throws {
        var station = try Self.station(family)
        _ = try Self.listen(&station)
        let far = Endpoint(Self.host(family), 80)
        station.receive(.syn(), to: far)
        try station.stack.decide(station.request(), .refuse, at: .zero)
        let reset = try #require(station.packets().first)
        #expect(Wire.line(reset) == "R. 0 ack 5001" && Self.isFrom(far, reset))
        station.receive(.syn(), to: far)
        try station.stack.decide(station.request(), .reject(.host), at: .zero)
        let syn = Wire.packet(Segment(.syn), from: station.peer, to: far)
        let error = Wire.icmp(
            family, type: family == .ipv4 ? 3 : 1, code: family == .ipv4 ? 1 : 3,
            body: Array(syn.prefix((family == .ipv4 ? 20 : 40) + 8)), from: far.address, to: family.peer)
        #expect(station.packets() == [error])
    }

    @Test("other listeners come first: the exact one, then the port's, then the one for everything")
    func precedence() throws {
        var station = try Self.station(.ipv4)
        let everything = try Self.listen(&station)
        let web = try station.stack.listen(on: Endpoint(.v4(.any), 80), backlog: 8, mode: .requests())
        let own = try station.stack.listen(on: station.own, backlog: 8, mode: .requests())
        let far = Self.host(.ipv4)
        for (destination, listener) in [
            (station.own, own), (Endpoint(far, 80), web), (Endpoint(far, 81), everything),
            (Endpoint(station.family.host, 81), everything),
        ] {
            station.receive(.syn(), to: destination)
            let id = try station.request()
            #expect(try station.stack.request(id).listener == listener, "\(destination)")
        }
    }

    @Test("what is not TCP, not of its network, by another interface or of no honest kind is not for it")
    func others() throws {
        var station = try Self.station(.ipv4)
        _ = try Self.listen(&station)
        let far = Self.host(.ipv4)
        // By its interface and to its network, but no TCP: neither echo nor "port unreachable" in another's name.
        #expect(station.receive(Wire.udp(from: station.peer, to: Endpoint(far, 53))) == [])
        #expect(station.receive(Wire.icmp(.ipv4, type: 8, code: 0, body: [1, 2], to: far)) == [])
        let before = station.stack.counters.notForUs
        let strangers: [IPAddress] = [
            .v4(IPv4Address(11, 0, 0, 1)), .v4(.broadcast), .v4(IPv4Address(224, 0, 0, 1)),
            .v4(IPv4Address(192, 0, 2, 255)),
        ]
        for address in strangers { #expect(station.receive(.syn(), to: Endpoint(address, 80)) == []) }
        #expect(station.receive(.syn(), from: Endpoint(far, 80), to: Endpoint(far, 80)) == [], "from itself")
        #expect(station.stack.counters.notForUs == before + UInt64(strangers.count) + 1)
        let other = try station.stack.addInterface(InterfaceConfiguration(mtu: 1_500))
        var batch = PacketBatch(byteCapacity: 1_000, packetCapacity: 1)
        batch.append(Wire.packet(.syn(), from: station.peer, to: Endpoint(far, 80)).span, interface: other)
        var answers = PacketBatch(byteCapacity: 1_000, packetCapacity: 1)
        station.stack.receive(batch, answers: &answers, at: .zero)
        #expect(station.requests().isEmpty && answers.isEmpty)
        #expect(station.receive(.syn(), from: station.own, to: Endpoint(far, 80)) == [], "from our own address")
        #expect(station.stack.counters.martians == 1 && station.requests().isEmpty)
    }

    @Test("length 0 is the gateway of everybody, ourselves and what is no host aside")
    func everybody() throws {
        var station = try Station()
        try station.stack.addGateway(of: #require(IPPrefix("0.0.0.0/0")), on: InterfaceID(0))
        _ = try station.stack.listen(on: Endpoint(.v4(.any), 0), backlog: 1, mode: .requests())
        for (text, isAsked) in [
            ("8.8.8.8", true), ("192.0.2.77", true), ("127.0.0.1", false), ("192.0.2.255", false),
            ("255.255.255.255", false), ("224.0.0.5", false), ("0.0.0.0", false),
        ] {
            station.receive(.syn(), to: Endpoint(try #require(IPAddress(text)), 80))
            #expect(station.requests().count == (isAsked ? 1 : 0), "\(text)")
        }
    }

    @Test("errors about what was sent in a host's name reach the connection")
    func errors() throws {
        var station = try Self.station(.ipv4)
        let listener = try Self.listen(&station)
        let far = Endpoint(Self.host(.ipv4), 80)
        station.receive(.syn(), to: far)
        try station.stack.decide(station.request(), .accept, at: .zero)
        _ = station.sent()
        station.receive(.ack(1_001), to: far)
        let id = try station.stack.accept(listener)
        _ = try station.write(id, 1_460)
        let packet = try #require(station.packets().first)
        let quoted = Array(packet.prefix(28))
        _ = station.receive(Wire.icmp(.ipv4, type: 3, code: 4, rest: 1_000, body: quoted, to: far.address))
        #expect(try station.stack.info(of: id).mss == 960)
    }

    @Test("its listener leaves ports for our own connections, and only a listener that asks takes all ports")
    func ports() throws {
        var station = try Self.station(.ipv4)
        _ = try Self.listen(&station)
        #expect(throws: Never.self) { try station.stack.connect(to: station.peer, at: .zero) }
        let any = Endpoint(.v6(.any), 0)
        #expect(station.failure { try $0.stack.listen(on: any, backlog: 1) } == .addressNotUsable)
        let own = Endpoint(station.family.host, 0)
        #expect(station.failure { try $0.stack.listen(on: own, backlog: 1, mode: .requests()) } == .addressNotUsable)
        #expect(
            station.failure { try $0.stack.listen(on: Endpoint(.v4(.any), 0), backlog: 1, mode: .requests()) }
                == .addressInUse)
        #expect(
            station.failure { try $0.stack.addGateway(of: IPPrefix(host: own.address), on: InterfaceID(7)) }
                == .staleHandle)
    }
}
