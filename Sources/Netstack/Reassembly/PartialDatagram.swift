import NetPrimitives
import WireFormats

/// Bytes `start ..< end` of a datagram's data, never empty.
struct FragmentRange: Hashable, BitwiseCopyable, Sendable {
    var start: UInt16
    var end: UInt16
}

/// What a datagram says to one more of its fragments.
enum FragmentVerdict: Equatable {
    case kept
    /// The same bytes have come before.
    case duplicate
    /// It contradicts what is here: the datagram is given up.
    case conflict
}

/// A datagram of which some fragments have come. Their data lies in chunks; here stands where.
struct PartialDatagram: Listed, Sendable {
    /// The most fragments of one datagram: 65535 bytes in packets of 552, with some to spare.
    static var rangeLimit: Int { 128 }

    private(set) var key: FragmentKey
    /// When it is given up, counted from its first fragment.
    private(set) var deadline: Instant
    /// In order of their place, none touching another's bytes.
    private var ranges = [128 of FragmentRange](repeating: FragmentRange(start: 0, end: 0))
    private(set) var rangeCount: Int = 0
    /// The chunk of each 4 KiB of data, or none.
    var chunks = [16 of Slot](repeating: .none)
    private var received: Int = 0
    /// Where the last fragment ends; negative until it has come.
    private var total: Int = -1
    /// A bit for each ECN codepoint seen.
    private var codepoints: UInt8 = 0
    /// Fragments contradicted each other: those still to come are dropped (RFC 5722, 4).
    private(set) var isAbandoned: Bool = false
    /// From the first fragment.
    private(set) var nextHeader = IPProtocol.noNext
    private var trafficClass: UInt8 = 0
    private(set) var hopLimit: UInt8 = 0
    private(set) var flowLabel: UInt32 = 0

    var link: Slot = .none
    var neighbours = SlotLinks()
    subscript(links list: Int) -> SlotLinks {
        get { neighbours }
        set { neighbours = newValue }
    }

    init(_ key: FragmentKey, until deadline: Instant) {
        self.key = key
        self.deadline = deadline
    }

    static var vacant: PartialDatagram {
        PartialDatagram(
            FragmentKey(
                source: .v4(.any), destination: .v4(.any), protocol: 0, identification: 0, interface: InterfaceID(0)),
            until: .zero)
    }

    /// Bytes of data, once all of them are known.
    var completeLength: Int? { received == total ? total : nil }

    subscript(index: Int) -> FragmentRange {
        precondition(index < rangeCount, "a range that is held")
        return ranges[index]
    }

    /// Notes a fragment with `count` bytes of data, unless it contradicts those that are here.
    mutating func fragmentArrives(_ fragment: Fragment, count: Int) -> FragmentVerdict {
        if isAbandoned { return .conflict }
        let range = FragmentRange(
            start: UInt16(truncatingIfNeeded: fragment.offset),
            end: UInt16(truncatingIfNeeded: fragment.offset &+ count))
        guard agreesWithEnd(range, isLast: !fragment.moreFragments) else { return .conflict }
        // Nearly always in order: look from the end.
        var place = rangeCount
        while place > 0, ranges[place &- 1].start >= range.end { place &-= 1 }
        if place > 0 {
            if ranges[place &- 1] == range { return .duplicate }
            // RFC 5722, 4 for IPv6, and no different for IPv4: overlaps serve attackers only.
            if ranges[place &- 1].end > range.start { return .conflict }
        }
        guard rangeCount < Self.rangeLimit else { return .conflict }
        var index = rangeCount
        while index > place {
            ranges[index] = ranges[index &- 1]
            index &-= 1
        }
        ranges[place] = range
        rangeCount &+= 1
        received &+= count
        if !fragment.moreFragments { total = Int(range.end) }
        noteHeaders(fragment)
        return .kept
    }

    /// Whether there is one end, and nothing lies behind it.
    private func agreesWithEnd(_ range: FragmentRange, isLast: Bool) -> Bool {
        if total >= 0 { return isLast ? Int(range.end) == total : Int(range.end) < total }
        return !isLast || rangeCount == 0 || ranges[rangeCount &- 1].end < range.end
    }

    private mutating func noteHeaders(_ fragment: Fragment) {
        codepoints |= 1 &<< (fragment.trafficClass & 3)
        guard fragment.offset == 0 else { return }
        nextHeader = fragment.nextHeader
        trafficClass = fragment.trafficClass
        hopLimit = fragment.hopLimit
        flowLabel = fragment.flowLabel
    }

    /// The traffic class of the whole: congestion that one fragment met, the packet met.
    /// - Returns: `nil` when a fragment says that its sender knows no ECN, and another that it met congestion: the
    ///   packet is dropped then (RFC 3168, 5.3).
    var wholeTrafficClass: UInt8? {
        let congestion: UInt8 = 1 << 3
        guard codepoints & congestion != 0 else { return trafficClass }
        return codepoints & 1 == 0 ? trafficClass | 3 : nil
    }

    /// From now on every fragment of it is refused.
    mutating func abandon() {
        isAbandoned = true
        rangeCount = 0
        received = 0
        total = -1
    }

    /// All but the data.
    func encode(into sink: inout SipHash, at now: Instant) {
        key.encode(into: &sink)
        sink.combine(UInt64(bitPattern: (deadline - now).nanoseconds))
        sink.combine(UInt64(bitPattern: Int64(total)))
        sink.combine(UInt64(codepoints) << 56 | UInt64(isAbandoned ? 1 : 0) << 48 | UInt64(flowLabel))
        sink.combine(UInt64(nextHeader.rawValue) << 16 | UInt64(trafficClass) << 8 | UInt64(hopLimit))
        for index in 0..<rangeCount { sink.combine(UInt64(ranges[index].start) << 16 | UInt64(ranges[index].end)) }
    }
}
