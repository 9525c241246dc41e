public import NetPrimitives

/// What a router on the way tells the sender of a packet that it does not forward.
public enum RouterAnswer: Hashable, Sendable {
    /// Destination unreachable, with a code of RFC 792 and RFC 1122 (IPv4) or of RFC 4443 (IPv6).
    case unreachable(code: UInt8)
    /// The next link takes no packet larger than this (RFC 1191, RFC 8201).
    case packetTooBig(mtu: Int)
    /// The hop limit ran out on the way.
    case timeExceeded

    /// The router's own addresses, from the blocks for documentation (RFC 5737, RFC 3849).
    public static let ipv4Address = IPv4Address(198, 51, 100, 1)
    public static let ipv6Address = IPv6Address(high: 0x2001_0DB8_FFFF_0000, low: 1)

    /// The ICMP error about `packet`, or `nil` when there must be none: never about an ICMP error, never about what is
    /// not an IP packet (RFC 1122, 3.2.2; RFC 4443, 2.4).
    func packet(about packet: [UInt8]) -> [UInt8]? {
        guard let summary = PacketSummary(packet), !summary.isICMPError else { return nil }
        return summary.source.isIPv6 ? ipv6(about: packet) : ipv4(about: packet)
    }

    private func ipv4(about packet: [UInt8]) -> [UInt8] {
        // RFC 1812, 4.3.2.3: as much of the packet as fits into 576 bytes.
        let quoted = packet.prefix(576 - 28)
        var answer: [UInt8] = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, TransportProtocol.icmp, 0, 0]
        answer.store(UInt16(28 + quoted.count), at: 2)
        answer += bigEndian(Self.ipv4Address.rawValue)
        answer += packet[12..<16]
        switch self {
        case .unreachable(let code): answer += [3, code, 0, 0, 0, 0, 0, 0]
        case .packetTooBig(let mtu): answer += [3, 4, 0, 0, 0, 0] + bigEndian(UInt16(clamping: mtu))
        case .timeExceeded: answer += [11, 0, 0, 0, 0, 0, 0, 0]
        }
        answer += quoted
        PacketLayout.fillChecksums(&answer)
        return answer
    }

    private func ipv6(about packet: [UInt8]) -> [UInt8] {
        // RFC 4443, 2.4: as much of the packet as fits into 1280 bytes.
        let quoted = packet.prefix(1280 - 48)
        var answer: [UInt8] = [0x60, 0, 0, 0, 0, 0, TransportProtocol.icmpv6, 64]
        answer.store(UInt16(8 + quoted.count), at: 4)
        answer += bigEndian(Self.ipv6Address.high) + bigEndian(Self.ipv6Address.low)
        answer += packet[8..<24]
        switch self {
        case .unreachable(let code): answer += [1, code, 0, 0, 0, 0, 0, 0]
        case .packetTooBig(let mtu): answer += [2, 0, 0, 0] + bigEndian(UInt32(clamping: mtu))
        case .timeExceeded: answer += [3, 0, 0, 0, 0, 0, 0, 0]
        }
        answer += quoted
        PacketLayout.fillChecksums(&answer)
        return answer
    }
}

/// The bytes of a number in network byte order.
private func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (1...value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (value.bitWidth - 8 * $0)) }
}
