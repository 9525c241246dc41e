import NetPrimitives
import WireFormats

/// What the fragments of one packet have in common (RFC 791, 3.2; RFC 8200, 4.5), and the interface that they came by.
struct FragmentKey: Hashable, BitwiseCopyable, Sendable {
    var source: IPAddress
    var destination: IPAddress
    /// IPv4's protocol. IPv6 does not count it in, and has 0 here.
    var `protocol`: UInt8
    var identification: UInt32
    var interface: InterfaceID

    func encode(into sink: inout SipHash) {
        Self.encode(source, into: &sink)
        Self.encode(destination, into: &sink)
        sink.combine(UInt64(identification) << 32 | UInt64(interface.rawValue) << 8 | UInt64(`protocol`))
    }

    private static func encode(_ address: IPAddress, into sink: inout SipHash) {
        switch address {
        case .v4(let v4):
            sink.combine(UInt64(v4.rawValue))
        case .v6(let v6):
            sink.combine(v6.high)
            sink.combine(v6.low)
        }
    }
}

/// What the headers of a fragment say, of either family.
struct Fragment: BitwiseCopyable, Sendable {
    var key: FragmentKey
    /// Where its data belongs, in bytes.
    var offset: Int
    var moreFragments: Bool
    /// What follows the headers of the whole packet; it counts in the first fragment only (RFC 8200, 4.5).
    var nextHeader: IPProtocol
    var trafficClass: UInt8
    var hopLimit: UInt8
    var flowLabel: UInt32
    /// Bytes of headers that count into the packet's length field and stand before the data.
    var headerBytes: Int

    init(_ view: borrowing IPv4View, interface: InterfaceID) {
        key = FragmentKey(
            source: .v4(view.source), destination: .v4(view.destination), protocol: view.protocol.rawValue,
            identification: UInt32(view.identification), interface: interface)
        offset = view.fragmentOffset
        moreFragments = view.moreFragments
        nextHeader = view.protocol
        trafficClass = view.trafficClass
        hopLimit = view.timeToLive
        flowLabel = 0
        headerBytes = view.headerLength
    }

    init(_ view: borrowing IPv6View, _ fragment: IPv6Fragment, interface: InterfaceID) {
        key = FragmentKey(
            source: .v6(view.source), destination: .v6(view.destination), protocol: 0,
            identification: fragment.identification, interface: interface)
        offset = fragment.offset
        moreFragments = fragment.moreFragments
        nextHeader = fragment.nextHeader
        trafficClass = view.trafficClass
        hopLimit = view.hopLimit
        flowLabel = view.flowLabel
        // The extension headers before the fragment header, which itself goes.
        headerBytes = view.upperOffset &- IPv6Header.length &- 8
    }

    /// Whether a fragment with `count` bytes of data can be part of any packet at all.
    func isSound(count: Int) -> Bool {
        // RFC 8200, 4.5: all but the last are multiples of eight; RFC 791, 3.2: so are all offsets.
        guard count > 0, !moreFragments || count % 8 == 0 else { return false }
        // Both length fields have 16 bits: more than that is the "ping of death".
        return headerBytes &+ offset &+ count <= 65535
    }
}

/// A packet put together again, with a plain IP header in front: in memory lent by the reassembler, which gets it back.
struct ReassembledPacket: ~Copyable {
    private let block: ByteBlock
    private let count: Int

    /// The largest that there can be: 16 bits of payload behind an IPv6 header.
    static var capacity: Int { IPv6Header.length + 65535 }

    init(in block: consuming ByteBlock, count: Int) {
        self.block = block
        self.count = count
    }

    /// The packet, from its IP header on.
    var octets: Span<UInt8> {
        @_lifetime(borrow self) borrowing get { block.span(at: 0, count: count) }
    }

    consuming func intoBlock() -> ByteBlock { block }
}
