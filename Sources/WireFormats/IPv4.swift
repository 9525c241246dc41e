public import NetPrimitives

/// What is wrong with an IPv4 header.
public enum IPv4Error: Error, Hashable, Sendable {
    /// Fewer bytes than the header says, or than any header has.
    case truncated
    /// Not version 4.
    case version
    /// An IHL below 5.
    case headerLength
    /// A total length shorter than the header.
    case totalLength
    case checksum
}

/// An IPv4 packet (RFC 791, 3.1), checked once: no accessor can fail. Options are skipped.
public struct IPv4View: ~Escapable {
    @usableFromInline let octets: Span<UInt8>
    public let headerLength: Int
    public let totalLength: Int

    /// - Parameter octets: the packet; what lies behind its total length is the link's padding and is cut off.
    @_lifetime(copy octets)
    @inlinable public init(validating octets: Span<UInt8>) throws(IPv4Error) {
        guard octets.count >= 20 else { throw .truncated }
        guard octets[0] >> 4 == 4 else { throw .version }
        let header = Int(octets[0] & 0xF) &* 4
        guard header >= 20 else { throw .headerLength }
        let total = Int(octets.uint16(at: 2))
        guard total >= header else { throw .totalLength }
        guard octets.count >= total else { throw .truncated }
        guard InternetChecksum.isValid(octets.extracting(0..<header)) else { throw .checksum }
        self.octets = octets
        headerLength = header
        totalLength = total
    }

    /// The type of service, now DSCP and ECN (RFC 2474, RFC 3168).
    @inlinable public var trafficClass: UInt8 { octets[1] }
    @inlinable @inline(__always) public var ecn: ECNCodepoint { ECNCodepoint(trafficClass: octets[1]) }
    @inlinable public var identification: UInt16 { octets.uint16(at: 4) }
    @inlinable public var dontFragment: Bool { octets[6] & 0x40 != 0 }
    @inlinable public var moreFragments: Bool { octets[6] & 0x20 != 0 }
    /// Where this fragment's data belongs, in bytes.
    @inlinable public var fragmentOffset: Int { Int(octets.uint16(at: 6) & 0x1FFF) &* 8 }
    @inlinable public var isFragment: Bool { octets.uint16(at: 6) & 0x3FFF != 0 }
    @inlinable public var timeToLive: UInt8 { octets[8] }
    @inlinable public var `protocol`: IPProtocol { IPProtocol(rawValue: octets[9]) }
    @inlinable public var source: IPv4Address { IPv4Address(octets.uint32(at: 12)) }
    @inlinable public var destination: IPv4Address { IPv4Address(octets.uint32(at: 16)) }

    /// What stands behind the header and its options.
    /// The header with its options.
    @inlinable public var header: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(0..<headerLength) }
    }

    /// What stands behind the header and its options.
    @inlinable public var payload: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(headerLength..<totalLength) }
    }
}

/// An IPv4 header to send, without options.
public struct IPv4Header: Hashable, Sendable, BitwiseCopyable {
    public var source: IPv4Address
    public var destination: IPv4Address
    public var `protocol`: IPProtocol
    public var trafficClass: UInt8 = 0
    public var timeToLive: UInt8 = 64
    /// Of no meaning while the packet may not be fragmented (RFC 6864, 4.1), and then 0.
    public var identification: UInt16 = 0
    public var dontFragment: Bool = true
    public var moreFragments: Bool = false
    /// In bytes; a multiple of 8.
    public var fragmentOffset: Int = 0
    /// Bytes behind the header, at most 65515.
    public var payloadLength: Int

    /// Bytes of the header.
    @inlinable public static var length: Int { 20 }

    @inlinable public init(
        source: IPv4Address, destination: IPv4Address, protocol: IPProtocol, payloadLength: Int,
        trafficClass: UInt8 = 0, timeToLive: UInt8 = 64
    ) {
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.payloadLength = payloadLength
        self.trafficClass = trafficClass
        self.timeToLive = timeToLive
    }

    /// Writes the header, its checksum included, to the first 20 bytes of `octets`.
    @_lifetime(octets: copy octets)
    @inlinable public func emit(into octets: inout MutableSpan<UInt8>) {
        let total = UInt16(truncatingIfNeeded: payloadLength &+ Self.length)
        let first = UInt16(0x4500) | UInt16(trafficClass)
        let fragment =
            UInt16(truncatingIfNeeded: fragmentOffset / 8) & 0x1FFF | (dontFragment ? 0x4000 : 0)
            | (moreFragments ? 0x2000 : 0)
        let life = UInt16(timeToLive) << 8 | UInt16(`protocol`.rawValue)
        var sum = UInt64(first) &+ UInt64(total) &+ UInt64(identification) &+ UInt64(fragment) &+ UInt64(life)
        sum &+= UInt64(source.rawValue) &+ UInt64(destination.rawValue)
        octets.store(UInt32(first) << 16 | UInt32(total), at: 0)
        octets.store(UInt32(identification) << 16 | UInt32(fragment), at: 4)
        octets.store(UInt32(life) << 16 | UInt32(~InternetChecksum.fold(sum)), at: 8)
        octets.store(source.rawValue, at: 12)
        octets.store(destination.rawValue, at: 16)
    }
}
