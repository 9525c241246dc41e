/// How many bits a window is shifted by: 0...14 (RFC 7323, 2.3).
public struct WindowScale: Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8

    /// A shift as it came from the wire. More than 14 counts as 14 (RFC 7323, 2.3, MUST).
    @inlinable public init(_ shift: UInt8) { rawValue = min(shift, 14) }

    /// No scaling.
    @inlinable public static var none: WindowScale { WindowScale(0) }

    /// The smallest shift at which 16 bits can tell of `bytes`.
    @inlinable public static func covering(_ bytes: UInt32) -> WindowScale {
        var shift: UInt8 = 0
        while shift < 14 && UInt32(UInt16.max) << UInt32(shift) < bytes { shift += 1 }
        return WindowScale(shift)
    }

    /// What the 16 bits of a window field stand for, in bytes: less than 2^30.
    @inlinable @inline(__always) public func bytes(_ wireWindow: UInt16) -> UInt32 {
        UInt32(wireWindow) &<< UInt32(rawValue)
    }

    /// The largest window field that promises no more than `bytes`.
    @inlinable @inline(__always) public func wireWindow(_ bytes: UInt32) -> UInt16 {
        UInt16(truncatingIfNeeded: min(bytes &>> UInt32(rawValue), UInt32(UInt16.max)))
    }
}
