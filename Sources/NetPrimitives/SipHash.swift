/// The 128-bit key of a SipHash.
public struct SipKey: Hashable, Sendable, BitwiseCopyable {
    public var k0: UInt64
    public var k1: UInt64

    @inlinable public init(_ k0: UInt64, _ k1: UInt64) {
        self.k0 = k0
        self.k1 = k1
    }
}

/// SipHash (Aumasson and Bernstein, 2012): a keyed hash that is fast on short inputs.
///
/// SipHash-2-4 makes initial sequence numbers and cookies (RFC 6528 asks for a keyed function that cannot be
/// predicted); SipHash-1-3 spreads 4-tuples over the demultiplexer. Words are taken as eight little-endian bytes each.
public struct SipHash: Sendable, BitwiseCopyable {
    @usableFromInline var v0: UInt64
    @usableFromInline var v1: UInt64
    @usableFromInline var v2: UInt64
    @usableFromInline var v3: UInt64
    @usableFromInline var byteCount: UInt64 = 0
    @usableFromInline let compressionRounds: Int
    @usableFromInline let finalizationRounds: Int

    /// SipHash-2-4.
    @inlinable public init(key: SipKey) { self.init(key: key, compressionRounds: 2, finalizationRounds: 4) }

    /// SipHash-`c`-`d`.
    @inlinable public init(key: SipKey, compressionRounds c: Int, finalizationRounds d: Int) {
        v0 = key.k0 ^ 0x736f_6d65_7073_6575
        v1 = key.k1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.k0 ^ 0x6c79_6765_6e65_7261
        v3 = key.k1 ^ 0x7465_6462_7974_6573
        compressionRounds = c
        finalizationRounds = d
    }

    /// Takes in eight bytes, least significant first.
    @inline(__always) @inlinable public mutating func combine(_ word: UInt64) {
        v3 ^= word
        for _ in 0..<compressionRounds { round() }
        v0 ^= word
        byteCount &+= 8
    }

    /// Takes in `count` last bytes (0...7), least significant first, and gives the hash.
    @inline(__always) @inlinable public consuming func finish(tail: UInt64 = 0, count: Int = 0) -> UInt64 {
        combine(tail | (byteCount &+ UInt64(truncatingIfNeeded: count)) << 56)
        v2 ^= 0xFF
        for _ in 0..<finalizationRounds { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    /// The hash of a message of any length.
    public static func hash(_ message: Span<UInt8>, key: SipKey) -> UInt64 {
        var state = SipHash(key: key)
        var offset = 0
        while offset &+ 8 <= message.count {
            state.combine(message.uint64(at: offset).byteSwapped)
            offset &+= 8
        }
        var tail: UInt64 = 0
        for index in offset..<message.count { tail |= UInt64(message[index]) << (8 * UInt64(index - offset)) }
        return state.finish(tail: tail, count: message.count - offset)
    }

    @inline(__always) @inlinable mutating func round() {
        v0 = v0 &+ v1
        v1 = v1.rotated(left: 13) ^ v0
        v0 = v0.rotated(left: 32)
        v2 = v2 &+ v3
        v3 = v3.rotated(left: 16) ^ v2
        v0 = v0 &+ v3
        v3 = v3.rotated(left: 21) ^ v0
        v2 = v2 &+ v1
        v1 = v1.rotated(left: 17) ^ v2
        v2 = v2.rotated(left: 32)
    }
}

extension FixedWidthInteger {
    @inlinable func rotated(left bits: Int) -> Self { self &<< Self(bits) | self &>> Self(Self.bitWidth &- bits) }
}
