import NetPrimitives

/// Where a prefix is counted: a column in each of two rows.
struct PrefixPlace: BitwiseCopyable, Sendable, Equatable {
    var first: UInt16
    var second: UInt16

    static var none: PrefixPlace { PrefixPlace(first: 0, second: UInt16(PrefixShares.columns)) }
}

/// What each prefix of peers (/24 of IPv4, /56 of IPv6) holds of something, in a fixed amount of memory.
///
/// A count-min sketch (Cormode and Muthukrishnan, 2005) of two rows under a secret hash: a prefix is never counted for
/// less than it holds, and for more only where it shares both of its columns with others. Two prefixes at their limits
/// reach a third one with a chance of four in a million, and nobody outside can aim.
struct PrefixShares: ~Copyable, Sendable {
    static let columns = 1024
    static var bytes: Int { 2 * columns * MemoryLayout<UInt32>.stride }

    private var counts: SegmentedArray<UInt32>

    init() { self.init(SegmentedArray(segmentSize: 2 * Self.columns, filler: 0)) }

    private init(_ counts: consuming SegmentedArray<UInt32>) {
        self.counts = counts
        if self.counts.count == 0 { self.counts.grow() }
    }

    func copy() -> PrefixShares { PrefixShares(counts.copy()) }

    /// Bytes held from the allocator.
    var allocatedBytes: Int { counts.allocatedBytes }

    /// What the prefix holds, or more.
    func count(at place: PrefixPlace) -> Int { Int(min(counts[Int(place.first)], counts[Int(place.second)])) }

    mutating func add(_ difference: Int, at place: PrefixPlace) {
        let step = UInt32(truncatingIfNeeded: difference)
        counts[Int(place.first)] &+= step
        counts[Int(place.second)] &+= step
    }
}

extension IPAddress {
    /// The network that an address is in, as fairness and limits reckon: the /24 of IPv4, the /56 of IPv6.
    var network: UInt64 {
        switch self {
        case .v4(let v4): UInt64(v4.rawValue >> 8)
        case .v6(let v6): v6.high >> 8
        }
    }
}

extension FlowTable {
    /// Where the peer's prefix is counted.
    func prefixPlace(of tuple: FourTuple) -> PrefixPlace {
        let hash = hash(tuple.remoteAddress.network)
        let mask = UInt64(PrefixShares.columns - 1)
        return PrefixPlace(
            first: UInt16(truncatingIfNeeded: hash & mask),
            second: UInt16(truncatingIfNeeded: (hash >> 32) & mask) &+ UInt16(PrefixShares.columns))
    }
}
