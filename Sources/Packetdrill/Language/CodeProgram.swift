/// All code of a script as one program.
public struct CodeProgram: Sendable {
    /// The longest string that a program may make, and the most that it may print, in bytes.
    static let stringLimit = 1 << 16

    /// What `print` wrote, a line each.
    public private(set) var printed: [String] = []
    private var printedBytes = 0
    private var variables: [String: CodeResult] = [:]

    public init() {}

    /// Runs pieces in their order; what one assigns the next ones see, unless their snapshot has the same name.
    public mutating func run(_ pieces: [CodeSnapshot]) throws(CodeError) {
        for piece in pieces {
            variables.merge(piece.variables.mapValues { CodeResult($0) }) { $1 }
            var parser = CodeParser(piece.code)
            for (statement, position) in try parser.statements() { try run(statement, at: position) }
        }
    }

    /// Reads a piece without running it, so that what is no code is told before the script runs.
    public static func check(_ code: ScriptCode) throws(CodeError) {
        var parser = CodeParser(code)
        _ = try parser.statements()
    }

    private mutating func run(_ statement: CodeStatement, at position: SourcePosition) throws(CodeError) {
        do throws(CodeError.Reason) {
            switch statement {
            case .pass: break
            case .print(let parts):
                var texts: [String] = []
                for part in parts { texts.append(try value(of: part).text) }
                let line = texts.joined(separator: " ")
                printedBytes += line.utf8.count + 1
                guard printedBytes <= Self.stringLimit else {
                    throw .malformed("at most \(Self.stringLimit) bytes to print")
                }
                printed.append(line)
            case .assignment(let name, let operation, let expression):
                var result = try value(of: expression)
                if let operation {
                    guard let old = variables[name] else { throw .unknownName(name) }
                    result = try CodeArithmetic.apply(operation, old, result)
                }
                variables[name] = result
            case .assertion(let condition, let message, let text):
                if try value(of: condition).isTrue { return }
                let told = condition.names.compactMap { name in
                    variables[name].map { "\(name) = \($0.text)" }
                }
                let message = try message.map { (expression) throws(CodeError.Reason) in
                    try value(of: expression).text
                }
                throw .assertion(
                    message: message,
                    comparison: text + (told.isEmpty ? "" : ", with " + told.joined(separator: ", ")))
            }
        } catch {
            throw CodeError(position: position, reason: error)
        }
    }

    private func value(of expression: CodeExpression) throws(CodeError.Reason) -> CodeResult {
        switch expression {
        case .constant(let value): return value
        case .name(let name, _):
            guard let value = variables[name] else { throw .unknownName(name) }
            return value
        case .and(let left, let right):
            let value = try value(of: left)
            return value.isTrue ? try self.value(of: right) : value
        case .or(let left, let right):
            let value = try value(of: left)
            return value.isTrue ? value : try self.value(of: right)
        case .unary(let operation, let operand):
            return try CodeArithmetic.apply(operation, try value(of: operand))
        case .binary(let left, let operation, let right):
            return try CodeArithmetic.apply(operation, try value(of: left), try value(of: right))
        case .comparison(let first, let rest):
            var left = try value(of: first)
            for (operation, expression) in rest {
                let right = try value(of: expression)
                guard try CodeArithmetic.compare(left, operation, right) else { return .boolean(false) }
                left = right
            }
            return .boolean(true)
        case .tuple(let parts): return .tuple(try values(of: parts))
        case .call(let name, let arguments): return try CodeArithmetic.call(name, try values(of: arguments))
        }
    }

    private func values(of expressions: [CodeExpression]) throws(CodeError.Reason) -> [CodeResult] {
        var values: [CodeResult] = []
        for expression in expressions { values.append(try value(of: expression)) }
        return values
    }
}
