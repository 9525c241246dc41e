import NetPrimitives
import NetworkSimulation
import Testing

@Suite("The virtual clock and the order of things")
struct SimulationTests {
    @Test("actions of one time run in the order in which they were scheduled")
    func ties() throws {
        let simulation = Simulation(seed: 1)
        var order: [Int] = []
        for number in 0..<100 {
            simulation.schedule(at: .zero + .seconds(Int64(number % 5))) { order.append(number) }
        }
        try simulation.runUntilIdle()
        #expect(order == (0..<5).flatMap { time in (0..<20).map { $0 * 5 + time } })
        #expect(simulation.now == .zero + .seconds(4))
        #expect(simulation.steps == 100)
    }

    @Test("an action in the past runs now, never back in time")
    func past() throws {
        let simulation = Simulation(seed: 1)
        var ran: Instant?
        simulation.schedule(at: .zero + .seconds(5)) {
            simulation.schedule(at: .zero) { ran = simulation.now }
        }
        try simulation.runUntilIdle()
        #expect(ran == .zero + .seconds(5))
    }

    @Test("run(until:) takes the events of its last moment and sets the clock")
    func until() throws {
        let simulation = Simulation(seed: 1)
        var ran: [Int64] = []
        for second in 1...3 as ClosedRange<Int64> {
            simulation.schedule(at: .zero + .seconds(second)) { ran.append(second) }
        }
        try simulation.run(until: .zero + .seconds(2))
        #expect(ran == [1, 2])
        try simulation.run(until: .zero + .milliseconds(2500))
        #expect(ran == [1, 2])
        #expect(simulation.now == .zero + .milliseconds(2500))
        #expect(simulation.nextEventTime == .zero + .seconds(3))
    }

    @Test("a run that never ends is broken off with a reason")
    func limits() {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(1)), trace: .last(10)) { packet, _ in [packet] }
        network.link.backward.rules = [PacketRule(.any, then: .pass)]
        let mirror = ScriptedNode("mirror") { packet, _ in [packet] }
        network.simulation.add(mirror)
        let loop = network.simulation.link(network.right, mirror, LinkConditions(latency: .milliseconds(1)))
        network.simulation.inject(Packets.tcp(), on: loop, from: .first)
        #expect(throws: SimulationError.stepLimit(1000, at: .zero + .milliseconds(1000))) {
            try network.simulation.runUntilIdle(limit: 1000)
        }
        #expect(throws: SimulationError.timeLimit(.zero + .seconds(5))) {
            try network.simulation.runUntilIdle(by: .zero + .seconds(5))
        }
    }

    @Test("run(until: condition) stops before the next event, and says why when it cannot")
    func condition() throws {
        let simulation = Simulation(seed: 1)
        var count = 0
        for second in 1...9 as ClosedRange<Int64> {
            simulation.schedule(at: .zero + .seconds(second)) { count += 1 }
        }
        try simulation.run(until: { count == 4 })
        #expect(count == 4 && simulation.now == .zero + .seconds(4))
        #expect(throws: SimulationError.timeLimit(.zero + .seconds(6))) {
            try simulation.run(by: .zero + .seconds(6), until: { count == 9 })
        }
        try simulation.run(until: { count == 9 })
        #expect(throws: SimulationError.idle(.zero + .seconds(9))) {
            try simulation.run(until: { count == 10 })
        }
    }

    @Test("the same seed gives the same trace, another seed another one")
    func determinism() throws {
        func run(seed: UInt64) throws -> Trace {
            var conditions = LinkConditions.rough(0.1, latency: .milliseconds(3))
            conditions.bandwidth = 10_000_000
            let network = TwoNodes(seed: seed, conditions) { packet, _ in packet.count < 400 ? [packet + [9]] : [] }
            for number in 0..<300 {
                network.send(Packets.tcp(seq: UInt32(number), payload: [UInt8](repeating: 1, count: number)))
            }
            try network.simulation.runUntilIdle()
            return network.simulation.trace
        }
        let (first, again, other) = (try run(seed: 7), try run(seed: 7), try run(seed: 8))
        #expect(first.packets == again.packets && first.moments == again.moments)
        #expect(first.packets != other.packets)
    }

    @Test("a link more does not change what happens on another")
    func independence() {
        func run(extra: Bool) -> [TracedPacket] {
            let network = TwoNodes(seed: 11, .rough(0.1, latency: .milliseconds(3)))
            if extra {
                let third = ScriptedNode("third")
                network.simulation.add(third)
                let link = network.simulation.link(network.left, third, LinkConditions(loss: 0.5))
                for _ in 0..<50 { network.simulation.inject(Packets.tcp(), on: link, from: .first) }
            }
            for _ in 0..<200 { network.send(Packets.tcp()) }
            return network.simulation.trace.packets.filter { $0.link == 0 }
        }
        let (alone, beside) = (run(extra: false), run(extra: true))
        #expect(alone.map(\.arrivals) == beside.map(\.arrivals))
        #expect(alone.map(\.loss) == beside.map(\.loss))
    }

    @Test("a node is asked for its packets and its deadline; deadlines that moved do not fire")
    func deadlines() throws {
        let simulation = Simulation(seed: 1)
        let node = AlarmClock()
        simulation.add(node)
        node.deadline = .zero + .seconds(180)
        simulation.service(node)
        simulation.schedule(at: .zero + .seconds(60)) {
            node.deadline = .zero + .seconds(90)
            simulation.service(node)
        }
        simulation.schedule(at: .zero + .seconds(100)) {
            node.deadline = nil
            simulation.service(node)
        }
        var observed = 0
        simulation.onStep = { _ in observed += 1 }
        try simulation.runUntilIdle()
        #expect(node.fired == [.zero + .seconds(90), .zero + .seconds(95)])
        #expect(simulation.now == .zero + .seconds(100))
        #expect(observed == 5)
    }
}

/// A node that wants to be woken, and five seconds later again.
private final class AlarmClock: Node {
    let name = "clock"
    var deadline: Instant?
    var fired: [Instant] = []

    func addInterface(mtu: Int) -> InterfaceID { InterfaceID(0) }
    func receive(_ packet: [UInt8], on interface: InterfaceID, at now: Instant) {}
    func transmit(at now: Instant, send: (_ packet: [UInt8], _ interface: InterfaceID) -> Void) {}
    func nextDeadline() -> Instant? { deadline }

    func timersFired(at now: Instant) {
        fired.append(now)
        deadline = now + .seconds(5)
    }
}
