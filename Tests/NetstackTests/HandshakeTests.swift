import NetPrimitives
import TCPStateMachine
import Testing

@testable import Netstack

/// Two stacks and a wire without delay between them.
struct Pair: ~Copyable {
    var client: NetworkStack
    var server: NetworkStack
    var now = Instant.zero
    var toServer = PacketBatch(byteCapacity: 1 << 20, packetCapacity: 1024)
    var toClient = PacketBatch(byteCapacity: 1 << 20, packetCapacity: 1024)

    static let clientAddress = IPAddress.v4(IPv4Address(192, 0, 2, 1))
    static let serverAddress = IPAddress.v4(IPv4Address(192, 0, 2, 2))

    init(configuration: Configuration = Configuration()) throws {
        client = NetworkStack(configuration: configuration, seed: Seed(1))
        server = NetworkStack(configuration: configuration, seed: Seed(2))
        let a = try client.addInterface(InterfaceConfiguration(mtu: 1500))
        try client.addAddress(#require(IPPrefix(Self.clientAddress, length: 24)), to: a)
        let b = try server.addInterface(InterfaceConfiguration(mtu: 1500))
        try server.addAddress(#require(IPPrefix(Self.serverAddress, length: 24)), to: b)
    }

    /// Carries packets until there are none.
    mutating func settle() {
        for _ in 0..<100_000 {
            client.transmit(into: &toServer, at: now)
            var answers = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 1024)
            server.receive(toServer, answers: &answers, at: now)
            server.transmit(into: &answers, at: now)
            var more = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 1024)
            client.receive(answers, answers: &more, at: now)
            let isQuiet = toServer.isEmpty && answers.isEmpty
            toServer.removeAll()
            for index in 0..<more.count { toServer.append(more.bytes(of: index), interface: InterfaceID(0)) }
            if isQuiet && toServer.isEmpty { return }
        }
        Issue.record("the pair never settles")
    }
}

@Suite("A pair of stacks")
struct HandshakeTests {
    @Test func opensCarriesAndCloses() throws {
        var pair = try Pair()
        let listener = try pair.server.listen(on: Endpoint(Pair.serverAddress, 80), backlog: 8)
        let client = try pair.client.connect(to: Endpoint(Pair.serverAddress, 80), at: pair.now)
        pair.settle()
        #expect(pair.client.nextEvent() == .established(client))
        #expect(pair.server.nextEvent() == .acceptable(listener))
        let server = try pair.server.accept(listener)
        let request = Array("GET / HTTP/1.1\r\nHost: server.example\r\n\r\n".utf8)
        #expect(try pair.client.write(client, request.span) == request.count)
        pair.settle()
        #expect(pair.server.nextEvent() == .readable(server))
        var buffer = [UInt8](repeating: 0, count: 100)
        var target = buffer.mutableSpan
        let count = try pair.server.read(server, into: &target)
        #expect(Array(buffer[0..<count]) == request)
        try pair.client.close(client, at: pair.now)
        pair.settle()
        #expect(pair.server.nextEvent() == .readClosed(server))
        try pair.server.close(server, at: pair.now)
        pair.settle()
        #expect(pair.server.tables.isEmpty)
        #expect(pair.client.tables.timeWaits == 1)
        pair.client.timersFired(at: pair.now + .seconds(61))
        #expect(pair.client.tables.isEmpty)
    }

    @Test func movesMegabytes() throws {
        var pair = try Pair()
        let listener = try pair.server.listen(on: Endpoint(Pair.serverAddress, 80), backlog: 8)
        let client = try pair.client.connect(to: Endpoint(Pair.serverAddress, 80), at: pair.now)
        pair.settle()
        let server = try pair.server.accept(listener)
        let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        var sent = 0
        var received = [UInt8]()
        var buffer = [UInt8](repeating: 0, count: 100_000)
        for _ in 0..<10_000 where received.count < data.count {
            if sent < data.count {
                sent += (try? pair.client.write(client, data.span.extracting(sent..<data.count))) ?? 0
            }
            pair.settle()
            var target = buffer.mutableSpan
            let count = try pair.server.read(server, into: &target)
            received += buffer[0..<count]
        }
        #expect(received == data)
    }
}

extension HandshakeTests {
    /// A FIN that was acknowledged is sent no more, and nothing else is.
    @Test func finWait2IsSilent() throws {
        var pair = try Pair()
        let listener = try pair.server.listen(on: Endpoint(Pair.serverAddress, 80), backlog: 8)
        let client = try pair.client.connect(to: Endpoint(Pair.serverAddress, 80), at: pair.now)
        pair.settle()
        _ = try pair.server.accept(listener)
        try pair.client.shutdown(client, at: pair.now)
        pair.settle()
        #expect(try pair.client.info(of: client).state == .finWait2)
        let sent = pair.client.counters.packetsOut
        for second in 1...600 {
            pair.now = .zero + .seconds(Int64(second))
            pair.client.timersFired(at: pair.now)
            pair.settle()
        }
        #expect(pair.client.counters.packetsOut == sent)
        #expect(try pair.client.info(of: client).state == .finWait2)
    }
}
