import NetPrimitives
import NetworkSimulation

/// Hand-made packets, and checksums computed the slow way: a second opinion on everything that the library computes.
enum Packets {
    /// A TCP segment between two hosts for documentation, complete and with right checksums.
    static func tcp(
        ipv6: Bool = false, _ flags: TCPFlags = .ack, seq: UInt32 = 1, ack: UInt32 = 1, payload: [UInt8] = []
    ) -> [UInt8] {
        var segment: [UInt8] = [0x9C, 0x40, 0, 80] + bigEndian(seq) + bigEndian(ack)
        segment += [0x50, flags.rawValue, 0xFF, 0xFF, 0, 0, 0, 0] + payload
        return datagram(ipv6: ipv6, transport: 6, segment, checksumAt: 16)
    }

    static func udp(ipv6: Bool = false, payload: [UInt8], withChecksum: Bool = true) -> [UInt8] {
        let length = UInt16(8 + payload.count)
        let segment: [UInt8] = [0x30, 0x39, 0, 53, UInt8(length >> 8), UInt8(length & 0xFF), 0, 0] + payload
        return datagram(ipv6: ipv6, transport: 17, segment, checksumAt: withChecksum ? 6 : nil)
    }

    static func echo(ipv6: Bool = false, payload: [UInt8]) -> [UInt8] {
        datagram(
            ipv6: ipv6, transport: ipv6 ? 58 : 1, [ipv6 ? 128 : 8, 0, 0, 0, 0, 1, 0, 1] + payload, checksumAt: 2)
    }

    /// Whether both the IPv4 header's checksum and the transport's hold, added up word by word.
    static func checksumsHold(_ packet: [UInt8]) -> Bool {
        guard packet.count >= 20 else { return false }
        if packet[0] >> 4 == 4 {
            let headerLength = Int(packet[0] & 15) * 4
            let total = Int(packet[2]) << 8 | Int(packet[3])
            guard headerLength >= 20, headerLength <= packet.count, total <= packet.count, total >= headerLength
            else { return false }
            guard slowSum(Array(packet[..<headerLength])) == 0xFFFF else { return false }
            let segment = Array(packet[headerLength..<total])
            if packet[9] == 1 { return slowSum(segment) == 0xFFFF }
            return slowSum(even(segment) + packet[12..<20] + [0, packet[9]], length: segment.count) == 0xFFFF
        }
        guard packet[0] >> 4 == 6, packet.count >= 40 else { return false }
        let end = 40 + (Int(packet[4]) << 8 | Int(packet[5]))
        guard end <= packet.count else { return false }
        let segment = Array(packet[40..<end])
        return slowSum(even(segment) + packet[8..<40] + [0, packet[6]], length: segment.count) == 0xFFFF
    }

    /// Wraps a transport segment into an IP header; its checksum is filled in at the offset.
    private static func datagram(
        ipv6: Bool, transport: UInt8, _ segment: [UInt8], checksumAt offset: Int?
    ) -> [UInt8] {
        let addresses: [UInt8] =
            ipv6
            ? [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1, 0x20, 1, 0xD, 0xB8]
                + [UInt8](repeating: 0, count: 11) + [2]
            : [192, 0, 2, 1, 192, 0, 2, 2]
        var segment = segment
        if let offset {
            let pseudo = transport == 1 ? [] : even(addresses + [0, transport])
            let length = transport == 1 ? 0 : segment.count
            let sum = ~slowSum(even(segment) + pseudo, length: length)
            segment[offset] = UInt8(sum >> 8)
            segment[offset + 1] = UInt8(sum & 0xFF)
        }
        if ipv6 {
            return [0x60, 0, 0, 0] + bigEndian(UInt16(segment.count)) + [transport, 64] + addresses + segment
        }
        var header: [UInt8] = [0x45, 0] + bigEndian(UInt16(20 + segment.count)) + [0, 7, 0x40, 0, 64, transport, 0, 0]
        header += addresses
        let sum = ~slowSum(header)
        header[10] = UInt8(sum >> 8)
        header[11] = UInt8(sum & 0xFF)
        return header + segment
    }

    private static func even(_ bytes: [UInt8]) -> [UInt8] { bytes.count % 2 == 0 ? bytes : bytes + [0] }

    /// The ones' complement sum of 16-bit words and of a length, with the carry brought round after each.
    private static func slowSum(_ bytes: [UInt8], length: Int = 0) -> UInt16 {
        var sum = length
        var index = 0
        while index < bytes.count {
            sum += Int(bytes[index]) << 8 | (index + 1 < bytes.count ? Int(bytes[index + 1]) : 0)
            sum = (sum & 0xFFFF) + (sum >> 16)
            index += 2
        }
        return UInt16(sum)
    }

    static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        (1...value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (value.bitWidth - 8 * $0)) }
    }
}
