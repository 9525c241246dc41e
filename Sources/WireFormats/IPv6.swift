public import NetPrimitives

/// What is wrong with an IPv6 header or one of its extensions.
public enum IPv6Error: Error, Hashable, Sendable {
    case truncated
    /// Not version 6.
    case version
    /// More extension headers than are walked, or headers where none may stand.
    case tooManyHeaders
    /// An option that its sender wants the packet dropped for if unknown (RFC 8200, 4.2).
    case option
    /// Routing by the source (RFC 5095).
    case routingHeader
}

/// What a fragment header says (RFC 8200, 4.5).
public struct IPv6Fragment: Hashable, Sendable, BitwiseCopyable {
    public var identification: UInt32
    /// Where the data belongs, in bytes.
    public var offset: Int
    public var moreFragments: Bool
    public var nextHeader: IPProtocol
}

/// An IPv6 packet (RFC 8200, 3) with its extension headers walked, checked once: no accessor can fail.
public struct IPv6View: ~Escapable {
    @usableFromInline let octets: Span<UInt8>
    @usableFromInline let end: Int
    /// Where the upper layer begins.
    public let upperOffset: Int
    /// What stands behind the extension headers; of a fragment, what its first header says.
    public let upperProtocol: IPProtocol
    /// Set for a part of a packet. An atomic fragment, whole in one piece, counts as unfragmented (RFC 6946).
    public let fragment: IPv6Fragment?

    /// The most extension headers that are walked.
    public static var extensionHeaderLimit: Int { 8 }

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
        } else {
            let walk = try ExtensionWalk(octets.extracting(0..<end), first: next)
            upperOffset = walk.offset
            upperProtocol = walk.next
            fragment = walk.fragment
        }
    }

    @inlinable public var trafficClass: UInt8 { UInt8(truncatingIfNeeded: octets.uint16(at: 0) >> 4) }
    @inlinable public var ecn: UInt8 { trafficClass & 3 }
    @inlinable public var flowLabel: UInt32 { octets.uint32(at: 0) & 0xF_FFFF }
    @inlinable public var hopLimit: UInt8 { octets[7] }
    @inlinable public var source: IPv6Address {
        IPv6Address(high: octets.uint64(at: 8), low: octets.uint64(at: 16))
    }
    @inlinable public var destination: IPv6Address {
        IPv6Address(high: octets.uint64(at: 24), low: octets.uint64(at: 32))
    }
    @inlinable public var payload: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(upperOffset..<end) }
    }
}

/// The walk over extension headers.
@usableFromInline
struct ExtensionWalk: BitwiseCopyable {
    @usableFromInline var offset: Int
    @usableFromInline var next: IPProtocol
    @usableFromInline var fragment: IPv6Fragment?

    @usableFromInline
    init(_ octets: Span<UInt8>, first: IPProtocol) throws(IPv6Error) {
        offset = 40
        next = first
        var headers = 0
        while fragment == nil {
            switch next {
            case .hopByHop:
                // RFC 8200, 4.1: only directly behind the IPv6 header.
                guard offset == 40 else { throw .tooManyHeaders }
                try stepOverOptions(octets)
            case .destinationOptions:
                try stepOverOptions(octets)
            case .routing:
                guard octets.count >= offset &+ 8 else { throw .truncated }
                // RFC 5095: type 0 with segments left is an attack by now. No other type concerns a host that is the
                // last stop.
                guard octets[offset &+ 3] == 0 else { throw .routingHeader }
                try step(octets)
            case .fragment:
                try stepIntoFragment(octets)
            default:
                return
            }
            headers &+= 1
            guard headers <= IPv6View.extensionHeaderLimit else { throw .tooManyHeaders }
        }
    }

    /// The headers that carry their length in units of eight bytes beyond the first eight.
    private mutating func step(_ octets: Span<UInt8>) throws(IPv6Error) {
        guard octets.count >= offset &+ 8 else { throw .truncated }
        let length = 8 &+ Int(octets[offset &+ 1]) &* 8
        guard octets.count >= offset &+ length else { throw .truncated }
        next = IPProtocol(rawValue: octets[offset])
        offset &+= length
    }

    private mutating func stepOverOptions(_ octets: Span<UInt8>) throws(IPv6Error) {
        let start = offset &+ 2
        try step(octets)
        var position = start
        while position < offset {
            let type = octets[position]
            if type == 0 {
                position &+= 1
                continue
            }
            guard position &+ 1 < offset else { throw .truncated }
            // RFC 8200, 4.2: the two highest bits say what to do with an option one does not know; 1 is padding.
            guard type == 1 || type >> 6 == 0 else { throw .option }
            position &+= 2 &+ Int(octets[position &+ 1])
            guard position <= offset else { throw .truncated }
        }
    }

    private mutating func stepIntoFragment(_ octets: Span<UInt8>) throws(IPv6Error) {
        guard octets.count >= offset &+ 8 else { throw .truncated }
        let place = octets.uint16(at: offset &+ 2)
        let header = IPv6Fragment(
            identification: octets.uint32(at: offset &+ 4), offset: Int(place & 0xFFF8), moreFragments: place & 1 != 0,
            nextHeader: IPProtocol(rawValue: octets[offset]))
        next = header.nextHeader
        offset &+= 8
        // RFC 6946: first and last fragment in one is a whole packet, and never meets others of its identification.
        if header.offset != 0 || header.moreFragments { fragment = header }
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

    @inlinable public static var length: Int { 40 }

    @inlinable public init(
        source: IPv6Address, destination: IPv6Address, nextHeader: IPProtocol, payloadLength: Int, hopLimit: UInt8 = 64,
        flowLabel: UInt32 = 0
    ) {
        self.source = source
        self.destination = destination
        self.nextHeader = nextHeader
        self.payloadLength = payloadLength
        self.hopLimit = hopLimit
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
