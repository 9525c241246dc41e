import NetPrimitives
import Testing
import WireFormats

@testable import Netstack

/// A stream of fragments and what comes of it.
struct ReassemblyRow: CustomTestStringConvertible, Sendable {
    var name: String
    var cuts: [Cut]
    var completes: Bool
    var dropped: UInt64

    init(_ name: String, _ cuts: [Cut], completes: Bool = false, dropped: UInt64 = 0) {
        self.name = name
        self.cuts = cuts
        self.completes = completes
        self.dropped = dropped
    }

    var testDescription: String { name }
}

@Suite("Reassembly: fragments to packets")
struct ReassemblyTests {
    @Test(arguments: Family.allCases) func everyOrder(of family: Family) {
        let data = pattern(101)
        let cuts = Cut.even(101, by: 32)
        for order in Self.permutations(4) {
            var bench = Bench()
            for (count, index) in order.enumerated() {
                let whole = bench.arrive(FragmentForge(family, data), [cuts[index]])
                #expect(whole == (count == 3 ? data : nil), "\(order)")
            }
            #expect(bench.reassembler.count == 0 && bench.reassembler.bytesInUse == 0)
            #expect(bench.counters.fragmentsDropped == 0)
        }
    }

    @Test(arguments: Family.allCases) func theLargestPacketInOrderAndReversed(of family: Family) {
        let data = pattern(family.largestData)
        let cuts = Cut.even(data.count, by: 1400)
        var bench = Bench()
        #expect(bench.arrive(FragmentForge(family, data), cuts) == data)
        #expect(bench.arrive(FragmentForge(family, data), cuts.reversed()) == data)
        #expect(bench.reassembler.bytesInUse == 0)
    }

    @Test(arguments: Family.allCases) func theHeaderIsThatOfTheFirst(of family: Family) throws {
        var bench = Bench()
        var forge = FragmentForge(family, pattern(24), .udp)
        #expect(bench.arrive(forge.packet(Cut(16, 24, more: false))) == nil)
        forge.ecn = 0xB8
        let made = bench.arrive(forge.packet(Cut(0, 16)))
        let whole = try #require(made)
        if family == .ipv4 {
            let view = try IPv4View(validating: whole.span)
            #expect(!view.isFragment && view.protocol == .udp && view.trafficClass == 0xB8 && view.timeToLive == 64)
            #expect(view.identification == 7 && !view.dontFragment && view.payload.count == 24)
            #expect(IPAddress.v4(view.source) == family.peer && IPAddress.v4(view.destination) == family.host)
        } else {
            let view = try IPv6View(validating: whole.span)
            #expect(view.fragment == nil && view.upperProtocol == .udp && view.trafficClass == 0xB8)
            #expect(view.hopLimit == 64 && view.payload.count == 24)
            #expect(IPAddress.v6(view.source) == family.peer && IPAddress.v6(view.destination) == family.host)
        }
    }

    static let rows = [
        ReassemblyRow("a hole", [Cut(0, 16), Cut(24, 32, more: false)]),
        ReassemblyRow("no end", [Cut(0, 16), Cut(16, 32)]),
        ReassemblyRow("no beginning", [Cut(8, 16), Cut(16, 32, more: false)]),
        ReassemblyRow(
            "the same piece twice", [Cut(0, 16), Cut(0, 16), Cut(16, 32, more: false)], completes: true, dropped: 1),
        ReassemblyRow(
            "the last piece twice", [Cut(16, 32, more: false), Cut(16, 32, more: false), Cut(0, 16)], completes: true,
            dropped: 1),
        // RFC 5722: what overlaps is never put together, not even by pieces that come later.
        ReassemblyRow(
            "overlap at the front", [Cut(8, 24), Cut(0, 16), Cut(0, 8), Cut(24, 32, more: false)], dropped: 4),
        ReassemblyRow("overlap at the back", [Cut(0, 16), Cut(8, 24), Cut(16, 32, more: false)], dropped: 3),
        ReassemblyRow("one within another", [Cut(0, 24), Cut(8, 16), Cut(24, 32, more: false)], dropped: 3),
        ReassemblyRow("one around another", [Cut(8, 16), Cut(0, 24), Cut(24, 32, more: false)], dropped: 3),
        ReassemblyRow("over two others", [Cut(0, 8), Cut(16, 24), Cut(0, 24), Cut(24, 32, more: false)], dropped: 4),
        ReassemblyRow("same start, longer", [Cut(0, 8), Cut(0, 16), Cut(16, 32, more: false)], dropped: 3),
        ReassemblyRow("two ends", [Cut(16, 32, more: false), Cut(16, 24, more: false), Cut(0, 16)], dropped: 3),
        ReassemblyRow("data behind the end", [Cut(16, 24, more: false), Cut(24, 32), Cut(0, 16)], dropped: 3),
        ReassemblyRow("an end before data", [Cut(24, 32), Cut(16, 24, more: false), Cut(0, 16)], dropped: 3),
        ReassemblyRow("the end with more to come", [Cut(16, 32, more: false), Cut(16, 32), Cut(0, 16)], dropped: 3),
        ReassemblyRow("more to come, then the end", [Cut(16, 32), Cut(16, 32, more: false), Cut(0, 16)], dropped: 3),
        // Fragments that are part of no packet harm none either.
        ReassemblyRow(
            "not a multiple of eight", [Cut(0, 15), Cut(0, 16), Cut(16, 32, more: false)], completes: true, dropped: 1),
        ReassemblyRow("empty", [Cut(16, 16), Cut(0, 16), Cut(16, 32, more: false)], completes: true, dropped: 1),
        ReassemblyRow("an empty end", [Cut(0, 32), Cut(32, 32, more: false)], dropped: 1),
        ReassemblyRow(
            "ping of death", [Cut(65528, 65560, more: false), Cut(0, 16), Cut(16, 32, more: false)], completes: true,
            dropped: 1),
    ]

