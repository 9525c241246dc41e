import NetPrimitives

extension Script {
    /// Reads a script. `definitions` are those of the command line, which win over the script's own.
    public init(parsing text: String, name: String, definitions: [String: Definition] = [:]) throws(ScriptError) {
        var parser = try ScriptParser(name: name, text: text, definitions: definitions)
        self = try parser.script()
    }
}

/// Reads a script by recursive descent, one token ahead.
struct ScriptParser {
    /// How deep lists, structures and calls may stand in each other.
    static let nestingLimit = 64

    var lexer: ScriptLexer
    /// The token that was not taken yet.
    var token = ScriptToken(kind: .end, range: 0..<0)
    /// Where the last token taken ends.
    var lastEnd = 0
    var nesting = 0
    private let source: String
    private var definitions: [String: Definition]
    private let given: Set<String>

    init(name: String, text: String, definitions: [String: Definition]) throws(ScriptError) {
        lexer = try ScriptLexer(name: name, text: text)
        source = text
        self.definitions = definitions
        given = Set(definitions.keys)
    }

    mutating func script() throws(ScriptError) -> Script {
        try advance()
        var options: [ScriptOption] = []
        while token.kind == .option { options.append(try option()) }
        let initCommand = try takeCommand()
        var events: [ScriptEvent] = []
        while token.kind != .end {
            if case .command = token.kind, !events.isEmpty { break }
            let event = try event()
            try check(event, after: events.last)
            events.append(event)
        }
        if events.isEmpty { throw unexpected("an event") }
        let cleanup = try takeCommand()
        guard token.kind == .end else { throw unexpected("nothing behind the clean-up command") }
        return Script(
            name: lexer.name, text: source, options: options, initCommand: initCommand, events: events,
            cleanupCommand: cleanup)
    }

    // MARK: Tokens

    /// Where the token at hand begins.
    var position: SourcePosition { lexer.position(token.range.lowerBound) }

    mutating func advance() throws(ScriptError) {
        lastEnd = token.range.upperBound
        token = try lexer.next()
        if token.kind == .word, let definition = definitions[token.text] {
            token = ScriptToken(definition, in: token.range)
        }
    }

    /// The token at hand is not what it should be.
    func unexpected(_ expected: String) -> ScriptError {
        // What is missing at the end is missing behind the last token, not behind blank lines.
        if token.kind == .end { return lexer.error(lastEnd, expected, found: "the end") }
        return lexer.error(token.range.lowerBound, expected, found: "'\(tokenText)'")
    }

    /// What was read is well formed and yet wrong.
    func wrong(_ position: SourcePosition, _ expected: String, found: String? = nil) -> ScriptError {
        ScriptError(name: lexer.name, position: position, expected: expected, found: found)
    }

    /// The token as it stands in the script, at most 40 characters of it on one line.
    private var tokenText: String {
        let bytes = lexer.bytes[token.range].prefix(200)
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.prefix(40).reduce(into: "") {
            $0 += $1.escaped(asASCII: false).replacing("\\\"", with: "\"").replacing("\\'", with: "'")
        }
        return text
    }

    /// Takes the character if it is there.
    mutating func take(_ character: Unicode.Scalar) throws(ScriptError) -> Bool {
        guard token.isSymbol(character) else { return false }
        try advance()
        return true
    }

    /// Takes the word if it is there.
    mutating func take(word: String) throws(ScriptError) -> Bool {
        guard token.isWord(word) else { return false }
        try advance()
        return true
    }

    mutating func expect(_ character: Unicode.Scalar, _ place: String = "") throws(ScriptError) {
        guard try take(character) else { throw unexpected("'\(character)'" + place) }
    }

