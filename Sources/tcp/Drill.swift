import ArgumentParser
import Netstack
import Packetdrill

/// `tcp drill`: runs packetdrill scripts against a stack in this process, in virtual time.
struct Drill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs packetdrill scripts against a stack in this process, in virtual time.",
        discussion: """
            Each script gets a stack of its own; nothing leaves this process, and no rights are needed. A script that \
            wants what is missing here is skipped with its reason, never passed.

            The exit status is 0 when every script passed, 1 when one failed or was skipped, 64 when the command line \
            makes no sense, 66 when a script cannot be read.

            EXAMPLES:
              tcp drill handshake.pkt               one script
              tcp drill Tests/Drill                 every *.pkt below a folder
              tcp drill --ip-version ipv4 --ip-version ipv6 Tests/Drill
              tcp drill --match lenient -v a.pkt    packets compared leniently, and all that happened
              tcp drill --profile mine.conf a.pkt   a stack that a file describes
              tcp drill -D TFO_COOKIE=00 a.pkt      what a word stands for
              tcp drill --junit result.xml Tests/Drill
            """)

    @Argument(help: ArgumentHelp("Scripts, and folders that are searched for *.pkt.", valueName: "script"))
    var paths: [String]

    @Option(
        name: [.customLong("ip-version"), .customLong("ip_version")],
        help: ArgumentHelp(
            "ipv4, ipv6 or mapped, whatever the script says; repeated: all of them.", valueName: "version"),
        transform: { text in
            guard let version = DrillVersion(parsing: text) else {
                throw ValidationError("The version is ipv4, ipv6 or mapped.")
            }
            return version
        })
    var versions: [DrillVersion] = []

    @Option(
        help: "How packets are compared: strict or lenient.",
        transform: { text in
            guard let match = DrillMatch(rawValue: text) else {
                throw ValidationError("Packets are compared strict or lenient.")
            }
            return match
        })
    var match = DrillMatch.strict

    @Option(
        help: ArgumentHelp(
            "How the stack is configured: \(DrillProfile.names.joined(separator: ", ")), or a file.",
            valueName: "name or file"))
    var profile: String?

    @Option(
        name: [.customShort("D"), .customLong("define")],
        help: ArgumentHelp("What a word in the scripts stands for.", valueName: "NAME=VALUE"),
        transform: DefinitionArgument.init(parsing:))
    var definitions: [DefinitionArgument] = []

    @OptionGroup(title: "Options as scripts have them")
    var scriptOptions: DrillScriptOptions

    @Flag(name: .shortAndLong, help: "Say what passed, too, and show all that happened.")
    var verbose = false

    @Flag(help: "A line of JSON per script, and one for the score sheet.")
    var json = false

    @Option(help: ArgumentHelp("Write the results as JUnit's XML; - is standard output.", valueName: "file"))
    var junit: String?

    func validate() throws {
        if json, junit == "-" { throw ValidationError("--json and --junit - both want standard output.") }
    }

    func run() throws {
        do {
            try drill()
        } catch let error as OutputError {
            if case .readerGone = error { throw error.exitCode }
            Report.complain("\(error)")
            throw error.exitCode
        }
    }

    private func drill() throws {
        var options = DrillOptions(match: match, overrides: scriptOptions.overrides)
        if let profile { options.profile = try configuration(profile) }
        let words = Dictionary(definitions.map { ($0.name, $0.definition) }) { $1 }
        let (scripts, problems) = ScriptFiles.read(paths)
        for problem in problems { Report.complain(problem) }

        var sheet = ScoreSheet()
        var reports: [DrillReport] = []
        var texts: [String] = []
        for script in scripts {
            for version in versions.isEmpty ? [nil] : versions.map(Optional.some) {
                options.version = version
                let report = DrillRunner.run(
                    text: script.text, name: script.name, options: options, definitions: words)
                sheet.count(report.outcome)
                try say(report, script.text)
                if junit != nil {
                    reports.append(report)
                    texts.append(script.text)
                }
            }
        }
        if let junit {
            let file = try OutputFile(path: junit)
            try file.write(Array(JUnit.document(reports, texts: texts).utf8))
            try file.close()
        }
        if json {
            try OutputFile.standardOutput.write(lines: [Report.line(DrillRecord.Sheet(sheet))])
        } else if junit != "-" {
            try OutputFile.standardOutput.write(lines: sheet.lines)
        }
        if !problems.isEmpty { throw ExitCode(66) }
        if !sheet.isPerfect { throw ExitCode.failure }
    }

    private func say(_ report: DrillReport, _ text: String) throws {
        if json {
            try OutputFile.standardOutput.write(lines: [Report.line(DrillRecord(report, verbose: verbose))])
        } else if junit != "-" {
            let lines = report.lines(quoting: text, verbose: verbose)
            if !lines.isEmpty { try OutputFile.standardOutput.write(lines: lines) }
        }
    }

    /// A known profile, else a file.
    private func configuration(_ name: String) throws -> Configuration {
        if let profile = DrillProfile.named(name) { return profile }
        switch ScriptFiles.text(of: name) {
        case .success(let text):
            do throws(ScriptError) {
                return try ProfileFile.read(text, name: name)
            } catch {
                throw ValidationError("\(error)")
            }
        case .failure:
            let names = DrillProfile.names.joined(separator: ", ")
            throw ValidationError("'\(name)' is neither a file that can be read nor one of the profiles \(names).")
        }
    }
}
