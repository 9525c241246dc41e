public import NetPrimitives

/// What the packets of a capture begin with: the numbers of the LINKTYPE registry.
public struct LinkType: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// An Ethernet header.
    public static var ethernet: LinkType { LinkType(rawValue: 1) }
    /// An IPv4 or IPv6 header, told apart by its version field.
    public static var raw: LinkType { LinkType(rawValue: 101) }
    /// Linux's "cooked" header.
    public static var linuxCooked: LinkType { LinkType(rawValue: 113) }
}

/// The unit of the second part of each packet's time.
public enum TimeResolution: Hashable, Sendable {
    case microsecond, nanosecond

    /// Nanoseconds in one unit.
    var nanoseconds: Int64 { self == .nanosecond ? 1 : 1_000 }
    /// The file's first four bytes as a number.
    var magic: UInt32 { self == .nanosecond ? 0xA1B2_3C4D : 0xA1B2_C3D4 }
}

/// A packet as a capture holds it.
public struct CapturedPacket: Hashable, Sendable {
    /// Since 1970, or since the origin of a virtual clock.
    public var instant: Instant
    /// What was captured, from the link type's header on.
    public var bytes: [UInt8]
    /// The length on the wire, which may be more than was captured.
    public var originalLength: Int

    public init(instant: Instant, bytes: [UInt8], originalLength: Int? = nil) {
        self.instant = instant
        self.bytes = bytes
        self.originalLength = originalLength ?? bytes.count
    }
}

/// The sizes and limits of the classic pcap format, version 2.4.
enum PcapLayout {
    static let fileHeaderLength = 24
    static let recordHeaderLength = 16
    /// The most bytes that a record may claim to hold; libpcap's limit.
    static let longestCapture = 262_144
}
