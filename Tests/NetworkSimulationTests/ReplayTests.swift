import NetPrimitives
import Netstack
import NetworkSimulation
import Testing

@Suite("Forks and replays")
struct ReplayTests {
    @Test("a fork in mid-transfer, fed alike, gives the same bytes and the same digest", arguments: [false, true])
    func forks(ipv6: Bool) throws {
        for seed in Seeds.first(10, debug: 2) {
            for point in [0, 1, 70_000, 200_000] {
                try fork(seed: seed, ipv6: ipv6, after: point)
            }
        }
    }

    /// Forks both ends when the server has received so many bytes, and lets the forks do what the originals did then.
    private func fork(seed: UInt64, ipv6: Bool, after point: Int) throws {
        let transfer = try Transfer(
            seed: seed, .rough(0.05, latency: .milliseconds(10)), ipv6: ipv6, bytes: 200_000, records: true)
        let (client, server) = (transfer.network.client, transfer.network.server)
        try transfer.simulation.run { transfer.server.received >= point && client.log?.entries.count ?? 0 > 3 }
        let clientFork = client.fork()
        let serverFork = server.fork()
        let (clientEntries, serverEntries) = (client.log?.entries.count ?? 0, server.log?.entries.count ?? 0)
        let now = transfer.simulation.now
        let digests = (clientFork.stack.digest(at: now), serverFork.stack.digest(at: now))
        #expect(digests.0 == client.inspect { $0.digest(at: now) }, "seed \(seed), fork at \(point)")
        #expect(digests.1 == server.inspect { $0.digest(at: now) }, "seed \(seed), fork at \(point)")
        try transfer.simulation.runUntilIdle()
        #expect(transfer.problem == nil, "seed \(seed)")
        let clientLog = try #require(client.log)
        let serverLog = try #require(server.log)
        check(clientLog.replay(on: clientFork, from: clientEntries), client, "seed \(seed), fork at \(point)")
        check(serverLog.replay(on: serverFork, from: serverEntries), server, "seed \(seed), fork at \(point)")
    }

    @Test("forks at many moments have the digest of the original, and go on as it does")
    func manyForks() throws {
        let transfer = try Transfer(seed: 3, .rough(0.1, latency: .milliseconds(5)), bytes: 60_000, records: true)
        let server = transfer.network.server
        var steps = 0
        while transfer.simulation.step() {
            steps += 1
            guard steps % 20 == 0 else { continue }
            let before = server.log?.entries.count ?? 0
            let fork = server.fork()
            for _ in 0..<10 { transfer.simulation.step() }
            let log = try #require(server.log)
            check(log.replay(on: fork, from: before), server, "step \(steps)")
        }
        #expect(transfer.problem == nil)
        #expect(steps > 100)
    }

    @Test("a recorded run, replayed on a fresh stack, is the same run", arguments: [false, true])
    func replays(ipv6: Bool) throws {
        for seed in Seeds.first(10, debug: 2) {
            let transfer = try Transfer(
                seed: seed, .rough(0.05, latency: .milliseconds(10)), ipv6: ipv6, bytes: 200_000, records: true)
            try transfer.simulation.runUntilIdle()
            #expect(transfer.problem == nil, "seed \(seed)")
            for host in [transfer.network.client, transfer.network.server] {
                let log = try #require(host.log)
                #expect(log.isComplete)
                check(log.replay(), host, "seed \(seed)")
            }
        }
    }

    @Test("a replay that differs says where")
    func divergence() throws {
        let transfer = try Transfer(seed: 1, LinkConditions(latency: .milliseconds(1)), bytes: 1000, records: true)
        try transfer.simulation.runUntilIdle()
        let log = try #require(transfer.network.server.log)
        let other = Simulation(seed: 2).addHost("server", addresses: [])
        // Without its first entries: there is no interface.
        #expect(log.replay(on: other.fork(), from: 5).divergence != nil)
    }

    private func check(_ replay: Replay, _ host: Host, _ comment: Comment) {
        #expect(replay.divergence == nil, comment)
        #expect(replay.digest == host.inspect { $0.digest(at: replay.end) }, comment)
    }
}
