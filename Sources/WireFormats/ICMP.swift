public import NetPrimitives

/// What is wrong with an ICMP message.
public enum ICMPError: Error, Hashable, Sendable {
    /// Fewer than 8 bytes.
    case truncated
    case checksum
}

/// What an ICMP message says, of either family, as far as a host cares.
public enum ICMPMessage: Hashable, Sendable, BitwiseCopyable {
    case echoRequest(identifier: UInt16, sequence: UInt16)
    case echoReply(identifier: UInt16, sequence: UInt16)
    /// Destination unreachable, but for the code that tells of the MTU (RFC 792; RFC 4443, 3.1).
    case unreachable(code: UInt8)
    /// The next link carries no more than `mtu` bytes; 0 when an old router does not say (RFC 1191; RFC 4443, 3.2).
    case packetTooBig(mtu: UInt32)
    case timeExceeded(code: UInt8)
    /// Byte `pointer` of the packet was not understood (RFC 792; RFC 4443, 3.4).
    case parameterProblem(code: UInt8, pointer: UInt32)
    case other(type: UInt8, code: UInt8)

    /// Whether it complains about a packet that it quotes.
    @inlinable public var isError: Bool {
        switch self {
        case .unreachable, .packetTooBig, .timeExceeded, .parameterProblem: true
        default: false
        }
    }

    @inlinable init(v4 type: UInt8, _ code: UInt8, rest: UInt32) {
        switch (type, code) {
        case (0, _): self = .echoReply(identifier: UInt16(rest >> 16), sequence: UInt16(rest & 0xFFFF))
        case (8, _): self = .echoRequest(identifier: UInt16(rest >> 16), sequence: UInt16(rest & 0xFFFF))
        case (3, 4): self = .packetTooBig(mtu: rest & 0xFFFF)
        case (3, _): self = .unreachable(code: code)
        case (11, _): self = .timeExceeded(code: code)
        case (12, _): self = .parameterProblem(code: code, pointer: rest >> 24)
        default: self = .other(type: type, code: code)
        }
    }

    @inlinable init(v6 type: UInt8, _ code: UInt8, rest: UInt32) {
        switch type {
        case 1: self = .unreachable(code: code)
        case 2: self = .packetTooBig(mtu: rest)
        case 3: self = .timeExceeded(code: code)
        case 4: self = .parameterProblem(code: code, pointer: rest)
        case 128: self = .echoRequest(identifier: UInt16(rest >> 16), sequence: UInt16(rest & 0xFFFF))
        case 129: self = .echoReply(identifier: UInt16(rest >> 16), sequence: UInt16(rest & 0xFFFF))
        default: self = .other(type: type, code: code)
        }
    }
}

/// An ICMP message (RFC 792; RFC 4443), its checksum verified.
public struct ICMPView: ~Escapable {
    @usableFromInline let octets: Span<UInt8>
    @usableFromInline let isIPv6: Bool
    /// What it says.
    public let message: ICMPMessage

    /// - Parameter pseudoHeaderSum: `nil` for ICMP of IPv4, which has none.
    @_lifetime(copy octets)
    @inlinable public init(validating octets: Span<UInt8>, pseudoHeaderSum: UInt32?) throws(ICMPError) {
        guard octets.count >= 8 else { throw .truncated }
        guard InternetChecksum.isValid(octets, adding: pseudoHeaderSum ?? 0) else { throw .checksum }
        self.octets = octets
        isIPv6 = pseudoHeaderSum != nil
        let rest = octets.uint32(at: 4)
        message =
            pseudoHeaderSum == nil
            ? ICMPMessage(v4: octets[0], octets[1], rest: rest) : ICMPMessage(v6: octets[0], octets[1], rest: rest)
    }

    /// The two bytes that ``message`` was read from.
    @inlinable public var type: UInt8 { octets[0] }
    @inlinable public var code: UInt8 { octets[1] }

    /// What stands behind the first eight bytes: an echo's data, or the packet that is complained about.
    @inlinable public var body: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(8..<octets.count) }
    }

    /// The packet that an error complains about; `nil` for what is no error, and when the quotation is too short or not
    /// of the message's own family: neither can concern anyone here.
    @inlinable public var quoted: QuotedPacket? {
        guard message.isError, let packet = QuotedPacket(body), packet.source.isIPv6 == isIPv6 else { return nil }
        return packet
    }
}

/// ICMP messages to send.
public enum ICMPEmitter {
    /// The most of an offending packet that an error quotes, so that it fits everywhere: 576 bytes in all for IPv4
    /// (RFC 1812, 4.3.2.3), 1280 for IPv6 (RFC 4443, 2.4(c)).
    @inlinable public static func quotedLength(of packet: Int, isIPv6: Bool) -> Int {
        min(packet, isIPv6 ? 1280 - 48 : 576 - 28)
    }

    /// Writes a message: type, code, four bytes, and `body` behind them.
    /// - Parameter pseudoHeaderSum: `nil` for IPv4.
    @_lifetime(octets: copy octets)
    @inlinable public static func emit(
        type: UInt8, code: UInt8, rest: UInt32, body: Span<UInt8>, into octets: inout MutableSpan<UInt8>,
        pseudoHeaderSum: UInt32?
    ) {
        octets.store(UInt32(type) << 24 | UInt32(code) << 16, at: 0)
        octets.store(rest, at: 4)
        octets.copy(from: body, at: 8)
        octets.store(InternetChecksum.checksum(octets.span, adding: pseudoHeaderSum ?? 0), at: 2)
    }
}
