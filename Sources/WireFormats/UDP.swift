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

    @inlinable public var sourcePort: UInt16 { octets.uint16(at: 0) }
    @inlinable public var destinationPort: UInt16 { octets.uint16(at: 2) }
    @inlinable public var length: Int { octets.count }

    /// The sender has computed no checksum: allowed with IPv4 only (RFC 8200, 8.1).
    @inlinable public var hasNoChecksum: Bool { octets.uint16(at: 6) == 0 }

    @inlinable public func hasValidChecksum(pseudoHeaderSum: UInt32) -> Bool {
        InternetChecksum.isValid(octets, adding: pseudoHeaderSum)
    }

    @inlinable public var payload: Span<UInt8> {
        @_lifetime(copy self) get { octets.extracting(8..<octets.count) }
    }
}
