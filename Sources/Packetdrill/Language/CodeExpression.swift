/// An expression in `%{ }%`.
indirect enum CodeExpression: Sendable {
    case constant(CodeResult)
    case name(String, offset: Int)
    case unary(String, CodeExpression)
    case binary(CodeExpression, String, CodeExpression)
    /// `a < b <= c`: each is evaluated once, and no further than to the first that does not hold.
    case comparison(CodeExpression, [(operation: String, right: CodeExpression)])
    case and(CodeExpression, CodeExpression)
    case or(CodeExpression, CodeExpression)
    case tuple([CodeExpression])
    case call(String, [CodeExpression])

    /// The names in it, in the order of their first use.
    var names: [String] {
        var names: [String] = []
        for name in allNames where !names.contains(name) { names.append(name) }
        return names
    }

    private var allNames: [String] {
        switch self {
        case .constant: []
        case .name(let name, _): [name]
        case .unary(_, let operand): operand.allNames
        case .binary(let left, _, let right), .and(let left, let right), .or(let left, let right):
            left.allNames + right.allNames
        case .comparison(let first, let rest): first.allNames + rest.flatMap { $0.right.allNames }
        case .tuple(let parts), .call(_, let parts): parts.flatMap(\.allNames)
        }
    }
}

/// What an expression yields.
enum CodeResult: Hashable, Sendable {
    case integer(Int64)
    case real(Double)
    case string(String)
    case boolean(Bool)
    case tuple([CodeResult])

    init(_ value: CodeValue) {
        switch value {
        case .integer(let number): self = .integer(number)
        case .string(let text): self = .string(text)
        case .boolean(let truth): self = .boolean(truth)
        }
    }

    /// Whether a condition holds.
    var isTrue: Bool {
        switch self {
        case .integer(let number): number != 0
        case .real(let number): number != 0
        case .string(let text): !text.isEmpty
        case .boolean(let truth): truth
        case .tuple(let parts): !parts.isEmpty
        }
    }

    /// The whole number that it is; truths count as 0 and 1.
    var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .boolean(let truth): truth ? 1 : 0
        default: nil
        }
    }

    /// The number that it is, maybe rounded.
    var number: Double? {
        if case .real(let number) = self { number } else { integer.map { Double($0) } }
    }

    /// As `print` writes it.
    var text: String {
        switch self {
        case .integer(let number): String(number)
        case .real(let number): String(number)
        case .string(let text): text
        case .boolean(let truth): truth ? "True" : "False"
        case .tuple(let parts): "(" + parts.map(\.text).joined(separator: ", ") + ")"
        }
    }
}

/// A statement in `%{ }%`.
enum CodeStatement: Sendable {
    /// `assert condition, message`, with the condition's text.
    case assertion(CodeExpression, message: CodeExpression?, text: String)
    case print([CodeExpression])
    /// `name = value`, `name += value`.
    case assignment(String, operation: String?, CodeExpression)
    case pass
}
