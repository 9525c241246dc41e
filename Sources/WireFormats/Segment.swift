public import NetPrimitives

/// The control bits of a TCP header (RFC 9293, 3.1; RFC 3168, 6.1).
public struct TCPFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The bits of RFC 9293, 3.1, and the two of RFC 3168, 6.1.
    @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 1) }
    @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 2) }
    @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 4) }
    @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 8) }
    @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 16) }
    @inlinable public static var urg: TCPFlags { TCPFlags(rawValue: 32) }
    @inlinable public static var ece: TCPFlags { TCPFlags(rawValue: 64) }
    @inlinable public static var cwr: TCPFlags { TCPFlags(rawValue: 128) }
}

/// A segment without its ports and its text: what the state machine takes and gives.
public struct Segment: Hashable, Sendable, BitwiseCopyable {
    /// SEG.SEQ
    public var seq: SequenceNumber
    /// SEG.ACK; of meaning only with the ACK bit.
    public var ack: SequenceNumber
    public var flags: TCPFlags
    /// What the IP header says of congestion, or is to say.
    public var ecn: ECNCodepoint
    /// SEG.WND as it stands in the header, not scaled.
    public var window: UInt16
    /// SEG.UP; of meaning only with the URG bit.
    public var urgentPointer: UInt16
    /// Bytes of text.
    @usableFromInline var textLength: Int32
    public var options: TCPOptions

    /// Nothing set: number 0, no flags, no text.
    @inlinable public init() {
        seq = SequenceNumber(0)
        ack = SequenceNumber(0)
        flags = []
        ecn = .notCapable
        window = 0
        urgentPointer = 0
        textLength = 0
        options = TCPOptions()
    }

    /// Bytes of text.
    @inlinable public var payloadLength: Int {
        get { Int(textLength) }
        set { textLength = Int32(truncatingIfNeeded: newValue) }
    }

    /// SEG.LEN: text, SYN and FIN (RFC 9293, 3.3.1).
    @inlinable public var length: UInt32 {
        UInt32(truncatingIfNeeded: textLength) &+ (flags.contains(.syn) ? 1 : 0) &+ (flags.contains(.fin) ? 1 : 0)
    }

    /// Bytes of the header with its options: 20...60.
    @inlinable public var headerLength: Int { 20 &+ options.encodedLength(isSYN: flags.contains(.syn)) }

    /// Writes the header to the start of `octets`, its checksum as 0: see ``storeChecksum(in:pseudoHeaderSum:)``.
    @_lifetime(octets: copy octets)
    @inlinable public func emitHeader(
        into octets: inout MutableSpan<UInt8>, sourcePort: UInt16, destinationPort: UInt16
    ) {
        let header = headerLength
        octets.store(UInt32(sourcePort) << 16 | UInt32(destinationPort), at: 0)
        octets.store(seq.rawValue, at: 4)
        octets.store(flags.contains(.ack) ? ack.rawValue : 0, at: 8)
        octets.store(
            UInt32(truncatingIfNeeded: header / 4) << 28 | UInt32(flags.rawValue) << 16 | UInt32(window), at: 12)
        octets.store(UInt32(urgentPointer), at: 16)
        if header > 20 { options.emit(into: &octets, at: 20, isSYN: flags.contains(.syn)) }
    }

    /// Completes a TCP segment (header and text, checksum field 0) with its checksum.
    @_lifetime(octets: copy octets)
    @inlinable public static func storeChecksum(in octets: inout MutableSpan<UInt8>, pseudoHeaderSum: UInt32) {
        octets.store(InternetChecksum.checksum(octets.span, adding: pseudoHeaderSum), at: 16)
    }
}

/// What is wrong with a TCP header.
public enum TCPError: Error, Hashable, Sendable {
    /// Fewer than 20 bytes, or than the data offset says.
    case truncated
    /// A data offset below 5.
    case dataOffset
}

/// A TCP segment (RFC 9293, 3.1), checked once: no accessor can fail.
public struct TCPView: ~Escapable {
    @usableFromInline let octets: Span<UInt8>
    public let headerLength: Int

    @_lifetime(copy octets)
    @inlinable public init(validating octets: Span<UInt8>) throws(TCPError) {
        guard octets.count >= 20 else { throw .truncated }
        let header = Int(octets[12] >> 4) &* 4
        guard header >= 20 else { throw .dataOffset }
        guard header <= octets.count else { throw .truncated }
        self.octets = octets
        headerLength = header
    }

    /// The ports (RFC 9293, 3.1).
    @inlinable public var sourcePort: UInt16 { octets.uint16(at: 0) }
    @inlinable public var destinationPort: UInt16 { octets.uint16(at: 2) }
    /// Bits that must be zero and are ignored (RFC 9293, 3.1).
    @inlinable public var reservedBits: UInt8 { octets[12] & 0xF }

    /// The text.
    @inlinable public var payload: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(headerLength..<octets.count) }
    }

    /// The segment with its options.
    @inlinable public var segment: Segment {
        var segment = Segment()
        segment.seq = SequenceNumber(octets.uint32(at: 4))
        segment.ack = SequenceNumber(octets.uint32(at: 8))
        segment.flags = TCPFlags(rawValue: octets[13])
        segment.window = octets.uint16(at: 14)
        segment.urgentPointer = octets.uint16(at: 18)
        segment.payloadLength = octets.count &- headerLength
        if headerLength > 20 { segment.options = TCPOptions(parsing: octets.extracting(20..<headerLength)) }
        return segment
    }

    /// Whether header and text sum up with the pseudo-header as they should (RFC 9293, 3.1, MUST-3).
    @inlinable public func hasValidChecksum(pseudoHeaderSum: UInt32) -> Bool {
        InternetChecksum.isValid(octets, adding: pseudoHeaderSum)
    }
}
