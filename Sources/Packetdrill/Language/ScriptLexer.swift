import NetPrimitives

/// Parts a script into tokens, one at a time: the longest match wins, and among equals the first of integer,
/// hexadecimal number and word.
struct ScriptLexer {
    /// The longest script that is read, in bytes.
    static let lengthLimit = 1 << 20

    let name: String
    let bytes: [UInt8]
    /// The offset of the first byte of each line.
    let lineStarts: [Int]
    /// The first byte that no token has taken.
    var index = 0

    init(name: String, text: String) throws(ScriptError) {
        self.name = name
        bytes = Array(text.utf8)
        var starts = [0]
        for (offset, byte) in bytes.enumerated() where byte == 10 { starts.append(offset + 1) }
        lineStarts = starts
        guard bytes.count <= Self.lengthLimit else {
            throw ScriptError(
                name: name, position: SourcePosition(line: 1, column: 1),
                expected: "a script of at most \(Self.lengthLimit) bytes", found: "\(bytes.count)")
        }
        // A byte order mark says nothing.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { index = 3 }
    }

    func position(_ offset: Int) -> SourcePosition {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return SourcePosition(line: low + 1, column: offset - lineStarts[low] + 1)
    }

    func error(_ offset: Int, _ expected: String, found: String?) -> ScriptError {
        ScriptError(name: name, position: position(offset), expected: expected, found: found)
    }

    private func byte(_ offset: Int) -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func sees(_ characters: StaticString, at offset: Int) -> Bool {
        var offset = offset
        for scalar in characters.description.utf8 {
            guard byte(offset) == scalar else { return false }
            offset += 1
        }
        return true
    }

    /// The next token; an error where none begins or one does not end.
    mutating func next() throws(ScriptError) -> ScriptToken {
        try skipBlanks()
        guard let first = byte(index) else { return ScriptToken(kind: .end, range: index..<index) }
        if let token = address() ?? number() ?? word() { return token }
        switch first {
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "`"): return try command()
        case UInt8(ascii: "%") where byte(index + 1) == UInt8(ascii: "{"): return try code()
        case UInt8(ascii: ".") where sees("...", at: index): return take(3, .ellipsis)
        case UInt8(ascii: "-") where byte(index + 1) == UInt8(ascii: "-"): return try option()
        default: break
        }
        guard "+*~<>()[]{},:=|.-/&%".utf8.contains(first) else {
            throw error(index, "a token", found: "'\(character())'")
        }
        return take(1, .symbol(first))
    }

    /// What is printed of the character that begins here.
    private func character() -> String {
        let rest = String(decoding: bytes[index..<min(index + 16, bytes.count)], as: UTF8.self)
        guard let first = rest.unicodeScalars.first else { return "" }
        return first.escaped(asASCII: false)
    }

    private mutating func take(_ length: Int, _ kind: ScriptToken.Kind, text: String = "") -> ScriptToken {
        defer { index += length }
        return ScriptToken(kind: kind, text: text, range: index..<(index + length))
    }

    private mutating func skipBlanks() throws(ScriptError) {
        while let first = byte(index) {
            if first == 32 || (9...13).contains(first) {
                index += 1
            } else if sees("//", at: index) {
                while let next = byte(index), next != 10 { index += 1 }
            } else if sees("/*", at: index) {
                guard let end = find("*/", from: index + 2) else {
                    throw error(index, "'*/' at the end of this comment", found: nil)
                }
                index = end + 2
            } else {
                return
            }
        }
    }

    private func find(_ characters: StaticString, from start: Int) -> Int? {
        let first = characters.description.utf8.first
        var offset = start
        while offset < bytes.count {
            if bytes[offset] == first, sees(characters, at: offset) { return offset }
            offset += 1
        }
        return nil
    }
}

// MARK: - Numbers, words and addresses

