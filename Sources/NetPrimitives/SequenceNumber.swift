/// A TCP sequence number: a position on a circle of 2^32 (RFC 9293, 3.4).
///
/// Order on the circle is not total, so there is no `<`: ``isBefore(_:)`` and its kin compare by the signed distance
/// and are meaningful for numbers less than 2^31 apart. No operation traps.
public struct SequenceNumber: Hashable, Sendable, BitwiseCopyable {
    /// The 32 bits on the wire.
    public var rawValue: UInt32

    @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable public static func + (number: SequenceNumber, count: UInt32) -> SequenceNumber {
        SequenceNumber(number.rawValue &+ count)
    }

    @inlinable public static func - (number: SequenceNumber, count: UInt32) -> SequenceNumber {
        SequenceNumber(number.rawValue &- count)
    }

    @inlinable public static func += (number: inout SequenceNumber, count: UInt32) { number = number + count }

    /// How far `a` lies after `b`, going round the circle forwards: 0 ..< 2^32.
    @inlinable public static func - (a: SequenceNumber, b: SequenceNumber) -> UInt32 { a.rawValue &- b.rawValue }

    /// The signed distance from `other` to this number: positive when this one is later.
    @inlinable public func distance(from other: SequenceNumber) -> Int32 {
        Int32(truncatingIfNeeded: rawValue &- other.rawValue)
    }

    /// RFC 9293's `<` on the circle.
    @inlinable public func isBefore(_ other: SequenceNumber) -> Bool { distance(from: other) < 0 }
    /// RFC 9293's `=<` on the circle.
    @inlinable public func isAtOrBefore(_ other: SequenceNumber) -> Bool { distance(from: other) <= 0 }
    /// RFC 9293's `>` on the circle.
    @inlinable public func isAfter(_ other: SequenceNumber) -> Bool { distance(from: other) > 0 }
    /// RFC 9293's `>=` on the circle.
    @inlinable public func isAtOrAfter(_ other: SequenceNumber) -> Bool { distance(from: other) >= 0 }

    /// The later of two numbers on the circle.
    @inlinable public static func latest(_ a: SequenceNumber, _ b: SequenceNumber) -> SequenceNumber {
        a.isAfter(b) ? a : b
    }

    /// The earlier of two numbers on the circle.
    @inlinable public static func earliest(_ a: SequenceNumber, _ b: SequenceNumber) -> SequenceNumber {
        a.isBefore(b) ? a : b
    }
}
