import NetPrimitives

/// ICMP (RFC 792 and the types added since).
extension Dissector {
    private enum Message {
        static let echoReply: UInt8 = 0
        static let unreachable: UInt8 = 3
        static let sourceQuench: UInt8 = 4
        static let redirect: UInt8 = 5
        static let echoRequest: UInt8 = 8
        static let routerAdvertisement: UInt8 = 9
        static let timeExceeded: UInt8 = 11
        static let parameterProblem: UInt8 = 12
        static let timestamp: UInt8 = 13
        static let timestampReply: UInt8 = 14
        static let maskReply: UInt8 = 18

        /// Messages that carry the beginning of the packet that caused them.
        static let errors = [unreachable, sourceQuench, redirect, timeExceeded, parameterProblem]
        /// Errors that may carry extensions behind it (RFC 4884, 4).
        static let extended = [unreachable, timeExceeded, parameterProblem]
    }

    mutating func icmpv4(at start: Int, length: Int, isFragment: Bool) throws(CaptureEnded) {
        layer = "icmp"
        let kind = try uint8(start)
        guard let message = try icmpv4Message(kind, code: try uint8(start + 1), at: start) else { return markCut() }
        text += "ICMP \(message), length \(length)"
        if isVerbose, !isFragment, isCaptured(start, length) {
            let residue = checksumResidue(over: start, length)
            if residue != 0 {
                let found = try uint16(start + 2)
                text += " (wrong icmp cksum \(hex(found)) (->\(hex(expectedChecksum(found, residue: residue))))!)"
            }
        }
        guard isVerbose, mayNest, Message.errors.contains(kind) else { return }
        text += "\n\t"
        let quoted = start + 8
        try nested(endingAt: quoted + Int(try uint16(quoted + 2))) { packet throws(CaptureEnded) in
            // A packet that claims to end before its length field ends there.
            try packet.ipv4(at: quoted, length: Int(try packet.uint16(quoted + 2)))
        }
        layer = "icmp"
        if Message.extended.contains(kind) { try icmpv4Extensions(at: start, length: length) }
    }

    /// What the message says; `nil` when the capture ends before a field that it is about.
    private func icmpv4Message(_ kind: UInt8, code: UInt8, at start: Int) throws(CaptureEnded) -> String? {
        switch kind {
        case Message.echoRequest, Message.echoReply:
            let name = kind == Message.echoRequest ? "request" : "reply"
            return "echo \(name), id \(try uint16(start + 4)), seq \(try uint16(start + 6))"
        case Message.unreachable:
            return try icmpv4Unreachable(code, at: start)
        case Message.redirect:
            let target = host(try ipv4Address(start + 8 + 16))
            let gateway = host(try ipv4Address(start + 4))
            let forms = [
                ("redirect", "to net"), ("redirect", "to host"), ("redirect-tos", "to net"),
                ("redirect-tos", "to host"),
            ]
            guard Int(code) < forms.count else { return "redirect-#\(code) \(target) to \(gateway)" }
            return "\(forms[Int(code)].0) \(target) \(forms[Int(code)].1) \(gateway)"
        case Message.routerAdvertisement:
            return try icmpv4Routers(at: start)
        case Message.timeExceeded:
            guard isCaptured(start + 24, 4) else { return nil }
            switch code {
            case 0: return "time exceeded in-transit"
            case 1: return "ip reassembly time exceeded"
            default: return "time exceeded-#\(code)"
            }
        case Message.parameterProblem:
            return "parameter problem - " + (code != 0 ? "code \(code)" : "octet \(try uint8(start + 4))")
        case Message.maskReply:
            return "address mask is 0x\(hex(try uint32(start + 8), 8))"
        case Message.timestamp:
            return "time stamp query id \(try uint16(start + 4)) seq \(try uint16(start + 6))"
        case Message.timestampReply:
            guard isCaptured(start + 16, 4) else { return nil }
            return "time stamp reply id \(try uint16(start + 4)) seq \(try uint16(start + 6)): "
                + "org \(timeOfDay(try uint32(start + 8))), recv \(timeOfDay(try uint32(start + 12))), "
                + "xmit \(timeOfDay(try uint32(start + 16)))"
        case Message.sourceQuench: return "source quench"
        case 10: return "router solicitation"
        case 15: return "information request"
        case 16: return "information reply"
        case 17: return "address mask request"
        default: return "type-#\(kind)"
        }
    }

