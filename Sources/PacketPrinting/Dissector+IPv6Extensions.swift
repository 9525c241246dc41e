import NetPrimitives

/// The extension headers of IPv6. Each method prints a header and returns its length; `nil` when the walk ends there.
extension Dissector {
    private enum Option {
        static let pad1: UInt8 = 0x00
        static let padN: UInt8 = 0x01
        static let routerAlert: UInt8 = 0x05
        static let jumbo: UInt8 = 0xC2
        static let homeAddress: UInt8 = 0xC9
    }

    mutating func hopByHopOptions(
        at start: Int, payloadLength: Int, jumbo: inout Int?
    ) throws(CaptureEnded) -> Int? {
        layer = "hbhopt"
        let length = (Int(try uint8(start + 1)) + 1) * 8
        guard isCaptured(start, length) else {
            markCut()
            return nil
        }
        text += "HBH "
        guard try ipv6Options(at: start + 2, length: length - 2, payloadLength: payloadLength, jumbo: &jumbo) else {
            markCut()
            return nil
        }
        return length
    }

    mutating func destinationOptions(at start: Int) throws(CaptureEnded) -> Int? {
        layer = "dstopt"
        let length = (Int(try uint8(start + 1)) + 1) * 8
        guard isCaptured(start, length) else {
            markCut()
            return nil
        }
        text += "DSTOPT "
        var jumbo: Int?
        if isVerbose {
            guard try ipv6Options(at: start + 2, length: length - 2, payloadLength: nil, jumbo: &jumbo) else {
                markCut()
                return nil
            }
        }
        return length
    }

    /// Options of either kind.
    ///
    /// - Parameters:
    ///   - payloadLength: the fixed header's field, `nil` where no jumbo option may stand.
    ///   - jumbo: set to the length that a valid jumbo option gives.
    /// - Returns: false when an option runs over the header's end.
    private mutating func ipv6Options(
        at start: Int, length: Int, payloadLength: Int?, jumbo: inout Int?
    ) throws(CaptureEnded) -> Bool {
        var position = start
        let limit = start + length
        var jumboSeen = false
        while position < limit {
            let kind = try uint8(position)
            var size = 1
            if kind != Option.pad1 {
                guard position + 1 < limit else { return false }
                size = Int(try uint8(position + 1)) + 2
            }
            guard size <= limit - position else { return false }
            switch kind {
            case Option.pad1:
                if isVerbose { text += "(pad1)" }
            case Option.padN:
                if isVerbose { text += "(padn)" }
            case Option.routerAlert:
                guard ipv6OptionFits("rtalert", position, limit, 4) else { return false }
                if isVerbose { text += "(rtalert: 0x\(hex(try uint16(position + 2), 4))) " }
            case Option.jumbo:
                guard ipv6OptionFits("jumbo", position, limit, 6) else { return false }
                let value = Int(try uint32(position + 2))
                let remark = jumboRemark(value, payloadLength: payloadLength, alreadySeen: jumboSeen)
                if remark == nil { jumbo = value }
                jumboSeen = true
                if isVerbose { text += "(jumbo: \(value)\(remark ?? "")) " }
            case Option.homeAddress:
                guard limit - position >= 18 else {
                    text += "(homeaddr: trunc)"
                    return false
                }
                guard size >= 18 else {
                    text += "(homeaddr: invalid len \(size - 2))"
                    return false
                }
                if isVerbose {
                    text += "(homeaddr: \(host(try ipv6Address(position + 2)))"
                    guard try homeAddressSuboptions(at: position + 18, length: size - 18) else { return false }
                    text += ")"
                }
            default:
                if isVerbose { text += "(opt_type 0x\(hex(kind, 2)): len=\(size - 2))" }
            }
            position += size
        }
        if isVerbose { text += " " }
        return true
    }

