public import NetPrimitives

/// The beginning of a packet that an ICMP error quotes.
///
/// It may be cut off behind the eight bytes that must be there (RFC 792; RFC 5927, 3), and its lengths and checksums
/// are those of a packet on its way, so none of them is looked at. Extension headers are not followed: what is quoted
/// to us we have sent, and we send none.
public struct QuotedPacket: Hashable, Sendable, BitwiseCopyable {
    public var source: IPAddress
    public var destination: IPAddress
    public var `protocol`: IPProtocol
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    /// The 32 bits behind the ports: TCP's sequence number.
    public var sequence: SequenceNumber

    /// - Returns: `nil` when too little is quoted, or a fragment that has no transport header.
    @inlinable public init?(_ octets: Span<UInt8>) {
        guard octets.count >= 28 else { return nil }
        var upper = Int(octets[0] & 0xF) &* 4
        switch octets[0] >> 4 {
        case 4:
            guard upper >= 20, octets.uint16(at: 6) & 0x1FFF == 0 else { return nil }
            source = .v4(IPv4Address(octets.uint32(at: 12)))
            destination = .v4(IPv4Address(octets.uint32(at: 16)))
            self.protocol = IPProtocol(rawValue: octets[9])
        case 6:
            upper = 40
            guard octets.count >= 48 else { return nil }
            source = .v6(IPv6Address(high: octets.uint64(at: 8), low: octets.uint64(at: 16)))
            destination = .v6(IPv6Address(high: octets.uint64(at: 24), low: octets.uint64(at: 32)))
            self.protocol = IPProtocol(rawValue: octets[6])
        default:
            return nil
        }
        guard octets.count >= upper &+ 8 else { return nil }
        sourcePort = octets.uint16(at: upper)
        destinationPort = octets.uint16(at: upper &+ 2)
        sequence = SequenceNumber(octets.uint32(at: upper &+ 4))
    }
}
