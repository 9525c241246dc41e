import NetPrimitives

/// The IP header above a transport's: what the transport prints and sums of it.
struct NetworkHeader {
    let source: IPAddress
    let destination: IPAddress
    /// Where the packet goes in the end when the header routes it (RFC 791, 3.1; RFC 8200, 4.4): what checksums cover.
    var finalDestination: IPAddress
    /// The protocol field of the fixed header. Ports are printed with addresses only when it names the transport.
    let protocolNumber: UInt8
    var isFragment: Bool
}

extension Dissector {
    /// What is left when `count` octets are summed with their checksum, the pseudo-header included if there is one:
    /// zero when the checksum is correct. The octets must have been captured.
    func checksumResidue(over offset: Int, _ count: Int, pseudoHeader: (NetworkHeader, UInt8)? = nil) -> UInt16 {
        var sum = UInt32(octets.span.extracting(offset..<offset + count).onesComplementSum())
        if let (header, number) = pseudoHeader {
            sum += header.source.onesComplementSum + header.finalDestination.onesComplementSum
            sum += UInt32(number) + UInt32(UInt16(truncatingIfNeeded: count >> 16))
            sum += UInt32(UInt16(truncatingIfNeeded: count))
        }
        return ~folded(sum)
    }

    /// What a checksum field should have held that left `residue`.
    func expectedChecksum(_ found: UInt16, residue: UInt16) -> UInt16 { folded(UInt32(found) + UInt32(residue)) }

    private func folded(_ sum: UInt32) -> UInt16 {
        let once = (sum & 0xFFFF) + sum >> 16
        return UInt16(truncatingIfNeeded: (once & 0xFFFF) + once >> 16)
    }
}

extension IPAddress {
    fileprivate var onesComplementSum: UInt32 {
        switch self {
        case .v4(let address):
            return address.rawValue >> 16 + address.rawValue & 0xFFFF
        case .v6(let address):
            var sum: UInt32 = 0
            for shift in stride(from: 0, to: 64, by: 16) as StrideTo<UInt64> {
                sum += UInt32(UInt16(truncatingIfNeeded: address.high >> shift))
                sum += UInt32(UInt16(truncatingIfNeeded: address.low >> shift))
            }
            return sum
        }
    }
}
