/// A point on the caller's clock, in nanoseconds since an origin that the caller chooses.
///
/// The core never reads a clock: every call that needs the time takes an `Instant`. Virtual clocks usually begin at
/// ``zero``; a driver on a real machine passes its monotonic clock. Arithmetic saturates, so no time from the outside
/// can trap.
public struct Instant: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Nanoseconds since the origin. May be negative.
    public var nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The origin of a virtual clock.
    @inlinable public static var zero: Instant { Instant(nanoseconds: 0) }

    /// Later than any time that is ever reached.
    @inlinable public static var distantFuture: Instant { Instant(nanoseconds: .max) }

    /// Whole milliseconds since the origin, rounded towards zero.
    @inlinable public var milliseconds: Int64 { nanoseconds / 1_000_000 }
    /// Whole seconds since the origin, rounded towards zero.
    @inlinable public var seconds: Int64 { nanoseconds / 1_000_000_000 }

    @inlinable public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    @inlinable public static func + (instant: Instant, interval: Interval) -> Instant {
        Instant(nanoseconds: instant.nanoseconds.addingSaturated(interval.nanoseconds))
    }

    @inlinable public static func - (instant: Instant, interval: Interval) -> Instant {
        Instant(nanoseconds: instant.nanoseconds.subtractingSaturated(interval.nanoseconds))
    }

    /// The time from `b` to `a`; negative when `a` is the earlier one.
    @inlinable public static func - (a: Instant, b: Instant) -> Interval {
        Interval(nanoseconds: a.nanoseconds.subtractingSaturated(b.nanoseconds))
    }
}

/// A length of time, in nanoseconds. Arithmetic saturates.
public struct Interval: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Nanoseconds. May be negative.
    public var nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// No time at all; then whole units, which saturate.
    @inlinable public static var zero: Interval { Interval(nanoseconds: 0) }
    @inlinable public static func nanoseconds(_ n: Int64) -> Interval { Interval(nanoseconds: n) }
    @inlinable public static func microseconds(_ n: Int64) -> Interval {
        Interval(nanoseconds: n.multipliedSaturated(by: 1_000))
    }
    @inlinable public static func milliseconds(_ n: Int64) -> Interval {
        Interval(nanoseconds: n.multipliedSaturated(by: 1_000_000))
    }
    @inlinable public static func seconds(_ n: Int64) -> Interval {
        Interval(nanoseconds: n.multipliedSaturated(by: 1_000_000_000))
    }

    /// Whole microseconds, rounded towards zero.
    @inlinable public var microseconds: Int64 { nanoseconds / 1_000 }
    /// Whole milliseconds, rounded towards zero.
    @inlinable public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    @inlinable public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
    @inlinable public static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds.addingSaturated(b.nanoseconds))
    }
    @inlinable public static func - (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds.subtractingSaturated(b.nanoseconds))
    }
    @inlinable public static func * (a: Interval, factor: Int64) -> Interval {
        Interval(nanoseconds: a.nanoseconds.multipliedSaturated(by: factor))
    }
}

extension Int64 {
    @inlinable func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    @inlinable func subtractingSaturated(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    @inlinable func multipliedSaturated(by other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self > 0) == (other > 0) ? .max : .min) : product
    }
}
