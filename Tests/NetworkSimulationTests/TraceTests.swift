import NetPrimitives
import NetworkSimulation
import Testing

@Suite("Trace and capture")
struct TraceTests {
    @Test("each side's capture holds what it sent and what reached it, as it happened")
    func captures() throws {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(5))) { packet, _ in [packet + [1]] }
        network.link.forward.rules = [.drop(.any, .only(2))]
        let packet = Packets.tcp()
        for time in [0, 3, 5] as [Int64] {
            network.simulation.schedule(at: .zero + .milliseconds(time)) { network.send(packet) }
        }
        try network.simulation.runUntilIdle()
        func view(_ side: Link.Side) -> [[Int64]] {
            network.simulation.trace.capture(on: network.link, at: side).map {
                [$0.time.nanoseconds / 1_000_000, $0.isOutgoing ? 1 : 0, Int64($0.bytes.count - packet.count)]
            }
        }
        #expect(view(.first) == [[0, 1, 0], [3, 1, 0], [5, 1, 0], [10, 0, 1], [15, 0, 1]])
        #expect(view(.second) == [[5, 0, 0], [5, 1, 1], [10, 0, 0], [10, 1, 1]])
    }

    @Test("a packet on its way is not yet captured at the other end")
    func onItsWay() throws {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(5)))
        network.send(Packets.tcp())
        try network.simulation.run(until: .zero + .milliseconds(4))
        #expect(network.simulation.trace.capture(on: network.link, at: .second).isEmpty)
        try network.simulation.run(until: .zero + .milliseconds(5))
        #expect(network.simulation.trace.capture(on: network.link, at: .second).count == 1)
    }

    @Test("the receiver's capture holds the bytes as they arrived")
    func corrupted() throws {
        var conditions = LinkConditions()
        conditions.corruption = 1
        let network = TwoNodes(conditions)
        network.send(Packets.tcp())
        try network.simulation.runUntilIdle()
        let sent = network.simulation.trace.capture(on: network.link, at: .first)[0].bytes
        let arrived = network.simulation.trace.capture(on: network.link, at: .second)[0].bytes
        #expect(Packets.checksumsHold(sent) && !Packets.checksumsHold(arrived))
        #expect(network.right.received[0].packet == arrived)
    }

    @Test("a trace keeps as much as it is told", arguments: [(Trace.Extent.nothing, 0...0), (.last(10), 10...20)])
    func bounded(extent: Trace.Extent, kept: ClosedRange<Int>) throws {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(1)), trace: extent)
        for number in 0..<995 {
            network.simulation.schedule(at: .zero + .milliseconds(Int64(number))) {
                network.send(Packets.tcp(seq: UInt32(number)))
            }
        }
        try network.simulation.runUntilIdle()
        let trace = network.simulation.trace
        #expect(trace.count == 995)
        #expect(kept.contains(trace.packets.count))
        #expect(trace.moments.count == 2 * trace.packets.count)
        #expect(trace[0] == nil && trace.firstNumber == 995 - trace.packets.count)
        for packet in trace.packets {
            #expect(PacketSummary(packet.bytes)?.tcp?.sequence.rawValue == UInt32(packet.number))
            #expect(trace[packet.number] == packet)
        }
    }
}
