import NetPrimitives
import NetworkSimulation
import Testing

@Suite("Packets that no end has sent")
struct InjectionTests {
    @Test("arrive after the link's latency, past every rule, and are in nobody's capture as sent")
    func arrives() throws {
        let network = Simulation(seed: 1)
        let (first, second) = (ScriptedNode("first"), ScriptedNode("second"))
        network.add(first)
        network.add(second)
        let link = network.link(first, second, LinkConditions(latency: .milliseconds(20), loss: 1))
        link.forward.rules = [.drop(.any)]
        network.inject([1, 2, 3], on: link, towards: .second)
        network.schedule(at: .zero + .milliseconds(5)) { network.inject([4], on: link, towards: .first) }
        try network.runUntilIdle()
        #expect(second.received.map(\.packet) == [[1, 2, 3]])
        #expect(second.received.map(\.time) == [.zero + .milliseconds(20)])
        #expect(first.received.map(\.packet) == [[4]])
        #expect(first.received.map(\.time) == [.zero + .milliseconds(25)])
        #expect(network.trace.capture(on: link, at: .first).map(\.bytes) == [[4]])
        #expect(network.trace.capture(on: link, at: .second).map(\.bytes) == [[1, 2, 3]])
        #expect(network.trace[0]?.isFromRouter == true && network.trace[0]?.side == .first)
        #expect(link.forward.counters.offered == 0)
    }
}
