import NetPrimitives
import Netstack
import NetworkSimulation
import Testing

/// A stack, and the endpoints that it serves, among mutants of what it and its peer really say.
private struct Victim: ~Copyable {
    var stack: NetworkStack
    var connections: [ConnectionID] = []
    private(set) var established = 0
    private(set) var bytesRead = 0
    private(set) var requested = 0

    init(_ address: IPAddress, seed: UInt64) throws {
        stack = NetworkStack(seed: Seed(seed))
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1500))
        try stack.addAddress(#require(IPPrefix(address, length: address.isIPv6 ? 64 : 24)), to: interface)
    }

    /// The packets come in, one by one.
    /// - Returns: what is sent because of them.
    mutating func receive(_ packets: [[UInt8]], at now: Instant) -> [[UInt8]] {
        var batch = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 256)
        var answers = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 256)
        for packet in packets { _ = batch.append(packet.span, interface: InterfaceID(0)) }
        stack.receive(batch, answers: &answers, at: now)
        serve(at: now)
        return Self.copies(answers) + sent(at: now)
    }

    mutating func sent(at now: Instant) -> [[UInt8]] {
        var batch = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 128)
        stack.transmit(into: &batch, at: now)
        return Self.copies(batch)
    }

    private static func copies(_ batch: borrowing PacketBatch) -> [[UInt8]] {
        (0..<batch.count).map { index in
            let bytes = batch.bytes(of: index)
            return bytes.indices.map { bytes[$0] }
        }
    }

    /// Takes what there is to accept, says something on every connection, reads what comes, closes what has ended.
    private mutating func serve(at now: Instant) {
        while let event = stack.nextEvent() {
            switch event {
            case .acceptable(let listener):
                while let id = try? stack.accept(listener) { begin(id) }
            case .established(let id): begin(id)
            case .readable(let id): read(id)
            case .requested(let id):
                requested += 1
                // Mostly the other end is to get what it wants.
                let decisions: [RequestDecision] = [.refuse, .reject(.host), .ignore]
                let decision = requested % 7 < 3 ? decisions[requested % 7] : .accept
                try? stack.decide(id, decision, at: now)
            case .writable, .reported, .withdrawn: break
            case .readClosed(let id), .closed(let id):
                read(id)
                try? stack.close(id, at: now)
            }
        }
    }

    private mutating func begin(_ id: ConnectionID) {
        established += 1
        connections.append(id)
        _ = try? stack.write(id, [UInt8](repeating: 7, count: 3000).span)
    }

    private mutating func read(_ id: ConnectionID) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var target = buffer.mutableSpan
        while let count = try? stack.read(id, into: &target), count > 0 { bytesRead += count }
    }

    /// Time has passed, in which nothing came, and what still turns up is aborted.
    mutating func letGo(at now: Instant) {
        stack.timersFired(at: now)
        _ = receive([], at: now)
        abortAll(at: now)
    }

    /// Nobody holds a connection any more.
    mutating func abortAll(at now: Instant) {
        for id in connections { try? stack.abort(id, at: now) }
        connections.removeAll()
    }
}

