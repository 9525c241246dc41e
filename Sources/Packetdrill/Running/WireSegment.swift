internal import NetPrimitives

/// A TCP segment in an IP packet, read from its bytes with the runner's own eyes: what the stack's writer got wrong,
/// its reader must not hide.
struct WireSegment {
    var source: Endpoint
    var destination: Endpoint
    var trafficClass: UInt8
    var hopLimit: UInt8
    var flowLabel: UInt32
    /// The 14th byte of the header, and the four bits that are reserved but for the lowest, AE.
    var flags: UInt8
    var reserved: UInt8
    var sequence: UInt32
    var acknowledgment: UInt32
    var window: UInt16
    var urgentPointer: UInt16
    var options: [UInt8]
    var payload: [UInt8]
    /// What is wrong with checksums and lengths, in words; empty for an honest packet.
    var defects: [String]

    /// - Returns: `nil` when the bytes are no TCP segment.
    init?(_ packet: [UInt8]) {
        guard packet.count >= 20 else { return nil }
        let header: Int
        var defects: [String] = []
        switch packet[0] >> 4 {
        case 4:
            header = Int(packet[0] & 0xF) * 4
            guard header >= 20, packet.count >= header, packet[9] == 6 else { return nil }
            if header != 20 { defects.append("IPv4 header of \(header) bytes") }
            if packet.word(2) != packet.count { defects.append("IPv4 total length \(packet.word(2))") }
            if onesComplement(packet[..<header]) != 0xFFFF { defects.append("IPv4 header checksum") }
            source = Endpoint(.v4(IPv4Address(packet.long(12))), 0)
            destination = Endpoint(.v4(IPv4Address(packet.long(16))), 0)
            trafficClass = packet[1]
            hopLimit = packet[8]
            flowLabel = 0
        case 6:
            header = 40
            guard packet.count >= header, packet[6] == 6 else { return nil }
            if packet.word(4) + 40 != packet.count { defects.append("IPv6 payload length \(packet.word(4))") }
            source = Endpoint(.v6(packet.address6(8)), 0)
            destination = Endpoint(.v6(packet.address6(24)), 0)
            trafficClass = UInt8(truncatingIfNeeded: packet.word(0) >> 4)
            hopLimit = packet[7]
            flowLabel = packet.long(0) & 0xF_FFFF
        default:
            return nil
        }
        let length = packet.count - header
        guard length >= 20 else { return nil }
        let offset = Int(packet[header + 12] >> 4) * 4
        guard offset >= 20, offset <= length else { return nil }
        let isIPv6 = packet[0] >> 4 == 6
        let sum =
            onesComplement(packet[header...])
            + onesComplement(isIPv6 ? packet[8..<40] : packet[12..<20]) + 6 + UInt32(length)
        if fold(sum) != 0xFFFF { defects.append("TCP checksum") }
        source.port = UInt16(packet.word(header))
        destination.port = UInt16(packet.word(header + 2))
        sequence = packet.long(header + 4)
        acknowledgment = packet.long(header + 8)
        reserved = packet[header + 12] & 0xF
        flags = packet[header + 13]
        window = UInt16(packet.word(header + 14))
        urgentPointer = UInt16(packet.word(header + 18))
        options = Array(packet[header + 20..<header + offset])
        payload = Array(packet[(header + offset)...])
        self.defects = defects
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
}

/// The sum of 16-bit words, folded (RFC 1071); 0xFFFF over what contains its own checksum.
func onesComplement(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var sum: UInt32 = 0
    var index = bytes.startIndex
    while index < bytes.endIndex {
        let low = index + 1 < bytes.endIndex ? UInt32(bytes[index + 1]) : 0
        sum += UInt32(bytes[index]) << 8 | low
        sum = (sum & 0xFFFF) + sum >> 16
        index += 2
    }
    return sum
}

func fold(_ sum: UInt32) -> UInt32 {
    var sum = sum
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
    return sum
}

extension [UInt8] {
    func word(_ offset: Int) -> Int { Int(self[offset]) << 8 | Int(self[offset + 1]) }

    func long(_ offset: Int) -> UInt32 { UInt32(word(offset)) << 16 | UInt32(word(offset + 2)) }

    func address6(_ offset: Int) -> IPv6Address {
        IPv6Address(
            high: UInt64(long(offset)) << 32 | UInt64(long(offset + 4)),
            low: UInt64(long(offset + 8)) << 32 | UInt64(long(offset + 12)))
    }

    mutating func append16(_ value: some BinaryInteger) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append32(_ value: UInt32) {
        append16(value >> 16)
        append16(value & 0xFFFF)
    }

    mutating func append(_ address: IPAddress) {
        switch address {
        case .v4(let v4): append32(v4.rawValue)
        case .v6(let v6):
            for part in [v6.high >> 32, v6.high, v6.low >> 32, v6.low] { append32(UInt32(truncatingIfNeeded: part)) }
        }
    }

    mutating func patch16(_ value: UInt32, at offset: Int) {
        self[offset] = UInt8(truncatingIfNeeded: value >> 8)
        self[offset + 1] = UInt8(truncatingIfNeeded: value)
    }
}
