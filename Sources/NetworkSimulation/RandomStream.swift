public import NetPrimitives

/// A repeatable stream of random numbers, named by a seed and a label.
///
/// Each thing that draws (the loss of one direction of one link, the key of one host) has a stream with a label of its
/// own, so that adding a host, a link or a fault leaves every other draw of the run as it was.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private var generator: Generator

    /// - Parameters:
    ///   - seed: the seed of the whole run.
    ///   - label: what draws from this stream.
    public init(seed: UInt64, label: String) {
        // FNV-1a tells labels apart; the generator does the mixing.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        generator = Generator(seed: Seed(seed, hash, 0, 0))
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 { generator.next() }

    /// True with this probability: never at 0 or less, always at 1 or more. Draws nothing in either case.
    public mutating func chance(_ probability: Double) -> Bool {
        if probability <= 0 { return false }
        if probability >= 1 { return true }
        return Double(next() >> 11) * 0x1p-53 < probability
    }

    /// An even draw from `0 ..< bound`. The bound must be positive.
    public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// A seed for something that draws by itself.
    public mutating func split() -> Seed { generator.split() }
}
