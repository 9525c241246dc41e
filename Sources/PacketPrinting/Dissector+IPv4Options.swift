import NetPrimitives

/// The options of IPv4 (RFC 791, 3.1), printed under `-v`.
extension Dissector {
    private enum Option {
        static let end: UInt8 = 0
        static let noOperation: UInt8 = 1
        static let recordRoute: UInt8 = 7
        static let timestamp: UInt8 = 68
        static let looseSourceRoute: UInt8 = 131
        static let strictSourceRoute: UInt8 = 137
        static let routerAlert: UInt8 = 148
    }

    /// - Returns: false when the capture ends within them.
    mutating func ipv4Options(at start: Int, length: Int) throws(CaptureEnded) -> Bool {
        var position = start
        let limit = start + length
        while position < limit {
            if position > start { text += "," }
            let kind = try uint8(position)
            text += ipv4OptionName(kind)
            var size = 1
            if kind != Option.end && kind != Option.noOperation {
                size = Int(try uint8(position + 1))
                if size < 2 {
                    text += " [bad length \(size)]"
                    return true
                }
            }
            if size > limit - position {
                text += " [bad length \(size)]"
                return true
            }
            guard isCaptured(position, size) else { return false }
            switch kind {
            case Option.end:
                return true
            case Option.timestamp:
                guard try ipv4TimestampOption(at: position, length: size) else { return false }
            case Option.recordRoute, Option.looseSourceRoute, Option.strictSourceRoute:
                try ipv4RouteOption(at: position, length: size)
            case Option.routerAlert:
                try ipv4RouterAlert(at: position, length: size)
            default:
                break
            }
            position += size
        }
        return true
    }

    /// The last address of a source route; `nil` without a whole one.
    func ipv4FinalDestination(at start: Int, headerLength: Int) -> IPAddress? {
        var position = start + 20
        let limit = start + headerLength
        while position < limit, let kind = try? uint8(position), kind != Option.end {
            var size = 1
            if kind != Option.noOperation {
                guard let field = try? uint8(position + 1), field >= 2 else { return nil }
                size = Int(field)
            }
            guard size <= limit - position, isCaptured(position, size) else { return nil }
            if (kind == Option.looseSourceRoute || kind == Option.strictSourceRoute) && size >= 7 {
                return try? ipv4Address(position + size - 4)
            }
            position += size
        }
        return nil
    }

    private func ipv4OptionName(_ kind: UInt8) -> String {
        switch kind {
        case Option.end: "EOL"
        case Option.noOperation: "NOP"
        case Option.recordRoute: "RR"
        case Option.timestamp: "timestamp"
        case 82: "traceroute"
        case 130: "security"
        case Option.looseSourceRoute: "LSRR"
        case Option.strictSourceRoute: "SSRR"
        case Option.routerAlert: "RA"
        default: "unknown \(kind)"
        }
    }

    /// A recorded or given route; a comma follows each address that the pointer has passed.
    private mutating func ipv4RouteOption(at start: Int, length: Int) throws(CaptureEnded) {
        guard length >= 3 else {
            text += " [bad length \(length)]"
            return
        }
        if (length + 1) % 4 != 0 { text += " [bad length \(length)]" }
        let field = try uint8(start + 2)
        let pointer = Int(field) - 1
        if pointer < 3 || (pointer + 1) % 4 != 0 || pointer > length + 1 { text += " [bad ptr \(field)]" }
        for offset in stride(from: 3, to: length, by: 4) {
            text += " " + host(try ipv4Address(start + offset))
            // A pointer of 0 counts as beyond all addresses.
            if pointer > offset || pointer < 0 { text += "," }
        }
    }

    private mutating func ipv4TimestampOption(at start: Int, length: Int) throws(CaptureEnded) -> Bool {
        guard length >= 4 else {
            text += "[bad length \(length)]"
            return true
        }
        text += " TS{"
        let overflowAndFlag = try uint8(start + 3)
        let flag = overflowAndFlag & 0xF
        let step = flag == 0 ? 4 : 8
        if (length - 4) % step != 0 { text += "[bad length \(length)]" }
        let field = try uint8(start + 2)
        let pointer = Int(field) - 1
        if pointer < 4 || (pointer - 4) % step != 0 || pointer > length + 1 { text += "[bad ptr \(field)]" }
        var offset = 0
        switch flag {
        case 0: text += "TSONLY"
        case 1: text += "TS+ADDR"
        case 3: text += "PRESPEC"
        default: text += "[bad ts type \(flag)]"
        }
        if flag == 0 || flag == 1 || flag == 3 {
            offset = 4
            while offset < length {
                guard isCaptured(start + offset, step) else { return false }
                text += pointer == offset ? " ^ " : " "
                let time = try uint32(start + offset + step - 4)
                text += "\(time)@" + (step == 8 ? host(try ipv4Address(start + offset)) : "")
                offset += step
            }
        }
        if pointer == offset { text += " ^ " }
        text += overflowAndFlag >> 4 > 0 ? " [\(overflowAndFlag >> 4) hops not recorded]} " : "}"
        return true
    }

    private mutating func ipv4RouterAlert(at start: Int, length: Int) throws(CaptureEnded) {
        guard length >= 4 else {
            text += " [bad length \(length)]"
            return
        }
        let value = try uint16(start + 2)
        if value != 0 { text += " value \(value)" }
    }
}
