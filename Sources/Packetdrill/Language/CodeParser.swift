/// Reads the statements of a piece of code, in the notation that scripts use: Python's, and little of it.
struct CodeParser {
    /// The most operations in an expression, and the deepest it may be nested.
    static let sizeLimit = 500
    static let nestingLimit = 64

    enum Token: Hashable {
        case number(CodeResult)
        case string(String)
        case name(String)
        case symbol(String)
        /// The end of a line outside parentheses, or a semicolon.
        case newline
        case end
    }

    private let code: ScriptCode
    private let bytes: [UInt8]
    /// The first byte of each line up to the byte at hand.
    private var lineStarts = [0]
    private var index = 0 {
        didSet {
            for offset in oldValue..<max(oldValue, index) where bytes[offset] == 10 { lineStarts.append(offset + 1) }
        }
    }
    private var parentheses = 0
    private var token = Token.newline
    private var tokenStart = 0
    /// Where the last token taken ends.
    private var lastEnd = 0
    private var size = 0
    private var nesting = 0

    init(_ code: ScriptCode) {
        self.code = code
        bytes = Array(code.text.utf8)
    }

    /// The statements with the places where they begin.
    mutating func statements() throws(CodeError) -> [(CodeStatement, SourcePosition)] {
        var statements: [(CodeStatement, SourcePosition)] = []
        while true {
            while token == .newline { try advance() }
            if token == .end { return statements }
            let start = position(tokenStart)
            size = 0
            statements.append((try statement(), start))
            guard token == .newline || token == .end else { throw error("the end of the statement") }
        }
    }

    private mutating func statement() throws(CodeError) -> CodeStatement {
        guard case .name(let word) = token else { throw error("'assert', 'print' or an assignment") }
        try advance()
        switch word {
        case "pass": return .pass
        case "assert":
            let start = tokenStart
            let condition = try disjunction()
            let text = String(decoding: bytes[start..<lastEnd], as: UTF8.self)
            let message = try take(",") ? try disjunction() : nil
            return .assertion(condition, message: message, text: text)
        case "print":
            if token == .newline || token == .end { return .print([]) }
            let value = try list()
            if case .tuple(let parts) = value { return .print(parts) }
            return .print([value])
        default:
            for operation in ["+", "-", "*", "&", "|"] where token == .symbol(operation + "=") {
                try advance()
                return .assignment(word, operation: operation, try disjunction())
            }
            guard try take("=") else { throw error("'assert', 'print' or an assignment") }
            return .assignment(word, operation: nil, try disjunction())
        }
    }

    // MARK: Expressions, from the weakest operator to the strongest

    private mutating func list() throws(CodeError) -> CodeExpression {
        let first = try disjunction()
        guard token == .symbol(",") else { return first }
        var parts = [first]
        while try take(",") {
            if token == .symbol(")") { break }
            parts.append(try disjunction())
        }
        return .tuple(parts)
    }