    @Test(arguments: Family.allCases, rows) func pieces(of family: Family, _ row: ReassemblyRow) {
        var bench = Bench()
        let data = pattern(32)
        let whole = bench.arrive(FragmentForge(family, data), row.cuts)
        #expect(whole == (row.completes ? data : nil))
        #expect(bench.counters.fragmentsDropped == row.dropped)
        bench.reassembler.expire(counters: &bench.counters, at: .zero + .seconds(100))
        #expect(bench.reassembler.count == 0 && bench.reassembler.bytesInUse == 0)
        let delivered = row.completes ? UInt64(row.cuts.count) - row.dropped : 0
        #expect(bench.counters.fragmentsDropped == UInt64(row.cuts.count) - delivered, "every fragment has its end")
    }

    /// IPv6: the length field has 16 bits for extension headers and data together; IPv4: for the header too.
    @Test func theLastByteThatFits() {
        for family in Family.allCases {
            let end = family.largestData
            let last = Cut(end / 8 * 8, end, more: false)
            var beyond = last
            beyond.end += 1
            var bench = Bench()
            let forge = FragmentForge(family, pattern(end))
            #expect(bench.arrive(forge, [last]) == nil)
            #expect(bench.reassembler.count == 1 && bench.counters.fragmentsDropped == 0)
            var other = Bench()
            #expect(other.arrive(forge, [beyond]) == nil)
            // IPv6's 65535 + 1 does not even fit a fragment's offset and length: 8 * 8191 + 8.
            #expect(other.reassembler.count == 0 && other.counters.fragmentsDropped == 1)
        }
    }

    @Test(arguments: Family.allCases) func piecesOfDifferentPacketsNeverMeet(of family: Family) {
        let data = pattern(16)
        let first = FragmentForge(family, data, .udp, identification: 7)
        let second = Cut(8, 16, more: false)
        var otherID = first
        otherID.identification = 8
        var otherSource = first
        otherSource.source = family == .ipv4 ? .v4(IPv4Address(192, 0, 2, 3)) : .v6(IPv6Address(high: 0, low: 9))
        for other in [otherID, otherSource] {
            var bench = Bench()
            #expect(bench.arrive(first, [Cut(0, 8)]) == nil)
            #expect(bench.arrive(other, [second]) == nil)
            #expect(bench.reassembler.count == 2)
        }
        var bench = Bench()
        #expect(bench.arrive(first.packet(Cut(0, 8)), interface: InterfaceID(0)) == nil)
        #expect(bench.arrive(first.packet(second), interface: InterfaceID(1)) == nil)
        #expect(bench.reassembler.count == 2)
        // IPv4 tells protocols apart (RFC 791, 3.2); with IPv6 the first fragment's word holds (RFC 8200, 4.5).
        var otherProtocol = first
        otherProtocol.upper = .tcp
        var third = Bench()
        #expect(third.arrive(first, [Cut(0, 8)]) == nil)
        #expect(third.arrive(otherProtocol, [second]) == (family == .ipv4 ? nil : data))
    }

