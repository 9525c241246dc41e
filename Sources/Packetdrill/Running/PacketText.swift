/// Packets in the language's words, for messages.
extension TCPSyntax {
    /// The segment as a script would write it.
    var text: String {
        var words = ["\(flags.text) \(sequence):\(end)(\(length))"]
        if let acknowledgment { words.append("ack \(acknowledgment)") }
        if let window { words.append("win \(window)") }
        if let urgentPointer { words.append("urg \(urgentPointer)") }
        switch options {
        case .none: break
        case .any: words.append("<...>")
        case .list(let list): words.append("<" + list.map(\.text).joined(separator: ",") + ">")
        }
        return words.joined(separator: " ")
    }
}

extension TCPFlagsSyntax {
    /// The flags in the order in which scripts write them.
    var text: String {
        var text = ""
        let letters: [(UInt8, String)] = [
            (Self.syn, "S"), (Self.fin, "F"), (Self.rst, "R"), (Self.psh, "P"), (Self.urg, "U"),
        ]
        for (flag, letter) in letters where has(flag) { text += letter }
        if let counter { return text + (has(Self.ack) ? "." : "") + String(counter) }
        if has(Self.ece) { text += "E" }
        if has(Self.cwr) { text += "W" }
        if accurateECN { text += "A" }
        if has(Self.ack) { text += "." }
        return text.isEmpty ? "-" : text
    }
}

extension TCPOptionSyntax {
    /// The option as a script would write it.
    var text: String {
        switch self {
        case .maximumSegmentSize(let mss): "mss \(mss)"
        case .windowScale(let shift): "wscale \(shift)"
        case .sackPermitted: "sackOK"
        case .sack(let edges): "sack " + edges.map { "\($0.left):\($0.right)" }.joined(separator: " ")
        case .timestamps(let value, let echo): "TS val \(value) ecr \(echo)"
        case .noOperation: "nop"
        case .endOfList: "eol"
        case .fastOpen(let cookie): cookie.isEmpty ? "FO" : "FO " + Self.hex(cookie)
        case .experimentalFastOpen(let cookie): cookie.isEmpty ? "FOEXP" : "FOEXP " + Self.hex(cookie)
        case .md5(let digest): "md5 " + Self.hex(digest)
        case .accurateECN(let kind, let counters):
            "ECN "
                + zip(kind == 172 ? ["e0b", "ceb", "e1b"] : ["e1b", "ceb", "e0b"], counters)
                .map { "\($0) \($1)" }.joined(separator: " ")
        case .other(let kind, let bytes): "option \(kind) \(Self.hex(bytes))"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

extension IPInformation {
    /// What a script would write in brackets before a packet; empty when nothing is said.
    var text: String {
        var words: [String] = []
        switch trafficClass {
        case .notECNCapable: words.append("noecn")
        case .ect0: words.append("ect0")
        case .ect1: words.append("ect1")
        case .ect0or1: words.append("ect01")
        case .congestionExperienced: words.append("ce")
        case .whole(let byte): words.append("tos 0x" + String(byte, radix: 16))
        case nil: break
        }
        if let flowLabel { words.append("flowlabel 0x" + String(flowLabel, radix: 16)) }
        if let hopLimit { words.append("ttl \(hopLimit)") }
        return words.isEmpty ? "" : "(" + words.joined(separator: ", ") + ") "
    }
}