    /// Takes a decimal or hexadecimal number that fits.
    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ what: String, upTo limit: Number = .max
    ) throws(ScriptError) -> Number {
        let value: Number?
        switch token.kind {
        case .integer: value = Number(token.text)
        case .hexadecimal: value = Number(token.text.dropFirst(2), radix: 16)
        default: throw unexpected(what)
        }
        guard let value, value <= limit else { throw unexpected("\(what) from 0 to \(limit)") }
        try advance()
        return value
    }

    /// Counts one step into a nested thing; `leave()` belongs to it.
    mutating func enter() throws(ScriptError) {
        nesting += 1
        if nesting > Self.nestingLimit { throw unexpected("at most \(Self.nestingLimit) things inside each other") }
    }

    mutating func leave() { nesting -= 1 }

    private mutating func takeCommand() throws(ScriptError) -> ScriptCommand? {
        guard case .command(let text) = token.kind else { return nil }
        let command = ScriptCommand(position: position, text: text)
        try advance()
        return command
    }

    // MARK: Options

    private mutating func option() throws(ScriptError) -> ScriptOption {
        var option = ScriptOption(position: position, name: token.text, value: nil)
        // The name behind --define= is not to be replaced by what it stood for before.
        let replaced = definitions
        if option.name == "define" { definitions = [:] }
        try advance()
        guard try take("=") else {
            definitions = replaced
            if option.name == "define" { throw unexpected("'=' and a definition") }
            return option
        }
        if option.name == "define" {
            definitions = replaced
            option.value = try definition()
        } else if case .string(let bytes) = token.kind {
            option.value = .string(String(decoding: bytes, as: UTF8.self))
            try advance()
        } else {
            option.value = .text(try plainValue())
        }
        return option
    }

    private mutating func definition() throws(ScriptError) -> ScriptOption.Value {
        guard token.kind == .word else { throw unexpected("a word to define") }
        let word = token.text
        try advance()
        try expect("=", " behind the word to define")
        let definition: Definition
        switch token.kind {
        case .string(let bytes):
            definition = .string(String(decoding: bytes, as: UTF8.self))
            if !given.contains(word) { definitions[word] = definition }
            try advance()
        case .command(let text):
            definition = .command(text)
            if !given.contains(word) { definitions[word] = definition }
            try advance()
        default:
            let isGiven = given.contains(word)
            definition = Definition(parsing: try plainValue { if !isGiven { $0[word] = $1 } })
        }
        return .definition(name: word, value: definition)
    }

    /// The tokens that stand together without a blank: `10.0.0.1/8`, `0x70403`, `a-b`. `define` puts the value among
    /// the definitions before the token after it is read.
    private mutating func plainValue(
        _ define: ((inout [String: Definition], Definition) -> Void)? = nil
    ) throws(ScriptError) -> String {
        var text = ""
        while true {
            switch token.kind {
            case .integer, .hexadecimal, .float, .word, .ipv4Address, .ipv6Address: text += token.text
            case .symbol(let byte): text.unicodeScalars.append(Unicode.Scalar(byte))
            default: throw unexpected("a value")
            }
            let end = token.range.upperBound
            let next = end < lexer.bytes.count ? lexer.bytes[end] : 32
            let isLast = next <= 32 || next == UInt8(ascii: "`") || next == UInt8(ascii: "\"")
            if isLast { define?(&definitions, Definition(parsing: text)) }
            try advance()
            if isLast || token.range.lowerBound != end || token.kind == .end {
                define?(&definitions, Definition(parsing: text))
                return text
            }
        }
    }

    // MARK: Events

    private mutating func event() throws(ScriptError) -> ScriptEvent {
        let start = position
        let time = try time()
        var blockingEnd: Interval?
        let isBlocking = token.kind == .ellipsis
        if isBlocking {
            try advance()
            _ = try take("+")
            blockingEnd = try moment()
        }
        var action = try action()
        switch action {
        case .call(var call):
            call.blockingEnd = blockingEnd
            action = .call(call)
        default:
            if isBlocking { throw wrong(start, "a system call with the time at which it returns") }
        }
        let lastLine = lexer.position(max(0, lastEnd - 1)).line
        return ScriptEvent(position: start, time: time, action: action, lastLine: lastLine)
    }

    private mutating func action() throws(ScriptError) -> EventAction {
        switch token.kind {
        case .command:
            if let command = try takeCommand() { return .command(command) }
        case .code(let text, let offset):
            let code = ScriptCode(position: lexer.position(offset), text: text)
            try advance()
            return .code(code)
        case .word: return .call(try call())
        default:
            if token.isSymbol("<") || token.isSymbol(">") { return .packet(try packet()) }
        }
        throw unexpected("a packet ('<' or '>'), a system call, a command or code")
    }

    private mutating func time() throws(ScriptError) -> EventTime {
        if try take("*") { return .any }
        let isRelative = try take("+")
        let first = try moment()
        guard token.isSymbol("~") else { return isRelative ? .relative(first) : .absolute(first) }
        try advance()
        if isRelative { try expect("+", " before the end of a relative range") }
        let start = position
        let second = try moment()
        if second < first { throw wrong(start, "an end of the range that is not before its beginning") }
        return isRelative ? .relativeRange(first, second) : .absoluteRange(first, second)
    }

    /// Seconds as an integer or with a fraction, of which nanoseconds count.
    private mutating func moment() throws(ScriptError) -> Interval {
        guard token.kind == .integer || token.kind == .float else {
            throw unexpected("a time: seconds, '+' and seconds, or '*'")
        }
        let text = token.text
        guard !text.hasPrefix("-") else { throw unexpected("a time that is not negative") }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let digits = parts.count > 1 ? parts[1].prefix(9) : ""
        let fraction = String(digits) + String(repeating: "0", count: 9 - digits.count)
        guard let seconds = parts[0].isEmpty ? 0 : Int64(parts[0]), seconds <= 1_000_000_000,
            let nanoseconds = Int64(fraction)
        else { throw unexpected("a time of at most 1000000000 seconds") }
        try advance()
        return Interval(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
    }

    /// The rules between an event's time, its action and the event before it.
    private func check(_ event: ScriptEvent, after previous: ScriptEvent?) throws(ScriptError) {
        var isOutbound = false
        if case .packet(let packet) = event.action { isOutbound = packet.direction == .outbound }
        if case .call(let call) = event.action, let end = call.blockingEnd, let begin = event.time.start, end < begin {
            throw wrong(event.position, "a call that returns no earlier than it begins")
        }
        if previous == nil, event.time != .absolute(.zero), event.time != .relative(.zero) {
            throw wrong(event.position, "the first event at 0 or +0")
        }
        switch event.time {
        case .any, .absoluteRange, .relativeRange:
            if !isOutbound { throw wrong(event.position, "an exact time: '*' and ranges are for outbound packets") }
        case .absolute, .relative: break
        }
        if let before = previous?.time, before.isAbsolute, event.time.isAbsolute, let earlier = before.start,
            let later = event.time.start, later < earlier
        {
            throw wrong(event.position, "a time that is not before the event above")
        }
    }
}