    /// Whether an option of a fixed size has room and says so itself.
    private mutating func ipv6OptionFits(_ name: String, _ position: Int, _ limit: Int, _ size: Int) -> Bool {
        guard limit - position >= size else {
            text += "(\(name): trunc)"
            return false
        }
        guard let field = try? uint8(position + 1), Int(field) == size - 2 else {
            text += "(\(name): invalid len \((try? uint8(position + 1)) ?? 0))"
            return false
        }
        return true
    }

    /// What is wrong with a jumbo option; `nil` when it is valid (RFC 2675, 3).
    private func jumboRemark(_ value: Int, payloadLength: Int?, alreadySeen: Bool) -> String? {
        if alreadySeen { return " - already seen" }
        guard let payloadLength else { return " - not a hop-by-hop option" }
        if payloadLength != 0 { return " - payload len != 0" }
        return value < 65_536 ? " - < 65536" : nil
    }

    private mutating func homeAddressSuboptions(at start: Int, length: Int) throws(CaptureEnded) -> Bool {
        var position = start
        let limit = start + length
        while position < limit {
            let kind = try uint8(position)
            var size = 1
            if kind != Option.pad1 {
                guard position + 1 < limit else { return false }
                size = Int(try uint8(position + 1)) + 2
            }
            guard size <= limit - position else { return false }
            switch kind {
            case Option.pad1: text += ", pad1"
            case Option.padN: text += ", padn"
            default: text += ", sopt_type 0x\(hex(kind, 2)): len=\(size - 2)"
            }
            position += size
        }
        return true
    }

    /// The fragment header (RFC 8200, 4.5): only the first fragment goes on.
    mutating func fragmentHeader(at start: Int, under fixedHeader: Int) throws(CaptureEnded) -> Int? {
        layer = "frag6"
        let identification = isVerbose ? "0x\(hex(try uint32(start + 4), 8)):" : ""
        let offset = try uint16(start + 2) & 0xFFF8
        // The header's own length field may leave less than nothing; tcpdump prints that without a sign.
        let length = 40 + Int(try uint16(fixedHeader + 4)) - (start - fixedHeader) - 8
        text += "frag (\(identification)\(offset)|\(UInt64(bitPattern: Int64(length))))"
        guard offset == 0 else { return nil }
        text += " "
        return 8
    }

    /// The routing header: types 0 and 2 (RFC 6275) and segment routing, type 4 (RFC 8754).
    mutating func routingHeader(at start: Int) throws(CaptureEnded) -> Int? {
        layer = "rt6"
        text += "RT6"
        let length = try uint8(start + 1)
        text += " (len=\(length)"
        let kind = try uint8(start + 2)
        text += ", type=\(kind)"
        if kind == 0 { text += " [Deprecated]" }
        text += ", segleft=\(try uint8(start + 3))"
        switch kind {
        case 0, 2:
            let reserved = try uint32(start + 4)
            if reserved != 0 || isVerbose { text += ", rsv=0x\(hex(reserved))" }
        case 4:
            text += ", last-entry=\(try uint8(start + 4))"
            let flags = try uint8(start + 5)
            if flags != 0 || isVerbose { text += ", flags=0x\(hex(flags))" }
            text += ", tag=\(hex(try uint16(start + 6)))"
        default:
            text += " (unknown type) (invalid)"
            return nil
        }
        guard length % 2 == 0 else {
            text += " (invalid length \(length)) (invalid)"
            return nil
        }
        for index in 0..<Int(length) / 2 {
            text += ", [\(index)]\(host(try ipv6Address(start + 8 + 16 * index)))"
        }
        text += ") "
        return (Int(length) + 1) * 8
    }

    /// The address that checksums cover in place of the header's own.
    func routedDestination(at start: Int) -> IPAddress? {
        guard let length = try? uint8(start + 1), let kind = try? uint8(start + 2), length >= 2, length % 2 == 0 else {
            return nil
        }
        switch kind {
        case 0, 2: return try? ipv6Address(start + 8 + 16 * (Int(length) / 2 - 1))
        case 4: return try? ipv6Address(start + 8)
        default: return nil
        }
    }
}
