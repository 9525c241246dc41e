import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import Testing

@Suite("Windows, ends and paths")
struct ClosingTests {
    private static let place = Endpoint(TwoHosts.serverAddress(ipv6: false), 80)

    /// - Parameter limit: when everything must be there, in seconds. With 0.05 each of loss and
    ///   corruption, two round trips in ten fail; with 0.15 every second one, and timeouts of up to two minutes rule.
    @Test(
        "a receiver that reads nothing for a minute gets everything then",
        arguments: [(0, 60.1), (0.05, 1_200), (0.15, 60_000)])
    func zeroWindow(loss: Double, limit: Double) throws {
        for seed in Seeds.first(20, debug: 3) {
            let transfer = try Transfer(
                seed: seed, .rough(loss, latency: .milliseconds(10)), bytes: 3_000_000, trace: .last(1000))
            transfer.server.isReading = false
            let (simulation, server) = (transfer.simulation, transfer.network.server)
            simulation.schedule(at: .zero + .seconds(60)) {
                guard let id = transfer.client.id, let info = try? transfer.network.client.info(of: id) else {
                    Issue.record("SIMULATION_SEED=\(seed): no connection after a minute")
                    return
                }
                if loss == 0 { #expect(info.snd.wnd == 0 && info.unacknowledgedBytes > 0, "SIMULATION_SEED=\(seed)") }
                transfer.server.isReading = true
                transfer.server.read(on: server)
            }
            try simulation.runUntilIdle(by: .zero + .seconds(60_000))
            #expect(transfer.problem == nil, "SIMULATION_SEED=\(seed), loss \(loss)")
            let completed = try #require(transfer.server.completedAt)
            #expect(completed <= .zero + .milliseconds(Int64(limit * 1000)), "SIMULATION_SEED=\(seed), loss \(loss)")
        }
    }

    @Test("half-close: the answer comes after the end of the question")
    func halfClose() throws {
        let simulation = Simulation(seed: 1)
        let network = simulation.twoHosts(LinkConditions(latency: .milliseconds(10)))
        let listener = try network.server.listen(on: Self.place)
        let client = try network.client.connect(to: Self.place)
        try simulation.run(until: .zero + .seconds(1))
        let server = try network.server.accept(listener)
        try network.client.write(client, [1, 2, 3])
        try network.client.shutdown(client)
        try simulation.run(until: .zero + .seconds(2))
        #expect(try network.client.info(of: client).state == .finWait2)
        #expect(try network.server.info(of: server).state == .closeWait)
        #expect(try network.server.read(server) == [1, 2, 3])
        #expect(try network.server.read(server) == [])
        #expect(throws: StackError.sideClosed) { try network.client.write(client, [4]) }
        // FIN-WAIT-2 lasts as long as somebody holds the connection (RFC 9293, 3.10.4).
        try simulation.run(until: .zero + .seconds(600))
        let answer = BytePattern(seed: 1).bytes(at: 0, count: 100_000)
        #expect(try network.server.write(server, answer) == answer.count)
        try network.server.close(server)
        try simulation.run(until: .zero + .seconds(605))
        #expect(try network.client.read(client) == answer)
        #expect(try network.client.read(client) == [])
        try network.client.close(client)
        try simulation.runUntilIdle()
        for host in [network.client, network.server] { #expect(host.inspect { $0.tables.isEmpty }) }
    }

    @Test("both ends open at once: one connection, and it works", arguments: [0, 0.2])
    func simultaneousOpen(loss: Double) throws {
        for seed in Seeds.first(50, debug: 10) {
            let simulation = Simulation(seed: seed, trace: .nothing)
            let network = simulation.twoHosts(.rough(loss, latency: .milliseconds(10)))
            let left = Endpoint(TwoHosts.clientAddress(ipv6: false), 7000)
            let right = Endpoint(TwoHosts.serverAddress(ipv6: false), 7001)
            let pattern = BytePattern(seed: seed)
            let ends = [0, 1].map { _ in StreamEnd(sends: pattern, expects: pattern, count: 50_000) }
            network.client.application = { event, host, _ in ends[0].handle(event, on: host) }
            network.server.application = { event, host, _ in ends[1].handle(event, on: host) }
            ends[0].id = try network.client.connect(to: right, from: left)
            ends[1].id = try network.server.connect(to: left, from: right)
            if loss == 0 {
                try simulation.run(until: .zero + .milliseconds(15))
                for (host, id) in [(network.client, ends[0].id), (network.server, ends[1].id)] {
                    #expect(try host.info(of: #require(id)).state == .synReceived)
                }
            }
            try simulation.runUntilIdle(by: .zero + .seconds(3600))
            for end in ends { #expect(end.problem == nil && end.isComplete, "SIMULATION_SEED=\(seed)") }
            for host in [network.client, network.server] {
                #expect(host.inspect { $0.tables.isEmpty }, "SIMULATION_SEED=\(seed), \(host.name)")
            }
        }
    }

    @Test("both ends close at once: CLOSING, TIME-WAIT at both", arguments: [0, 0.3])
    func simultaneousClose(loss: Double) throws {
        for seed in Seeds.first(50, debug: 10) {
            let (simulation, network, client, server) = try opened(seed: seed)
            network.link.forward.conditions = .rough(loss, latency: .milliseconds(10))
            network.link.backward.conditions = .rough(loss, latency: .milliseconds(10))
            var states: [String: [ConnectionState]] = ["client": [], "server": []]
            let tuple = try network.client.info(of: client).tuple
            let mirror = try network.server.info(of: server).tuple
            simulation.onStep = { node in
                guard let host = node as? Host else { return }
                let state = host.inspect { $0.state(of: host.name == "client" ? tuple : mirror) }
                if states[host.name]?.last != state { states[host.name]?.append(state) }
            }
            try network.client.close(client)
            try network.server.close(server)
            try simulation.runUntilIdle(by: .zero + .seconds(3600))
            if loss == 0 {
                for name in ["client", "server"] {
                    #expect(states[name] == [.finWait1, .closing, .timeWait, .closed])
                }
            }
            for host in [network.client, network.server] {
                #expect(host.inspect { $0.tables.isEmpty }, "SIMULATION_SEED=\(seed), \(host.name)")
            }
        }
    }

    @Test("a RST in the middle: what came before can be read, then the reason; nothing is left")
    func reset() throws {
        for seed in Seeds.first(20, debug: 5) {
            let transfer = try Transfer(seed: seed, .rough(0.05, latency: .milliseconds(10)), bytes: 2_000_000)
            try transfer.simulation.run { transfer.client.received >= 100_000 }
            try transfer.network.server.abort(#require(transfer.server.id))
            try transfer.simulation.runUntilIdle(by: .zero + .seconds(3600))
            // The RST itself may be lost: then what the client sends is answered by another.
            #expect(transfer.client.problem?.hasPrefix("reset") == true, "SIMULATION_SEED=\(seed)")
            #expect(transfer.network.server.inspect { $0.tables.isEmpty }, "SIMULATION_SEED=\(seed)")
            let client = try #require(transfer.client.id)
            #expect(try transfer.network.client.failure(of: client) == .reset)
            try transfer.network.client.close(client)
            let left = transfer.network.client.inspect { $0.tables }
            #expect(left.isEmpty, "SIMULATION_SEED=\(seed): \(left)")
        }
    }

    @Test(
        "a narrow place on the path that says so is found out", arguments: [(false, 600), (false, 1280), (true, 1280)])
    func pathMTU(ipv6: Bool, mtu: Int) throws {
        for seed in Seeds.first(20, debug: 3) {
            for loss in [0, 0.05] {
                let transfer = try Transfer(
                    seed: seed, .rough(loss, latency: .milliseconds(10)), ipv6: ipv6, bytes: 200_000)
                transfer.network.link.forward.conditions.mtu = mtu
                transfer.network.link.forward.conditions.oversize = .reported
                try transfer.simulation.runUntilIdle(by: .zero + .seconds(3600))
                #expect(transfer.problem == nil, "SIMULATION_SEED=\(seed), loss \(loss)")
                let done = try #require(transfer.server.completedAt)
                if loss == 0 { #expect(done < .zero + .seconds(2), "found by timeouts only, \(done.milliseconds) ms") }
            }
        }
    }

    @Test("the path narrows while data is under way")
    func pathNarrows() throws {
        for seed in Seeds.first(20, debug: 3) {
            let transfer = try Transfer(seed: seed, LinkConditions(latency: .milliseconds(10)), bytes: 300_000)
            transfer.simulation.schedule(at: .zero + .milliseconds(95)) {
                transfer.network.link.forward.conditions.mtu = 900
                transfer.network.link.forward.conditions.oversize = .reported
            }
            try transfer.simulation.runUntilIdle(by: .zero + .seconds(3600))
            #expect(transfer.problem == nil, "SIMULATION_SEED=\(seed)")
            #expect(try #require(transfer.server.completedAt) < .zero + .seconds(4))
        }
    }

    /// An open connection over a good link.
    private func opened(
        seed: UInt64
    ) throws -> (simulation: Simulation, network: TwoHosts, client: ConnectionID, server: ConnectionID) {
        let simulation = Simulation(seed: seed, trace: .nothing)
        let network = simulation.twoHosts(LinkConditions(latency: .milliseconds(10)))
        let listener = try network.server.listen(on: Self.place)
        let client = try network.client.connect(to: Self.place)
        try simulation.run(until: .zero + .seconds(1))
        return (simulation, network, client, try network.server.accept(listener))
    }
}
