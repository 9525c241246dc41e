import NetPrimitives

extension Dissector {
    private enum Flag {
        static let fin: UInt8 = 0x01
        static let syn: UInt8 = 0x02
        static let rst: UInt8 = 0x04
        static let ack: UInt8 = 0x10
        static let urg: UInt8 = 0x20
    }

    /// A TCP segment (RFC 9293, 3.1) of `length` octets by the IP header.
    mutating func tcp(at start: Int, length: Int, under header: NetworkHeader) throws(CaptureEnded) {
        layer = "tcp"
        guard isCaptured(start, 4) else {
            text += "\(host(header.source)) > \(host(header.destination)):"
            return markCut()
        }
        let sourcePort = try uint16(start)
        let destinationPort = try uint16(start + 2)
        ports(sourcePort, destinationPort, .tcp, IPProtocol.tcp, under: header)
        guard isCaptured(start, 20) else { return markCut() }
        let headerLength = Int(try uint8(start + 12) >> 4) * 4
        let payloadLength = UInt32(truncatingIfNeeded: length - headerLength)
        guard headerLength >= 20 else {
            text += " tcp \(payloadLength) [bad hdr length \(headerLength) - too short, < 20]"
            return
        }
        let overlong = headerLength > length ? " [bad hdr length \(headerLength) - too long, > \(length)]" : ""
        guard !options.quiet else {
            text += "tcp \(payloadLength)\(overlong)"
            return
        }
        let flags = try uint8(start + 13)
        text += "Flags [\(flagNames(flags))]"
        let seq = SequenceNumber(try uint32(start + 4))
        let ack = SequenceNumber(try uint32(start + 8))
        let isRelative = flags & Flag.ack != 0 && !options.absoluteSequence
        let reference =
            isRelative
            ? conversations.reference(
                from: Endpoint(header.source, sourcePort), to: Endpoint(header.destination, destinationPort), seq: seq,
                ack: ack, syn: flags & Flag.syn != 0)
            : .absolute
        guard overlong.isEmpty else {
            text += overlong
            return
        }
        try tcpChecksum(at: start, length: length, under: header)
        let first = seq.rawValue &- reference.sequence.rawValue
        if options.verbosity > 1 || payloadLength > 0 || flags & (Flag.syn | Flag.fin | Flag.rst) != 0 {
            text += ", seq \(first)"
            if payloadLength > 0 { text += ":\(first &+ payloadLength)" }
        }
        if flags & Flag.ack != 0 { text += ", ack \(ack.rawValue &- reference.acknowledgment.rawValue)" }
        text += ", win \(try uint16(start + 14))"
        if flags & Flag.urg != 0 { text += ", urg \(try uint16(start + 18))" }
        if headerLength > 20 {
            guard
                try tcpOptions(
                    at: start + 20, length: headerLength - 20, flags: flags, sackBase: reference.sack.rawValue,
                    isWhole: isCaptured(start, length))
            else { return }
        }
        text += ", length \(payloadLength)"
        guard payloadLength > 0 else { return }
        guard isCaptured(start, headerLength) else {
            text += " [remaining caplen(\(end - start)) < header length(\(headerLength))]"
            throw CaptureEnded()
        }
        try tcpPayload(
            at: start + headerLength, length: Int(payloadLength), flags: flags, ports: (sourcePort, destinationPort))
    }

    /// `A.p > B.q: ` where the IP header itself names the transport, else `p > q: `.
    mutating func ports(
        _ source: UInt16, _ destination: UInt16, _ transport: NameSource.Transport, _ number: UInt8,
        under header: NetworkHeader
    ) {
        let isDirect = header.protocolNumber == number
        text += (isDirect ? host(header.source) + "." : "") + port(source, transport) + " > "
        text += (isDirect ? host(header.destination) + "." : "") + port(destination, transport) + ": "
    }

    private func flagNames(_ flags: UInt8) -> String {
        let letters = [
            (Flag.fin, "F"), (Flag.syn, "S"), (Flag.rst, "R"), (0x08, "P"), (Flag.ack, "."), (Flag.urg, "U"),
            (0x40, "E"), (0x80, "W"),
        ]
        let names = letters.filter { flags & $0.0 != 0 }.map(\.1).joined()
        return names.isEmpty ? "none" : names
    }

    private mutating func tcpChecksum(at start: Int, length: Int, under header: NetworkHeader) throws(CaptureEnded) {
        guard isVerbose, options.verifiesChecksums, !header.isFragment, isCaptured(start, length) else { return }
        let residue = checksumResidue(over: start, length, pseudoHeader: (header, IPProtocol.tcp))
        let found = try uint16(start + 16)
        text += ", cksum 0x\(hex(found, 4))"
        text += residue == 0 ? " (correct)" : " (incorrect -> 0x\(hex(expectedChecksum(found, residue: residue), 4)))"
    }

    private mutating func tcpPayload(
        at start: Int, length: Int, flags: UInt8, ports: (UInt16, UInt16)
    ) throws(CaptureEnded) {
        if flags & Flag.rst != 0 && isVerbose { return resetText(at: start, length: length) }
        guard let application = TextProtocol(ports: ports) else { return }
        try textPayload(application, at: start, length: length)
    }

    /// Data on a RST, which may tell its reason (RFC 9293, 3.5.2), up to 30 characters.
    private mutating func resetText(at start: Int, length: Int) {
        text += isCaptured(start, length) ? " [RST" : " [!RST"
        if length > 30 { text += "+" }
        text += " "
        for index in start..<max(start, min(end, start + min(length, 30))) { text += visible(octets[index]) }
        text += "]"
    }

    /// An octet as `cat -v` shows it.
    private func visible(_ octet: UInt8) -> String {
        var prefix = ""
        var code = octet
        if code >= 0x80 {
            code &= 0x7F
            prefix = "M-"
        }
        if code < 0x20 || code == 0x7F {
            code ^= 0x40
            prefix += "^"
        }
        return prefix + String(Unicode.Scalar(code))
    }
}

extension ConversationTable.Reference {
    /// Numbers as they are on the wire.
    static let absolute = Self(
        sequence: SequenceNumber(0), acknowledgment: SequenceNumber(0), sack: SequenceNumber(0))
}
