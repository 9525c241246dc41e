import NetPrimitives
import NetworkSimulation
import Testing

@Suite("What a link does to packets")
struct LinkTests {
    @Test("a latency is exact, and without a bandwidth sending takes no time")
    func latency() throws {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(100)))
        for _ in 0..<1000 { network.send(Packets.tcp(payload: [UInt8](repeating: 7, count: 1000))) }
        try network.simulation.runUntilIdle()
        #expect(network.right.received.count == 1000)
        #expect(network.right.received.allSatisfy { $0.time == .zero + .milliseconds(100) })
        #expect(network.simulation.now == .zero + .milliseconds(100))
    }

    @Test("the directions have conditions of their own")
    func directions() throws {
        let network = TwoNodes(answer: { packet, _ in [packet] })
        network.link.forward.conditions.latency = .milliseconds(10)
        network.link.backward.conditions.latency = .milliseconds(70)
        network.send(Packets.tcp())
        try network.simulation.runUntilIdle()
        #expect(network.left.received.map(\.time) == [.zero + .milliseconds(80)])
    }

    @Test("packets wait for the wire: 1000 bytes at 1 Mbit/s take 8 ms each")
    func bandwidth() throws {
        var conditions = LinkConditions(latency: .milliseconds(100))
        conditions.bandwidth = 1_000_000
        let network = TwoNodes(conditions)
        for _ in 0..<3 { network.send(Packets.tcp(payload: [UInt8](repeating: 7, count: 960))) }
        #expect(network.link.forward.queueDepth(at: .zero) == (3, 3000))
        network.simulation.schedule(at: .zero + .milliseconds(20)) {
            #expect(network.link.forward.queueDepth(at: network.simulation.now) == (1, 1000))
            network.send(Packets.tcp(payload: [UInt8](repeating: 7, count: 960)))
        }
        try network.simulation.runUntilIdle()
        #expect(network.arrivalTimes == [108, 116, 124, 132])
    }

    @Test(
        "a full queue drops what comes last",
        arguments: [(QueueLimit.packets(2), 2), (.bytes(3999), 3), (.bytes(4000), 4), (.unlimited, 10)])
    func queue(limit: QueueLimit, passing: Int) throws {
        var conditions = LinkConditions()
        conditions.bandwidth = 1_000_000
        conditions.queue = limit
        let network = TwoNodes(conditions)
        for number in 0..<10 {
            network.send(Packets.tcp(seq: UInt32(number), payload: [UInt8](repeating: 7, count: 960)))
        }
        try network.simulation.runUntilIdle()
        let numbers = network.right.received.compactMap { PacketSummary($0.packet)?.tcp?.sequence.rawValue }
        #expect(numbers == (0..<UInt32(passing)).map { $0 })
        #expect(network.link.forward.counters.lost == 10 - passing)
        #expect(network.simulation.trace.packets.filter { $0.loss == .queueFull }.count == 10 - passing)
        // The wire frees the queue again.
        network.send(Packets.tcp())
        try network.simulation.runUntilIdle()
        #expect(network.right.received.count == passing + 1)
    }

    @Test("a packet larger than the MTU is lost, and reported when the link says so", arguments: [false, true])
    func oversize(ipv6: Bool) throws {
        var conditions = LinkConditions(latency: .milliseconds(10))
        conditions.mtu = 1300
        let network = TwoNodes(conditions)
        let large = Packets.tcp(ipv6: ipv6, payload: [UInt8](repeating: 7, count: 1300))
        network.send(large)
        try network.simulation.runUntilIdle()
        #expect(network.left.received.isEmpty && network.right.received.isEmpty)

        network.link.forward.conditions.oversize = .reported
        network.send(large)
        network.send(Packets.tcp(ipv6: ipv6, payload: [UInt8](repeating: 7, count: 1000)))
        try network.simulation.runUntilIdle()
        #expect(network.right.received.count == 1)
        let report = try #require(network.left.received.first?.packet)
        let expected = PacketSummary.Transport.icmp(type: ipv6 ? 2 : 3, code: ipv6 ? 0 : 4)
        #expect(PacketSummary(report)?.transport == expected)
        #expect(Packets.checksumsHold(report))
        let mtuAt = ipv6 ? 46 : 26
        #expect(Array(report[mtuAt..<mtuAt + 2]) == [0x05, 0x14])
    }

    @Test(
        "loss, duplication, reordering and corruption come as often as asked", arguments: 1...4 as ClosedRange<UInt64>)
    func rates(seed: UInt64) throws {
        let count = 10_000
        let network = TwoNodes(seed: seed, .rough(0.05, latency: .milliseconds(10)), trace: .nothing)
        for _ in 0..<count { network.send(Packets.tcp(payload: [1, 2, 3])) }
        try network.simulation.runUntilIdle()
        let counters = network.link.forward.counters
        let arrivals = count - counters.lost + counters.duplicated
        #expect(counters.offered == count)
        #expect(network.right.received.count == arrivals)
        // Five standard deviations of a binomial count at 0.05 over 10 000.
        #expect(abs(counters.lost - count / 20) < 109, "seed \(seed)")
        #expect(abs(counters.duplicated - (count - counters.lost) / 20) < 109, "seed \(seed)")
        #expect(abs(counters.reordered - arrivals / 20) < 109, "seed \(seed)")
        #expect(abs(counters.corrupted - arrivals / 20) < 109, "seed \(seed)")
        #expect(counters.corruptedUncaught == 0, "seed \(seed)")
    }

    @Test("a duplicate arrives behind its original, unchanged")
    func duplication() throws {
        var conditions = LinkConditions(latency: .milliseconds(10))
        conditions.duplication = 1
        let network = TwoNodes(conditions)
        network.send(Packets.tcp(seq: 1))
        network.send(Packets.tcp(seq: 2))
        try network.simulation.runUntilIdle()
        let numbers = network.right.received.compactMap { PacketSummary($0.packet)?.tcp?.sequence.rawValue }
        #expect(numbers == [1, 1, 2, 2])
        #expect(
            network.simulation.trace.packets.map { $0.arrivals.map(\.isDuplicate) } == [[false, true], [false, true]])
    }

    @Test("a reordered packet is overtaken, by no more than the longest delay")
    func reordering() throws {
        var conditions = LinkConditions(latency: .milliseconds(10))
        conditions.reordering = 0.3
        conditions.reorderingDelay = .milliseconds(5)
        let network = TwoNodes(seed: 3, conditions)
        for number in 0..<1000 { network.send(Packets.tcp(seq: UInt32(number))) }
        try network.simulation.runUntilIdle()
        let numbers = network.right.received.compactMap { PacketSummary($0.packet)?.tcp?.sequence.rawValue }
        #expect(numbers != numbers.sorted())
        #expect(numbers.sorted() == Array(0..<1000))
        #expect(network.right.received.allSatisfy { $0.time <= .zero + .milliseconds(15) })
        let untouched = network.simulation.trace.packets.filter { $0.arrivals[0].heldUp == .zero }
        #expect(untouched.allSatisfy { $0.arrivals[0].time == .zero + .milliseconds(10) })
        #expect(Set(numbers.prefix(untouched.count)) == Set(untouched.map { UInt32($0.number) }))
    }

    @Test("a link that is down loses all, what is on its way still arrives")
    func down() throws {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(10)))
        network.send(Packets.tcp())
        network.link.isUp = false
        network.send(Packets.tcp())
        try network.simulation.runUntilIdle()
        #expect(network.right.received.count == 1)
        #expect(network.simulation.trace.packets.map(\.loss) == [nil, .linkDown])
    }

    @Test("one kind of fault does not move another kind's draws")
    func independentDraws() {
        func losses(_ conditions: LinkConditions) -> [Int] {
            let network = TwoNodes(seed: 5, conditions)
            for _ in 0..<500 { network.send(Packets.tcp()) }
            return network.simulation.trace.packets.filter { $0.loss != nil }.map(\.number)
        }
        let plain = losses(LinkConditions(loss: 0.05))
        #expect(!plain.isEmpty)
        #expect(losses(.rough(0.05, latency: .milliseconds(1))) == plain)
    }
}
