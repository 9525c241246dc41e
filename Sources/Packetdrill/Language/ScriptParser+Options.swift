extension ScriptParser {
    /// `<...>` or `<mss 1460,sackOK>`, the token at hand being the `<`.
    mutating func options(_ direction: PacketSyntax.Direction) throws(ScriptError) -> TCPSyntax.Options {
        let start = position
        try advance()
        if token.kind == .ellipsis {
            if direction == .inbound { throw unexpected("options: an inbound segment has to say which") }
            try advance()
            try expect(">", " behind '...'")
            return .any
        }
        var options: [TCPOptionSyntax] = []
        if !token.isSymbol(">") {
            repeat { options.append(try option()) } while try take(",")
        }
        try expect(">", " or ',' behind an option")
        let length = options.reduce(0) { $0 + $1.length }
        guard length <= 40, length % 4 == 0 else {
            throw wrong(start, "options of at most 40 bytes, padded to a multiple of 4", found: "\(length) bytes")
        }
        return .list(options)
    }

    private mutating func option() throws(ScriptError) -> TCPOptionSyntax {
        guard token.kind == .word else { throw unexpected("a TCP option") }
        let name = token.text
        let known = ["mss", "wscale", "sackOK", "sack", "TS", "nop", "eol", "FO", "FOEXP", "md5", "ECN"]
        guard known.contains(name) else { throw unexpected("one of the TCP options " + known.joined(separator: " ")) }
        try advance()
        switch name {
        case "mss": return .maximumSegmentSize(try number("a segment size"))
        case "wscale": return .windowScale(try number("a shift"))
        case "sackOK": return .sackPermitted
        case "sack": return .sack(try edges())
        case "TS":
            guard try take(word: "val") else { throw unexpected("'val'") }
            let value: UInt32 = try number("a timestamp")
            guard try take(word: "ecr") else { throw unexpected("'ecr'") }
            return .timestamps(value: value, echo: try number("a timestamp"))
        case "nop": return .noOperation
        case "eol": return .endOfList
        case "FO": return .fastOpen(cookie: try hexadecimals())
        case "FOEXP": return .experimentalFastOpen(cookie: try hexadecimals())
        case "md5": return .md5(digest: try hexadecimals())
        default: return try accurateECN()
        }
    }

    private mutating func edges() throws(ScriptError) -> [TCPOptionSyntax.Edges] {
        var edges: [TCPOptionSyntax.Edges] = []
        repeat {
            let left: UInt32 = try number("the left edge of a stretch")
            try expect(":", " between two edges")
            edges.append(TCPOptionSyntax.Edges(left: left, right: try number("the right edge of a stretch")))
        } while token.kind == .integer && edges.count < 5
        return edges
    }

    /// Bytes as pairs of hexadecimal digits, maybe none; all-decimal ones and `0x` included.
    private mutating func hexadecimals() throws(ScriptError) -> [UInt8] {
        switch token.kind {
        case .word, .integer, .hexadecimal: break
        default: return []
        }
        var digits = token.text[...]
        if digits.hasPrefix("0x") { digits = digits.dropFirst(2) }
        let values = digits.utf8.map { digit -> UInt8? in
            switch digit {
            case 48...57: digit - 48
            case 65...70: digit - 55
            case 97...102: digit - 87
            default: nil
            }
        }
        guard values.count % 2 == 0, values.count <= 80, !values.contains(nil) else {
            throw unexpected("an even number of hexadecimal digits, at most 80")
        }
        try advance()
        let halves = values.compactMap { $0 }
        return stride(from: 0, to: halves.count, by: 2).map { halves[$0] << 4 | halves[$0 + 1] }
    }

    private mutating func accurateECN() throws(ScriptError) -> TCPOptionSyntax {
        let order: [String]
        let kind: UInt8
        if token.isWord("e0b") {
            (kind, order) = (172, ["e0b", "ceb", "e1b"])
        } else if token.isWord("e1b") {
            (kind, order) = (174, ["e1b", "ceb", "e0b"])
        } else {
            throw unexpected("'e0b' or 'e1b'")
        }
        var counters: [UInt32] = []
        for word in order {
            guard try take(word: word) else { break }
            counters.append(try number("a counter of 24 bits", upTo: UInt32(0xff_ffff)))
        }
        return .accurateECN(kind: kind, counters: counters)
    }
}
