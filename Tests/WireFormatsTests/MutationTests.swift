import NetPrimitives
import Testing
import WireFormats

/// Packets that are almost right. Nothing that can be done to their bytes traps, and what a view has let through, its
/// accessors stand by.
@Suite("Mutated packets")
struct MutationTests {
    static let corpus: [[UInt8]] = [
        IPv4Tests.packet,
        IPv4Tests.patched([0: 0x4F, 9: 6]),
        IPv4Tests.patched([6: 0x20, 7: 0x10]),
        IPv6Tests.packet(.tcp, TCPTests.syn),
        IPv6Tests.packet(.hopByHop, IPv6Tests.withAll),
        IPv6Tests.packet(.fragment, hex("3c00 0001 12345678 0600 0104 00000000") + TCPTests.syn),
        IPv6Tests.packet(
            .destinationOptions, hex("2c01 3e01 aa00 1f00 0005 0000 00000000 0600 0000 00000001") + TCPTests.data),
        IPv6Tests.packet(.icmpv6, hex("0104 0000 00000000") + ICMPTests.v6),
        TCPTests.syn, TCPTests.data, UDPTests.datagram,
        hex("0304 0000 0000 05dc") + ICMPTests.v4,
    ]

    /// Everything that can be asked of these bytes, as a number that keeps the work from being dropped.
    static func readAll(_ octets: Span<UInt8>) -> UInt64 {
        var sum: UInt64 = 0
        if let view = try? IPv4View(validating: octets) {
            sum &+= UInt64(view.source.rawValue) &+ UInt64(view.identification) &+ UInt64(view.timeToLive)
            sum &+=
                UInt64(view.fragmentOffset) &+ UInt64(view.header.count) &+ UInt64(view.payload.count)
                &+ readUpper(view.payload)
        }
        if let view = try? IPv6View(validating: octets) {
            sum &+= view.source.high &+ view.destination.low &+ UInt64(view.flowLabel) &+ UInt64(view.hopLimit)
            sum &+= UInt64(view.headers.count) &+ UInt64(view.payload.count) &+ readUpper(view.payload)
        }
        return sum &+ readUpper(octets) &+ UInt64(octets.onesComplementSum())
    }

    static func readUpper(_ octets: Span<UInt8>) -> UInt64 {
        var sum: UInt64 = 0
        if let view = try? TCPView(validating: octets) {
            let seg = view.segment
            sum &+= UInt64(seg.length) &+ UInt64(view.payload.count) &+ UInt64(view.reservedBits)
            for index in 0..<seg.options.sackBlocks.count {
                sum &+= UInt64(seg.options.sackBlocks[index].left.rawValue)
            }
            if let cookie = seg.options.fastOpen, cookie.count > 0 { sum &+= UInt64(cookie[Int(cookie.count) - 1]) }
            let copy = written(seg.headerLength) { seg.emitHeader(into: &$0, sourcePort: 1, destinationPort: 2) }
            sum &+= UInt64(copy.count)
        }
        if let view = try? UDPView(validating: octets) { sum &+= UInt64(view.payload.count) }
        // The sum that makes any message valid: mutants are to reach what lies behind the check.
        let remedy = UInt32(~octets.onesComplementSum())
        for pseudoHeader in [nil, remedy] as [UInt32?] {
            if let view = try? ICMPView(validating: octets, pseudoHeaderSum: pseudoHeader) {
                sum &+= UInt64(view.body.count) &+ (view.quoted == nil ? 0 : 1)
            }
        }
        return sum &+ (QuotedPacket(octets) == nil ? 0 : 1)
    }

    /// One to four changes: a byte, a bit, a length cut off, bytes repeated, an extreme value.
    static func mutate(_ packet: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var octets = packet
        for _ in 0...generator.next(below: 4) where !octets.isEmpty {
            let place = Int(generator.next(below: UInt32(octets.count)))
            switch generator.next(below: 6) {
            case 0: octets[place] = generator.number()
            case 1: octets[place] ^= 1 << UInt8(generator.next(below: 8))
            case 2: octets.removeLast(octets.count - place)
            case 3: octets.insert(contentsOf: octets[place...].prefix(8), at: place)
            case 4: octets[place] = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF][Int(generator.next(below: 7))]
            default: octets.removeSubrange(place..<min(place + 4, octets.count))
            }
        }
        // Half of them get past the checksum of IPv4.
        if octets.count >= 20, octets[0] >> 4 == 4, generator.coin() {
            let header = min(Int(octets[0] & 15) * 4, octets.count)
            octets = octets.storing(0, at: 10)
            octets = octets.storing(~referenceSum(octets[..<header]), at: 10)
        }
        return octets
    }

    @Test("do no harm, a hundred thousand of them", arguments: [1, 2, 3, 4] as [UInt64])
    func mutants(seed: UInt64) {
        var generator = Generator(seed: Seed(seed))
        var distinct: Set<UInt64> = []
        for _ in 0..<25_000 {
            let packet = Self.corpus[Int(generator.next(below: UInt32(Self.corpus.count)))]
            distinct.insert(Self.readAll(Self.mutate(packet, &generator).span))
        }
        #expect(distinct.count > 10_000, "seed \(seed): the mutants differ in what is read of them")
    }

    @Test("the packets they are made of are right")
    func corpusIsRight() {
        #expect(Self.corpus.prefix(3).allSatisfy { IPv4Tests.error($0) == nil })
        #expect(Self.corpus[3..<8].allSatisfy { IPv6Tests.error($0) == nil })
    }
}
