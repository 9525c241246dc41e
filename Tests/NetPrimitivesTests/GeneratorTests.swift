import Testing

@testable import NetPrimitives

@Suite("The generator")
struct GeneratorTests {
    /// RFC 8439 2.3.2's block function with key, counter and nonce of zero (its appendix A.1, test vector 1).
    @Test func matchesChaCha20() {
        var generator = Generator(seed: Seed(0))
        #expect(generator.next() == UInt64(littleEndianBytes: [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]))
        #expect(generator.next() == UInt64(littleEndianBytes: [0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28]))
        for _ in 0..<6 { _ = generator.next() }
        // The second block: the counter is 1 (appendix A.1, test vector 2).
        #expect(generator.next() == UInt64(littleEndianBytes: [0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a]))
    }

    @Test func staysBelowItsBound() {
        var generator = Generator(seed: Seed(7))
        var seen = [Bool](repeating: false, count: 5)
        for _ in 0..<200 { seen[Int(generator.next(below: 5))] = true }
        #expect(seen == [Bool](repeating: true, count: 5))
    }

    @Test func splittingGivesUnrelatedStreams() {
        var a = Generator(seed: Seed(1))
        var child = Generator(seed: a.split())
        var twin = Generator(seed: Seed(1))
        _ = twin.split()
        #expect(a.next() == twin.next())
        #expect(child.next() != a.next())
    }
}

extension UInt64 {
    fileprivate init(littleEndianBytes bytes: [UInt8]) {
        self = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
