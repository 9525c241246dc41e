import NetPrimitives
import NetworkSimulation

/// Two nodes without stacks and a link between them.
struct TwoNodes {
    let simulation: Simulation
    let left: ScriptedNode
    let right: ScriptedNode
    let link: Link

    init(
        seed: UInt64 = 1, _ conditions: LinkConditions = LinkConditions(), trace: Trace.Extent = .everything,
        answer: @escaping ([UInt8], Instant) -> [[UInt8]] = { _, _ in [] }
    ) {
        simulation = Simulation(seed: seed, trace: trace)
        left = ScriptedNode("left")
        right = ScriptedNode("right", answer: answer)
        simulation.add(left)
        simulation.add(right)
        link = simulation.link(left, right, conditions)
    }

    /// Sends from left to right at the current time.
    func send(_ packet: [UInt8]) { simulation.inject(packet, on: link, from: .first) }

    /// When each packet arrived on the right, in milliseconds.
    var arrivalTimes: [Int64] { right.received.map { $0.time.nanoseconds / 1_000_000 } }
}
