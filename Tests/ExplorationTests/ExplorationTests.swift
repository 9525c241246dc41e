import NetworkSimulation
import Testing

/// All that can happen between two real stacks, within bounds: see docs/exploration.md.
@Suite("Exploration")
struct ExplorationTests {
    @Test("nothing that the network does to a handshake breaks a law", arguments: Model.handshakes)
    func handshakes(_ model: Model) throws {
        let counts = try explore(model)
        #expect(counts.situations > (model.name == Model.handshake.name ? 1_000_000 : 400_000), "\(model.name)")
    }

    @Test("nothing that the network does to a closing breaks a law", arguments: Model.closings)
    func closings(_ model: Model) throws {
        let counts = try explore(model)
        #expect(counts.situations > 10_000, "\(model.name)")
    }

    @Test("a planted bug is found, on a shortest way", arguments: PlantedBug.all)
    func plantedBugs(_ bug: PlantedBug) throws {
        let result = try bug.model.exploration().run()
        let found = try #require(result.counterexample, "\(bug.name): \(result.counts)")
        let heading = "planted: \(bug.name); found after \(found.steps) steps, among \(result.counts.states) states"
        print(([heading] + CounterexamplePicture.lines(found) + [""]).joined(separator: "\n"))
        #expect(found.verdict.contains(bug.verdict), "\(bug.name): \(found.verdict)")
    }

    /// Explores a model to its end, and prints what was seen.
    private func explore(_ model: Model) throws -> ExplorationCounts {
        let result = try model.exploration().run()
        print("explored: \(model.name): \(result.counts)")
        if let found = result.counterexample {
            print(CounterexamplePicture.lines(found).joined(separator: "\n"))
        }
        #expect(result.counterexample == nil, "\(model.name): \(result.counterexample?.verdict ?? "")")
        #expect(result.counts.healed >= result.counts.situations && result.counts.comparisons > 0)
        return result.counts
    }
}
