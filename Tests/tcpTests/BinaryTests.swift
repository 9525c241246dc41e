import Foundation
import LabScenarios
import Testing

/// The built tool, where the tests were built in the way of Scripts/test.
private enum Tool {
    static let path = DocumentTests.root.appendingPathComponent(".build-tests/release/tcp").path
    static let isBuilt = FileManager.default.isExecutableFile(atPath: path)

    struct Result {
        var status: Int32
        var output: Data
        var error: String
    }

    /// Runs a line of the shell in which `tcp` is the tool.
    /// - Parameter hasReader: whether anybody reads what it prints.
    static func run(_ line: String, hasReader: Bool = true) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", "tcp() { \"$TOOL\" \"$@\"; }\n" + line]
        process.environment = ["TOOL": path, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        let (output, error) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (output, error)
        if !hasReader { try output.fileHandleForReading.close() }
        try process.run()
        let printed = hasReader ? output.fileHandleForReading.readDataToEndOfFile() : Data()
        let complaint = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: printed, error: String(decoding: complaint, as: UTF8.self))
    }
}

@Suite("The built tool", .enabled(if: Tool.isBuilt, "needs .build-tests/release/tcp, which Scripts/test builds"))
struct BinaryTests {
    @Test(
        "exit statuses",
        arguments: [
            ("tcp lab", 0, ""), ("tcp lab refused", 0, ""), ("tcp lab --help", 0, ""), ("tcp lab --list", 0, ""),
            ("tcp lab --loss 100%", 1, "did not go as it should"), ("tcp lab nonsense", 64, "half-open"),
            ("tcp lab --rtt soon", 64, "100ms"), ("tcp lab --loss 2", 64, "10%"),
            ("tcp lab -w /no/such/file", 73, "create"),
            ("tcp lab > /dev/full", 74, "write"), ("tcp lab -w /dev/full", 74, "write"),
            ("tcp lab --rtt -1ms", 64, "1.5s"), ("tcp lab >&-", 74, "write"), ("tcp lab -w ''", 64, "-w"),
        ] as [(String, Int32, String)])
    func status(line: String, status: Int32, complaint: String) throws {
        let result = try Tool.run(line)
        #expect(result.status == status, "\(line): \(result.error)")
        #expect(complaint.isEmpty ? result.error.isEmpty : result.error.contains(complaint), "\(result.error)")
    }

    @Test(
        "exit statuses of drill",
        arguments: [
            ("tcp drill \"$SCRIPTS/closing\"", 0, "failed 0, skipped 0"),
            ("tcp drill -v \"$SCRIPTS/active/01-syn.pkt\"", 0, "passed"),
            ("tcp drill --ip-version ipv4 --ip-version ipv6 --json \"$SCRIPTS/active/01-syn.pkt\"", 0, "\"total\":2"),
            ("tcp drill --junit - \"$SCRIPTS/active/01-syn.pkt\"", 0, "tests=\"1\""),
            ("tcp drill --profile rfc \"$SCRIPTS/active/01-syn.pkt\"", 1, "wscale"),
            ("tcp drill --mtu 1400 \"$SCRIPTS/active/01-syn.pkt\"", 1, "mss 1360"),
            ("tcp drill /dev/null", 1, "expected an event"), ("tcp drill /dev/zero", 1, "at most"),
            ("cat \"$SCRIPTS/active/01-syn.pkt\" | tcp drill /dev/stdin", 0, "strict 1"),
            ("tcp drill /no/such/file", 66, "cannot read"),
            ("tcp drill --match loosely a.pkt", 64, "lenient"), ("tcp drill --profile none a.pkt", 64, "linux-old"),
            ("tcp drill", 64, "script"), ("tcp drill --json --junit - a.pkt", 64, "standard output"),
            ("tcp drill \"$SCRIPTS/active/01-syn.pkt\" > /dev/full", 74, "write"),
        ] as [(String, Int32, String)])
    func drill(line: String, status: Int32, words: String) throws {
        let scripts = DocumentTests.root.appendingPathComponent("Tests/Drill").path
        let result = try Tool.run("SCRIPTS='\(scripts)'\n" + line)
        #expect(result.status == status, "\(line): \(result.error)")
        let said = String(decoding: result.output, as: UTF8.self) + result.error
        #expect(said.contains(words), "\(said)")
    }

    @Test("ends quietly when nobody reads any more")
    func closedPipe() throws {
        let result = try Tool.run("tcp lab; echo status $? >&2", hasReader: false)
        #expect(result.error == "status 141\n")
    }

    @Test("writes the capture, and nothing else, to standard output")
    func captureToStandardOutput() throws {
        let result = try Tool.run("tcp lab --seed 7 -w - | cat")
        #expect(result.output.starts(with: [0xD4, 0xC3, 0xB2, 0xA1]))
        #expect(result.output == (try Tool.run("tcp lab --seed 7 -w - | cat")).output)
        #expect(result.output != (try Tool.run("tcp lab --seed 8 -w - | cat")).output)
    }

    @Test("a capture holds packets only, whichever standard stream is closed", arguments: ["<&-", ">&-", "2>&-"])
    func captureWithClosedStreams(closed: String) throws {
        let line = "f=$(mktemp); tcp lab --loss 100% -w $f >/dev/null \(closed); cat $f; rm $f"
        let capture = try Tool.run(line).output
        #expect(capture.starts(with: [0xD4, 0xC3, 0xB2, 0xA1]))
        #expect(capture == (try Tool.run("tcp lab --loss 100% -w - | cat")).output)
    }

    @Test("uses plain ASCII where the terminal has nothing else")
    func ascii() throws {
        let result = try Tool.run("LC_ALL=C tcp lab")
        #expect(result.output.allSatisfy { $0 < 0x80 })
        #expect(try Tool.run("tcp lab").output.contains { $0 >= 0x80 })
    }

    @Test("lists every scenario and shows examples")
    func help() throws {
        let help = String(decoding: try Tool.run("tcp lab --help").output, as: UTF8.self)
        #expect(help.contains("EXAMPLES:") && help.contains("--client-isn"))
        let list = String(decoding: try Tool.run("tcp lab --list").output, as: UTF8.self)
        #expect(list.split(separator: "\n").count == Scenario.allCases.count)
    }
}
