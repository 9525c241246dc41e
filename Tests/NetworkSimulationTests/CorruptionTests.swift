import NetPrimitives
import NetworkSimulation
import Testing

@Suite("Corruption")
struct CorruptionTests {
    /// Sends packets of all kinds and lengths over a link that damages each.
    private func damaged(
        seed: UInt64, count: Int, _ mode: CorruptionMode
    ) throws -> (traced: [TracedPacket], counters: LinkCounters) {
        var conditions = LinkConditions()
        conditions.corruption = 1
        conditions.corruptionMode = mode
        let network = TwoNodes(seed: seed, conditions)
        var random = RandomStream(seed: seed, label: "contents")
        for number in 0..<count {
            let payload = (0..<random.below(60)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let ipv6 = number % 2 == 0
            switch number / 2 % 4 {
            case 0: network.send(Packets.udp(ipv6: ipv6, payload: payload))
            case 1: network.send(Packets.echo(ipv6: ipv6, payload: payload))
            default:
                let numbers = (UInt32(truncatingIfNeeded: random.next()), UInt32(truncatingIfNeeded: random.next()))
                network.send(Packets.tcp(ipv6: ipv6, .ack, seq: numbers.0, ack: numbers.1, payload: payload))
            }
        }
        try network.simulation.runUntilIdle()
        return (network.simulation.trace.packets, network.link.forward.counters)
    }

    @Test("one to three bits of one 16-bit word never escape the checksums", arguments: 1...20 as ClosedRange<UInt64>)
    func alwaysCaught(seed: UInt64) throws {
        let (packets, counters) = try damaged(seed: seed, count: 500, .caught)
        #expect(counters.corrupted == 500 && counters.corruptedUncaught == 0, "seed \(seed)")
        for packet in packets {
            let arrival = try #require(packet.arrivals.first)
            let corruption = try #require(arrival.corruption)
            let flipped = differingBits(packet.bytes, arrival.bytes)
            #expect(Packets.checksumsHold(packet.bytes), "seed \(seed)")
            #expect(!Packets.checksumsHold(arrival.bytes), "seed \(seed), bits \(flipped) of \(packet.bytes)")
            #expect(corruption.bits == flipped && corruption.isCaught, "seed \(seed)")
            #expect((1...3).contains(flipped.count) && Set(flipped.map { $0 / 16 }).count == 1, "seed \(seed)")
        }
    }

    private func differingBits(_ a: [UInt8], _ b: [UInt8]) -> [Int] {
        (0..<a.count * 8).filter { bit in
            let mask: UInt8 = 0x80 >> UInt8(bit % 8)
            return a[bit / 8] & mask != b[bit / 8] & mask
        }
    }

    @Test("every byte that a checksum covers is hit at some time, and no other")
    func coverage() throws {
        var hit = (v4: Set<Int>(), v6: Set<Int>())
        var conditions = LinkConditions()
        conditions.corruption = 1
        let network = TwoNodes(seed: 9, conditions)
        for number in 0..<8000 { network.send(Packets.tcp(ipv6: number % 2 == 1, payload: [1, 2, 3, 4, 5])) }
        for packet in network.simulation.trace.packets {
            let bits = try #require(packet.arrivals.first?.corruption?.bits)
            if packet.number % 2 == 1 {
                hit.v6.formUnion(bits.map { $0 / 8 })
            } else {
                hit.v4.formUnion(bits.map { $0 / 8 })
            }
        }
        // IPv4: all but version, header length and TOS. IPv6: the addresses and what follows.
        #expect(hit.v4 == Set(2..<45))
        #expect(hit.v6 == Set(8..<65))
    }

    @Test("a packet without a checksum is left whole, but for IPv4's header")
    func uncovered() throws {
        var conditions = LinkConditions()
        conditions.corruption = 1
        let network = TwoNodes(conditions)
        for _ in 0..<200 { network.send(Packets.udp(payload: [1, 2, 3, 4], withChecksum: false)) }
        // Not IP at all.
        network.send([1, 2, 3])
        for packet in network.simulation.trace.packets.dropLast() {
            let bits = try #require(packet.arrivals[0].corruption?.bits)
            #expect(bits.allSatisfy { (16..<160).contains($0) })
        }
        #expect(network.simulation.trace.packets.last?.arrivals.first?.corruption == nil)
    }

    @Test("bursts: what is called uncaught is just what no checksum contradicts")
    func bursts() throws {
        var uncaught = 0
        for seed in 1...4 as ClosedRange<UInt64> {
            let (packets, counters) = try damaged(seed: seed, count: 500, .burst(bits: 200))
            for packet in packets {
                let arrival = try #require(packet.arrivals.first)
                let corruption = try #require(arrival.corruption)
                #expect(arrival.bytes != packet.bytes)
                #expect(corruption.bits.count <= 200)
                // A packet that has turned into another kind may have no checksum at all; the second opinion knows TCP,
                // UDP and ICMP without extension headers only.
                if Packets.checksumsHold(arrival.bytes) {
                    #expect(!corruption.isCaught, "seed \(seed), packet \(packet.number)")
                }
            }
            let marked = packets.filter { $0.arrivals[0].corruption?.isCaught == false }.count
            #expect(counters.corruptedUncaught == marked)
            uncaught += marked
        }
        // IPv6's flow label and hop limit alone make up some percent of the bits.
        #expect(uncaught > 0)
    }
}
