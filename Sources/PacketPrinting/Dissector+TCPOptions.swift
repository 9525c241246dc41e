import NetPrimitives

/// Why an option list was not printed to its end.
enum OptionFault: Error {
    /// The list contradicts itself: an option reaches past its end, say.
    case malformed
    /// The capture ends within it.
    case cut
}

extension Dissector {
    private enum Option {
        static let end: UInt8 = 0
        static let noOperation: UInt8 = 1
        static let maximumSegmentSize: UInt8 = 2
        static let windowScale: UInt8 = 3
        static let sackPermitted: UInt8 = 4
        static let sack: UInt8 = 5
        static let echo: UInt8 = 6
        static let echoReply: UInt8 = 7
        static let timestamps: UInt8 = 8
        static let connectionCount: UInt8 = 11
        static let connectionCountNew: UInt8 = 12
        static let connectionCountEcho: UInt8 = 13
        static let md5Signature: UInt8 = 19
        static let spaceCapabilities: UInt8 = 20
        static let userTimeout: UInt8 = 28
        static let authentication: UInt8 = 29
        static let multipath: UInt8 = 30
        static let fastOpen: UInt8 = 34
        static let experiment: UInt8 = 254
    }

    /// The options of a segment, `, options [..]`.
    ///
    /// - Parameters:
    ///   - sackBase: what the edges of SACK blocks count from.
    ///   - isWhole: whether all of the segment was captured.
    /// - Returns: false when the line ends there.
    mutating func tcpOptions(
        at start: Int, length: Int, flags: UInt8, sackBase: UInt32, isWhole: Bool
    ) throws(CaptureEnded) -> Bool {
        text += ", options ["
        var position = start
        let limit = start + length
        while position < limit {
            if position > start { text += "," }
            let kind = try uint8(position)
            var size = 1
            if kind != Option.end && kind != Option.noOperation {
                size = Int(try uint8(position + 1))
                guard size >= 2, size <= limit - position else {
                    return optionsEnd(.malformed, at: position, after: start)
                }
            }
            text += optionName(kind)
            do throws(OptionFault) {
                let printed = try tcpOption(
                    kind, at: position, size: size, limit: limit, flags: flags, sackBase: sackBase, isWhole: isWhole)
                if printed != size { text += "[len \(size)]" }
                position += printed
            } catch {
                return optionsEnd(error, at: position, after: start)
            }
            if kind == Option.end { break }
        }
        text += "]"
        return true
    }

    /// The end of a list that is broken or cut short.
    private mutating func optionsEnd(_ fault: OptionFault, at position: Int, after start: Int) -> Bool {
        switch fault {
        case .malformed: text += "[bad opt]" + (position > start ? "]" : "")
        case .cut:
            markCut()
            if position > start { text += ">" }
        }
        return false
    }

    private func optionName(_ kind: UInt8) -> String {
        switch kind {
        case Option.end: "eol"
        case Option.noOperation: "nop"
        case Option.maximumSegmentSize: "mss"
        case Option.windowScale: "wscale"
        case Option.sackPermitted: "sackOK"
        case Option.sack: "sack"
        case Option.echo: "echo"
        case Option.echoReply: "echoreply"
        case Option.timestamps: "TS"
        case Option.connectionCount: "cc"
        case Option.connectionCountNew: "ccnew"
        case Option.connectionCountEcho: ""
        case Option.md5Signature: "md5"
        case Option.spaceCapabilities: "scps"
        case Option.userTimeout: "uto"
        case Option.authentication: "tcp-ao"
        case Option.multipath: "mptcp"
        case Option.fastOpen: "tfo"
        case Option.experiment: "exp"
        default: "unknown-\(kind)"
        }
    }

