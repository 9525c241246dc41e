import NetworkSimulation
import Testing

@Suite("Exploration")
struct ExplorationTests {
    @Test("the handshake", arguments: [false, true])
    func handshake(isSimultaneous: Bool) throws {
        let model = Model("handshake, \(isSimultaneous ? "both connect" : "one listens")") {
            $0.isSimultaneous = isSimultaneous
        }
        let result = try model.exploration().run(limit: 20_000_000)
        print(model.name, result.counts, result.isCutShort)
        if let found = result.counterexample {
            print(found.verdict)
            for event in found.events { print(event.kind, event.left, event.right, event.sent.count) }
        }
        #expect(result.counterexample == nil)
    }
}
