import ArgumentParser
import LabScenarios
import NetPrimitives
import Testing

@testable import tcp

/// The command line is refused with 64, and says what would be accepted.
func expectUsageError(of arguments: [String], saying hint: String) {
    do {
        _ = try TCP.parseAsRoot(arguments)
        Issue.record("accepted")
    } catch {
        #expect(TCP.exitCode(for: error).rawValue == 64)
        #expect(TCP.fullMessage(for: error).contains(hint))
    }
}

@Suite("Arguments")
struct ArgumentTests {
    @Test(
        "durations",
        arguments: [
            ("100ms", 100_000_000), ("1.5s", 1_500_000_000), ("20us", 20_000), ("7ns", 7), ("0s", 0),
            ("2 min", 120_000_000_000), (".5ms", 500_000),
        ] as [(String, Int64)])
    func duration(text: String, nanoseconds: Int64) throws {
        #expect(try DurationArgument(parsing: text).interval.nanoseconds == nanoseconds)
    }

    @Test("no durations", arguments: ["", "100", "ms", "-1s", "1e3s", "1.2.3s", "61min", "nans", "infs", "1S", "1sx"])
    func noDuration(text: String) {
        #expect(throws: ValidationError.self) { try DurationArgument(parsing: text) }
    }

    @Test("probabilities", arguments: [("0", 0), ("1", 1), ("0.1", 0.1), ("10%", 0.1), ("100%", 1), ("0.5%", 0.005)])
    func probability(text: String, value: Double) throws {
        #expect(try ProbabilityArgument(parsing: text).value == value)
    }

    @Test("no probabilities", arguments: ["", "%", "1.1", "101%", "-0.1", "nan", "inf", "0x1p-2", "1e-1", "ten"])
    func noProbability(text: String) {
        #expect(throws: ValidationError.self) { try ProbabilityArgument(parsing: text) }
    }

    @Test("sequence numbers", arguments: [("0", 0), ("1000", 1000), ("4294967295", .max)] as [(String, UInt32)])
    func sequenceNumber(text: String, value: UInt32) throws {
        #expect(try SequenceNumberArgument(parsing: text).number == SequenceNumber(value))
    }

    @Test("no sequence numbers", arguments: ["", "-1", "+1", "4294967296", "0x10", "1.0"])
    func noSequenceNumber(text: String) {
        #expect(throws: ValidationError.self) { try SequenceNumberArgument(parsing: text) }
    }

    @Test(
        "what does not make sense exits with 64 and says what does",
        arguments: [
            (["lab", "nonsense"], "half-open"), (["lab", "--rtt", "soon"], "1.5s"), (["lab", "--loss", "2"], "10%"),
            (["lab", "--client-isn", "x"], "4294967295"), (["lab", "--server-isn=-1"], "4294967295"),
            (["lab", "--seed", "x"], "18446744073709551615"), (["lab", "--format", "x"], "tcpdump"),
            (["lab", "--rtt", "-1ms"], "1.5s"), (["lab", "--loss", "-0.1"], "10%"), (["lab", "--seed", "-1"], "4467"),
            (["lab", "--client-isn", "-1"], "4294967295"), (["lab", "--server-isn", "-1"], "4294967295"),
            (["lab", "-w", ""], "-w needs"), (["lab", "--profile", "x"], "linux"), (["lab", "--color", "x"], "always"),
            (["lab", "-tttttt"], "-ttttt"),
        ])
    func usage(arguments: [String], hint: String) { expectUsageError(of: arguments, saying: hint) }

    @Test("all options at once")
    func options() throws {
        let line =
            "lab refused --rtt 20us --loss 10% --seed 7 --client-isn 1000 --server-isn 5000 --ipv6 "
            + "--profile linux --format tcpdump -Snttt -w out.pcap --color never"
        let lab = try #require(try TCP.parseAsRoot(line.split(separator: " ").map(String.init)) as? Lab)
        #expect(lab.scenario.scenario == .refused)
        #expect(lab.settings.roundTrip == .microseconds(20))
        #expect(lab.settings.loss == 0.1)
        #expect(lab.settings.seed == 7)
        #expect(lab.settings.clientISN == SequenceNumber(1000))
        #expect(lab.settings.serverISN == SequenceNumber(5000))
        #expect(lab.settings.usesIPv6)
        #expect(lab.settings.profile == .linux)
        #expect(
            lab.format == .tcpdump && lab.printing.absoluteNumbers && lab.printing.numeric == 1
                && lab.printing.time == 3)
        #expect(lab.capture == "out.pcap" && lab.color == .never)
    }
}

@Suite("The terminal")
struct TerminalTests {
    @Test("UTF-8", arguments: [("en_US.UTF-8", true), ("C.utf8", true), ("C", false), ("", false), ("de_DE", false)])
    func locale(name: String, hasUTF8: Bool) {
        #expect(TerminalEnvironment(locale: name).hasUTF8 == hasUTF8)
    }

    @Test("colours")
    func colours() {
        let terminal = TerminalEnvironment(isTerminal: true, terminal: "xterm")
        #expect(ColorArgument.auto.isWanted(in: terminal))
        #expect(!ColorArgument.auto.isWanted(in: TerminalEnvironment(isTerminal: true, refusesColor: true)))
        #expect(!ColorArgument.auto.isWanted(in: TerminalEnvironment(isTerminal: true, terminal: "dumb")))
        #expect(!ColorArgument.auto.isWanted(in: TerminalEnvironment()))
        #expect(ColorArgument.always.isWanted(in: TerminalEnvironment()))
        #expect(!ColorArgument.never.isWanted(in: terminal))
    }
}
