/// Contents for a stream that can be checked at any offset without keeping them.
///
/// Eight bytes at a time are a mix of the seed and their place, so a byte that is lost, doubled, damaged or from
/// another stream shows at once.
public struct BytePattern: Hashable, Sendable {
    public let seed: UInt64

    public init(seed: UInt64) { self.seed = seed }

    /// `count` bytes of the stream from `offset` on. Neither is negative.
    public func bytes(at offset: Int, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        var position = offset
        while position < offset + count {
            let word = word(position / 8) >> UInt64(position % 8 * 8)
            let usable = min(8 - position % 8, offset + count - position)
            for index in 0..<usable { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * index))) }
            position += usable
        }
        return bytes
    }

    /// The offset in the stream of the first byte that is not what it should be, or `nil` when all are right.
    /// - Parameters:
    ///   - bytes: what was received.
    ///   - offset: its place in the stream.
    public func firstMismatch(_ bytes: some Collection<UInt8>, at offset: Int) -> Int? {
        var position = offset
        for byte in bytes {
            let expected = UInt8(truncatingIfNeeded: word(position / 8) >> UInt64(position % 8 * 8))
            if byte != expected { return position }
            position += 1
        }
        return nil
    }

    /// SplitMix64's finisher over the seed and the word's number.
    private func word(_ number: Int) -> UInt64 {
        var mix = seed &+ UInt64(truncatingIfNeeded: number + 1) &* 0x9E37_79B9_7F4A_7C15
        mix = (mix ^ mix >> 30) &* 0xBF58_476D_1CE4_E5B9
        mix = (mix ^ mix >> 27) &* 0x94D0_49BB_1331_11EB
        return mix ^ mix >> 31
    }
}
