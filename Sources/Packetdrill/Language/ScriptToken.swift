/// A token of a script: what it is, and which bytes of the text it takes.
struct ScriptToken: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Digits, with a minus if any.
        case integer
        /// `0x` and hexadecimal digits.
        case hexadecimal
        /// A dot and digits, with digits before the dot and a minus if any.
        case float
        /// Letters, digits and underscores that are none of the above.
        case word
        /// The bytes that the text between double quotes stands for.
        case string([UInt8])
        /// What stands between back quotes.
        case command(String)
        /// What stands between `%{` and `}%`, and where it begins.
        case code(String, offset: Int)
        case ellipsis
        /// `--name`: the text is the name.
        case option
        case ipv4Address
        case ipv6Address
        /// A character that stands for itself.
        case symbol(UInt8)
        case end
    }

    var kind: Kind
    /// The text of a number, a word, an address or an option's name; a defined word's value when it was replaced.
    var text = ""
    var range: Range<Int>

    /// Whether it is the character.
    func isSymbol(_ character: Unicode.Scalar) -> Bool {
        kind == .symbol(UInt8(truncatingIfNeeded: character.value))
    }

    /// Whether it is this very word.
    func isWord(_ word: String) -> Bool { kind == .word && text == word }
}

/// What a defined word turns into.
extension ScriptToken {
    init(_ definition: Definition, in range: Range<Int>) {
        switch definition {
        case .string(let text): self.init(kind: .string(Array(text.utf8)), range: range)
        case .command(let text): self.init(kind: .command(text), range: range)
        case .integer(let text): self.init(kind: .integer, text: text, range: range)
        case .word(let text): self.init(kind: .word, text: text, range: range)
        }
    }
}
