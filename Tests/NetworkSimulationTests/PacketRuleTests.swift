import NetPrimitives
import NetworkSimulation
import Testing

@Suite("Scripted faults")
struct PacketRuleTests {
    struct Row: CustomTestStringConvertible {
        let testDescription: String
        let rule: PacketRule
        let arriving: [Int]

        init(_ name: String, _ rule: PacketRule, arriving: [Int]) {
            testDescription = name
            self.rule = rule
            self.arriving = arriving
        }
    }

    /// SYN, SYN|ACK, ACK, data, data, FIN|ACK, RST, SYN again.
    static func conversation(ipv6: Bool) -> [[UInt8]] {
        let flags: [TCPFlags] = [.syn, [.syn, .ack], .ack, [.psh, .ack], .ack, [.fin, .ack], .rst, .syn]
        return flags.enumerated().map { number, flags in
            Packets.tcp(ipv6: ipv6, flags, seq: UInt32(number), payload: (3...4).contains(number) ? [1, 2] : [])
        }
    }

    static var rows: [Row] {
        [
            Row("firewall", PacketRule(.any, then: .drop(.filtered)), arriving: []),
            Row("the first SYN", .drop(.syn, .first(1)), arriving: [1, 2, 3, 4, 5, 6, 7]),
            Row("the second SYN", .drop(.syn, .only(2)), arriving: [0, 1, 2, 3, 4, 5, 6]),
            Row("every SYN", .drop(.syn), arriving: [1, 2, 3, 4, 5, 6]),
            Row("SYN|ACK", .drop(.synAck), arriving: [0, 2, 3, 4, 5, 6, 7]),
            Row("the third ACK", .drop(.bareAck, .first(1)), arriving: [0, 1, 3, 4, 5, 6, 7]),
            Row("data", .drop(.data), arriving: [0, 1, 2, 5, 6, 7]),
            Row("from the third packet on", .drop(.any, .from(3)), arriving: [0, 1]),
            Row("FIN", .drop(.fin), arriving: [0, 1, 2, 3, 4, 6, 7]),
            Row("RST to a port", .drop(.rst && .port(80)), arriving: [0, 1, 2, 3, 4, 5, 7]),
            Row("RST to another port", .drop(.rst && .port(81)), arriving: Array(0...7)),
        ]
    }

    @Test("which packets a rule drops", arguments: rows, [false, true])
    func drops(_ row: Row, ipv6: Bool) throws {
        let network = TwoNodes()
        network.link.forward.rules = [row.rule]
        for packet in Self.conversation(ipv6: ipv6) { network.send(packet) }
        try network.simulation.runUntilIdle()
        let arrived = network.right.received.compactMap { PacketSummary($0.packet)?.tcp?.sequence.rawValue }
        #expect(arrived == row.arriving.map { UInt32($0) })
        let lost = network.simulation.trace.packets.filter { $0.loss != nil }
        #expect(lost.count == 8 - row.arriving.count)
        #expect(lost.allSatisfy { $0.loss == .scripted || $0.loss == .filtered })
    }

    @Test("the first rule that applies decides, the others still count")
    func order() throws {
        let network = TwoNodes()
        network.link.forward.rules = [PacketRule(.syn, .only(1), then: .pass), .drop(.any, .from(3))]
        for packet in Self.conversation(ipv6: false) { network.send(packet) }
        #expect(network.link.forward.rules.map(\.matches) == [2, 8])
        try network.simulation.runUntilIdle()
        #expect(network.right.received.count == 2)
    }

    @Test("delay and rewriting")
    func otherVerdicts() throws {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(10)))
        network.link.forward.rules = [
            PacketRule(.syn, .first(1), then: .delay(.milliseconds(30))),
            PacketRule(.data, .first(1), then: .rewrite { Array($0.dropLast()) }),
        ]
        let conversation = Self.conversation(ipv6: false)
        for packet in [conversation[0], conversation[3]] { network.send(packet) }
        try network.simulation.runUntilIdle()
        #expect(network.arrivalTimes == [10, 40])
        #expect(network.right.received[0].packet == Array(conversation[3].dropLast()))
    }

    @Test("a router's refusal comes back after the way there and back to the middle", arguments: [false, true])
    func reject(ipv6: Bool) throws {
        let network = TwoNodes(LinkConditions(latency: .milliseconds(50)))
        network.link.forward.rules = [PacketRule(.any, then: .reject(.unreachable(code: 3)))]
        let syn = Packets.tcp(ipv6: ipv6, .syn)
        network.send(syn)
        try network.simulation.runUntilIdle()
        let refusal = try #require(network.left.received.first)
        let summary = try #require(PacketSummary(refusal.packet))
        #expect(refusal.time == .zero + .milliseconds(50))
        #expect(Packets.checksumsHold(refusal.packet))
        #expect(summary.transport == .icmp(type: ipv6 ? 1 : 3, code: 3))
        #expect(summary.destination == PacketSummary(syn)?.source)
        #expect(Array(refusal.packet.suffix(syn.count)) == syn)
        #expect(network.simulation.trace.packets.map(\.loss) == [.rejected, nil])
        #expect(network.simulation.trace.packets.map(\.isFromRouter) == [false, true])

        // Never an error about an error.
        network.send(refusal.packet)
        try network.simulation.runUntilIdle()
        #expect(network.left.received.count == 1 && network.simulation.trace.count == 3)
    }
}
