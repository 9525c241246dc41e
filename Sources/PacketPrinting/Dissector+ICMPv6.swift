import NetPrimitives

/// ICMPv6 (RFC 4443) and the addresses of neighbour discovery (RFC 4861).
extension Dissector {
    private enum Message {
        static let unreachable: UInt8 = 1
        static let packetTooBig: UInt8 = 2
        static let timeExceeded: UInt8 = 3
        static let parameterProblem: UInt8 = 4
        static let echoRequest: UInt8 = 128
        static let echoReply: UInt8 = 129
        static let routerSolicitation: UInt8 = 133
        static let routerAdvertisement: UInt8 = 134
        static let neighbourSolicitation: UInt8 = 135
        static let neighbourAdvertisement: UInt8 = 136
        static let redirect: UInt8 = 137
    }

    mutating func icmpv6(at start: Int, length: Int, under header: NetworkHeader) throws(CaptureEnded) {
        layer = "icmp6"
        guard length > 0 else {
            text += "ICMP6, length 0 (invalid)"
            return
        }
        if isVerbose, !header.isFragment, isCaptured(start, length) {
            let found = try uint16(start + 2)
            let residue = checksumResidue(over: start, length, pseudoHeader: (header, IPProtocol.icmpv6))
            text +=
                residue == 0
                ? "[icmp6 sum ok] "
                : "[bad icmp6 cksum 0x\(hex(found, 4)) -> 0x\(hex(expectedChecksum(found, residue: residue), 4))!] "
        }
        let kind = try uint8(start)
        text += "ICMP6, " + icmpv6Name(kind)
        if isVerbose && (Message.routerSolicitation...Message.redirect).contains(kind) { text += ", length \(length)" }
        let code = try uint8(start + 1)
        let quoted = start + 8
        switch kind {
        case Message.unreachable:
            guard try icmpv6Unreachable(code, at: start, length: length) else { return }
        case Message.packetTooBig:
            text += ", mtu \(try uint32(start + 4))"
        case Message.timeExceeded:
            switch code {
            case 0: text += " for \(host(try ipv6Address(quoted + 24)))"
            case 1: text += " (reassembly)"
            default: text += ", unknown code (\(code))"
            }
        case Message.parameterProblem:
            guard isCaptured(quoted + 24, 16) else { return markCut() }
            let problems = [", erroneous", ", next header", ", option", ", incomplete header chain"]
            text +=
                Int(code) < problems.count
                ? problems[Int(code)] + " - octet \(try uint32(start + 4))" : ", code-#\(code)"
        case Message.echoRequest, Message.echoReply:
            text += ", id \(try uint16(start + 4)), seq \(try uint16(start + 6))"
        case Message.routerSolicitation, Message.routerAdvertisement:
            break
        case Message.neighbourSolicitation:
            text += ", who has \(host(try ipv6Address(start + 8)))"
        case Message.neighbourAdvertisement:
            text += ", tgt is \(host(try ipv6Address(start + 8)))"
        case Message.redirect:
            text += ", \(host(try ipv6Address(start + 24))) to \(host(try ipv6Address(start + 8)))"
        default:
            text += ", length \(length)"
            if options.verbosity < 2 { hexDump(start, length, indent: "\n\t") }
            return
        }
        if !isVerbose { text += ", length \(length)" }
    }

    private func icmpv6Name(_ kind: UInt8) -> String {
        switch kind {
        case Message.unreachable: "destination unreachable"
        case Message.packetTooBig: "packet too big"
        case Message.timeExceeded: "time exceeded in-transit"
        case Message.parameterProblem: "parameter problem"
        case Message.echoRequest: "echo request"
        case Message.echoReply: "echo reply"
        case Message.routerSolicitation: "router solicitation"
        case Message.routerAdvertisement: "router advertisement"
        case Message.neighbourSolicitation: "neighbor solicitation"
        case Message.neighbourAdvertisement: "neighbor advertisement"
        case Message.redirect: "redirect"
        default: "unknown icmp6 type (\(kind))"
        }
    }

    /// - Returns: false when the line ends there.
    private mutating func icmpv6Unreachable(
        _ code: UInt8, at start: Int, length: Int
    ) throws(CaptureEnded) -> Bool {
        let quoted = start + 8
        switch code {
        case 0, 1, 3:
            text +=
                code == 0 ? ", unreachable route" : code == 1 ? ",  unreachable prohibited" : ", unreachable address"
            text += " \(host(try quotedDestination(quoted)))"
        case 2:
            text += ", beyond scope"
            text += " \(host(try quotedDestination(quoted))), source address \(host(try ipv6Address(quoted + 8)))"
        case 4:
            text += ", unreachable port"
            guard let (transport, offset) = quotedTransport(quoted) else {
                markCut()
                return false
            }
            let number = try uint16(offset + 2)
            let isTCP = transport == IPProtocol.tcp
            text += ", \(host(try quotedDestination(quoted))) \(isTCP ? "tcp" : "udp") port "
            text += port(number, isTCP ? .tcp : .udp)
        default:
            text += ", unknown unreach code (\(code))"
            if options.verbosity < 2 {
                hexDump(start, length, indent: "\n\t")
                return false
            }
        }
        return true
    }

    private func quotedDestination(_ quoted: Int) throws(CaptureEnded) -> IPAddress { try ipv6Address(quoted + 24) }

    /// The TCP or UDP header in a quoted packet, behind the extension headers that have a length.
    private func quotedTransport(_ quoted: Int) -> (UInt8, Int)? {
        guard var number = try? uint8(quoted + 6) else { return nil }
        var position = quoted
        var size = 40
        while position < end {
            position += size
            switch number {
            case IPProtocol.tcp, IPProtocol.udp:
                return isCaptured(position + 2, 2) ? (number, position) : nil
            case IPProtocol.hopByHop, IPProtocol.destinationOptions, IPProtocol.routing:
                guard let next = try? uint8(position), let length = try? uint8(position + 1) else { return nil }
                (number, size) = (next, (Int(length) + 1) * 8)
            case IPProtocol.fragment:
                guard let offset = try? uint16(position + 2), offset & 0xFFF8 == 0 else { return nil }
                (number, size) = (octets[position], 8)
            case IPProtocol.authentication:
                guard let next = try? uint8(position), let length = try? uint8(position + 1) else { return nil }
                (number, size) = (next, (Int(length) + 2) * 4)
            default:
                return nil
            }
        }
        return nil
    }
}