extension ScriptLexer {
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }

    /// The first offset from `start` on whose byte is not of the class.
    private func end(of isMember: (UInt8) -> Bool, from start: Int) -> Int {
        var offset = start
        while offset < bytes.count, isMember(bytes[offset]) { offset += 1 }
        return offset
    }

    /// An address in full: with all four numbers, or with eight groups or a `::`, so that `1:1001` is none.
    private mutating func address() -> ScriptToken? {
        guard let first = byte(index), Self.isHexDigit(first) || first == UInt8(ascii: ":") else { return nil }
        let limit = min(
            index + 46,
            end(of: { Self.isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }, from: index))
        let run = bytes[index..<limit]
        let colons = run.count { $0 == UInt8(ascii: ":") }
        if colons >= 7 || zip(run, run.dropFirst()).contains(where: { $0 == 58 && $1 == 58 }) {
            for end in stride(from: limit, to: index + 1, by: -1) where IPv6Address(text(index..<end)) != nil {
                if let next = byte(end), Self.isWordByte(next) { continue }
                return take(end - index, .ipv6Address, text: text(index..<end))
            }
        }
        guard colons < 2, run.count(where: { $0 == UInt8(ascii: ".") }) >= 3 else { return nil }
        for end in stride(from: min(limit, index + 15), to: index + 6, by: -1)
        where IPv4Address(text(index..<end)) != nil {
            if let next = byte(end), Self.isWordByte(next) { continue }
            return take(end - index, .ipv4Address, text: text(index..<end))
        }
        return nil
    }

    private mutating func number() -> ScriptToken? {
        let start = byte(index) == UInt8(ascii: "-") ? index + 1 : index
        let whole = end(of: Self.isDigit, from: start)
        if byte(whole) == UInt8(ascii: ".") {
            let fraction = end(of: Self.isDigit, from: whole + 1)
            if fraction > whole + 1 { return take(fraction - index, .float, text: text(index..<fraction)) }
        }
        guard whole > start else { return nil }
        // What goes on as a word is one.
        if start == index, end(of: Self.isWordByte, from: index) > whole { return nil }
        return take(whole - index, .integer, text: text(index..<whole))
    }

    private mutating func word() -> ScriptToken? {
        let end = end(of: Self.isWordByte, from: index)
        guard end > index else { return nil }
        let word = text(index..<end)
        let digits = word.utf8.dropFirst(2)
        let isHexadecimal = word.hasPrefix("0x") && !digits.isEmpty && digits.allSatisfy(Self.isHexDigit)
        return take(end - index, isHexadecimal ? .hexadecimal : .word, text: word)
    }
}

// MARK: - What stands between marks

extension ScriptLexer {
    private mutating func string() throws(ScriptError) -> ScriptToken {
        let start = index
        var value: [UInt8] = []
        var offset = index + 1
        while let next = byte(offset), next != UInt8(ascii: "\"") {
            offset += 1
            guard next == UInt8(ascii: "\\") else {
                value.append(next)
                continue
            }
            switch byte(offset) {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): value.append(bytes[offset])
            case UInt8(ascii: "f"): value.append(12)
            case UInt8(ascii: "n"): value.append(10)
            case UInt8(ascii: "r"): value.append(13)
            case UInt8(ascii: "t"): value.append(9)
            case UInt8(ascii: "v"): value.append(11)
            case UInt8(ascii: "x") where offset + 2 < bytes.count:
                guard let number = UInt8(text((offset + 1)..<(offset + 3)), radix: 16), bytes[offset + 1] != 43 else {
                    throw error(offset - 1, "two hexadecimal digits behind '\\x'", found: nil)
                }
                value.append(number)
                offset += 2
            default:
                throw error(offset - 1, "one of the escapes \\\\ \\\" \\f \\n \\r \\t \\v \\xHH", found: nil)
            }
            offset += 1
        }
        guard offset < bytes.count else { throw error(start, "'\"' at the end of this string", found: nil) }
        return take(offset + 1 - start, .string(value))
    }

    private mutating func command() throws(ScriptError) -> ScriptToken {
        guard let end = find("`", from: index + 1) else {
            throw error(index, "'`' at the end of this command", found: nil)
        }
        return take(end + 1 - index, .command(text((index + 1)..<end)))
    }

    private mutating func code() throws(ScriptError) -> ScriptToken {
        guard let end = find("}%", from: index + 2) else {
            throw error(index, "'}%' at the end of this code", found: nil)
        }
        let isBlank: (UInt8) -> Bool = { $0 == 32 || (9...13).contains($0) }
        let first = min(self.end(of: isBlank, from: index + 2), end)
        var last = end
        while last > first, isBlank(bytes[last - 1]) { last -= 1 }
        return take(end + 2 - index, .code(text(first..<last), offset: first))
    }

    private mutating func option() throws(ScriptError) -> ScriptToken {
        let end = end(of: { Self.isWordByte($0) || $0 == UInt8(ascii: "-") }, from: index + 2)
        guard end > index + 2 else { throw error(index, "an option's name behind '--'", found: nil) }
        return take(end - index, .option, text: text((index + 2)..<end))
    }

    /// Takes what is in parentheses as it stands, the token before `index` being the opening one: notes such as `(Can't
    /// assign requested address)` are no tokens.
    mutating func note(from opening: Int) throws(ScriptError) -> String {
        var depth = 1
        var offset = opening + 1
        while let next = byte(offset) {
            if next == UInt8(ascii: "(") { depth += 1 }
            if next == UInt8(ascii: ")") { depth -= 1 }
            if depth == 0 {
                index = offset + 1
                return text((opening + 1)..<offset)
            }
            offset += 1
        }
        throw error(opening, "')' at the end of this note", found: nil)
    }
}
