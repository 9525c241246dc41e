import Testing

/// A rule that never fires protects nothing: each is shown a text that breaks it, and texts that only look so.
@Suite("The rules themselves")
struct RulesTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let rule: Rule
        let path: String
        let text: String
        /// The lines that the rule must name, counted from 1.
        let lines: [Int]

        init(
            _ name: String, _ rule: @escaping Rule, in path: String = "Sources/Netstack/A.swift", _ text: String,
            at lines: [Int] = []
        ) {
            self.name = name
            self.rule = rule
            self.path = path
            self.text = text
            self.lines = lines
        }

        var testDescription: String { name }
    }

    @Test(arguments: [
        Row("500 lines", Rules.fileLength, String(repeating: "//\n", count: 500)),
        Row("501 lines", Rules.fileLength, String(repeating: "//\n", count: 501), at: [501]),
        Row("120 columns", Rules.lineLength, String(repeating: "x", count: 120)),
        Row("121 columns", Rules.lineLength, "\n" + String(repeating: "x", count: 121), at: [2]),
        Row("a function of 70 lines", Rules.functionLength, function(lines: 70)),
        Row("a function of 71 lines", Rules.functionLength, "\n" + function(lines: 71), at: [2]),
        Row(
            "a long type of short functions", Rules.functionLength,
            "enum E {\n\(function(lines: 60))\(function(lines: 60))}"),
        Row("a long property", Rules.functionLength, function(lines: 71, header: "var x: Int"), at: [1]),
        Row("a long initializer", Rules.functionLength, function(lines: 71, header: "init?(_ a: Int)"), at: [1]),
        Row("a word to finish", Rules.unfinished, "let a = 1\n// TO" + "DO: more\n", at: [2]),
        Row("the same word in a string", Rules.unfinished, "let a = \"TO" + "DO\""),
    ])
    func size(_ row: Row) { hold(row) }

    @Test(arguments: [
        Row("downwards", Rules.imports, "public import NetPrimitives\nimport struct WireFormats.A"),
        Row("upwards", Rules.imports, in: "Sources/WireFormats/A.swift", "\nimport Netstack", at: [2]),
        Row("sideways", Rules.imports, in: "Sources/PacketCapture/A.swift", "import PacketPrinting", at: [1]),
        Row("from outside into the core", Rules.imports, "@_exported import Foundation", at: [1]),
        Row("from outside, above the core", Rules.imports, in: "Sources/tcp/A.swift", "import Foundation"),
        Row("in a comment", Rules.imports, "// import Foundation\n/* import Glibc\nimport Musl */"),
        Row("a target that nobody knows", Rules.imports, in: "Sources/Attic/A.swift", "", at: [1]),
    ])
    func imports(_ row: Row) { hold(row) }

    @Test(arguments: [
        Row("the word", Rules.rawMemory, "a\n// unsafe", at: [2]),
        Row("in capitals, with @", Rules.rawMemory, "@Unsafe func f()", at: [1]),
        Row("without checks", Rules.rawMemory, "struct S: @unchecked Sendable", at: [1]),
        Row("a foreign symbol", Rules.rawMemory, "@_silgen_name(\"f\")", at: [1]),
        Row("a longer word", Rules.rawMemory, "withUnsafeBytes { }"),
        Row("in the one file", Rules.rawMemory, in: House.rawMemory, "unsafe f()"),
    ])
    func memory(_ row: Row) { hold(row) }

    @Test(arguments: [
        Row("a dictionary", Rules.coreLanguage, "var a: Dictionary<Int, Int>", at: [1]),
        Row("a dictionary, sugared", Rules.coreLanguage, "var a: [Int: String] = [:]", at: [1]),
        Row("a set", Rules.coreLanguage, "let a: Set<Int>", at: [1]),
        Row("an option set", Rules.coreLanguage, "struct A: OptionSet {}"),
        Row("an existential", Rules.coreLanguage, "func f(_ a: any Sequence)", at: [1]),
        Row("an address", Rules.coreLanguage, "if a == .any || b == IPv4Address.any { var any: A }"),
        Row("a trap", Rules.coreLanguage, "fatalError(\"no\")", at: [1]),
        Row("a forced try", Rules.coreLanguage, "let a = try! f()", at: [1]),
        Row("a forced cast", Rules.coreLanguage, "let a = b as! C", at: [1]),
        Row("any error", Rules.coreLanguage, "func f() throws -> Int", at: [1]),
        Row("a named error", Rules.coreLanguage, "func f() throws(E) -> Int\nfunc g() rethrows"),
        Row("an argument list", Rules.coreLanguage, "f(a ? B : C, [x: y])"),
        Row("in words", Rules.coreLanguage, "// fatalError, a Set of any Thing\nlet a = \"Dictionary\""),
        Row("in an interpolation", Rules.coreLanguage, "let a = \"one \\(b as! Int) fatalError\"", at: [1]),
        Row("behind an interpolation", Rules.coreLanguage, "let a = #\"\\#(f(b)) as! \"#\nb as! C", at: [2]),
    ])
    func language(_ row: Row) { hold(row) }

    @Test(arguments: [
        Row("a pause", Rules.determinism, "try await Task.sleep(for: x)", at: [1]),
        Row("a clock", Rules.determinism, "let a = ContinuousClock.now\nlet b = Date()", at: [1, 2]),
        Row("a date that is given", Rules.determinism, "let a = Date(timeIntervalSince1970: 0)"),
        Row("chance", Rules.determinism, "Int.random(in: 0..<4)\na.shuffled()", at: [1, 2]),
        Row("chance with a seed", Rules.determinism, "Int.random(in: 0..<4, using: &generator)"),
    ])
    func determinism(_ row: Row) { hold(row) }

    @Test(arguments: [
        Row("nothing said", Rules.documentation, "public struct A {}\n\n    public func f()", at: [1, 3]),
        Row("said", Rules.documentation, "/// An A.\n@frozen\npublic struct A {\n    public var b: Int\n}"),
        Row("said of a paragraph", Rules.documentation, "/// Sizes.\npublic var a: Int { 1 }\npublic static let b = 2"),
        Row("a blank line ends it", Rules.documentation, "/// Sizes.\npublic var a: Int\n\npublic let b = 2", at: [4]),
        Row("a subscript", Rules.documentation, "\n@inlinable public subscript(a: Int) -> Int {", at: [2]),
        Row("what its form says", Rules.documentation, "public init()\n\npublic static func < (a: A, b: A) -> Bool"),
        Row("what nobody sees", Rules.documentation, "struct A {}\n\nfunc f(public: Int)"),
    ])
    func documentation(_ row: Row) { hold(row) }

    private func hold(_ row: Row) {
        let violations = row.rule(SourceFile(path: row.path, text: row.text))
        #expect(violations.map(\.line) == row.lines, "\(violations)")
    }

    private static func function(lines: Int, header: String = "func f(_ a: Int = (1))") -> String {
        header + " {\n" + String(repeating: "    if a { b { \"}\" } }\n", count: lines - 2) + "}\n"
    }
}