    @Test(arguments: Family.allCases) func timeRunsFromTheFirstFragment(of family: Family) {
        var bench = Bench()
        let forge = FragmentForge(family, pattern(32))
        let start = Instant(nanoseconds: 5)
        #expect(bench.reassembler.nextDeadline == nil)
        #expect(bench.arrive(forge, [Cut(0, 8)], at: start) == nil)
        let deadline = start + family.timeLimit
        #expect(bench.arrive(forge, [Cut(8, 16)], at: start + .seconds(20)) == nil)
        #expect(bench.reassembler.nextDeadline == deadline)
        bench.reassembler.expire(counters: &bench.counters, at: deadline - .nanoseconds(1))
        #expect(bench.reassembler.count == 1)
        bench.reassembler.expire(counters: &bench.counters, at: deadline)
        #expect(bench.reassembler.count == 0 && bench.reassembler.bytesInUse == 0)
        #expect(bench.counters.reassemblyTimeouts == 1 && bench.counters.fragmentsDropped == 2)
        #expect(bench.reassembler.nextDeadline == nil)
        // What comes now begins anew.
        #expect(bench.arrive(forge, [Cut(16, 32, more: false)], at: deadline) == nil)
        #expect(bench.arrive(forge, [Cut(0, 16)], at: deadline) == pattern(32))
    }

    /// A packet given up because of an overlap bars its identification for as long as it would have been waited for.
    @Test(arguments: Family.allCases) func anAbandonedPacketStaysSoUntilItsTime(of family: Family) {
        var bench = Bench()
        let forge = FragmentForge(family, pattern(32))
        #expect(bench.arrive(forge, [Cut(0, 16), Cut(8, 24)]) == nil)
        #expect(bench.reassembler.count == 1 && bench.reassembler.bytesInUse == 0)
        #expect(bench.arrive(forge, Cut.even(32, by: 16)) == nil)
        let later = Instant.zero + family.timeLimit
        bench.reassembler.expire(counters: &bench.counters, at: later)
        #expect(bench.counters.reassemblyTimeouts == 0, "it was given up, its time was not over")
        #expect(bench.arrive(forge, Cut.even(32, by: 16), at: later) == pattern(32))
    }

    @Test(arguments: [
        (UInt8(0), UInt8(0), UInt8?(0)), (2, 2, 2), (2, 3, 3), (3, 2, 3), (1, 3, 3), (0, 3, nil), (3, 0, nil),
    ])
    func congestionIsNotLost(_ first: UInt8, _ second: UInt8, _ whole: UInt8?) {
        for family in Family.allCases {
            var bench = Bench()
            var forge = FragmentForge(family, pattern(16))
            forge.ecn = first
            #expect(bench.arrive(forge.packet(Cut(0, 8))) == nil)
            forge.ecn = second
            let packet = bench.arrive(forge.packet(Cut(8, 16, more: false)))
            #expect(packet.map { (family == .ipv4 ? $0[1] : $0[1] >> 4) & 3 } == whole)
            #expect(bench.reassembler.count == 0 && bench.counters.fragmentsDropped == (whole == nil ? 2 : 0))
        }
    }

