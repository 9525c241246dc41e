import Foundation
import Packetdrill
import Testing

/// The scripts in Tests/Drill, which every version must pass, and those that only one version can mean, in
/// Tests/DrillIPv4 and Tests/DrillIPv6; in Tests/DrillFleet those for a listener whose cookies are a fleet's. Each has
/// a row of the checklist.
@Suite("Our own scripts")
struct OwnScriptTests {
    static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    static func paths(in folder: String) -> [String] {
        let paths = try? FileManager.default.subpathsOfDirectory(atPath: tests.appending(path: folder).path)
        return (paths ?? []).filter { $0.hasSuffix(".pkt") }.sorted().map { folder + "/" + $0 }
    }

    static let all = paths(in: "Drill") + paths(in: "DrillIPv4") + paths(in: "DrillIPv6")
    static let fleet = paths(in: "DrillFleet")

    static func text(_ path: String) throws -> String {
        try String(contentsOf: tests.appending(path: path), encoding: .utf8)
    }

    private static func pass(_ path: String, _ options: DrillOptions) throws {
        let text = try text(path)
        let report = DrillRunner.run(text: text, name: path, options: options)
        let words = report.lines(quoting: text).joined(separator: "\n")
        #expect(report.outcome == .passed(.strict), "\(words)")
        #expect(report.warnings.isEmpty, "\(path) (\(report.version)): \(report.warnings)")
    }

    @Test("Each passes, strictly, and nothing comes that it does not expect", arguments: all)
    func pass(path: String) throws {
        let versions: [DrillVersion?] = path.hasPrefix("Drill/") ? DrillVersion.allCases : [nil]
        for version in versions { try Self.pass(path, DrillOptions(version: version)) }
    }

    @Test("So does each for a fleet's cookies, under a profile that has them", arguments: fleet)
    func passAsFleet(path: String) throws {
        let profile = try ProfileFile.read("profile = linux-defaults\ncookieCodec = fleet", name: "fleet")
        for version in DrillVersion.allCases { try Self.pass(path, DrillOptions(version: version, profile: profile)) }
    }

    @Test("Each names its row or its RFC first, and there are enough of them")
    func rows() throws {
        #expect(Self.paths(in: "Drill").count >= 80)
        #expect(!Self.fleet.isEmpty)
        for path in Self.all + Self.fleet {
            let first = try Self.text(path).prefix { $0 != "\n" }
            #expect(first.contains(/^\/\/ (?:Rows?|Part|RFC) [0-9]/), "\(path)")
        }
    }
}
