import NetPrimitives

/// The walk over the extension headers of a packet (RFC 8200, 4), one header a step.
@usableFromInline
struct IPv6ExtensionWalk: BitwiseCopyable {
    /// Where the next header begins.
    @usableFromInline var offset: Int
    /// What it is.
    @usableFromInline var next: IPProtocol
    /// Set once a fragment header is met that makes this a part of a packet.
    @usableFromInline var fragment: IPv6Fragment?
    /// Whether a fragment header was met, of whatever kind.
    @usableFromInline var hasFragmentHeader = false
    /// Where the field stands that says what the next header is.
    private var link = 6
    private var headers = 0

    /// Walks the headers of a packet up to its upper layer, or to the data of a fragment.
    @usableFromInline
    init(_ octets: Span<UInt8>, first: IPProtocol) throws(IPv6Error) {
        offset = IPv6Header.length
        next = first
        while fragment == nil, try step(octets) {}
        if let fragment, fragment.offset == 0 { try checkChain(octets) }
    }

    /// - Returns: false at the upper layer.
    private mutating func step(_ octets: Span<UInt8>) throws(IPv6Error) -> Bool {
        switch next {
        case .hopByHop:
            // RFC 8200, 4.1: only directly behind the IPv6 header.
            guard offset == IPv6Header.length else { throw .headerOrder }
            try stepOverOptions(octets)
        case .destinationOptions:
            try stepOverOptions(octets)
        case .routing:
            try stepOverRouting(octets)
        case .fragment:
            try stepIntoFragment(octets)
        default:
            return false
        }
        headers += 1
        guard headers <= IPv6View.extensionHeaderLimit, offset &- IPv6Header.length <= IPv6View.extensionByteLimit
        else {
            throw .tooManyHeaders
        }
        return true
    }

    /// The headers that carry their length in units of eight bytes beyond the first eight.
    private mutating func stepOver(_ octets: Span<UInt8>) throws(IPv6Error) {
        guard octets.count &- offset >= 8 else { throw .truncated }
        let length = 8 &+ Int(octets[offset &+ 1]) &* 8
        guard octets.count &- offset >= length else { throw .truncated }
        next = IPProtocol(rawValue: octets[offset])
        link = offset
        offset &+= length
    }

    private mutating func stepOverRouting(_ octets: Span<UInt8>) throws(IPv6Error) {
        guard octets.count &- offset >= 8 else { throw .truncated }
        // RFC 8200, 4.4: a type that one does not know is skipped when no segments are left, else the packet dropped.
        // No type is known here: we are always the last stop, and type 0 is an attack by now (RFC 5095).
        guard octets[offset &+ 3] == 0 else { throw .routingHeader }
        try stepOver(octets)
    }

    private mutating func stepOverOptions(_ octets: Span<UInt8>) throws(IPv6Error) {
        var position = offset &+ 2
        try stepOver(octets)
        while position < offset {
            let type = octets[position]
            // Pad1 is the one option without a length.
            if type == 0 {
                position &+= 1
                continue
            }
            guard position &+ 1 < offset else { throw .optionLength }
            // RFC 8200, 4.2: the two highest bits say what to do about an option that one does not know.
            guard type >> 6 == 0 else {
                throw .option(IPv6UnknownOption(type: type, pointer: UInt32(truncatingIfNeeded: position)))
            }
            position &+= 2 &+ Int(octets[position &+ 1])
            guard position <= offset else { throw .optionLength }
        }
    }

    private mutating func stepIntoFragment(_ octets: Span<UInt8>) throws(IPv6Error) {
        guard octets.count &- offset >= 8 else { throw .truncated }
        let place = octets.uint16(at: offset &+ 2)
        let header = IPv6Fragment(
            identification: octets.uint32(at: offset &+ 4), offset: Int(place & 0xFFF8), moreFragments: place & 1 != 0,
            nextHeader: IPProtocol(rawValue: octets[offset]), headerOffset: offset, linkOffset: link)
        next = header.nextHeader
        link = offset
        offset &+= 8
        hasFragmentHeader = true
        // RFC 6946: first and last fragment in one is a whole packet, and never meets others of its identification.
        if header.offset != 0 || header.moreFragments { fragment = header }
    }

    /// RFC 8200, 4.5; RFC 7112, 5: the first fragment holds all headers, the upper layer's included.
    private func checkChain(_ octets: Span<UInt8>) throws(IPv6Error) {
        var rest = self
        rest.hasFragmentHeader = false
        do {
            while try rest.step(octets) {}
        } catch .truncated {
            throw .headerChain
        }
        guard !rest.hasFragmentHeader else { throw .headerOrder }
        guard octets.count &- rest.offset >= Self.headerLength(of: rest.next) else { throw .headerChain }
    }

    private static func headerLength(of upper: IPProtocol) -> Int {
        switch upper {
        case .tcp: 20
        case .udp: UDPHeader.length
        case .icmpv6: 4
        default: 0
        }
    }
}
