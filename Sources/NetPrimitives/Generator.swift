/// 256 bits from which everything random is drawn.
///
/// A driver fills it from the system's random source; a test writes a number into it and gets the same run each time.
public struct Seed: Hashable, Sendable, BitwiseCopyable {
    public var w0: UInt64
    public var w1: UInt64
    public var w2: UInt64
    public var w3: UInt64

    @inlinable public init(_ w0: UInt64, _ w1: UInt64, _ w2: UInt64, _ w3: UInt64) {
        self.w0 = w0
        self.w1 = w1
        self.w2 = w2
        self.w3 = w3
    }

    /// A seed for tests: the number, and zeros.
    @inlinable public init(_ number: UInt64) { self.init(number, 0, 0, 0) }
}

/// The generator of the core: ChaCha20 (RFC 8439, 2.3) keyed by the seed, as a stream of numbers.
///
/// Ports and identifiers that peers see are drawn from it, so its past and future must not follow from its output: a
/// fast statistical generator would not do.
public struct Generator: RandomNumberGenerator, Sendable, BitwiseCopyable {
    @usableFromInline var seed: Seed
    @usableFromInline var counter: UInt64
    @usableFromInline var block: [8 of UInt64]
    @usableFromInline var position: Int

    public init(seed: Seed) {
        self.seed = seed
        counter = 0
        block = [8 of UInt64](repeating: 0)
        position = 8
    }

    /// The next 64 bits.
    @inlinable public mutating func next() -> UInt64 {
        if position == 8 { refill() }
        defer { position &+= 1 }
        return block[position]
    }

    /// A number below `bound`, which must be at least 1, without bias (Lemire's method).
    @inlinable public mutating func next(below bound: UInt32) -> UInt32 {
        precondition(bound > 0, "a bound of at least 1")
        var product = UInt64(UInt32(truncatingIfNeeded: next())) &* UInt64(bound)
        if UInt32(truncatingIfNeeded: product) < bound {
            let threshold = (0 &- bound) % bound
            while UInt32(truncatingIfNeeded: product) < threshold {
                product = UInt64(UInt32(truncatingIfNeeded: next())) &* UInt64(bound)
            }
        }
        return UInt32(truncatingIfNeeded: product >> 32)
    }

    /// A seed for a generator of its own: what is drawn from either does not change the other.
    public mutating func split() -> Seed { Seed(next(), next(), next(), next()) }

    /// A key for a ``SipHash``.
    public mutating func sipKey() -> SipKey { SipKey(next(), next()) }

    /// All that decides what comes next, for a digest.
    public func encode(into sink: inout SipHash) {
        sink.combine(seed.w0)
        sink.combine(seed.w1)
        sink.combine(seed.w2)
        sink.combine(seed.w3)
        sink.combine(counter &* 8 &+ UInt64(truncatingIfNeeded: position))
    }

    @usableFromInline mutating func refill() {
        let constants: [4 of UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]
        var input = [16 of UInt32](repeating: 0)
        for index in 0..<4 { input[index] = constants[index] }
        let key: [4 of UInt64] = [seed.w0, seed.w1, seed.w2, seed.w3]
        for index in 0..<4 {
            input[4 + 2 * index] = UInt32(truncatingIfNeeded: key[index])
            input[5 + 2 * index] = UInt32(truncatingIfNeeded: key[index] >> 32)
        }
        input[12] = UInt32(truncatingIfNeeded: counter)
        input[13] = UInt32(truncatingIfNeeded: counter >> 32)
        var x = input
        for _ in 0..<10 {
            for column in 0..<4 { Self.quarterRound(&x, column, column + 4, column + 8, column + 12) }
            for row in 0..<4 {
                Self.quarterRound(&x, row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4)
            }
        }
        for index in 0..<8 {
            let low = x[2 * index] &+ input[2 * index]
            let high = x[2 * index + 1] &+ input[2 * index + 1]
            block[index] = UInt64(low) | UInt64(high) << 32
        }
        counter &+= 1
        position = 0
    }

    static func quarterRound(_ x: inout [16 of UInt32], _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
        x[a] = x[a] &+ x[b]
        x[d] = (x[d] ^ x[a]).rotated(left: 16)
        x[c] = x[c] &+ x[d]
        x[b] = (x[b] ^ x[c]).rotated(left: 12)
        x[a] = x[a] &+ x[b]
        x[d] = (x[d] ^ x[a]).rotated(left: 8)
        x[c] = x[c] &+ x[d]
        x[b] = (x[b] ^ x[c]).rotated(left: 7)
    }
}
