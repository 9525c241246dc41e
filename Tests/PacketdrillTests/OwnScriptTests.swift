import Foundation
import Packetdrill
import Testing

/// The scripts in Tests/Drill, each with a row of the checklist.
@Suite("Our own scripts")
struct OwnScriptTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Drill")

    static let paths = ((try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".pkt") }.sorted()

    @Test("There are enough of them")
    func count() { #expect(Self.paths.count >= 80) }

    @Test("Each passes, strictly, over both versions", arguments: paths)
    func pass(path: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8)
        let script = try Script(
            parsing: text, name: path, definitions: DrillRunner.usualDefinitions(for: .ipv4))
        // What only one version has stays with it.
        let own = script.options.last { $0.name == "ip_version" }.flatMap { DrillVersion(parsing: $0.text ?? "") }
        for version in own.map({ [$0] }) ?? DrillVersion.allCases {
            let report = DrillRunner.run(text: text, name: path, options: DrillOptions(version: version))
            let words = report.lines(quoting: text).joined(separator: "\n")
            #expect(report.outcome == .passed(.strict), "\(words)")
            #expect(report.warnings.isEmpty, "\(path) (\(version)): \(report.warnings)")
        }
    }

    @Test("Each names its row", arguments: paths)
    func row(path: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8)
        #expect(text.prefix { $0 != "\n" }.contains(/^\/\/ (Rows?|Part) [0-9]/), "\(path)")
    }
}
