/// What the operators and functions do.
enum CodeArithmetic {
    static func apply(_ operation: String, _ operand: CodeResult) throws(CodeError.Reason) -> CodeResult {
        switch (operation, operand.integer, operand.number) {
        case ("not", _, _): return .boolean(!operand.isTrue)
        case ("-", let number?, _):
            guard number != .min else { throw .malformed("a number of at most 64 bits") }
            return .integer(-number)
        case ("~", let number?, _): return .integer(~number)
        case ("+", let number?, _): return .integer(number)
        case ("-", nil, let number?): return .real(-number)
        case ("+", nil, let number?): return .real(number)
        default: throw .malformed("a number behind '\(operation)'")
        }
    }

    static func apply(
        _ operation: String, _ left: CodeResult, _ right: CodeResult
    ) throws(CodeError.Reason) -> CodeResult {
        if case .string(let text) = left {
            if operation == "%" { return .string(try format(text, right)) }
            if operation == "+", case .string(let more) = right {
                guard text.utf8.count + more.utf8.count <= CodeProgram.stringLimit else {
                    throw .malformed("a string of at most \(CodeProgram.stringLimit) bytes")
                }
                return .string(text + more)
            }
        }
        if operation != "/", let a = left.integer, let b = right.integer { return try whole(operation, a, b) }
        guard let a = left.number, let b = right.number else {
            throw .malformed("numbers on both sides of '\(operation)'")
        }
        switch operation {
        case "+": return .real(a + b)
        case "-": return .real(a - b)
        case "*": return .real(a * b)
        case "/" where b != 0: return .real(a / b)
        case "//" where b != 0: return .real((a / b).rounded(.down))
        case "/", "//": throw .malformed("a divisor other than 0")
        default: throw .malformed("whole numbers on both sides of '\(operation)'")
        }
    }

    private static func whole(_ operation: String, _ a: Int64, _ b: Int64) throws(CodeError.Reason) -> CodeResult {
        let result: (partialValue: Int64, overflow: Bool)
        switch operation {
        case "+": result = a.addingReportingOverflow(b)
        case "-": result = a.subtractingReportingOverflow(b)
        case "*": result = a.multipliedReportingOverflow(by: b)
        case "&": return .integer(a & b)
        case "|": return .integer(a | b)
        case "^": return .integer(a ^ b)
        case "<<", ">>":
            guard b >= 0 else { throw .malformed("a shift that is not negative") }
            if operation == ">>" { return .integer(a >> b) }
            let shifted = a << b
            result = (shifted, a != 0 && (b > 62 || shifted >> b != a))
        case "//", "%":
            // The quotient is rounded down, and the remainder has the divisor's sign.
            if b == 0 { throw .malformed("a divisor other than 0") }
            if a == .min, b == -1 { throw .malformed("a number of at most 64 bits") }
            let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
            let isBelow = remainder != 0 && (remainder < 0) != (b < 0)
            if operation == "//" { return .integer(isBelow ? quotient - 1 : quotient) }
            return .integer(isBelow ? remainder + b : remainder)
        default: throw .malformed("an operator for numbers")
        }
        if result.overflow { throw .malformed("a number of at most 64 bits") }
        return .integer(result.partialValue)
    }

    static func compare(
        _ left: CodeResult, _ operation: String, _ right: CodeResult
    ) throws(CodeError.Reason) -> Bool {
        if let a = left.integer, let b = right.integer { return holds(a, operation, b) }
        if let a = left.number, let b = right.number { return holds(a, operation, b) }
        if case .string(let a) = left, case .string(let b) = right { return holds(a, operation, b) }
        switch operation {
        case "==": return left == right
        case "!=": return left != right
        default: throw .malformed("two numbers or two strings around '\(operation)'")
        }
    }

    private static func holds<Value: Comparable>(_ a: Value, _ operation: String, _ b: Value) -> Bool {
        switch operation {
        case "==": a == b
        case "!=": a != b
        case "<": a < b
        case "<=": a <= b
        case ">": a > b
        default: a >= b
        }
    }

    static func call(_ name: String, _ arguments: [CodeResult]) throws(CodeError.Reason) -> CodeResult {
        switch (name, arguments.first) {
        case ("abs", let value?) where arguments.count == 1:
            if let number = value.integer, number != .min { return .integer(Swift.abs(number)) }
            if case .real(let number) = value { return .real(Swift.abs(number)) }
        case ("int", let value?) where arguments.count == 1:
            if let number = value.integer { return .integer(number) }
            if case .real(let number) = value, let whole = Int64(exactly: number.rounded(.towardZero)) {
                return .integer(whole)
            }
        case ("str", let value?) where arguments.count == 1: return .string(value.text)
        case ("min", var best?), ("max", var best?):
            for argument in arguments.dropFirst() {
                if try compare(argument, name == "min" ? "<" : ">", best) { best = argument }
            }
            return best
        case ("abs", _), ("int", _), ("str", _), ("min", _), ("max", _): break
        default: throw .unknownName(name + "()")
        }
        throw .malformed("a number for \(name)()")
    }

    /// `'%d of %s' % (1, 'a')`.
    private static func format(_ text: String, _ values: CodeResult) throws(CodeError.Reason) -> String {
        var rest: [CodeResult]
        if case .tuple(let parts) = values { rest = parts } else { rest = [values] }
        rest.reverse()
        var result = ""
        var isMarked = false
        for character in text {
            guard isMarked else {
                if character == "%" { isMarked = true } else { result.append(character) }
                continue
            }
            isMarked = false
            if character == "%" {
                result.append("%")
            } else if let value = rest.popLast(), "dsuirx".contains(character) {
                if character == "x", let number = value.integer {
                    result += String(number, radix: 16)
                } else {
                    result += value.text
                }
            } else {
                throw .malformed("a value for each of %d %s %x")
            }
        }
        guard !isMarked, rest.isEmpty, result.utf8.count <= CodeProgram.stringLimit else {
            throw .malformed("a value for each of %d %s %x")
        }
        return result
    }
}
