/// The protocol number in an IP header (IANA, "Assigned Internet Protocol Numbers").
public struct IPProtocol: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    @inlinable init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// IPv6's extension headers, and what stands behind them (RFC 8200, 4).
    @inlinable public static var hopByHop: IPProtocol { IPProtocol(0) }
    @inlinable public static var icmp: IPProtocol { IPProtocol(1) }
    @inlinable public static var tcp: IPProtocol { IPProtocol(6) }
    @inlinable public static var udp: IPProtocol { IPProtocol(17) }
    @inlinable public static var routing: IPProtocol { IPProtocol(43) }
    @inlinable public static var fragment: IPProtocol { IPProtocol(44) }
    @inlinable public static var icmpv6: IPProtocol { IPProtocol(58) }
    @inlinable public static var noNext: IPProtocol { IPProtocol(59) }
    @inlinable public static var destinationOptions: IPProtocol { IPProtocol(60) }
}
