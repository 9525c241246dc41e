public import NetPrimitives

/// What is wrong with an IPv6 header or one of its extensions.
public enum IPv6Error: Error, Hashable, Sendable {
    /// Fewer bytes than the headers say, or than any has.
    case truncated
    /// Not version 6.
    case version
    /// More extension headers, or more bytes of them, than are walked.
    case tooManyHeaders
    /// An extension header where none of its kind may stand.
    case headerOrder
    /// An option that reaches beyond its header.
    case optionLength
    /// An option that its sender wants the packet dropped for if unknown (RFC 8200, 4.2).
    case option(IPv6UnknownOption)
    /// Routing by the source (RFC 5095).
    case routingHeader
    /// A first fragment without all headers (RFC 7112).
    case headerChain
}

/// An option that is not known here and may not be skipped (RFC 8200, 4.2).
public struct IPv6UnknownOption: Hashable, Sendable, BitwiseCopyable {
    /// The type; its two highest bits are 1, 2 or 3.
    public var type: UInt8
    /// Where the option stands, in bytes from the start of the packet, or of the data that fragments carried.
    public var pointer: UInt32

    /// Whether the sender wants to be told, by a parameter problem of code 2.
    @inlinable public func asksForAnswer(toMulticast: Bool) -> Bool { type >> 6 == 2 || type >> 6 == 3 && !toMulticast }
}

/// What a fragment header says (RFC 8200, 4.5).
public struct IPv6Fragment: Hashable, Sendable, BitwiseCopyable {
    public var identification: UInt32
    /// Where the data belongs, in bytes; a multiple of 8.
    public var offset: Int
    public var moreFragments: Bool
    public var nextHeader: IPProtocol
    /// Where the fragment header stands; what is before it is the unfragmentable part.
    public var headerOffset: Int
    /// Where the next-header field stands that names the fragment header.
    public var linkOffset: Int
}

/// An IPv6 packet (RFC 8200, 3) with its extension headers walked, checked once: no accessor can fail.
public struct IPv6View: ~Escapable {
    @usableFromInline let octets: Span<UInt8>
    @usableFromInline let end: Int
    /// Where the upper layer begins, or the data of a fragment.
    public let upperOffset: Int
    /// What stands behind the extension headers; of a fragment, what its first header says.
    public let upperProtocol: IPProtocol
    /// Set for a part of a packet. An atomic fragment, whole in one piece, counts as unfragmented (RFC 6946).
    public let fragment: IPv6Fragment?
    /// Whether a fragment header says that there is nothing but this fragment (RFC 6946).
    public let isAtomicFragment: Bool

    /// The most extension headers that are walked.
    public static var extensionHeaderLimit: Int { 8 }
    /// The most bytes of extension headers that are walked.
    public static var extensionByteLimit: Int { 2048 }

    /// - Parameter octets: the packet; what lies behind its payload length is the link's padding and is cut off.
    @_lifetime(copy octets)
    @inlinable public init(validating octets: Span<UInt8>) throws(IPv6Error) {
        guard octets.count >= 40 else { throw .truncated }
        guard octets[0] >> 4 == 6 else { throw .version }
        let end = 40 &+ Int(octets.uint16(at: 4))
        guard octets.count >= end else { throw .truncated }
        self.octets = octets
        self.end = end
        let next = IPProtocol(rawValue: octets[6])
        if next == .tcp || next == .icmpv6 || next == .udp {
            upperOffset = 40
            upperProtocol = next
            fragment = nil
            isAtomicFragment = false
        } else {
            let walk = try IPv6ExtensionWalk(octets.extracting(0..<end), first: next)
            upperOffset = walk.offset
            upperProtocol = walk.next
            fragment = walk.fragment
            isAtomicFragment = walk.fragment == nil && walk.hasFragmentHeader
        }
    }

    /// The traffic class of the fixed header (RFC 8200, 3): DSCP and ECN.
    @inlinable public var trafficClass: UInt8 { UInt8(truncatingIfNeeded: octets.uint16(at: 0) >> 4) }
    /// The ECN bits (RFC 3168, 5).
    @inlinable @inline(__always) public var ecn: ECNCodepoint { ECNCodepoint(trafficClass: trafficClass) }
    /// The flow label, 20 bits (RFC 6437).
    @inlinable public var flowLabel: UInt32 { octets.uint32(at: 0) & 0xF_FFFF }
    /// The hop limit.
    @inlinable public var hopLimit: UInt8 { octets[7] }
    /// The fixed header's source address.
    @inlinable public var source: IPv6Address {
        IPv6Address(high: octets.uint64(at: 8), low: octets.uint64(at: 16))
    }
    /// The fixed header's destination address.
    @inlinable public var destination: IPv6Address {
        IPv6Address(high: octets.uint64(at: 24), low: octets.uint64(at: 32))
    }

    /// The headers before the upper layer; of a fragment the unfragmentable part, in front of the fragment header.
    @inlinable public var headers: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(0..<(fragment?.headerOffset ?? upperOffset)) }
    }

    /// What stands behind the extension headers.
    @inlinable public var payload: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(upperOffset..<end) }
    }
}

/// An IPv6 header to send, without extensions.
public struct IPv6Header: Hashable, Sendable, BitwiseCopyable {
    public var source: IPv6Address
    public var destination: IPv6Address
    public var nextHeader: IPProtocol
    public var hopLimit: UInt8 = 64
    public var trafficClass: UInt8 = 0
    /// 20 bits (RFC 6437).
    public var flowLabel: UInt32 = 0
    /// Bytes behind the header, at most 65535.
    public var payloadLength: Int

    /// Bytes of the header.
    @inlinable public static var length: Int { 40 }

    @inlinable public init(
        source: IPv6Address, destination: IPv6Address, nextHeader: IPProtocol, payloadLength: Int, hopLimit: UInt8 = 64,
        trafficClass: UInt8 = 0, flowLabel: UInt32 = 0
    ) {
        self.source = source
        self.destination = destination
        self.nextHeader = nextHeader
        self.payloadLength = payloadLength
        self.hopLimit = hopLimit
        self.trafficClass = trafficClass
        self.flowLabel = flowLabel
    }

    /// Writes the header to the first 40 bytes of `octets`.
    @_lifetime(octets: copy octets)
    @inlinable public func emit(into octets: inout MutableSpan<UInt8>) {
        octets.store(0x6000_0000 | UInt32(trafficClass) << 20 | flowLabel & 0xF_FFFF, at: 0)
        let length = UInt32(UInt16(truncatingIfNeeded: payloadLength))
        octets.store(length << 16 | UInt32(nextHeader.rawValue) << 8 | UInt32(hopLimit), at: 4)
        octets.store(source.high, at: 8)
        octets.store(source.low, at: 16)
        octets.store(destination.high, at: 24)
        octets.store(destination.low, at: 32)
    }
}
