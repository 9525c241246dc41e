import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// The two bits of the IP header that RFC 3168 gives to congestion, on their way in and out.
@Suite("Congestion marks")
struct CongestionMarkTests {
    /// A connection that a client opened who asked for ECN, accepted.
    private static func open(_ station: inout Station) throws -> ConnectionID {
        let listener = try station.stack.listen(on: station.own, backlog: 8)
        var syn = Segment.syn()
        syn.flags.formUnion([.ece, .cwr])
        #expect(station.receive(syn) == ["S.E 1000 ack 5001"])
        station.receive(.ack(1_001))
        return try station.stack.accept(listener)
    }

    /// The DSCP and ECN bits of packets.
    private static func classes(_ packets: [[UInt8]]) -> [UInt8] {
        packets.map { $0[0] >> 4 == 4 ? $0[1] : $0[0] << 4 | $0[1] >> 4 }
    }

    @Test(
        "text goes out ECN-capable, acknowledgements do not, and the rest of the field stays",
        arguments: Family.allCases)
    func out(_ family: Family) throws {
        var station = try Station(family, .numbered.with { $0.trafficClass = 0xB8 })
        let id = try Self.open(&station)
        _ = try station.write(id, 100)
        #expect(Self.classes(station.packets()) == [0xBA])
        var text = Segment.text(100, ack: 1_101)
        text.flags.insert(.fin)
        #expect(station.answerPacket(to: text) == nil)
        #expect(Self.classes(station.packets()) == [0xB8])
    }

    @Test("a mark that any fragment of a segment bears is told to the peer", arguments: Family.allCases)
    func fragments(_ family: Family) throws {
        var station = try Station(family)
        let id = try Self.open(&station)
        let whole = Wire.packet(.text(64), from: station.peer, to: station.own)
        var forge = FragmentForge(family, Array(whole.dropFirst(family == .ipv4 ? 20 : 40)), .tcp)
        let cuts = Cut.even(forge.data.count, by: 32)
        #expect(cuts.count == 3)
        var said: [String] = []
        for (index, cut) in cuts.enumerated() {
            forge.ecn = index == 1 ? ECNCodepoint.congestionExperienced.rawValue : ECNCodepoint.ect0.rawValue
            said += station.receive(forge.packet(cut))
        }
        #expect(said == [".E 1001 ack 5065"])
        #expect(try station.read(id) == 64)
    }
}
