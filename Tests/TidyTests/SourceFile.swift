import Foundation

/// A Swift file as the rules of the house see it: its lines, and the same lines with only code or only comments left.
struct SourceFile: Sendable {
    /// From the root of the repository, with `/`.
    let path: String
    let lines: [Substring]
    /// The lines with comments and the insides of string literals blanked: columns stay where they were.
    let code: [String]
    /// The lines with everything but comments blanked.
    let comments: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var scanner = Scanner(text: text)
        scanner.run()
        code = scanner.code.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        comments = scanner.comments.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The folder below `Sources` or `Tests`, which is the target's name.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    func violation(_ index: Int, _ advice: String) -> Violation {
        Violation(path: path, line: index + 1, advice: advice)
    }
}

/// A place where a rule is broken, and what to do about it.
struct Violation: CustomStringConvertible, Equatable, Sendable {
    let path: String
    let line: Int
    let advice: String

    var description: String { "\(path):\(line): \(advice)" }
}

/// The Swift files of this repository.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The files below `folder`, sorted by path.
    static func files(below folder: String) throws -> [SourceFile] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path)
        return try paths.filter { $0.hasSuffix(".swift") }.sorted().map { path in
            let text = try String(contentsOf: root.appending(path: folder).appending(path: path), encoding: .utf8)
            return SourceFile(path: folder + "/" + path, text: text)
        }
    }
}

/// Parts code from comments and strings, as far as Swift's lexical rules need for that.
private struct Scanner {
    private enum Place: Equatable {
        case code
        case lineComment
        case blockComment(depth: Int)
        case string(pounds: Int, multiline: Bool)
    }

    private(set) var code = ""
    private(set) var comments = ""
    private let text: [Character]
    private var index = 0
    private var place = Place.code
    /// For each string literal that we are in an interpolation of: the literal, and the parentheses open in the code.
    private var interpolations: [(literal: Place, parentheses: Int)] = []

    init(text: String) { self.text = Array(text) }

    mutating func run() {
        while index < text.count {
            switch place {
            case .code: scanCode()
            case .lineComment: scanLineComment()
            case .blockComment(let depth): scanBlockComment(depth)
            case .string(let pounds, let multiline): scanString(pounds, multiline)
            }
        }
    }

    private func sees(_ word: String) -> Bool {
        text[index...].starts(with: word)
    }

    /// Moves on by `count` characters, which show in the outputs named.
    private mutating func take(_ count: Int, code inCode: Bool = false, comment inComment: Bool = false) {
        for character in text[index..<min(index + count, text.count)] {
            let isBreak = character == "\n"
            code.append(inCode || isBreak ? character : " ")
            comments.append(inComment || isBreak ? character : " ")
        }
        index += count
    }

    private mutating func scanCode() {
        if sees("//") {
            place = .lineComment
        } else if sees("/*") {
            place = .blockComment(depth: 0)
        } else if let literal = openingQuote() {
            place = literal.place
            take(literal.length, code: true)
        } else {
            if let last = interpolations.indices.last {
                if text[index] == "(" { interpolations[last].parentheses += 1 }
                if text[index] == ")" { interpolations[last].parentheses -= 1 }
                if interpolations[last].parentheses == 0 { place = interpolations.removeLast().literal }
            }
            take(1, code: true)
        }
    }

    private mutating func scanLineComment() {
        if text[index] == "\n" { place = .code }
        take(1, comment: true)
    }

    private mutating func scanBlockComment(_ depth: Int) {
        if sees("/*") {
            place = .blockComment(depth: depth + 1)
            take(2, comment: true)
        } else if sees("*/") {
            place = depth == 1 ? .code : .blockComment(depth: depth - 1)
            take(2, comment: true)
        } else {
            take(1, comment: true)
        }
    }

    private mutating func scanString(_ pounds: Int, _ multiline: Bool) {
        let escape = "\\" + String(repeating: "#", count: pounds)
        let quote = (multiline ? "\"\"\"" : "\"") + String(repeating: "#", count: pounds)
        if sees(escape + "(") {
            interpolations.append((place, 1))
            place = .code
            take(escape.count + 1, code: true)
        } else if sees(escape) {
            take(escape.count + 1)
        } else if sees(quote) {
            place = .code
            take(quote.count, code: true)
        } else {
            take(1)
        }
    }

    private func openingQuote() -> (place: Place, length: Int)? {
        var pounds = 0
        while index + pounds < text.count, text[index + pounds] == "#" { pounds += 1 }
        let start = index + pounds
        guard start < text.count, text[start] == "\"" else { return nil }
        let multiline = start + 2 < text.count && text[start + 1] == "\"" && text[start + 2] == "\""
        return (.string(pounds: pounds, multiline: multiline), pounds + (multiline ? 3 : 1))
    }
}
