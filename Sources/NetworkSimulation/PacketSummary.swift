public import NetPrimitives

/// What a rule of a link sees of a packet: its addresses, ports, flags and numbers.
public struct PacketSummary: Equatable, Sendable {
    public enum Transport: Equatable, Sendable {
        case tcp(TCPSummary)
        case udp(sourcePort: UInt16, destinationPort: UInt16)
        case icmp(type: UInt8, code: UInt8)
        /// Another protocol, a later fragment, or a transport header that is cut short.
        case other(UInt8)
    }

    /// Addresses and, where it is readable, the transport header.
    public let source: IPAddress
    public let destination: IPAddress
    public let transport: Transport
    /// Bytes of the whole packet.
    public let length: Int

    /// - Returns: `nil` when the bytes are not an IP packet.
    public init?(_ packet: Span<UInt8>) {
        guard let layout = PacketLayout(packet) else { return nil }
        switch layout.family {
        case .v4:
            source = .v4(IPv4Address(packet.uint32(at: 12)))
            destination = .v4(IPv4Address(packet.uint32(at: 16)))
        case .v6:
            source = .v6(IPv6Address(high: packet.uint64(at: 8), low: packet.uint64(at: 16)))
            destination = .v6(IPv6Address(high: packet.uint64(at: 24), low: packet.uint64(at: 32)))
        }
        length = packet.count
        let start = layout.transportStart
        let have = layout.isLaterFragment ? 0 : layout.transportLength
        switch layout.transport {
        case TransportProtocol.tcp where have >= 20:
            transport = .tcp(TCPSummary(packet, at: start, end: layout.end))
        case TransportProtocol.udp where have >= 8:
            transport = .udp(sourcePort: packet.uint16(at: start), destinationPort: packet.uint16(at: start + 2))
        case TransportProtocol.icmp where have >= 8 && layout.family == .v4,
            TransportProtocol.icmpv6 where have >= 8 && layout.family == .v6:
            transport = .icmp(type: packet[start], code: packet[start + 1])
        default:
            transport = .other(layout.transport)
        }
    }

    /// - Returns: `nil` when the bytes are not an IP packet.
    public init?(_ packet: [UInt8]) { self.init(packet.span) }

    /// The TCP header's particulars, when there is one.
    public var tcp: TCPSummary? {
        if case .tcp(let summary) = transport { summary } else { nil }
    }

    /// An ICMP error (not an echo or another query), which is never answered with one (RFC 1122, 3.2.2; RFC 4443, 2.4).
    public var isICMPError: Bool {
        guard case .icmp(let type, _) = transport else { return false }
        return source.isIPv6 ? type < 128 : [3, 4, 5, 11, 12].contains(type)
    }
}

/// The TCP header's particulars.
public struct TCPSummary: Equatable, Sendable {
    public let sourcePort: UInt16
    public let destinationPort: UInt16
    public let sequence: SequenceNumber
    /// Meaningful when ``flags`` has ACK.
    public let acknowledgment: SequenceNumber
    public let flags: TCPFlags
    /// Bytes of data behind the header.
    public let payloadLength: Int

    fileprivate init(_ packet: Span<UInt8>, at start: Int, end: Int) {
        sourcePort = packet.uint16(at: start)
        destinationPort = packet.uint16(at: start + 2)
        sequence = SequenceNumber(packet.uint32(at: start + 4))
        acknowledgment = SequenceNumber(packet.uint32(at: start + 8))
        flags = TCPFlags(rawValue: packet[start + 13])
        payloadLength = max(0, end - start - Int(packet[start + 12] >> 4) * 4)
    }
}

/// The control bits of a TCP header, in the order of the wire (RFC 9293, 3.1).
public struct TCPFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The control bits (RFC 9293, 3.1).
    public static let fin = TCPFlags(rawValue: 1)
    public static let syn = TCPFlags(rawValue: 2)
    public static let rst = TCPFlags(rawValue: 4)
    public static let psh = TCPFlags(rawValue: 8)
    public static let ack = TCPFlags(rawValue: 16)
    public static let urg = TCPFlags(rawValue: 32)
    public static let ece = TCPFlags(rawValue: 64)
    public static let cwr = TCPFlags(rawValue: 128)
}
