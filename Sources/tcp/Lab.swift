import ArgumentParser
import ConnectionAnalysis
import LabScenarios
import NetPrimitives

/// `tcp lab`: a connection between two hosts of a simulated network.
struct Lab: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows a TCP connection between two hosts of a simulated network.",
        discussion: """
            Two stacks run in this process, joined by a simulated link under a virtual clock: minutes of waiting take \
            milliseconds. The same seed gives the same run, byte for byte.

            The exit status is 0 when the scenario went as it should (a refusal that should be one included), 1 when \
            it did not, and 64 when the command line makes no sense.

            EXAMPLES:
              tcp lab                              the handshake, a request, both closes
              tcp lab refused --rtt 20us           nothing listens on the port
              tcp lab timeout --profile linux      SYNs at the times of Linux
              tcp lab --loss 10% --seed 7          one packet in ten is lost
              tcp lab --format tcpdump -S -n       the packets as tcpdump prints them
              tcp lab -w handshake.pcap            the packets for Wireshark, too
              tcp lab -w - | tcpdump -r -          the packets for a pipe
              tcp lab --list                       all scenarios
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case ladder
        case tcpdump
    }

    @Argument(help: "What to show (default: handshake); --list has all.", transform: ScenarioArgument.init(parsing:))
    var scenario = ScenarioArgument(.handshake)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The time from one host to the other and back (default: 100ms).", valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var rtt = DurationArgument(.milliseconds(100))

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How likely a packet is lost: 0.1 or 10% (default: 0).", valueName: "probability"),
        transform: ProbabilityArgument.init(parsing:))
    var loss = ProbabilityArgument(0)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Where all that is random comes from (default: 1).", valueName: "number"),
        transform: SeedArgument.init(parsing:))
    var seed = SeedArgument(1)

    @Option(
        name: .customLong("client-isn"), parsing: .unconditional,
        help: ArgumentHelp("The client's initial sequence number.", valueName: "number"),
        transform: SequenceNumberArgument.init(parsing:))
    var clientISN: SequenceNumberArgument?

    @Option(
        name: .customLong("server-isn"), parsing: .unconditional,
        help: ArgumentHelp("The server's initial sequence number.", valueName: "number"),
        transform: SequenceNumberArgument.init(parsing:))
    var serverISN: SequenceNumberArgument?

    @Flag(help: "Use IPv6.")
    var ipv6 = false

    @Option(help: "Timers and options as the RFCs say, or as Linux has them.")
    var profile = ProfileArgument.default

    @Option(help: "A picture, or lines as tcpdump prints them.")
    var format = Format.ladder

    @OptionGroup
    var printing: PrintingArguments

    @Option(
        name: .customShort("w"),
        help: ArgumentHelp("Write the packets as pcap; - is standard output.", valueName: "file"))
    var capture: String?

    @Option(help: "Colours in the picture.")
    var color = ColorArgument.auto

    @Flag(help: "List the scenarios.")
    var list = false

    @Flag(help: "Measure connect() to ESTABLISHED on the real clock, both ends in this process.")
    var loopback = false

    func validate() throws {
        if capture?.isEmpty == true { throw ValidationError("-w needs the name of a file, or - for standard output.") }
        if loopback, capture != nil { throw ValidationError("--loopback keeps no packets: leave -w away.") }
        if capture == "-", TerminalEnvironment.current.isTerminal {
            throw ValidationError("-w - writes binary data: send standard output to a file or a pipe.")
        }
    }

    /// The circumstances that the options describe.
    var settings: LabSettings {
        var settings = LabSettings()
        settings.roundTrip = rtt.interval
        settings.loss = loss.value
        settings.seed = seed.value
        settings.clientISN = clientISN?.number
        settings.serverISN = serverISN?.number
        settings.usesIPv6 = ipv6
        settings.profile = profile.profile
        return settings
    }

    func run() throws {
        do {
            try show()
        } catch let error as OutputError {
            if case .readerGone = error { throw error.exitCode }
            try? OutputFile.standardError.write(lines: ["tcp: \(error)"])
            throw error.exitCode
        } catch let failure as LabFailure {
            try? OutputFile.standardError.write(lines: ["tcp: \(failure)"])
            throw ExitCode.failure
        }
    }

    private func show() throws {
        if list { return try OutputFile.standardOutput.write(lines: [ScenarioArgument.list]) }
        if loopback { return try OutputFile.standardOutput.write(lines: LoopbackMeasurement.run(settings)) }
        let run = scenario.scenario.run(settings)
        if let capture { try write(run.pcap(), to: capture) }
        if capture != "-" { try OutputFile.standardOutput.write(lines: lines(of: run, in: .current)) }
        if !run.problems.isEmpty { throw LabFailure(scenario: scenario.scenario, problems: run.problems) }
    }

    /// What is to be read on the terminal.
    func lines(of run: LabRun, in environment: TerminalEnvironment) -> [String] {
        switch format {
        case .ladder:
            let ladder = Ladder(
                charset: environment.hasUTF8 ? .unicode : .ascii, coloured: color.isWanted(in: environment),
                absoluteNumbers: printing.absoluteNumbers)
            return ladder.lines(run.conversation)
        case .tcpdump:
            return run.lines(printing.options)
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try OutputFile(path: path)
        try file.write(bytes)
        try file.close()
    }
}

/// A scenario that did not go as it should.
struct LabFailure: Error, CustomStringConvertible {
    let scenario: Scenario
    let problems: [String]

    var description: String {
        "\(scenario.rawValue) did not go as it should:" + problems.map { "\n  \($0)" }.joined()
    }
}
