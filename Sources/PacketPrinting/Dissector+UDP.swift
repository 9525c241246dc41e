import NetPrimitives

extension Dissector {
    /// A UDP datagram (RFC 768) of `length` octets by the IP header. What it carries is not looked into.
    mutating func udp(at start: Int, length: Int, under header: NetworkHeader) throws(CaptureEnded) {
        layer = "udp"
        guard isCaptured(start + 2, 2) else {
            if header.protocolNumber == IPProtocol.udp {
                text += "\(host(header.source)) > \(host(header.destination)): "
            }
            return markCut()
        }
        ports(try uint16(start), try uint16(start + 2), .udp, IPProtocol.udp, under: header)
        guard length >= 8 else {
            text += "truncated-udp \(length)"
            return
        }
        guard isCaptured(start + 4, 2) else { return markCut() }
        let field = Int(try uint16(start + 4))
        // RFC 2675, 4: a length of zero in a jumbogram stands for all of it.
        let total = field == 0 && length > 65_535 ? length : field
        guard total >= 8 else {
            text += "truncated-udplength \(total)"
            return
        }
        guard isCaptured(start + 8, 0) else { return markCut() }
        let available = min(length, total)
        try udpChecksum(at: start, length: available, under: header)
        if total > available && !header.isFragment {
            text += "UDP, bad length \(total - 8) > \(available - 8)"
        } else {
            text += "UDP, length \(total - 8)"
        }
    }

    /// Over IPv6 from `-v` on, over IPv4, where it may be absent, from `-vv` on.
    private mutating func udpChecksum(
        at start: Int, length: Int, under header: NetworkHeader
    ) throws(CaptureEnded) {
        guard options.verbosity > (header.source.isIPv6 ? 0 : 1) else { return }
        guard options.verifiesChecksums, !header.isFragment else { return }
        if try uint16(start + 6) == 0 && !header.source.isIPv6 {
            text += "[no cksum] "
            return
        }
        guard isCaptured(start, length) else { return }
        let residue = checksumResidue(over: start, length, pseudoHeader: (header, IPProtocol.udp))
        let found = try uint16(start + 6)
        text +=
            residue == 0
            ? "[udp sum ok] "
            : "[bad udp cksum 0x\(hex(found, 4)) -> 0x\(hex(expectedChecksum(found, residue: residue), 4))!] "
    }
}