/// What no sender in its right mind would send.
@Suite("Mutants")
struct MutantTests {
    /// Every packet of connections that open, talk and close, of pings and of UDP comes behind mutants of itself, to
    /// both ends. Then a stranger opens a connection.
    @Test("a hundred thousand mutants, and a handshake works", arguments: [false, true], [false, true])
    func mutants(ipv6: Bool, asks: Bool) throws {
        for seed in Seeds.first(2, debug: 1) {
            let count = Seeds.isOptimized ? 100_000 : 5_000
            var mutator = PacketMutator(random: RandomStream(seed: seed, label: "mutants"))
            let (left, right) = (TwoHosts.clientAddress(ipv6: ipv6), TwoHosts.serverAddress(ipv6: ipv6))
            var client = try Victim(left, seed: seed)
            var server = try Victim(right, seed: ~seed)
            let mode = asks ? ListenerMode.requests(undecided: .refuse) : .immediate
            _ = try server.stack.listen(on: Endpoint(right, 80), backlog: 8, mode: mode)
            var (now, sent, round) = (Instant.zero, 0, 0)
            while sent < count {
                round += 1
                let id = try client.stack.connect(to: Endpoint(right, 80), at: now)
                client.connections.append(id)
                var there = client.sent(at: now)
                // The packets of this helper go from the client's address to the server's.
                there += [Packets.echo(ipv6: ipv6, payload: [1, 2, 3]), Packets.udp(ipv6: ipv6, payload: [1, 2, 3])]
                for _ in 0..<12 where !there.isEmpty {
                    now = now + .milliseconds(10)
                    let back = exchange(there, with: &server, &mutator, at: now, counting: &sent)
                    there = exchange(back, with: &client, &mutator, at: now, counting: &sent)
                    if round % 3 == 0 { try? client.stack.shutdown(id, at: now) }
                }
                if round % 5 == 0 { client.abortAll(at: now) }
                if round % 7 == 0 { server.abortAll(at: now) }
                now = now + .seconds(Int64(round % 4))
                client.stack.timersFired(at: now)
                server.stack.timersFired(at: now)
            }
            #expect(client.established > 100 || !Seeds.isOptimized, "SIMULATION_SEED=\(seed): the mutants won at once")
            #expect(server.bytesRead > 100_000 || !Seeds.isOptimized, "SIMULATION_SEED=\(seed)")
            let counters = server.stack.counters
            #expect(
                counters.ipHeaderErrors > 0 && counters.checksumErrors > 0 && counters.segmentErrors > 0
                    && counters.martians > 0 && counters.notForUs > 0, "SIMULATION_SEED=\(seed): \(counters)")
            #expect(!asks || server.requested > 100 || !Seeds.isOptimized, "SIMULATION_SEED=\(seed)")
            if !asks { try handshake(with: &server, seed: seed, ipv6: ipv6, at: now) }
            // What was closed with data on its way tries for about twenty minutes, longer at our coarse steps.
            for _ in 0..<60 {
                now = now + .seconds(60)
                client.letGo(at: now)
                server.letGo(at: now)
            }
            #expect(client.stack.tables.isEmpty, "SIMULATION_SEED=\(seed): \(client.stack.tables)")
            #expect(server.stack.tables.isEmpty, "SIMULATION_SEED=\(seed): \(server.stack.tables)")
        }
    }

    /// Each of the packets behind four mutants of itself.
    private func exchange(
        _ packets: [[UInt8]], with victim: inout Victim, _ mutator: inout PacketMutator, at now: Instant,
        counting sent: inout Int
    ) -> [[UInt8]] {
        var answers: [[UInt8]] = []
        for packet in packets.prefix(16) {
            let mutants = (0..<4).map { _ in mutator.mutate(packet) }
            sent += mutants.count
            answers += victim.receive(mutants + [packet], at: now)
        }
        return answers
    }

    /// A client that nobody has seen before is established, and so is its connection at the other end.
    private func handshake(with server: inout Victim, seed: UInt64, ipv6: Bool, at now: Instant) throws {
        let address: IPAddress =
            ipv6 ? .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 9)) : .v4(IPv4Address(192, 0, 2, 9))
        var stranger = try Victim(address, seed: seed &+ 77)
        let before = server.established
        _ = try stranger.stack.connect(to: Endpoint(TwoHosts.serverAddress(ipv6: ipv6), 80), at: now)
        var there = stranger.sent(at: now)
        for _ in 0..<10 { there = stranger.receive(server.receive(there, at: now), at: now) }
        #expect(stranger.established == 1 && server.established == before + 1, "SIMULATION_SEED=\(seed)")
        #expect(stranger.bytesRead == 3000, "SIMULATION_SEED=\(seed)")
    }
}
