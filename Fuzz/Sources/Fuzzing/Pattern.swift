import Glibc
import NetPrimitives

/// Streams whose every byte is known from its place, so that what comes out can be judged without keeping it.
///
/// A table that is copied from: instrumented loops over bytes would take most of a fuzzer's time.
enum Pattern {
    /// A prime, so that a stream repeats nowhere near a power of two.
    private static let period = 65_521

    private static let table: [UInt8] = {
        var generator = Generator(seed: Seed(0x5EED))
        var table = (0..<period).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        table += table
        return table
    }()

    /// Bytes of the stream `key` from `offset` on, at most 65,521; what would stand before its beginning has a negative
    /// one.
    static func bytes(of key: UInt32, at offset: Int, count: Int) -> [UInt8] {
        let start = ((Int(key) &+ offset) % period &+ period) % period
        return Array(table[start..<start + count])
    }

    /// Whether these are the bytes of the stream from `offset` on.
    static func isPart(_ bytes: [UInt8], of key: UInt32, at offset: Int) -> Bool {
        if bytes.isEmpty { return true }
        let expected = self.bytes(of: key, at: offset, count: bytes.count)
        return unsafe bytes.withUnsafeBytes { mine in
            unsafe expected.withUnsafeBytes { unsafe memcmp($0.baseAddress!, mine.baseAddress!, mine.count) == 0 }
        }
    }
}
