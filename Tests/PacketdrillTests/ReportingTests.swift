import Foundation
import NetPrimitives
import Netstack
import Packetdrill
import TCPStateMachine
import Testing

@Suite("Reports, score sheets and profiles")
struct ReportingTests {
    static let text = "0 close(3) = 0\n\t+0 > . 1:1(0) ack 1 win 9\n"

    static let failed = DrillReport(
        name: "a<b>.pkt", version: .ipv6,
        outcome: .failed(
            DrillFailure(
                position: SourcePosition(line: 2, column: 5), message: "the window & more differ",
                expected: "> . 1:1(0) ack 1 win 9", actual: "> . 1:1(0) ack 1 win 512",
                differences: [DrillFailure.Difference(field: "win", expected: "9", actual: "512")])),
        warnings: ["odd"], trace: ["0.000000 close(3)"])

    static let skipped = DrillReport(
        name: "b.pkt", version: .ipv4,
        outcome: .skipped(
            DrillSkip(kind: .command, what: "ip route", position: SourcePosition(line: 1, column: 1))))

    static let passed = DrillReport(name: "c.pkt", version: .mapped, outcome: .passed(.lenient), trace: ["t"])

    @Test("A failure shows its line with a caret, both packets, the fields and the trace")
    func failure() {
        #expect(
            Self.failed.lines(quoting: Self.text) == [
                "failed a<b>.pkt:2:5 (ipv6): the window & more differ",
                "  2 | \t+0 > . 1:1(0) ack 1 win 9", "    | \t   ^",
                "  expected: > . 1:1(0) ack 1 win 9", "  actual:   > . 1:1(0) ack 1 win 512",
                "    field  expected  actual", "    win    9         512", "  trace:", "    0.000000 close(3)",
            ])
        #expect(Self.failed.lines(quoting: "").count == 7)
    }

    @Test("What passed is quiet, what was skipped says why")
    func others() {
        #expect(Self.passed.lines(quoting: "").isEmpty)
        #expect(
            Self.passed.lines(quoting: "", verbose: true) == ["passed c.pkt (mapped, lenient)", "  trace:", "    t"])
        #expect(Self.skipped.lines(quoting: "") == ["skipped b.pkt:1:1 (ipv4): command: ip route"])
    }

    @Test("A sheet counts, and sorts the reasons to skip")
    func sheet() {
        var sheet = ScoreSheet()
        #expect(!sheet.isPerfect)
        sheet.count(.passed(.strict))
        #expect(sheet.isPerfect)
        for report in [Self.failed, Self.skipped, Self.skipped, Self.passed] { sheet.count(report.outcome) }
        sheet.count(.skipped(DrillSkip(kind: .call, what: "pipe", position: SourcePosition(line: 1, column: 1))))
        #expect(
            sheet.lines == [
                "total 6, strict 1, lenient 1, failed 1, skipped 3", "  skipped 2: command: ip route",
                "  skipped 1: call: pipe",
            ])
        #expect(!sheet.isPerfect)
    }

    @Test("A JUnit document is well formed whatever names say")
    func junit() {
        let document = JUnit.document([Self.failed, Self.skipped, Self.passed], texts: [Self.text, "", ""])
        #expect(document.contains("<testsuites tests=\"3\" failures=\"1\" skipped=\"1\" errors=\"0\">"))
        #expect(document.contains("<testcase classname=\"ipv6\" name=\"a&lt;b&gt;.pkt\">"))
        #expect(document.contains("<failure message=\"the window &amp; more differ\">failed a&lt;b"))
        #expect(document.contains("<skipped message=\"command: ip route\"/>"))
        #expect(document.contains("name=\"c.pkt\"/>"))
    }

    @Test("A profile file can set every field")
    func fields() {
        let all =
            Mirror(reflecting: Configuration()).children.compactMap(\.label).filter { $0 != "tcp" }
            + Mirror(reflecting: TCPConfiguration()).children.compactMap(\.label)
        #expect(Set(ProfileFile.names) == Set(all))
        #expect(ProfileFile.names.count == all.count)
    }

    @Test("A profile file is read")
    func profile() throws {
        let text = """
            # Like Linux, but
              profile = linux-old
            initialRTO = 1.5s   # seconds
            synRetries = none
            windowScale=7
            receiveBuffer = 64KiB
            usesNagle = off
            ephemeralPorts = 1000-2000
            """
        var expected = try #require(DrillProfile.named("linux-old"))
        expected.tcp.initialRTO = .milliseconds(1500)
        expected.tcp.synRetries = nil
        expected.tcp.windowScale = 7
        expected.tcp.receiveBuffer = 65_536
        expected.tcp.usesNagle = false
        expected.ephemeralPorts = ClosedRange16(1000, 2000)
        #expect(try ProfileFile.read(text, name: "p") == expected)
        #expect(try ProfileFile.read("", name: "p") == Configuration())
    }

    @Test(
        "What is no profile is told where",
        arguments: [
            ("\n  what", "p:2:3: expected 'name = value', found 'what'"),
            (
                "profile = foo",
                "p:1:1: expected one of the profiles \(DrillProfile.names.joined(separator: ", ")), found 'foo'"
            ),
            (
                "hopLimit = 256",
                "p:1:1: expected a number from 0 to 255, maybe with KiB or MiB for hopLimit, found '256'"
            ),
            ("hopLimit = -1", "p:1:1: expected a number from 0 to 255, maybe with KiB or MiB for hopLimit, found '-1'"),
            ("minimumRTO = 5", "p:1:1: expected a time such as 200ms, with ns, us, ms or s for minimumRTO, found '5'"),
            ("usesNagle = perhaps", "p:1:1: expected on or off for usesNagle, found 'perhaps'"),
            ("synWindow = 64KiB", "p:1:1: expected 'none' or a number from 0 to 65535 for synWindow, found '64KiB'"),
            ("ephemeralPorts = 9-1", "p:1:1: expected two ports such as 49152-65535 for ephemeralPorts, found '9-1'"),
        ])
    func wrongProfile(text: String, message: String) {
        do throws(ScriptError) {
            _ = try ProfileFile.read(text, name: "p")
            Issue.record("it was read")
        } catch {
            #expect(error.description == message)
        }
    }
}

@Suite("The page about drill")
struct DrillPageTests {
    static let page = OwnScriptTests.tests.deletingLastPathComponent().appending(path: "docs/drill.md")

    @Test("names every profile and every field")
    func names() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        for name in DrillProfile.names + ProfileFile.names { #expect(text.contains("`\(name)`"), "\(name)") }
    }

    @Test("shows a script that passes, and a profile that is read")
    func examples() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let count = OwnScriptTests.paths(in: "Drill").count
        #expect(text.contains("    total \(count), strict \(count), lenient 0, failed 0, skipped 0\n"))
        let blocks = text.split(separator: "```\n", omittingEmptySubsequences: false).map(String.init)
        let script = try #require(blocks.first { $0.hasPrefix("// A SYN") })
        #expect(DrillRunner.run(text: script, name: "page").outcome == .passed(.strict))
        let profile = try #require(blocks.first { $0.hasPrefix("profile = ") })
        #expect(try ProfileFile.read(profile, name: "page").tcp.windowScale == 7)
    }
}
