/// A function with its body, in lines that count from 0.
struct Body: Equatable {
    let firstLine: Int
    let lastLine: Int

    var lineCount: Int { lastLine - firstLine + 1 }
}

/// The functions, initializers, subscripts and computed properties of `file`, found by their braces.
func bodies(in file: SourceFile) -> [Body] {
    let header = /(?:^|[^.\w`])(?:func\b|init[?!]?\s*[(<]|deinit\b|subscript\s*[(<]|var\s+\w+\s*:[^=]*$)/
    /// For each open brace the line of the declaration that it belongs to, if it is a function's.
    var open: [(declaration: Int?, parentheses: Int)] = []
    /// The code since the last brace, and the line where each piece of it stands.
    var pending: [(line: Int, text: String)] = []
    var parentheses = 0
    var found: [Body] = []
    for (number, line) in file.code.enumerated() {
        var piece = ""
        for character in line {
            switch character {
            case "(": parentheses += 1
            case ")": parentheses -= 1
            case "{":
                pending.append((number, piece))
                piece = ""
                let isBody = parentheses == (open.last?.parentheses ?? 0)
                open.append((isBody ? declaration(in: pending, matching: header) : nil, parentheses))
                if isBody { pending = [] }
                continue
            case "}":
                if let closed = open.popLast() {
                    if let first = closed.declaration { found.append(Body(firstLine: first, lastLine: number)) }
                    parentheses = closed.parentheses
                }
                if parentheses == (open.last?.parentheses ?? 0) { pending = [] }
                piece = ""
                continue
            default: break
            }
            piece.append(character)
        }
        pending.append((number, piece))
    }
    return found.sorted { $0.firstLine < $1.firstLine }
}

private func declaration(in pending: [(line: Int, text: String)], matching header: Regex<Substring>) -> Int? {
    pending.last { matches(header, $0.text) }?.line
}
