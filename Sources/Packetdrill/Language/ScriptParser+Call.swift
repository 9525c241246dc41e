import NetPrimitives

extension ScriptParser {
    /// `name(arguments) = result ERRNO (text) (note)`, the token at hand being the name.
    mutating func call() throws(ScriptError) -> CallSyntax {
        let start = position
        let name = token.text
        try advance()
        try expect("(", " behind the name of a system call")
        let arguments = try expressions(until: ")")
        try expect("=", " and the result of the call")
        var call = CallSyntax(position: start, name: name, arguments: arguments, result: try expression())
        if token.kind == .word {
            call.errno = ErrnoSyntax(position: position, name: token.text)
            guard token.text.utf8.first.map({ (65...90).contains($0) }) == true else {
                throw unexpected("the name of an error, a note or an event")
            }
            try advance()
        }
        while token.isSymbol("(") {
            let opening = token.range.lowerBound
            call.note = try lexer.note(from: opening)
            token.range = opening..<lexer.index
            try advance()
        }
        return call
    }

    /// What is separated by commas, up to the closing character, which is taken.
    private mutating func expressions(until end: Unicode.Scalar) throws(ScriptError) -> [ExpressionSyntax] {
        try enter()
        var expressions: [ExpressionSyntax] = []
        if !token.isSymbol(end) {
            repeat { expressions.append(try expression()) } while try take(",")
        }
        try expect(end, " or ','")
        leave()
        return expressions
    }

    /// `A|B` or one thing.
    mutating func expression() throws(ScriptError) -> ExpressionSyntax {
        let first = try operand()
        guard token.isSymbol("|") else { return first }
        var parts = [first]
        while try take("|") { parts.append(try operand()) }
        return ExpressionSyntax(position: first.position, form: .union(parts))
    }

    private mutating func operand() throws(ScriptError) -> ExpressionSyntax {
        let start = position
        let form: ExpressionSyntax.Form
        switch token.kind {
        case .integer, .hexadecimal: form = .integer(try integer())
        case .string: form = .string(try strings())
        case .ellipsis:
            try advance()
            form = .ellipsis
        case .ipv4Address, .ipv6Address:
            guard let address = IPAddress(token.text) else { throw unexpected("an address") }
            try advance()
            form = .address(address)
        case .word: form = try word()
        default:
            if try take("[") {
                form = .list(try expressions(until: "]"))
            } else if try take("{") {
                form = .structure(try expressions(until: "}"))
            } else {
                throw unexpected("a value: a number, a word, a string, '...', '[' or '{'")
            }
        }
        return ExpressionSyntax(position: start, form: form)
    }

    private mutating func word() throws(ScriptError) -> ExpressionSyntax.Form {
        let name = token.text
        try advance()
        var arguments: [ExpressionSyntax]?
        if try take("(") { arguments = try expressions(until: ")") }
        if try take("=") {
            try enter()
            let value = try expression()
            leave()
            return .assignment(name: name, arguments: arguments, value: value)
        }
        return arguments.map { .call(name: name, arguments: $0) } ?? .symbol(name)
    }

    private mutating func integer() throws(ScriptError) -> Int64 {
        let value: Int64?
        if token.kind == .integer {
            value = Int64(token.text) ?? UInt64(token.text).map { Int64(bitPattern: $0) }
        } else {
            value = UInt64(token.text.dropFirst(2), radix: 16).map { Int64(bitPattern: $0) }
        }
        guard let value else { throw unexpected("a number of at most 64 bits") }
        try advance()
        return value
    }

    private mutating func strings() throws(ScriptError) -> [UInt8] {
        var bytes: [UInt8] = []
        while case .string(let more) = token.kind {
            bytes += more
            try advance()
        }
        return bytes
    }
}
