import NetPrimitives

/// The Multipath TCP option (RFC 8684, 3). All of it is within the segment and captured.
extension Dissector {
    /// - Parameters:
    ///   - value: where the option's value begins, behind kind and length.
    ///   - size: the option's length, kind and length included.
    /// - Returns: false when the option's length does not go with its subtype.
    mutating func multipathOption(at value: Int, size: Int, flags: UInt8) -> Bool {
        layer = "mptcp"
        guard size >= 3 else { return false }
        let names = ["capable", "join", "dss", "add-addr", "rem-addr", "prio", "fail", "fast-close"]
        let subtype = Int(octets[value] >> 4)
        text += " \(size) " + (subtype < names.count ? names[subtype] : "unknown")
        switch subtype {
        case 0: return multipathCapable(at: value, size, flags)
        case 1: return multipathJoin(at: value, size, flags)
        case 2: return multipathSequence(at: value, size, flags)
        case 3: return multipathAddAddress(at: value, size)
        case 4:
            guard size >= 4 else { return false }
            text += " id" + octets[value + 1..<value + size - 2].map { " \($0)" }.joined()
        case 5:
            guard size == 3 || size == 4 else { return false }
            text += octets[value] & 1 != 0 ? " backup" : " non-backup"
            if size == 4 { text += " id \(octets[value + 1])" }
        case 6:
            guard size == 12 else { return false }
            text += " seq \(field64(value + 2))"
        case 7:
            guard size == 12 else { return false }
            text += " key 0x\(hex(field64(value + 2)))"
        default:
            break
        }
        return true
    }

    private func isSyn(_ flags: UInt8) -> Bool { flags & 0x02 != 0 }
    private func isAck(_ flags: UInt8) -> Bool { flags & 0x10 != 0 }

    private mutating func multipathCapable(at value: Int, _ size: Int, _ flags: UInt8) -> Bool {
        let fitsSyn = (size == 12 || size == 4) && isSyn(flags)
        let fitsAck = (size == 20 || size == 22) && isAck(flags) && !isSyn(flags)
        guard fitsSyn || fitsAck else { return false }
        let version = octets[value] & 0xF
        guard version < 2 else {
            text += " Unknown Version (\(version))"
            return true
        }
        text += " v\(version)"
        if octets[value + 1] & 0x80 != 0 { text += " csum" }
        if size >= 12 {
            text += " {0x\(hex(field64(value + 2)))"
            if size >= 20 { text += ",0x\(hex(field64(value + 10)))" }
            text += "}"
        }
        return true
    }

    private mutating func multipathJoin(at value: Int, _ size: Int, _ flags: UInt8) -> Bool {
        let fits =
            (size == 12 && isSyn(flags)) || (size == 16 && isSyn(flags) && isAck(flags)) || (size == 24 && isAck(flags))
        guard fits else { return false }
        if size != 24 {
            if octets[value] & 1 != 0 { text += " backup" }
            text += " id \(octets[value + 1])"
        }
        switch size {
        case 12: text += " token 0x\(hex(field32(value + 2))) nonce 0x\(hex(field32(value + 6)))"
        case 16: text += " hmac 0x\(hex(field64(value + 2))) nonce 0x\(hex(field32(value + 10)))"
        default: text += " hmac 0x" + digits(value + 2, 20)
        }
        return true
    }

    /// The data sequence signal (3.3).
    private mutating func multipathSequence(at value: Int, _ size: Int, _ flags: UInt8) -> Bool {
        guard size >= 4, !isSyn(flags) else { return false }
        let bits = octets[value + 1]
        if bits & 0x10 != 0 { text += " fin" }
        var position = value + 2
        let limit = value + size - 2
        func fits(_ count: Int) -> Bool { limit - position >= count }
        if bits & 0x01 != 0 {
            text += " ack "
            let isLong = bits & 0x02 != 0
            guard fits(isLong ? 8 : 4) else { return false }
            text += isLong ? "\(field64(position))" : "\(field32(position))"
            position += isLong ? 8 : 4
        }
        if bits & 0x04 != 0 {
            text += " seq "
            let isLong = bits & 0x08 != 0
            guard fits(isLong ? 8 : 4) else { return false }
            text += isLong ? "\(field64(position))" : "\(field32(position))"
            position += isLong ? 8 : 4
            guard fits(4) else { return false }
            text += " subseq \(field32(position))"
            position += 4
            guard fits(2) else { return false }
            text += " len \(field16(position))"
            position += 2
            if fits(2) {
                text += " csum 0x\(hex(field16(position)))"
                position += 2
            }
        }
        return position == limit
    }

    private mutating func multipathAddAddress(at value: Int, _ size: Int) -> Bool {
        guard [8, 10, 16, 18, 20, 22, 28, 30].contains(size) else { return false }
        switch octets[value] & 0xF {
        case 0x6: text += " v0-ip6"
        case 0x4: text += " v0-ip4"
        case 0x1: text += " v1-echo"
        case 0x0: text += " v1"
        default: text += " [bad version/echo]"
        }
        text += " id \(octets[value + 1])"
        var position = value + 2
        let limit = value + size - 2
        if size < 20 {
            text += " " + host(.v4(IPv4Address(field32(position))))
            position += 4
        } else {
            text += " " + host(.v6(IPv6Address(high: field64(position), low: field64(position + 8))))
            position += 16
        }
        if (limit - position) % 8 == 2 {
            text += ":\(field16(position))"
            position += 2
        }
        if limit - position == 8 { text += " hmac 0x\(hex(field64(position)))" }
        return true
    }
}
