import NetPrimitives

extension DrillReport {
    /// What is to be read of it: nothing more than a line when it passed or was skipped, and of a failure the script's
    /// line, both packets, their differences and the trace.
    /// - Parameter text: the script, which is quoted.
    public func lines(quoting text: String, verbose: Bool = false) -> [String] {
        var lines: [String]
        switch outcome {
        case .passed(let match):
            lines = verbose ? ["passed \(name) (\(version.rawValue), \(match.rawValue))"] : []
        case .skipped(let skip):
            lines = ["skipped \(name):\(skip.position) (\(version.rawValue)): \(skip)"]
        case .failed(let failure):
            lines = ["failed \(name):\(failure.position) (\(version.rawValue)): \(failure.message)"]
            lines += Self.quote(failure.position, of: text) + failure.comparison
        }
        var showsTrace = verbose
        if case .failed = outcome { showsTrace = true }
        if showsTrace, !trace.isEmpty { lines += ["  trace:"] + trace.map { "    " + $0 } }
        // What nobody asked for is worth a word only where somebody wants to know more.
        if verbose { lines += warnings.map { "  warning: " + $0 } }
        return lines
    }

    /// A line of the script with a caret under the column.
    private static func quote(_ position: SourcePosition, of text: String) -> [String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(position.line - 1) else { return [] }
        // Nobody's screen is wider, and some texts are no scripts at all.
        let line = lines[position.line - 1].prefix(200)
        let number = String(position.line)
        let margin = String(repeating: " ", count: number.count)
        // Tabs stay tabs, so that the caret stands where the eye looks for it.
        let before = String(decoding: line.utf8.prefix(max(0, position.column - 1)), as: UTF8.self)
        let indent = String(before.map { $0 == "\t" ? "\t" : " " })
        return ["  \(number) | \(line)", "  \(margin) | \(indent)^"]
    }
}

extension DrillFailure {
    /// Both packets, one above the other, and a table of what differs.
    var comparison: [String] {
        var lines: [String] = []
        if let expected { lines.append("  expected: " + expected) }
        if let actual { lines.append("  actual:   " + actual) }
        guard !differences.isEmpty else { return lines }
        let rows = [("field", "expected", "actual")] + differences.map { ($0.field, $0.expected, $0.actual) }
        let first = rows.map(\.0.count).max() ?? 0
        let second = rows.map(\.1.count).max() ?? 0
        return lines
            + rows.map { row in
                let field = row.0 + String(repeating: " ", count: first - row.0.count)
                let expected = row.1 + String(repeating: " ", count: second - row.1.count)
                return "    \(field)  \(expected)  \(row.2)"
            }
    }
}
