import NetPrimitives
import Netstack
import Packetdrill
import Testing

/// Two hosts with sockets, and a wire between them that takes 10 ms.
private struct Pair {
    let client: SocketLayer
    let server: SocketLayer
    static let clientAddress = IPAddress.v4(IPv4Address(10, 0, 0, 1))
    static let serverAddress = IPAddress.v4(IPv4Address(10, 0, 0, 2))

    init() throws {
        func host(_ address: IPAddress, _ seed: UInt64) throws -> SocketLayer {
            let prefix = try #require(IPPrefix(address, length: 24))
            return try SocketLayer(NetworkStack(configuration: .linux, seed: Seed(seed)), addresses: [prefix])
        }
        client = try host(Self.clientAddress, 1)
        server = try host(Self.serverAddress, 2)
    }

    /// Lets both hosts and the wire work for a while.
    func pass(_ time: Interval) {
        let end = client.now + time
        while client.now < end {
            let next = min(client.now + .milliseconds(10), end)
            let (forth, back) = (client.sent, server.sent)
            client.sent = []
            server.sent = []
            client.advance(to: next)
            server.advance(to: next)
            for packet in forth { server.receive(packet.bytes) }
            for packet in back { client.receive(packet.bytes) }
        }
    }
}

@Suite("Sockets without scripts")
struct SocketLayerTests {
    private func number(_ result: CallResult) throws -> Int {
        try #require(result.error == nil, "\(result)")
        return result.value
    }

    @Test func twoHostsTalk() throws {
        let pair = try Pair()
        let listener = try number(pair.server.perform(.socket(domain: 10, type: 1, protocol: 0)))
        // IPv6's wildcard takes IPv4 too.
        _ = try number(pair.server.perform(.bind(listener, Endpoint(.v6(.any), 80))))
        _ = try number(pair.server.perform(.listen(listener, backlog: 4)))
        let accepting = pair.server.begin(.accept(listener))
        let socket = try number(pair.client.perform(.socket(domain: 2, type: 1, protocol: 6)))
        let connecting = pair.client.begin(.connect(socket, Endpoint(Pair.serverAddress, 80)))
        #expect(accepting.result == nil && connecting.result == nil)
        pair.pass(.milliseconds(50))
        #expect(connecting.result == .done(0))
        let peer = try number(try #require(accepting.result))
        // A write larger than all buffers together returns once the reader has made room.
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let writing = pair.client.begin(.send(socket, bytes))
        let reading = pair.server.begin(.receive(peer, limit: bytes.count, flags: 0x100))
        #expect(writing.result == nil)
        pair.pass(.seconds(20))
        #expect(writing.result == .done(bytes.count))
        #expect(reading.result == .done(bytes.count, .bytes(bytes, flags: 0, control: [])))
        _ = try number(pair.client.perform(.shutdown(socket, how: 1)))
        let last = pair.server.begin(.receive(peer, limit: 10))
        pair.pass(.milliseconds(100))
        #expect(last.result == .done(0, .bytes([], flags: 0, control: [])))
        pair.server.closeAll()
        pair.client.closeAll()
        pair.pass(.seconds(70))
        #expect(pair.server.tables.isEmpty && pair.client.tables.isEmpty)
        #expect(pair.server.wanted.isEmpty)
    }

    @Test func nobodyListens() throws {
        let pair = try Pair()
        let socket = try number(pair.client.perform(.socket(domain: 2, type: 1, protocol: 6)))
        let connecting = pair.client.begin(.connect(socket, Endpoint(Pair.serverAddress, 81)))
        pair.pass(.milliseconds(50))
        #expect(connecting.result == .failed(.econnrefused))
        // The socket can be used again, and a time limit bounds the next attempt.
        _ = try number(
            pair.client.perform(.setOption(socket, level: 1, option: 21, .time(.seconds(2)))))
        let silent = pair.client.begin(.connect(socket, Endpoint(.v4(IPv4Address(10, 0, 0, 9)), 80)))
        pair.pass(.seconds(3))
        #expect(silent.result == .failed(.einprogress))
        #expect(silent.finishedAt.map { $0 - .zero } == .milliseconds(2050))
    }
}
