import ArgumentParser
import AsyncNetstack
import NetPrimitives

/// `tcp connect`: netcat on a stack of its own.
struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Connects to a server through a TUN device.",
        discussion: """
            Like netcat: standard input goes to the peer, the peer to standard output. The end of standard input ends \
            that direction only; when both have ended, so does the command.

            EXIT STATUS:
              0   established, and ended well       5    reset when it was open
              1   refused (RST)                     6    something is missing here: no root, no device,
              3   timed out                              no route in the stack's own table, no such name
              4   unreachable (ICMP)                64   the command line makes no sense
              130 interrupted                       74, 141  standard output failed, or its reader has gone

            EXAMPLES:
              tcp connect --tun tcp1 --address 10.77.0.2 --host-address 10.77.0.1/24 10.77.0.1 80 < request.txt
              tcp connect --tun tcp1 --address 10.77.0.2 --host-address 10.77.0.1/24 -zv --timeout 3s 10.77.0.1 22
              tcp connect --tun tcp1 --address 10.77.0.2 --host-address 10.77.0.1/24 -c 5 10.77.0.1 80
            """)

    @OptionGroup
    var tun: TUNArguments

    @Flag(name: .customShort("4"), help: "Use IPv4 only.")
    var onlyIPv4 = false

    @Flag(name: .customShort("6"), help: "Use IPv6 only.")
    var onlyIPv6 = false

    @Option(
        name: .customShort("p"), help: ArgumentHelp("The port to connect from.", valueName: "number"),
        transform: AddressArgument.port)
    var sourcePort: UInt16?

    @Option(
        help: ArgumentHelp("Give up when it takes longer (default: the stack's own patience).", valueName: "duration"),
        transform: DurationArgument.seconds(parsing:))
    var timeout: DurationArgument?

    @Flag(name: .customShort("z"), help: "Open, report and close: no data.")
    var reportsOnly = false

    @Option(name: .customShort("c"), help: ArgumentHelp("Do that again and again, as ping does.", valueName: "count"))
    var count: Int?

    @Option(
        help: ArgumentHelp("The time between two of -c (default: 1s).", valueName: "duration"),
        transform: DurationArgument.seconds(parsing:))
    var interval = DurationArgument(.seconds(1))

    @Argument(help: "A name or an address.")
    var host: String

    @Argument(help: "The port.", transform: AddressArgument.port)
    var port: UInt16

    func validate() throws {
        if onlyIPv4, onlyIPv6 { throw ValidationError("-4 and -6 exclude each other.") }
        if let count, count < 1 { throw ValidationError("-c counts from 1.") }
        if count ?? 1 > 1, sourcePort != nil {
            throw ValidationError("-c needs a new source port each time: leave -p away.")
        }
        if tun.capture == "-", !reportsOnly, count == nil {
            throw ValidationError("Standard output is the peer's: use -w - with -z or -c.")
        }
    }

    /// Addresses to use; `nil` for both families.
    private var family: AddressFamily? { onlyIPv4 ? .ipv4 : onlyIPv6 ? .ipv6 : nil }

    func run() async throws {
        let client: Client
        do {
            client = try Client(
                tun,
                to: .init(host: host, port: port, sourcePort: sourcePort, family: family, timeout: timeout?.interval),
                isReporting: reportsOnly || count != nil)
        } catch {
            Report.complain("\(error)")
            throw Failure.exitCode(error)
        }
        let code: ExitCode
        if let count {
            code = await client.ping(count, every: interval.interval)
        } else if reportsOnly {
            code = await client.probe()
        } else {
            code = await client.converse()
        }
        if code != .success { throw code }
    }
}
