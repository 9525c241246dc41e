public import NetPrimitives

/// The checksum of IP, TCP, UDP and ICMP (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words.
public enum InternetChecksum {
    /// The sum of the pseudo-header of IPv4 (RFC 9293, 3.1) as 16-bit words, below 2^20: to be added to, then folded.
    @inlinable public static func pseudoHeaderSum(
        source: IPv4Address, destination: IPv4Address, protocol: IPProtocol, length: Int
    ) -> UInt32 {
        let sum = UInt64(source.rawValue) &+ UInt64(destination.rawValue)
        return halves(sum &+ UInt64(`protocol`.rawValue) &+ UInt64(truncatingIfNeeded: length))
    }

    /// The sum of the pseudo-header of IPv6 (RFC 8200, 8.1) as 16-bit words, below 2^21: to be added to, then folded.
    /// - Parameter protocol: the upper layer's, which the IPv6 header itself names only when no extension stands
    /// between.
    @inlinable public static func pseudoHeaderSum(
        source: IPv6Address, destination: IPv6Address, protocol: IPProtocol, length: Int
    ) -> UInt32 {
        var sum = UInt64(`protocol`.rawValue) &+ UInt64(truncatingIfNeeded: length)
        sum &+= (source.high >> 32) &+ (source.high & 0xFFFF_FFFF) &+ (source.low >> 32) &+ (source.low & 0xFFFF_FFFF)
        sum &+= (destination.high >> 32) &+ (destination.high & 0xFFFF_FFFF)
        sum &+= (destination.low >> 32) &+ (destination.low & 0xFFFF_FFFF)
        return halves(sum)
    }

    /// The sum of the pseudo-header of two addresses of one family; 0 for two of different ones, which share no packet.
    @inlinable public static func pseudoHeaderSum(
        source: IPAddress, destination: IPAddress, protocol: IPProtocol, length: Int
    ) -> UInt32 {
        switch (source, destination) {
        case (.v4(let a), .v4(let b)):
            pseudoHeaderSum(source: a, destination: b, protocol: `protocol`, length: length)
        case (.v6(let a), .v6(let b)):
            pseudoHeaderSum(source: a, destination: b, protocol: `protocol`, length: length)
        default:
            0
        }
    }

    /// The checksum to store for `octets`, whose checksum field holds zero, and what else is summed.
    @inlinable public static func checksum(_ octets: Span<UInt8>, adding sum: UInt32 = 0) -> UInt16 {
        ~fold(UInt64(octets.onesComplementSum()) &+ UInt64(sum))
    }

    /// Whether `octets`, with their checksum in place, sum up with `sum` as they should.
    @inlinable public static func isValid(_ octets: Span<UInt8>, adding sum: UInt32 = 0) -> Bool {
        checksum(octets, adding: sum) == 0
    }

    /// The checksum after 16 bits have changed, without summing the rest again (RFC 1624, equation 3).
    @inlinable public static func update(_ checksum: UInt16, replacing old: UInt16, with new: UInt16) -> UInt16 {
        ~fold(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
    }

    /// A sum of a few 32-bit words as the sum of their halves: 2^16 is 1 to a ones' complement sum of 16 bits.
    @inlinable static func halves(_ sum: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: (sum >> 16) &+ (sum & 0xFFFF))
    }

    /// A sum brought down to 16 bits, its carries added in.
    @inlinable public static func fold(_ sum: UInt64) -> UInt16 {
        var sum = (sum & 0xFFFF_FFFF) &+ (sum >> 32)
        sum = (sum & 0xFFFF) &+ (sum >> 16)
        sum = (sum & 0xFFFF) &+ (sum >> 16)
        sum = (sum & 0xFFFF) &+ (sum >> 16)
        return UInt16(truncatingIfNeeded: sum)
    }
}
