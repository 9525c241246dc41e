import NetPrimitives

@testable import Packetdrill

/// A TCP segment whose header can be changed; its checksums follow.
struct PacketEditor {
    private(set) var ip: [UInt8]
    var segment: [UInt8]

    /// - Returns: `nil` for what is no TCP segment.
    init?(_ packet: [UInt8]) {
        guard WireSegment(packet) != nil else { return nil }
        let header = packet[0] >> 4 == 4 ? 20 : 40
        ip = Array(packet[..<header])
        segment = Array(packet[header...])
    }

    var flags: UInt8 {
        get { segment[13] }
        set { segment[13] = newValue }
    }

    private var isIPv6: Bool { ip[0] >> 4 == 6 }

    var trafficClass: UInt8 {
        get { isIPv6 ? UInt8(truncatingIfNeeded: ip.word(0) >> 4) : ip[1] }
        set {
            ip.patch16(UInt32(ip.word(0)) & (isIPv6 ? 0xF00F : 0xFF00) | UInt32(newValue) << (isIPv6 ? 4 : 0), at: 0)
        }
    }

    var sequence: UInt32 {
        get { segment.long(4) }
        set { store32(newValue, at: 4) }
    }

    var acknowledgment: UInt32 {
        get { segment.long(8) }
        set { store32(newValue, at: 8) }
    }

    var window: Int {
        get { segment.word(14) }
        set { segment.patch16(UInt32(newValue & 0xFFFF), at: 14) }
    }

    var urgentPointer: Int {
        get { segment.word(18) }
        set { segment.patch16(UInt32(newValue), at: 18) }
    }

    var reserved: UInt8 {
        get { segment[12] & 0xF }
        set { segment[12] = segment[12] & 0xF0 | newValue }
    }

    private var headerLength: Int { Int(segment[12] >> 4) * 4 }

    var payload: [UInt8] {
        get { Array(segment[headerLength...]) }
        set { segment = Array(segment[..<headerLength]) + newValue }
    }

    /// Setting them pads with NOPs.
    var options: [TCPOptionSyntax] {
        get { WireWriter.options(of: Array(segment[20..<headerLength])) }
        set {
            var bytes = WireWriter.bytes(of: newValue)
            while bytes.count % 4 != 0 { bytes.append(1) }
            let data = payload
            segment = Array(segment[..<20]) + bytes + data
            segment[12] = UInt8((20 + bytes.count) / 4) << 4 | segment[12] & 0xF
        }
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    var isPureAcknowledgment: Bool { flags & 0b111 == 0 && has(0x10) && payload.isEmpty }

    /// The packet, its lengths and checksums made right.
    var packet: [UInt8] {
        let source: IPAddress = isIPv6 ? .v6(ip.address6(8)) : .v4(IPv4Address(ip.long(12)))
        let destination: IPAddress = isIPv6 ? .v6(ip.address6(24)) : .v4(IPv4Address(ip.long(16)))
        var body = segment
        body.patch16(0, at: 16)
        var facts = WireWriter.IPFacts()
        facts.hopLimit = isIPv6 ? ip[7] : ip[8]
        facts.trafficClass = trafficClass
        facts.flowLabel = isIPv6 ? ip.long(0) & 0xF_FFFF : 0
        return WireWriter.packet(
            from: source, to: destination, protocol: 6, body, checksumOffset: 16, facts: facts)
    }

    private mutating func store32(_ value: UInt32, at offset: Int) {
        segment.patch16(value >> 16, at: offset)
        segment.patch16(value & 0xFFFF, at: offset + 2)
    }
}
