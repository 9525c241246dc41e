public import NetPrimitives

/// What is wrong with a UDP header.
public enum UDPError: Error, Hashable, Sendable {
    /// Fewer than 8 bytes, or than the length field says.
    case truncated
    /// A length field below 8.
    case length
}

/// A UDP datagram (RFC 768), checked once.
public struct UDPView: ~Escapable {
    @usableFromInline let octets: Span<UInt8>

    @_lifetime(copy octets)
    @inlinable public init(validating octets: Span<UInt8>) throws(UDPError) {
        guard octets.count >= 8 else { throw .truncated }
        let length = Int(octets.uint16(at: 4))
        guard length >= 8 else { throw .length }
        guard length <= octets.count else { throw .truncated }
        self.octets = octets.extracting(0..<length)
    }

    /// The ports, and the length of header and data in bytes.
    /// Bytes of the header.
    @inlinable public var sourcePort: UInt16 { octets.uint16(at: 0) }
    @inlinable public var destinationPort: UInt16 { octets.uint16(at: 2) }
    @inlinable public var length: Int { octets.count }

    /// The sender has computed no checksum: allowed with IPv4 only (RFC 8200, 8.1).
    @inlinable public var hasNoChecksum: Bool { octets.uint16(at: 6) == 0 }

    /// Whether the datagram sums up with the pseudo-header as it should.
    @inlinable public func hasValidChecksum(pseudoHeaderSum: UInt32) -> Bool {
        InternetChecksum.isValid(octets, adding: pseudoHeaderSum)
    }

    /// The data.
    @inlinable public var payload: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(8..<octets.count) }
    }
}

/// A UDP header to send.
public struct UDPHeader: Hashable, Sendable, BitwiseCopyable {
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    /// Bytes behind the header, at most 65527.
    public var payloadLength: Int

    /// Bytes of the header.
    @inlinable public static var length: Int { 8 }

    @inlinable public init(sourcePort: UInt16, destinationPort: UInt16, payloadLength: Int) {
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.payloadLength = payloadLength
    }

    /// Writes the header to the first 8 bytes of `octets`, its checksum as 0: see
    /// ``storeChecksum(in:pseudoHeaderSum:)``.
    @_lifetime(octets: copy octets)
    @inlinable public func emit(into octets: inout MutableSpan<UInt8>) {
        octets.store(UInt32(sourcePort) << 16 | UInt32(destinationPort), at: 0)
        octets.store(UInt32(UInt16(truncatingIfNeeded: payloadLength &+ Self.length)) << 16, at: 4)
    }

    /// Completes a datagram (header and payload, checksum field 0) with its checksum. One that comes out as 0 is sent
    /// as its other form, all ones: 0 says that there is none (RFC 768).
    @_lifetime(octets: copy octets)
    @inlinable public static func storeChecksum(in octets: inout MutableSpan<UInt8>, pseudoHeaderSum: UInt32) {
        let checksum = InternetChecksum.checksum(octets.span, adding: pseudoHeaderSum)
        octets.store(checksum == 0 ? .max : checksum, at: 6)
    }
}
