import NetPrimitives

/// The numbers of the IP protocols that are looked into.
enum IPProtocol {
    static let hopByHop: UInt8 = 0
    static let icmp: UInt8 = 1
    static let ipv4: UInt8 = 4
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let ipv6: UInt8 = 41
    static let routing: UInt8 = 43
    static let fragment: UInt8 = 44
    static let authentication: UInt8 = 51
    static let icmpv6: UInt8 = 58
    static let noNextHeader: UInt8 = 59
    static let destinationOptions: UInt8 = 60

    /// Headers of IPv6 that are printed on the way to the payload.
    static func isExtensionHeader(_ number: UInt8) -> Bool {
        [hopByHop, routing, fragment, destinationOptions].contains(number)
    }
}

extension Dissector {
    /// An IPv4 packet (RFC 791) of `length` octets, as far as whoever carries it knows.
    mutating func ipv4(at start: Int, length: Int) throws(CaptureEnded) {
        layer = "ip"
        let version = try uint8(start) >> 4
        guard version == 4 else {
            text += version == 6 ? "IP6, wrong link-layer encapsulation (invalid)" : "IP\(version) (invalid)"
            return
        }
        if !options.linkHeader { text += "IP " }
        guard isCaptured(start, 20) else { return markCut() }
        guard length >= 20 else {
            text += "truncated-ip \(length)"
            return
        }
        let headerLength = Int(try uint8(start) & 0xF) * 4
        guard headerLength >= 20 else {
            text += "bad-hlen \(headerLength)"
            return
        }
        let total = Int(try uint16(start + 2))
        if length < total { text += "truncated-ip - \(total - length) bytes missing! " }
        guard total >= headerLength else {
            text += "bad-len \(total)"
            return
        }
        try nested(endingAt: start + total) { packet throws(CaptureEnded) in
            try packet.ipv4Body(at: start, headerLength: headerLength, total: total)
        }
    }

    private mutating func ipv4Body(at start: Int, headerLength: Int, total: Int) throws(CaptureEnded) {
        let fragment = try uint16(start + 6)
        let number = try uint8(start + 9)
        let source = try ipv4Address(start + 12)
        let destination = try ipv4Address(start + 16)
        let addresses = "\(host(source)) > \(host(destination)):"
        if isVerbose {
            let wholeOptions = try ipv4Verbose(at: start, headerLength: headerLength)
            text += ")\n    "
            if !wholeOptions {
                text += addresses + " "
                return markCut()
            }
        }
        guard fragment & 0x1FFF == 0 else {
            text += addresses + " " + protocolLabel(number)
            return
        }
        if number != IPProtocol.tcp && number != IPProtocol.udp { text += addresses + " " }
        guard isCaptured(start, headerLength) else {
            text += " [remaining caplen(\(end - start)) < header length(\(headerLength))]"
            throw CaptureEnded()
        }
        let header = NetworkHeader(
            source: source, destination: destination,
            finalDestination: ipv4FinalDestination(at: start, headerLength: headerLength) ?? destination,
            protocolNumber: number, isFragment: fragment & 0x2000 != 0)
        try payload(number, at: start + headerLength, length: total - headerLength, under: header)
    }

    /// The parenthesis of `-v`, without its end.
    /// - Returns: false when the options could not be printed to their end.
    private mutating func ipv4Verbose(at start: Int, headerLength: Int) throws(CaptureEnded) -> Bool {
        let tos = try uint8(start + 1)
        text += "(tos 0x\(hex(tos))" + ["", ",ECT(1)", ",ECT(0)", ",CE"][Int(tos & 3)]
        let ttl = try uint8(start + 8)
        if ttl > 0 { text += ", ttl \(ttl)" }
        let fragment = try uint16(start + 6)
        let number = try uint8(start + 9)
        text +=
            ", id \(try uint16(start + 4)), offset \(Int(fragment & 0x1FFF) * 8), flags [\(fragmentFlags(fragment))]"
        text += ", proto \(ProtocolName.inHeader(number)) (\(number)), length \(try uint16(start + 2))"
        var wholeOptions = true
        if headerLength > 20 {
            text += ", options ("
            wholeOptions = try ipv4Options(at: start + 20, length: headerLength - 20)
            text += wholeOptions ? ")" : " [truncated-option])"
        }
        if options.verifiesChecksums, isCaptured(start, headerLength) {
            let residue = checksumResidue(over: start, headerLength)
            let found = try uint16(start + 10)
            if residue != 0 {
                text += ", bad cksum \(hex(found)) (->\(hex(expectedChecksum(found, residue: residue))))!"
            }
        }
        return wholeOptions
    }

    private func fragmentFlags(_ field: UInt16) -> String {
        let names = [(0x2000, "+"), (0x4000, "DF"), (0x8000, "rsvd")].filter { Int(field) & $0.0 != 0 }.map(\.1)
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }

    /// What an IP packet carries.
    mutating func payload(
        _ number: UInt8, at start: Int, length: Int, under header: NetworkHeader
    ) throws(CaptureEnded) {
        switch number {
        case IPProtocol.tcp:
            try tcp(at: start, length: length, under: header)
        case IPProtocol.udp:
            try udp(at: start, length: length, under: header)
        case IPProtocol.icmp where !header.source.isIPv6:
            try icmpv4(at: start, length: length, isFragment: header.isFragment)
        case IPProtocol.icmpv6 where header.source.isIPv6:
            try icmpv6(at: start, length: length, under: header)
        case IPProtocol.icmp:
            text += "[ICMP requires IPv4] (invalid)"
        case IPProtocol.icmpv6:
            text += "[ICMPv6 requires IPv6] (invalid)"
        case IPProtocol.ipv4 where mayNest:
            try ipv4(at: start, length: length)
        case IPProtocol.ipv6 where mayNest:
            try ipv6(at: start, length: length)
        case IPProtocol.noNextHeader:
            text += "no next header"
        default:
            text += " \(protocolLabel(number)) \(length)"
        }
    }
}
