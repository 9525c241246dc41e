import NetPrimitives
import Testing
import WireFormats

@Suite("RFC 1071 and 1624, the Internet checksum")
struct ChecksumTests {
    func sum(_ octets: [UInt8]) -> UInt16 { octets.span.onesComplementSum() }

    func isValid(_ octets: [UInt8], adding sum: UInt32 = 0) -> Bool {
        InternetChecksum.isValid(octets.span, adding: sum)
    }

    @Test("equals the sum word by word, for every length and alignment", arguments: 0..<17)
    func reference(alignment: Int) {
        var generator = Generator(seed: Seed(UInt64(alignment)))
        let octets = generator.octets(417)
        for length in 0...400 {
            let piece = octets[alignment..<alignment + length]
            let sum = octets.span.extracting(alignment..<alignment + length).onesComplementSum()
            #expect(sum == referenceSum(piece), "length \(length)")
        }
    }

    /// All carries that there can be: every word is at its largest.
    @Test("carries are added in", arguments: [2, 63, 64, 65, 128, 1460, 65_535])
    func carries(length: Int) {
        let octets = [UInt8](repeating: 0xFF, count: length)
        #expect(sum(octets) == referenceSum(octets))
    }

    @Test("of large buffers", arguments: [65_535, 262_147, 1_048_576])
    func large(length: Int) {
        var generator = Generator(seed: Seed(UInt64(length)))
        let octets = generator.octets(length)
        #expect(sum(octets) == referenceSum(octets))
    }

    @Test("RFC 1071, 3: the example")
    func example() {
        let octets = hex("0001 f203 f4f5 f6f7")
        #expect(sum(octets) == 0xDDF2)
        #expect(~sum(octets) == 0x220D)
    }

    @Test("what is stored makes the whole valid, and any single bit invalid")
    func validity() {
        var generator = Generator(seed: Seed(1))
        for length in [20, 21, 64, 100] {
            var octets = generator.octets(length).storing(0, at: 10)
            let start = generator.number(UInt32.self)
            octets = octets.storing(InternetChecksum.checksum(octets.span, adding: start), at: 10)
            #expect(isValid(octets, adding: start))
            for bit in 0..<length * 8 {
                let flipped = octets.patched([bit / 8: octets[bit / 8] ^ 1 << UInt8(bit % 8)])
                #expect(!isValid(flipped, adding: start), "length \(length), bit \(bit)")
            }
        }
    }

    @Test("RFC 1624, 4: the example, where equation 4 goes wrong")
    func incrementalExample() {
        #expect(InternetChecksum.update(0xDD2F, replacing: 0x5555, with: 0x3285) == 0x0000)
    }

    @Test("updating equals summing again")
    func incremental() {
        var generator = Generator(seed: Seed(2))
        for _ in 0..<2000 {
            let octets = generator.octets(40).storing(0, at: 16)
            let before = InternetChecksum.checksum(octets.span)
            let offset = [0, 2, 14, 18, 38][Int(generator.next(below: 5))]
            let old = octets.span.uint16(at: offset)
            let new: UInt16 = generator.coin() ? generator.number() : [0, 0xFFFF, ~old, old][Int(generator.next() & 3)]
            let updated = InternetChecksum.update(before, replacing: old, with: new)
            #expect(isValid(octets.storing(new, at: offset).storing(updated, at: 16)))
        }
    }

    @Test("RFC 9293, 3.1; RFC 8200, 8.1: pseudo-headers equal their bytes' sum")
    func pseudoHeaders() {
        var generator = Generator(seed: Seed(3))
        for round in 0..<500 {
            // The extremes first: all zeros, then all ones.
            let octets = round < 2 ? [UInt8](repeating: round == 0 ? 0 : 0xFF, count: 32) : generator.octets(32)
            let length = round < 2 ? 65_535 : Int(generator.next(below: 65_536))
            let span = octets.span
            let tail: [UInt8] = [UInt8(length >> 8), UInt8(length & 0xFF), 0, 6]
            let v4 = InternetChecksum.pseudoHeaderSum(
                source: IPv4Address(span.uint32(at: 0)), destination: IPv4Address(span.uint32(at: 4)), protocol: .tcp,
                length: length)
            #expect(InternetChecksum.fold(UInt64(v4)) == referenceSum(octets[..<8] + tail))
            let source = IPv6Address(high: span.uint64(at: 0), low: span.uint64(at: 8))
            let destination = IPv6Address(high: span.uint64(at: 16), low: span.uint64(at: 24))
            let v6 = InternetChecksum.pseudoHeaderSum(
                source: source, destination: destination, protocol: .tcp, length: length)
            #expect(InternetChecksum.fold(UInt64(v6)) == referenceSum(octets + tail))
            let either = InternetChecksum.pseudoHeaderSum(
                source: .v6(source), destination: .v6(destination), protocol: .tcp, length: length)
            #expect(either == v6)
        }
    }
}