    static func permutations(_ count: Int) -> [[Int]] {
        if count == 0 { return [[]] }
        return permutations(count - 1).flatMap { shorter in
            (0...shorter.count).map { place in
                var longer = shorter
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }
}

@Suite("Reassembly: bounds")
struct ReassemblyBoundsTests {
    @Test func nothingIsHeldBeforeTheFirstFragment() {
        let reassembler = FragmentReassembler(byteLimit: 256 << 10, datagramLimit: 64)
        #expect(reassembler.allocatedBytes < 200)
    }

    @Test(arguments: Family.allCases) func theOldestDatagramGivesWay(of family: Family) {
        var bench = Bench(datagramLimit: 4)
        for identification in 0..<10 as Range<UInt32> {
            let forge = FragmentForge(family, pattern(16), identification: identification)
            #expect(bench.arrive(forge, [Cut(0, 8)], at: Instant(nanoseconds: Int64(identification))) == nil)
            #expect(bench.reassembler.count <= 4)
        }
        #expect(bench.counters.reassemblyEvictions == 6 && bench.counters.fragmentsDropped == 6)
        for identification in 0..<10 as Range<UInt32> where identification >= 6 {
            let forge = FragmentForge(family, pattern(16), identification: identification)
            #expect(bench.arrive(forge, [Cut(8, 16, more: false)], at: Instant(nanoseconds: 10)) == pattern(16))
        }
        #expect(bench.reassembler.count == 0)
    }

    @Test func theOldestOfBothFamiliesGivesWay() {
        var bench = Bench(datagramLimit: 2)
        let six = FragmentForge(.ipv6, pattern(16))
        let four = FragmentForge(.ipv4, pattern(16))
        let another = FragmentForge(.ipv4, pattern(16), identification: 8)
        #expect(bench.arrive(six, [Cut(0, 8)], at: Instant(nanoseconds: 1)) == nil)
        #expect(bench.arrive(four, [Cut(0, 8)], at: Instant(nanoseconds: 2)) == nil)
        // IPv6's deadline is the later one, but it was here first.
        #expect(bench.arrive(another, [Cut(0, 8)], at: Instant(nanoseconds: 3)) == nil)
        #expect(bench.arrive(four, [Cut(8, 16, more: false)], at: Instant(nanoseconds: 4)) == pattern(16))
    }

    @Test(arguments: Family.allCases) func memoryIsBounded(of family: Family) {
        let limit = 64 << 10
        var bench = Bench(byteLimit: limit)
        let size = 60_000
        for identification in 0..<50 as Range<UInt32> {
            let forge = FragmentForge(family, pattern(size), identification: identification)
            let cuts = Cut.even(size, by: 1408).dropLast()
            #expect(bench.arrive(forge, Array(cuts), at: Instant(nanoseconds: Int64(identification))) == nil)
            #expect(bench.reassembler.bytesInUse <= limit)
        }
        #expect(bench.counters.reassemblyEvictions == 49)
        let last = FragmentForge(family, pattern(size), identification: 49)
        #expect(bench.arrive(last, [Cut.even(size, by: 1408).last!], at: Instant(nanoseconds: 50)) == pattern(size))
        #expect(bench.reassembler.bytesInUse == 0)
    }

    @Test(arguments: [(0, 64), (4096, 0), (8192, 64)]) func whatNeverFitsIsRefused(_ bytes: Int, _ datagrams: Int) {
        var bench = Bench(byteLimit: bytes, datagramLimit: datagrams)
        let forge = FragmentForge(.ipv4, pattern(20_000))
        #expect(bench.arrive(forge, Cut.even(20_000, by: 1400)) == nil)
        #expect(bench.reassembler.bytesInUse <= bytes && bench.reassembler.count <= datagrams)
        bench.reassembler.expire(counters: &bench.counters, at: .zero + .seconds(100))
        #expect(bench.counters.fragmentsDropped == 15)
    }

    @Test func aDatagramHasOnlySoManyPieces() {
        for pieces in [128, 129] {
            var bench = Bench()
            let data = pattern(8 * pieces)
            let whole = bench.arrive(FragmentForge(.ipv6, data), Cut.even(data.count, by: 8))
            #expect(whole == (pieces == 128 ? data : nil))
        }
    }

    /// Random pieces of three packets, against a reassembler that keeps everything in lists.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func randomPiecesAgreeWithAModel(_ seed: UInt64) {
        var generator = Generator(seed: Seed(seed))
        var bench = Bench()
        var model = [UInt32: [Cut]?]()
        var completed = 0
        for step in 0..<4_000 {
            let identification = generator.next(below: 3) + (UInt32(step) / 40) * 3
            let units = Int(generator.next(below: 3)) + 1
            let start = Int(generator.next(below: 5))
            let isLast = start + units >= 5
            let cut = Cut(start * 8, min(start + units, 5) * 8, more: !isLast && generator.next(below: 50) > 0)
            if cut.start == 0 && !cut.more { continue }
            let forge = FragmentForge(.ipv4, pattern(40), identification: identification)
            let expected = Self.expect(cut, in: &model[identification, default: []])
            let whole = bench.arrive(forge, [cut], at: Instant(nanoseconds: Int64(step)))
            #expect(whole == expected.map { Array(pattern(40)[0..<$0]) }, "seed \(seed), step \(step)")
            if whole != nil {
                completed += 1
                model[identification] = []
            }
        }
        // Most of three hundred packets meet an overlap first; of these seeds 3 completes the fewest.
        #expect(completed >= 16, "seed \(seed)")
    }

    /// - Returns: the length of the packet that `cut` completes.
    static func expect(_ cut: Cut, in cuts: inout [Cut]?) -> Int? {
        guard let held = cuts else { return nil }
        if held.contains(cut) { return nil }
        let overlaps = held.contains { $0.start < cut.end && cut.start < $0.end }
        let end = (held + [cut]).first { !$0.more }?.end
        let contradicts =
            end.map { end in (held + [cut]).contains { $0.end > end || ($0.more && $0.end == end) } } ?? false
        let ends = (held + [cut]).filter { !$0.more }
        if overlaps || contradicts || ends.count > 1 {
            cuts = Optional.none
            return nil
        }
        cuts = held + [cut]
        guard let end, (held + [cut]).reduce(0, { $0 + $1.end - $1.start }) == end else { return nil }
        return end
    }
}