    private func icmpv4Unreachable(_ code: UInt8, at start: Int) throws(CaptureEnded) -> String? {
        let quoted = start + 8
        if code == 3 { return try icmpv4PortUnreachable(quoted) }
        let nextHop = code == 4 ? try uint16(start + 6) : 0
        let target = host(try ipv4Address(quoted + 16))
        switch code {
        case 0: return "net \(target) unreachable"
        case 1: return "host \(target) unreachable"
        case 2: return "\(target) protocol \(try uint8(quoted + 9)) unreachable"
        case 4: return "\(target) unreachable - need to frag" + (nextHop > 0 ? " (mtu \(nextHop))" : "")
        case 5: return "\(target) unreachable - source route failed"
        case 6: return "net \(target) unreachable - unknown"
        case 7: return "host \(target) unreachable - unknown"
        case 8: return "\(target) unreachable - source host isolated"
        case 9: return "net \(target) unreachable - admin prohibited"
        case 10: return "host \(target) unreachable - admin prohibited"
        case 11: return "net \(target) unreachable - tos prohibited"
        case 12: return "host \(target) unreachable - tos prohibited"
        case 13: return "host \(target) unreachable - admin prohibited filter"
        case 14: return "host \(target) unreachable - host precedence violation"
        case 15: return "host \(target) unreachable - precedence cutoff"
        default: return "\(target) unreachable - #\(code)"
        }
    }

    private func icmpv4PortUnreachable(_ quoted: Int) throws(CaptureEnded) -> String? {
        guard isCaptured(quoted + 9, 1) else { return nil }
        let headerLength = Int(try uint8(quoted) & 0xF) * 4
        let number = try uint16(quoted + headerLength + 2)
        let transport = try uint8(quoted + 9)
        let target = host(try ipv4Address(quoted + 16))
        switch transport {
        case IPProtocol.tcp: return "\(target) tcp port \(port(number, .tcp)) unreachable"
        case IPProtocol.udp: return "\(target) udp port \(port(number, .udp)) unreachable"
        default: return "\(target) protocol \(transport) port \(number) unreachable"
        }
    }

    /// A router advertisement (RFC 1256, 3).
    private func icmpv4Routers(at start: Int) throws(CaptureEnded) -> String? {
        guard isCaptured(start + 4, 4) else { return nil }
        let count = Int(try uint8(start + 4))
        let size = try uint8(start + 5)
        var message = "router advertisement lifetime \(lifetime(Int(try uint16(start + 6)))) \(count):"
        guard size == 2 else { return message + " [size \(size)]" }
        for index in 0..<count {
            let entry = start + 8 + 8 * index
            guard isCaptured(entry, 8) else { return nil }
            message += " {\(host(try ipv4Address(entry))) \(try uint32(entry + 4))}"
        }
        return message
    }

    private func lifetime(_ seconds: Int) -> String {
        let parts = [seconds / 3_600, seconds / 60 % 60, seconds % 60].drop { $0 == 0 }
        let padded = parts.dropFirst().map { $0 < 10 ? "0\($0)" : "\($0)" }
        return ([String(parts.first ?? 0)] + padded).joined(separator: ":")
    }

    /// Milliseconds since midnight UTC.
    private func timeOfDay(_ milliseconds: UInt32) -> String {
        func digits(_ number: UInt32, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        let seconds = milliseconds / 1_000
        let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { digits($0, 2) }.joined(separator: ":")
        return clock + "." + digits(milliseconds % 1_000, 3)
    }

    /// Extensions behind a quoted packet of 128 octets (RFC 4884, 7): that they are there, not what they say.
    private mutating func icmpv4Extensions(at start: Int, length: Int) throws(CaptureEnded) {
        let extensions = start + 136
        guard length > 136 else { return }
        guard isCaptured(start, 141) else { return markCut() }
        let isWhole = isCaptured(extensions, length - 136)
        let residue = isWhole ? checksumResidue(over: extensions, length - 136) : 0
        // Without a declared length, only a correct checksum tells extensions from more of the quoted packet.
        if try uint8(start + 5) == 0 && residue != 0 { return }
        let version = try uint8(extensions) >> 4
        text += "\n\tICMP Multi-Part extension v\(version)"
        guard version == 2 else {
            text += " packet not supported"
            return
        }
        guard isWhole else { return }
        text += ", checksum 0x\(hex(try uint16(extensions + 2), 4)) (\(residue == 0 ? "" : "in")correct)"
        text += ", length \(length - 136)"
    }
}