    private mutating func disjunction() throws(CodeError) -> CodeExpression {
        var left = try conjunction()
        while try take(word: "or") { left = .or(left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws(CodeError) -> CodeExpression {
        var left = try negation()
        while try take(word: "and") { left = .and(left, try negation()) }
        return left
    }

    private mutating func negation() throws(CodeError) -> CodeExpression {
        guard try take(word: "not") else { return try comparison() }
        try enter()
        defer { nesting -= 1 }
        return .unary("not", try negation())
    }

    private mutating func comparison() throws(CodeError) -> CodeExpression {
        let first = try binary(0)
        var rest: [(operation: String, right: CodeExpression)] = []
        while case .symbol(let operation) = token, ["==", "!=", "<", "<=", ">", ">="].contains(operation) {
            try grow()
            try advance()
            rest.append((operation, try binary(0)))
        }
        return rest.isEmpty ? first : .comparison(first, rest)
    }

    private static let levels = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%"]]

    private mutating func binary(_ level: Int) throws(CodeError) -> CodeExpression {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level + 1)
        while case .symbol(let operation) = token, Self.levels[level].contains(operation) {
            try grow()
            try advance()
            left = .binary(left, operation, try binary(level + 1))
        }
        return left
    }

    private mutating func unary() throws(CodeError) -> CodeExpression {
        guard case .symbol(let operation) = token, ["-", "+", "~"].contains(operation) else { return try primary() }
        try enter()
        defer { nesting -= 1 }
        try advance()
        return .unary(operation, try unary())
    }

    private mutating func primary() throws(CodeError) -> CodeExpression {
        try grow()
        let start = tokenStart
        switch token {
        case .number(let value):
            try advance()
            return .constant(value)
        case .string(var text):
            try advance()
            while case .string(let more) = token {
                text += more
                try advance()
            }
            return .constant(.string(text))
        case .name(let name):
            try advance()
            if name == "True" || name == "False" { return .constant(.boolean(name == "True")) }
            guard token == .symbol("(") else { return .name(name, offset: start) }
            try enter()
            defer { nesting -= 1 }
            try advance()
            var arguments: [CodeExpression] = []
            if token != .symbol(")") {
                repeat { arguments.append(try disjunction()) } while try take(",")
            }
            guard try take(")") else { throw error("')' behind the arguments") }
            return .call(name, arguments)
        case .symbol("("):
            try enter()
            defer { nesting -= 1 }
            try advance()
            if try take(")") { return .tuple([]) }
            let inner = try list()
            guard try take(")") else { throw error("')'") }
            return inner
        default: throw error("a number, a string, a name or '('")
        }
    }

    private mutating func enter() throws(CodeError) {
        nesting += 1
        if nesting > Self.nestingLimit { throw error("at most \(Self.nestingLimit) parentheses inside each other") }
    }

    private mutating func grow() throws(CodeError) {
        size += 1
        if size > Self.sizeLimit { throw error("at most \(Self.sizeLimit) parts in a statement") }
    }

    // MARK: Tokens

    private mutating func take(_ symbol: String) throws(CodeError) -> Bool {
        guard token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    private mutating func take(word: String) throws(CodeError) -> Bool {
        guard token == .name(word) else { return false }
        try grow()
        try advance()
        return true
    }

    private func error(_ expected: String) -> CodeError {
        CodeError(position: position(tokenStart), reason: .malformed(expected))
    }

    /// Where a byte of the code stands in the script.
    private func position(_ offset: Int) -> SourcePosition {
        // Statements come one after the other: the line is the one at hand, or one that a lookahead has passed.
        var line = lineStarts.count - 1
        while line > 0, lineStarts[line] > offset { line -= 1 }
        let column = offset - lineStarts[line] + (line == 0 ? code.position.column : 1)
        return SourcePosition(line: code.position.line + line, column: column)
    }

    private mutating func advance() throws(CodeError) {
        lastEnd = index
        skipBlanks()
        tokenStart = index
        guard index < bytes.count else {
            token = .end
            return
        }
        switch bytes[index] {
        case 10, UInt8(ascii: ";"):
            index += 1
            token = .newline
        case 48...57: try number()
        case 65...90, 97...122, 95: token = .name(takeWord())
        case UInt8(ascii: "\""), UInt8(ascii: "'"): try string()
        default: try symbol()
        }
    }

    private mutating func skipBlanks() {
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "#") {
                while index < bytes.count, bytes[index] != 10 { index += 1 }
            } else if byte == UInt8(ascii: "\\"), index + 1 < bytes.count, bytes[index + 1] == 10 {
                index += 2
            } else if byte == 32 || byte == 9 || (11...13).contains(byte) || (byte == 10 && parentheses > 0) {
                index += 1
            } else {
                return
            }
        }
    }

    private mutating func takeWord() -> String {
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case 48...57, 65...90, 97...122, 95: index += 1
            default: return String(decoding: bytes[start..<index], as: UTF8.self)
            }
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func number() throws(CodeError) {
        let word = takeWord()
        if word.hasPrefix("0x"), let value = Int64(word.dropFirst(2), radix: 16) {
            token = .number(.integer(value))
        } else if index < bytes.count, bytes[index] == UInt8(ascii: "."), Int64(word) != nil {
            index += 1
            guard let value = Double(word + "." + takeWord() + "0") else { throw error("a number") }
            token = .number(.real(value))
        } else if let value = Int64(word) {
            token = .number(.integer(value))
        } else {
            throw error("a number of at most 64 bits")
        }
    }

    private mutating func string() throws(CodeError) {
        let quote = bytes[index]
        var value: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != quote, bytes[index] != 10 {
            if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count {
                index += 1
                value.append(bytes[index] == UInt8(ascii: "n") ? 10 : bytes[index])
            } else {
                value.append(bytes[index])
            }
            index += 1
        }
        guard index < bytes.count, bytes[index] == quote else { throw error("a string that ends on its line") }
        index += 1
        token = .string(String(decoding: value, as: UTF8.self))
    }

    private mutating func symbol() throws(CodeError) {
        let symbols = [
            "==", "!=", "<=", ">=", "<<", ">>", "//", "+=", "-=", "*=", "&=", "|=", "(", ")", ",", "=", "<", ">", "+",
            "-", "*", "/", "%", "&", "|", "^", "~",
        ]
        guard let symbol = symbols.first(where: { bytes[index...].starts(with: $0.utf8) }) else {
            throw error("assertions, print and assignments with numbers, strings and names")
        }
        if symbol == "(" { parentheses += 1 }
        if symbol == ")" { parentheses -= 1 }
        index += symbol.utf8.count
        token = .symbol(symbol)
    }
}
