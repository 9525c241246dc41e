/// An IPv4 address (RFC 791).
public struct IPv4Address: Hashable, Sendable, BitwiseCopyable {
    /// The address as a number: 192.0.2.1 is `0xC0000201`.
    public var rawValue: UInt32

    @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// 0.0.0.0, "this host" (RFC 1122, 3.2.1.3).
    @inlinable public static var any: IPv4Address { IPv4Address(0) }
    /// 255.255.255.255, the limited broadcast (RFC 919).
    @inlinable public static var broadcast: IPv4Address { IPv4Address(.max) }

    /// 224.0.0.0/4 (RFC 5771).
    @inlinable public var isMulticast: Bool { rawValue >> 28 == 0xE }
    /// 127.0.0.0/8 (RFC 1122, 3.2.1.3).
    @inlinable public var isLoopback: Bool { rawValue >> 24 == 127 }
    /// 169.254.0.0/16 (RFC 3927).
    @inlinable public var isLinkLocal: Bool { rawValue >> 16 == 0xA9FE }
    /// 240.0.0.0/4 without the limited broadcast (RFC 1112, 4).
    @inlinable public var isReserved: Bool { rawValue >> 28 == 0xF && rawValue != .max }

    /// May stand as the source or destination of a TCP segment, directed broadcasts aside (RFC 9293, 3.10.7, MUST-57).
    @inlinable public var isUnicast: Bool { rawValue >> 24 != 0 && rawValue >> 29 != 0b111 }
}

/// An IPv6 address (RFC 4291).
public struct IPv6Address: Hashable, Sendable, BitwiseCopyable {
    /// The first 64 bits, the network's part as a rule.
    public var high: UInt64
    /// The last 64 bits, the interface's part as a rule.
    public var low: UInt64

    @inlinable public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// `::`, the unspecified address.
    @inlinable public static var any: IPv6Address { IPv6Address(high: 0, low: 0) }
    /// `::1`.
    @inlinable public static var loopback: IPv6Address { IPv6Address(high: 0, low: 1) }

    /// ff00::/8.
    @inlinable public var isMulticast: Bool { high >> 56 == 0xFF }
    /// `::1`.
    @inlinable public var isLoopback: Bool { self == .loopback }
    /// fe80::/10.
    @inlinable public var isLinkLocal: Bool { high >> 54 == 0x3FA }
    /// ::ffff:0:0/96: an IPv4 address in IPv6's clothes, never seen on the wire.
    @inlinable public var isIPv4Mapped: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// May stand as the source or destination of a TCP segment.
    @inlinable public var isUnicast: Bool { !isMulticast && self != .any && !isIPv4Mapped }
}

/// An address of either family.
public enum IPAddress: Hashable, Sendable, BitwiseCopyable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// Whether it is of the newer family.
    @inlinable public var isIPv6: Bool {
        if case .v6 = self { true } else { false }
    }

    /// 224.0.0.0/4 or ff00::/8.
    @inlinable public var isMulticast: Bool {
        switch self {
        case .v4(let a): a.isMulticast
        case .v6(let a): a.isMulticast
        }
    }

    /// 169.254.0.0/16 or fe80::/10.
    @inlinable public var isLinkLocal: Bool {
        switch self {
        case .v4(let a): a.isLinkLocal
        case .v6(let a): a.isLinkLocal
        }
    }

    /// May stand as the source or destination of a TCP segment.
    @inlinable public var isUnicast: Bool {
        switch self {
        case .v4(let a): a.isUnicast
        case .v6(let a): a.isUnicast
        }
    }

    /// `0.0.0.0` or `::`: any address of that family.
    @inlinable public var isAny: Bool {
        switch self {
        case .v4(let a): a == .any
        case .v6(let a): a == .any
        }
    }
}

/// An address and a port: one end of a conversation.
public struct Endpoint: Hashable, Sendable, BitwiseCopyable {
    public var address: IPAddress
    /// 0 means "none yet" where a port may be chosen, and is never sent.
    public var port: UInt16

    @inlinable public init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// A network: an address and the number of leading bits that count.
public struct IPPrefix: Hashable, Sendable, BitwiseCopyable {
    public var address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6.
    public var length: UInt8

    /// - Returns: `nil` when `length` is more than the family has bits.
    @inlinable public init?(_ address: IPAddress, length: Int) {
        guard length >= 0, length <= (address.isIPv6 ? 128 : 32) else { return nil }
        self.address = address
        self.length = UInt8(length)
    }

    /// The prefix that holds just `address`.
    @inlinable public init(host address: IPAddress) {
        self.address = address
        length = address.isIPv6 ? 128 : 32
    }

    /// Whether `other` lies in this network; never across families.
    @inlinable public func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let a), .v4(let b)):
            return length == 0 || (a.rawValue ^ b.rawValue) >> (32 - UInt32(length)) == 0
        case (.v6(let a), .v6(let b)):
            if length == 0 { return true }
            if length <= 64 { return (a.high ^ b.high) >> (64 - UInt64(length)) == 0 }
            return a.high == b.high && (a.low ^ b.low) >> (128 - UInt64(length)) == 0
        default:
            return false
        }
    }
}
