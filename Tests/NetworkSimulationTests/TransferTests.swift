import NetPrimitives
import Netstack
import NetworkSimulation
import Testing

@Suite("Streams over bad links")
struct TransferTests {
    @Test("5 % of everything: 1 MB each way arrives unchanged, and nothing is left", arguments: [false, true])
    func rough(ipv6: Bool) throws {
        for seed in Seeds.first(200, debug: 4) {
            let transfer = try Transfer(seed: seed, .rough(0.05, latency: .milliseconds(10)), ipv6: ipv6)
            do {
                try transfer.simulation.runUntilIdle(by: .zero + .seconds(7200), limit: 1_000_000)
            } catch {
                Issue.record("SIMULATION_SEED=\(seed): \(error)")
            }
            if let problem = transfer.problem { Issue.record("SIMULATION_SEED=\(seed): \(problem)") }
        }
    }
}
