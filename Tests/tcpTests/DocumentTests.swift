import ArgumentParser
import Foundation
import LabScenarios
import Testing

@testable import tcp

/// The project's pages: what stands in them as a command and its output is what the command prints.
@Suite("The pages")
struct DocumentTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// A command as a page shows it, and the lines below it up to the next command or the end of the block.
    struct Session: Equatable {
        var command: String
        var output: [String]
    }

    /// The sessions in the fenced blocks of a page: lines that begin with `$ ` are commands.
    static func sessions(in text: String) -> [Session] {
        var sessions: [Session] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                isInside = line == "```console"
            } else if isInside, line.hasPrefix("$ ") {
                sessions.append(Session(command: String(line.dropFirst(2)), output: []))
            } else if isInside, !sessions.isEmpty {
                sessions[sessions.count - 1].output.append(line)
            }
        }
        return sessions
    }

    /// What the command prints on a terminal with UTF-8 and without colours.
    static func output(of command: String) throws -> [String] {
        let arguments = command.split(separator: " ").dropFirst().map(String.init)
        let lab = try #require(try TCP.parseAsRoot(arguments) as? Lab)
        if lab.list { return ScenarioArgument.list.split(separator: "\n").map(String.init) }
        return lab.lines(of: lab.scenario.scenario.run(lab.settings), in: TerminalEnvironment(locale: "C.UTF-8"))
    }

    @Test("show what the commands print", arguments: ["README.md", "docs/handshake.md", "docs/attacks.md"])
    func sessions(path: String) throws {
        let sessions = Self.sessions(in: try Self.text(path))
        try #require(!sessions.isEmpty)
        for session in sessions {
            #expect(session.command.hasPrefix("tcp lab"))
            let printed = try Self.output(of: session.command)
            let shown = session.output
            #expect(shown == printed, "\(path): \(session.command) prints:\n\(printed.joined(separator: "\n"))")
        }
    }

    @Test("show every scenario in docs/handshake.md or docs/attacks.md", arguments: ScenarioArgument.all)
    func completeness(scenario: String) throws {
        let pages = try Self.text("docs/handshake.md") + Self.text("docs/attacks.md")
        let commands = Self.sessions(in: pages).map(\.command)
        let isShown = commands.contains { command in
            command.split(separator: " ").contains(Substring(scenario))
                || scenario == "handshake" && command.hasPrefix("tcp lab --")
        }
        #expect(isShown)
    }

    @Test("quote the example that is compiled and run")
    func example() throws {
        let source = try Self.text("Tests/LabScenariosTests/ReadmeExampleTests.swift")
        let lines = source.split(separator: "\n").map(String.init)
        let begin = try #require(lines.firstIndex { $0.hasSuffix("// example begins") })
        let end = try #require(lines.firstIndex { $0.hasSuffix("// example ends") })
        let example = lines[(begin + 1)..<end].map { String($0.dropFirst(8)) }.joined(separator: "\n")
        #expect(try Self.text("README.md").contains("```swift\n\(example)\n```"))
    }

    @Test("quote the async example that runs over TUN and over the simulation")
    func asyncExample() throws {
        let source = try Self.text("Examples/greeting/Greeting.swift")
        let example = source.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
        let text = example.joined(separator: "\n").trimmingCharacters(in: .newlines)
        #expect(try Self.text("README.md").contains("```swift\n\(text)\n```"))
    }
}
