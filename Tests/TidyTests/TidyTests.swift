import Testing

/// The rules of the house, held against every file of the package.
@Suite("The house's rules")
struct TidyTests {
    @Test("Sources are short, finished, documented and import downwards")
    func sources() throws {
        check(
            try Repository.files(below: "Sources"),
            [Rules.fileLength, Rules.lineLength, Rules.functionLength, Rules.imports, Rules.unfinished])
        check(try Repository.files(below: "Sources").filter { $0.target != "tcp" }, [Rules.documentation])
    }

    @Test("The core is safe, deterministic and free of existentials")
    func core() throws {
        let files = try Repository.files(below: "Sources").filter { House.core.contains($0.target) }
        #expect(files.contains { $0.path == House.rawMemory })
        check(files, [Rules.rawMemory, Rules.coreLanguage])
    }

    @Test("Only what drives a stack on a real machine reads a clock or the system's randomness")
    func determinism() throws {
        check(try Repository.files(below: "Sources").filter { !House.drivers.contains($0.target) }, [Rules.determinism])
        let tests = try Repository.files(below: "Tests")
        check(tests, [Rules.lineLength, Rules.unfinished])
        // The rules themselves have to name what they forbid.
        check(tests.filter { $0.target != "TidyTests" }, [Rules.determinism])
    }

    private func check(_ files: [SourceFile], _ rules: [Rule]) {
        #expect(!files.isEmpty)
        for file in files {
            for rule in rules {
                for violation in rule(file) { Issue.record("\(violation)") }
            }
        }
    }
}
