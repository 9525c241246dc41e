import NetPrimitives

extension Endpoint {
    /// Reads a `sockaddr_in` or `sockaddr_in6`; `nil` for another family and for what is too short.
    init?(socketAddress bytes: [UInt8]) {
        guard bytes.count >= 16 else { return nil }
        let port = UInt16(truncatingIfNeeded: bytes[2..<4].number)
        switch UInt16(bytes[0]) | UInt16(bytes[1]) << 8 {
        case 2: self.init(.v4(IPv4Address(UInt32(truncatingIfNeeded: bytes[4..<8].number))), port)
        case 10 where bytes.count >= 24:
            self.init(.v6(IPv6Address(high: bytes[8..<16].number, low: bytes[16..<24].number)), port)
        default: return nil
        }
    }

    /// The `sockaddr_in` or `sockaddr_in6`, its family as a little-endian machine has it.
    var socketAddress: [UInt8] {
        switch address {
        case .v4(let v4):
            [2, 0] + port.bytes + v4.rawValue.bytes + [UInt8](repeating: 0, count: 8)
        case .v6(let v6):
            [10, 0] + port.bytes + [0, 0, 0, 0] + v6.high.bytes + v6.low.bytes + [0, 0, 0, 0]
        }
    }
}

extension ArraySlice<UInt8> {
    /// The bytes as a number, the first being the highest.
    var number: UInt64 { reduce(0) { $0 << 8 | UInt64($1) } }
}

extension FixedWidthInteger {
    /// The number as bytes, the highest first.
    var bytes: [UInt8] {
        stride(from: Self.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> Self($0)) }
    }
}
