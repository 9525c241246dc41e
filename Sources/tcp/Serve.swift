import ArgumentParser
import AsyncNetstack
import NetPrimitives
import Netstack

/// `tcp serve`: a server on a stack of its own, for the kernel's clients and all that the kernel routes to it.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves TCP connections through a TUN device.",
        discussion: """
            The stack lives at --address, the kernel at --host-address, on a device that is made for it. Whoever the \
            kernel routes there can connect: nc, curl, ping.

            Ends on SIGINT and SIGTERM with its connections closed properly, on a second one at once; SIGUSR1 says \
            what the tables hold. The exit status is 0, or 6 when something is missing here (no root, no device, a \
            name or an address in use), 74 when the capture could not be written whole, 64 when the command line makes \
            no sense.

            EXAMPLES:
              tcp serve --tun tcp0 --address 10.77.0.2 --host-address 10.77.0.1/24 --port 80 --echo
              tcp serve --tun tcp0 --address 10.77.0.2 --host-address 10.77.0.1/24 \\
                        --address fd77::2 --host-address fd77::1/64 --port 80 --send page.html -v
              tcp serve --tun tcp0 --address 10.77.0.2 --host-address 10.77.0.1/24 --port 9 --discard --trace -n
              tcp serve --tun tcp0 --address 10.77.0.2 --host-address 10.77.0.1/24 --port 80 --echo -v \\
                        --decide accept --decide-after 2s --decide refuse@81 --decide reject=host-unreachable@82
            """)

    enum Behaviour: String, EnumerableFlag {
        case echo
        case discard
        case chargen

        static func help(for value: Behaviour) -> ArgumentHelp? {
            switch value {
            case .echo: "Send back what comes (RFC 862)."
            case .discard: "Read and forget (RFC 863)."
            case .chargen: "Send characters without end (RFC 864)."
            }
        }
    }

    @OptionGroup
    var tun: TUNArguments

    @Option(help: ArgumentHelp("The port.", valueName: "number"), transform: AddressArgument.port)
    var port: UInt16

    @Flag(exclusivity: .exclusive)
    var behaviour: Behaviour?

    @Option(help: ArgumentHelp("Send a file to whoever connects, then close.", valueName: "file"))
    var send: String?

    @Option(help: ArgumentHelp("The accept queue takes one more than this.", valueName: "number"))
    var backlog = 128

    @Option(
        name: .customLong("syn-cookies"),
        help: "When SYNs are answered with cookies: never, when the SYN queue is full, always.")
    var cookies = Cookies.full

    @Option(
        help: ArgumentHelp(
            "The most memory that the stack holds, for everything; as in 16MiB.", valueName: "bytes"))
    var budget = ByteCount(Configuration().budget)

    @Option(
        name: .customLong("cookie-codec"),
        help: "How cookies are made: as Linux's, or for several machines that share a key.")
    var codec = Codec.classic

    @Option(
        name: .customLong("cookie-key-file"),
        help: ArgumentHelp(
            "Take the keys of cookies from a file: one or two lines of 32 hexadecimal digits, the current key and the "
                + "one before. It is read again when it changes.", valueName: "file"))
    var keyFile: String?

    @Flag(help: "Reset clients that complete a handshake while the accept queue is full, instead of waiting.")
    var abortOnOverflow = false

    @Option(
        name: .customLong("decide"),
        help: ArgumentHelp(
            """
            Decide before a client is answered: accept, refuse (RST), reject=CODE (ICMP, such as host-unreachable) or \
            ignore; with @PORT at one more port. May be repeated.
            """, valueName: "decision[@port]"),
        transform: DecisionArgument.init(parsing:))
    var decide: [DecisionArgument] = []

    @Option(
        help: ArgumentHelp("How long a decision takes (default: 0s).", valueName: "duration"),
        transform: DurationArgument.seconds(parsing:))
    var decideAfter: DurationArgument?

    private static var leastBudget: ByteCount { ByteCount(1 << 20) }

    enum Cookies: String, CaseIterable, ExpressibleByArgument {
        case off
        case full
        case always

        var policy: SynCookies {
            switch self {
            case .off: .off
            case .full: .whenFull
            case .always: .always
            }
        }
    }

    enum Codec: String, CaseIterable, ExpressibleByArgument {
        case classic
        case fleet

        var codec: CookieCodec { self == .fleet ? .fleet : .classic }
    }

    /// How the stack is to behave.
    var configuration: Configuration {
        var configuration = tun.configuration
        configuration.synCookies = cookies.policy
        configuration.cookieCodec = codec.codec
        configuration.abortsOnOverflow = abortOnOverflow
        configuration.budget = budget.bytes
        return configuration
    }

    /// What is decided at which port.
    var decisions: [UInt16: RequestDecision] {
        Dictionary(decide.map { ($0.port ?? port, $0.decision) }) { first, _ in first }
    }

    func validate() throws {
        if (behaviour == nil) == (send == nil) {
            throw ValidationError("Say what to do: one of --echo, --discard, --chargen and --send FILE.")
        }
        if budget.bytes < Self.leastBudget.bytes {
            throw ValidationError("A budget is \(Self.leastBudget) or more: with less no connection fits.")
        }
        if backlog < 0 { throw ValidationError("A backlog is 0 or more.") }
        for (place, argument) in decide.enumerated() {
            let port = argument.port ?? port
            if decide[..<place].contains(where: { ($0.port ?? self.port) == port }) {
                throw ValidationError("Two --decide are about port \(port).")
            }
        }
        if decideAfter != nil, decide.isEmpty {
            throw ValidationError("--decide-after needs a --decide, such as --decide accept.")
        }
    }

    func run() async throws {
        let service: Service =
            switch behaviour {
            case .echo: .echo
            case .discard: .discard
            case .chargen: .chargen
            case nil: .send(send ?? "")
            }
        do {
            try service.check()
            let server = try Server(
                tun, configuration, keyFile: keyFile, port: port, backlog: backlog, decisions: decisions,
                after: decideAfter?.interval ?? .zero, service: service)
            try await server.run()
        } catch let error as ExitCode {
            throw error
        } catch {
            Report.complain("\(error)")
            throw Failure.exitCode(error)
        }
    }
}