    /// The value of an option. Options of a fixed size are read at that size, whatever their length says.
    /// - Returns: how many octets the option took, kind and length included.
    private mutating func tcpOption(
        _ kind: UInt8, at position: Int, size: Int, limit: Int, flags: UInt8, sackBase: UInt32, isWhole: Bool
    ) throws(OptionFault) -> Int {
        let value = position + 2
        switch kind {
        case Option.end, Option.noOperation:
            return 1
        case Option.sackPermitted:
            return 2
        case Option.maximumSegmentSize:
            try needs(2, at: value, limit)
            text += " \(field16(value))"
            return 4
        case Option.windowScale:
            try needs(1, at: value, limit)
            text += " \(octets[value])"
            return 3
        case Option.echo, Option.echoReply, Option.connectionCount, Option.connectionCountNew,
            Option.connectionCountEcho:
            try needs(4, at: value, limit)
            text += " \(field32(value))"
            return 6
        case Option.timestamps:
            try needs(8, at: value, limit)
            text += " val \(field32(value)) ecr \(field32(value + 4))"
            return 10
        case Option.md5Signature:
            try needs(16, at: value, limit)
            // There is no option for the secret; tcpdump without `-M` says so, or that the capture is too short.
            text += isWhole ? " shared secret not supplied with -M" : " snaplen too short"
            text += ", can't check - " + digits(value, 16)
            return 18
        case Option.spaceCapabilities:
            try needs(2, at: value, limit)
            text += " cap \(hex(octets[value], 2)) id \(octets[value + 1])"
            return 4
        case Option.userTimeout:
            try needs(2, at: value, limit)
            let field = UInt32(field16(value))
            // RFC 5482, 2: a bit for minutes, 15 bits for the time. tcpdump takes the last bit for it.
            text += " 0x\(hex(field)) \(field & 1 == 1 ? field >> 1 * 60 : field >> 1)"
            return 4
        default:
            try variableOption(kind, at: value, size: size, limit: limit, flags: flags, sackBase: sackBase)
            return size
        }
    }

    private mutating func variableOption(
        _ kind: UInt8, at value: Int, size: Int, limit: Int, flags: UInt8, sackBase: UInt32
    ) throws(OptionFault) {
        let count = size - 2
        switch kind {
        case Option.sack:
            guard count % 8 == 0 else {
                text += " invalid sack"
                return
            }
            text += " \(count / 8) "
            for offset in stride(from: 0, to: count, by: 8) {
                try needs(8, at: value + offset, limit)
                text += "{\(field32(value + offset) &- sackBase):\(field32(value + offset + 4) &- sackBase)}"
            }
        case Option.authentication:
            guard count >= 2 else {
                text += " (invalid)"
                return
            }
            try needs(1, at: value, limit)
            text += " keyid \(octets[value])"
            try needs(2, at: value, limit)
            text += " rnextkeyid \(octets[value + 1])"
            if count > 2 {
                text += " mac 0x"
                try eachOctet(value + 2, count - 2, limit)
            }
        case Option.multipath:
            try needs(count, at: value, limit)
            guard multipathOption(at: value, size: size, flags: flags) else { throw .malformed }
        case Option.fastOpen:
            try needs(count, at: value, limit)
            text += " "
            fastOpenCookie(at: value, count)
        case Option.experiment:
            try needs(count, at: value, limit)
            guard count >= 2 else { throw .malformed }
            let identifier = field16(value)
            if identifier == 0xF989 {
                text += "-tfo"
                fastOpenCookie(at: value + 2, count - 2)
            } else {
                text += "-" + hex(identifier, 4)
            }
        default:
            if count > 0 { text += " 0x" }
            try eachOctet(value, count, limit)
        }
    }

    /// A Fast Open cookie (RFC 7413, 4.1.1) or, empty, the request for one.
    private mutating func fastOpenCookie(at start: Int, _ count: Int) {
        if count == 0 {
            text += " cookiereq"
        } else if count % 2 != 0 || count < 4 || count > 16 {
            text += " (invalid)"
        } else {
            text += " cookie " + digits(start, count)
        }
    }

    /// `count` octets of an option's value are within the list and captured.
    private func needs(_ count: Int, at offset: Int, _ limit: Int) throws(OptionFault) {
        guard count <= limit - offset else { throw .malformed }
        guard isCaptured(offset, count) else { throw .cut }
    }

    private mutating func eachOctet(_ start: Int, _ count: Int, _ limit: Int) throws(OptionFault) {
        for offset in start..<start + count {
            try needs(1, at: offset, limit)
            text += hex(octets[offset], 2)
        }
    }

    // Fields that `needs` has found to be there.
    func field16(_ offset: Int) -> UInt16 { octets.span.uint16(at: offset) }
    func field32(_ offset: Int) -> UInt32 { octets.span.uint32(at: offset) }
    func field64(_ offset: Int) -> UInt64 { octets.span.uint64(at: offset) }
    func digits(_ start: Int, _ count: Int) -> String {
        octets[start..<start + count].map { hex($0, 2) }.joined()
    }
}
