/// A rule of the house: where a file breaks it.
typealias Rule = @Sendable (SourceFile) -> [Violation]

enum Rules {
    static func fileLength(_ file: SourceFile) -> [Violation] {
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        guard count > 500 else { return [] }
        return [file.violation(500, "\(count) lines, at most 500: a file is one idea, so make the second one a file")]
    }

    static func lineLength(_ file: SourceFile) -> [Violation] {
        file.lines.indices.filter { file.lines[$0].count > 120 }.map {
            file.violation($0, "\(file.lines[$0].count) columns, at most 120: break the line")
        }
    }

    static func functionLength(_ file: SourceFile) -> [Violation] {
        bodies(in: file).filter { $0.lineCount > 70 }.map {
            file.violation(
                $0.firstLine, "\($0.lineCount) lines, at most 70: name a part of this function and move it out")
        }
    }

    /// Imports go down the house, and the core imports nothing from outside.
    static func imports(_ file: SourceFile) -> [Violation] {
        guard let below = House.below(file.target) else {
            return [file.violation(0, "\(file.target) is not in the table of Tests/TidyTests/House.swift: add its row")]
        }
        let pattern = /^\s*(?:@?\w+\s+)*import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
        return file.code.indices.compactMap { index in
            guard let module = file.code[index].firstMatch(of: pattern).map({ String($0.1) }) else { return nil }
            if House.targets.contains(module) {
                if below.contains(module) { return nil }
                return file.violation(index, "\(file.target) may not import \(module): dependencies go downwards")
            }
            guard House.core.contains(file.target) else { return nil }
            return file.violation(index, "the core imports nothing from outside: pass what \(module) gives as a value")
        }
    }

    /// The words for raw memory stand in one file, comments and strings included, so that a search finds what to audit.
    static func rawMemory(_ file: SourceFile) -> [Violation] {
        guard file.path != House.rawMemory else { return [] }
        let words = /(?i)(?:^|[^\w@])@?(?:unsafe|@unchecked|@_silgen_name)\b/
        return file.lines.indices.filter { matches(words, file.lines[$0]) }.map {
            file.violation(
                $0, "only \(House.rawMemory) handles raw memory: add a checked operation there, or use another word")
        }
    }

    /// Constructs that the core does without: see the table for the reason of each.
    static func coreLanguage(_ file: SourceFile) -> [Violation] {
        let banned: [(Regex<Substring>, String)] = [
            (/\b(?:Dictionary|Set)\b/, "iteration order changes from run to run: use a table of NetPrimitives"),
            (
                /\[\s*[A-Z][\w.]*\s*:(?!:)\s*[A-Z(\[][^\]]*\]/,
                "a dictionary has no stable order: use a table of NetPrimitives"
            ),
            (
                /(?:^|[^.\w])any\s+[A-Z(]/,
                "existentials allocate and Embedded Swift has none: use a generic or a closed enum"
            ),
            (
                /\bfatalError\b/,
                "the core does not trap on purpose: return, throw a typed error, or state a precondition"
            ),
            (/\btry!/, "the core does not trap: handle the error or let it through"),
            (/\bas!/, "the core does not trap, and needs no casts: use an enum or a generic"),
            (/\bthrows\b(?!\s*\()/, "name the error's type: throws(SomeError)"),
        ]
        return file.code.indices.flatMap { index in
            banned.filter { matches($0.0, file.code[index]) }.map { file.violation(index, $0.1) }
        }
    }

    /// Time comes from the caller, and so does randomness.
    static func determinism(_ file: SourceFile) -> [Violation] {
        let clocks =
            #/
            \b(?: Date\s*\(\s*\) | Date\.now\b | DispatchTime\b | (?:Continuous|Suspending)Clock\b
                | (?:gettimeofday|clock_gettime)\b )
            /#
        let chances =
            #/
            \.(?: random\((?!.*using:) | shuffled?\(\) | randomElement\(\) ) | \bSystemRandomNumberGenerator\b
            /#
        let banned: [(Regex<Substring>, String)] = [
            (/\b(?:sleep|usleep|nanosleep)\s*\(/, "nothing waits on the real clock: advance the virtual one"),
            (clocks, "nothing reads the real clock: take an Instant"),
            (chances, "nothing is random but from a seed: pass a seeded generator"),
        ]
        return file.code.indices.flatMap { index in
            banned.filter { matches($0.0, file.code[index]) }.map { file.violation(index, $0.1) }
        }
    }

    static func unfinished(_ file: SourceFile) -> [Violation] {
        file.comments.indices.filter { matches(/\b(?:TODO|FIXME|XXX)\b/, file.comments[$0]) }.map {
            file.violation($0, "finish it, or write what is missing where users look: README or docs")
        }
    }

    /// A public type, function, property or subscript stands in a paragraph of code with a doc comment before it.
    ///
    /// Initializers, operators and what the standard library's protocols require say by their form what they are.
    static func documentation(_ file: SourceFile) -> [Violation] {
        let declaration =
            #/
            ^ \s* (?: @\S+ \s+ )* (?: public | open ) \s+ (?: \w+ \s+ )*?
            (?: struct | enum | class | actor | protocol | typealias | func | var | let | subscript ) \b
            \s* (?<name> [\w`]* )
            /#
        let known: Set = ["description", "debugDescription", "hash", "count", "isEmpty"]
        return file.code.indices.compactMap { index in
            guard let match = file.code[index].firstMatch(of: declaration), !known.contains(String(match.name)) else {
                return nil
            }
            let isOperator = match.name.isEmpty && !match.0.hasSuffix("subscript")
            guard !isOperator, !hasDocumentation(file, above: index) else { return nil }
            let name = match.name.isEmpty ? "subscript" : match.name
            return file.violation(index, "say in a doc comment what \(name) is: unit, range, errors, source")
        }
    }

    private static func hasDocumentation(_ file: SourceFile, above index: Int) -> Bool {
        for line in file.lines[..<index].reversed() {
            let trimmed = line.drop { $0 == " " }
            if trimmed.hasPrefix("///") || trimmed.hasSuffix("*/") { return true }
            if trimmed.isEmpty { return false }
        }
        return false
    }
}

/// Whether `regex` matches somewhere in `line`, a word ending where letters, digits and `_` end.
func matches(_ regex: Regex<Substring>, _ line: some StringProtocol) -> Bool {
    // The default, Unicode's boundary, sees one word in `a.b`.
    Substring(line).contains(regex.wordBoundaryKind(.simple))
}
