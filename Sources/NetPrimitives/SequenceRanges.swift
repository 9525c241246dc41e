/// A stretch of sequence space: `left` is its first number, `right` the one after its last.
public struct SequenceRange: Hashable, Sendable, BitwiseCopyable {
    public var left: SequenceNumber
    public var right: SequenceNumber

    @inlinable public init(_ left: SequenceNumber, _ right: SequenceNumber) {
        self.left = left
        self.right = right
    }

    @inlinable public var isEmpty: Bool { left == right }

    /// Numbers in the range.
    @inlinable public var length: UInt32 { right - left }
}

/// Disjoint stretches of sequence space, the one that changed last in front (the order that RFC 2018, 4 asks of SACK
/// blocks). Bounded: what would need one range too many is refused.
///
/// A receiver keeps what came out of order in one, a sender what the peer has selectively acknowledged in another.
public struct SequenceRanges: Slotted, Sendable {
    /// The most ranges.
    @inlinable public static var capacity: Int { 32 }

    /// The next free one while this one is free.
    public var link: Slot
    @usableFromInline var used: UInt32
    @usableFromInline var ranges: [32 of SequenceRange]

    @inlinable public init() {
        link = .none
        used = 0
        ranges = [32 of SequenceRange](repeating: SequenceRange(SequenceNumber(0), SequenceNumber(0)))
    }

    @inlinable public var count: Int { Int(used) }
    @inlinable public var isEmpty: Bool { used == 0 }

    /// Range `index`, the one that changed last being 0.
    @inlinable public subscript(index: Int) -> SequenceRange {
        precondition(index < count, "a range that is held")
        return ranges[index]
    }

    /// Takes in a range, merged with all that it touches, and puts it in front.
    /// - Returns: false when there is no room for one more; nothing changes then.
    @inlinable public mutating func insert(_ range: SequenceRange) -> Bool {
        var merged = range
        var kept = 0
        var rest = ranges
        for index in 0..<count {
            let other = ranges[index]
            if other.left.isAtOrBefore(merged.right) && other.right.isAtOrAfter(merged.left) {
                merged.left = .earliest(merged.left, other.left)
                merged.right = .latest(merged.right, other.right)
            } else {
                rest[kept] = other
                kept &+= 1
            }
        }
        guard kept < Self.capacity else { return false }
        ranges[0] = merged
        for index in 0..<kept { ranges[index &+ 1] = rest[index] }
        used = UInt32(truncatingIfNeeded: kept &+ 1)
        return true
    }

    /// Removes all that lies before `number`.
    @inlinable public mutating func removeAll(before number: SequenceNumber) {
        var kept = 0
        for index in 0..<count where ranges[index].right.isAfter(number) {
            ranges[kept] = SequenceRange(.latest(ranges[index].left, number), ranges[index].right)
            kept &+= 1
        }
        used = UInt32(truncatingIfNeeded: kept)
    }

    /// Where the contiguous stretch that contains `number` ends, or `number` itself when no range holds it.
    @inlinable public func end(ofRangeHolding number: SequenceNumber) -> SequenceNumber {
        for index in 0..<count {
            let range = ranges[index]
            if range.left.isAtOrBefore(number) && range.right.isAfter(number) { return range.right }
        }
        return number
    }

    /// The first number after `number` at which a range begins, if any does.
    @inlinable public func firstLeft(after number: SequenceNumber) -> SequenceNumber? {
        var first: SequenceNumber?
        for index in 0..<count where ranges[index].left.isAfter(number) {
            let left = ranges[index].left
            if let best = first, best.isAtOrBefore(left) { continue }
            first = left
        }
        return first
    }

    /// Whether `number` lies in a range.
    @inlinable public func contains(_ number: SequenceNumber) -> Bool { end(ofRangeHolding: number) != number }

    /// Numbers in all ranges together.
    @inlinable public var totalLength: UInt32 {
        var total: UInt32 = 0
        for index in 0..<count { total &+= ranges[index].length }
        return total
    }

    /// The end of the last range, given that all lie within half the circle of `origin`.
    @inlinable public func end(from origin: SequenceNumber) -> SequenceNumber {
        var end = origin
        for index in 0..<count { end = .latest(end, ranges[index].right) }
        return end
    }

    /// All that decides behaviour, for a digest; numbers relative to `origin`.
    public func encode(into sink: inout SipHash, origin: SequenceNumber) {
        for index in 0..<count {
            sink.combine(UInt64(ranges[index].left - origin) << 32 | UInt64(ranges[index].right - origin))
        }
    }
}
