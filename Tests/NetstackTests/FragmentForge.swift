import NetPrimitives
import WireFormats

@testable import Netstack

/// The two families, for tests that hold for both.
enum Family: CaseIterable, Sendable {
    case ipv4, ipv6

    var host: IPAddress {
        self == .ipv4
            ? .v4(IPv4Address(192, 0, 2, 1)) : .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 1))
    }
    var peer: IPAddress {
        self == .ipv4
            ? .v4(IPv4Address(192, 0, 2, 2)) : .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 2))
    }
    var prefixLength: Int { self == .ipv4 ? 24 : 64 }
    /// The most data that a packet put together from fragments can have.
    var largestData: Int { self == .ipv4 ? 65515 : 65535 }
    var timeLimit: Interval { self == .ipv4 ? .seconds(30) : .seconds(60) }
}

/// Where a fragment lies, and whether more follow.
struct Cut: Hashable, Sendable {
    var start: Int
    var end: Int
    var more: Bool

    init(_ start: Int, _ end: Int, more: Bool = true) {
        self.start = start
        self.end = end
        self.more = more
    }

    /// `length` bytes in pieces of `size`.
    static func even(_ length: Int, by size: Int) -> [Cut] {
        stride(from: 0, to: length, by: size).map { Cut($0, min($0 + size, length), more: $0 + size < length) }
    }
}

/// Makes fragments of a packet from the peer to the host.
struct FragmentForge {
    var family: Family
    var data: [UInt8]
    var upper: IPProtocol = .udp
    var identification: UInt32 = 7
    var source: IPAddress
    var ecn: UInt8 = 0

    init(_ family: Family, _ data: [UInt8], _ upper: IPProtocol = .udp, identification: UInt32 = 7) {
        self.family = family
        self.data = data
        self.upper = upper
        self.identification = identification
        source = family.peer
    }

    /// The packet that carries the piece. Data beyond the end is zero.
    func packet(_ cut: Cut) -> [UInt8] {
        let piece = (cut.start..<cut.end).map { $0 < data.count ? data[$0] : 0 }
        switch (source, family.host) {
        case (.v4(let source), .v4(let host)):
            var header = IPv4Header(source: source, destination: host, protocol: upper, payloadLength: piece.count)
            header.identification = UInt16(truncatingIfNeeded: identification)
            header.dontFragment = false
            header.moreFragments = cut.more
            header.fragmentOffset = cut.start
            header.trafficClass = ecn
            var bytes = [UInt8](repeating: 0, count: 20)
            var span = bytes.mutableSpan
            header.emit(into: &span)
            return bytes + piece
        case (.v6(let source), .v6(let host)):
            var header = IPv6Header(
                source: source, destination: host, nextHeader: .fragment, payloadLength: 8 + piece.count)
            header.trafficClass = ecn
            var bytes = [UInt8](repeating: 0, count: 48)
            var span = bytes.mutableSpan
            header.emit(into: &span)
            span[40] = upper.rawValue
            span.store(UInt16(truncatingIfNeeded: cut.start) & 0xFFF8 | (cut.more ? 1 : 0), at: 42)
            span.store(identification, at: 44)
            return bytes + piece
        default:
            preconditionFailure("one family")
        }
    }
}

/// A reassembler and what it counts.
struct Bench: ~Copyable {
    var reassembler: FragmentReassembler
    var counters = Counters()

    init(byteLimit: Int = 256 << 10, datagramLimit: Int = 64) {
        reassembler = FragmentReassembler(byteLimit: byteLimit, datagramLimit: datagramLimit)
    }

    /// - Returns: the whole packet, if this made it so.
    mutating func arrive(
        _ packet: [UInt8], interface: InterfaceID = InterfaceID(0), at now: Instant = .zero
    ) -> [UInt8]? {
        let done: ReassembledPacket?
        if packet[0] >> 4 == 4 {
            guard let view = try? IPv4View(validating: packet.span), view.isFragment else { return nil }
            done = reassembler.fragmentArrives(
                Fragment(view, interface: interface), view.payload, counters: &counters, at: now)
        } else {
            guard let view = try? IPv6View(validating: packet.span), let fragment = view.fragment else { return nil }
            done = reassembler.fragmentArrives(
                Fragment(view, fragment, interface: interface), view.payload, counters: &counters, at: now)
        }
        guard let done else { return nil }
        let bytes = Self.bytes(of: done)
        reassembler.takeBack(done)
        return bytes
    }

    private static func bytes(of packet: borrowing ReassembledPacket) -> [UInt8] {
        let octets = packet.octets
        return octets.indices.map { octets[$0] }
    }

    /// - Returns: the data of the packet, if one of these made it whole.
    mutating func arrive(_ forge: FragmentForge, _ cuts: [Cut], at now: Instant = .zero) -> [UInt8]? {
        var whole: [UInt8]?
        for cut in cuts {
            if let packet = arrive(forge.packet(cut), at: now) {
                whole = Array(packet.dropFirst(packet[0] >> 4 == 4 ? 20 : 40))
            }
        }
        return whole
    }
}

/// `count` bytes of which no two neighbourhoods are alike.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &* 7 &+ 3) } }
