import ArgumentParser
import AsyncNetstack
import NetPrimitives
import Netstack
import NetworkDevices

/// Where a stack lives: a TUN device, the addresses at its two ends, and what is to be seen of its packets.
struct TUNArguments: ParsableArguments {
    @Option(
        name: .customLong("tun"), help: ArgumentHelp("The TUN device: made, or used if it is there.", valueName: "name")
    )
    var device: String

    @Option(
        name: .customLong("address"),
        help: ArgumentHelp("An address of the stack; may be repeated.", valueName: "address[/length]"),
        transform: AddressArgument.own)
    var addresses: [IPPrefix]

    @Option(
        name: .customLong("host-address"),
        help: ArgumentHelp(
            "The kernel's address on the device, with the network that is reached by it; may be repeated.",
            valueName: "address/length"),
        transform: AddressArgument.host)
    var hostAddresses: [IPPrefix] = []

    @Option(help: ArgumentHelp("The largest packet in bytes.", valueName: "bytes"))
    var mtu = 1500

    @Option(help: "Timers and options as the RFCs say, or as Linux has them.")
    var profile = ProfileArgument.linux

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Send no segment for this long after the start (RFC 9293, 3.4.3: 2min; default: 0s).",
            valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var quietTime = DurationArgument(.zero)

    @Flag(help: "Print each packet as tcpdump does.")
    var trace = false

    @OptionGroup
    var printing: PrintingArguments

    @Option(
        name: .customShort("w"),
        help: ArgumentHelp("Write the packets as pcap; - is standard output.", valueName: "file"))
    var capture: String?

    @Flag(name: .customShort("v"), help: "Say more on standard error.")
    var verbose = false

    @Flag(help: "Say everything as lines of JSON.")
    var json = false

    func validate() throws {
        if !TUNConfiguration.isName(device) {
            throw ValidationError("A device's name has 1 to 15 characters, without / and spaces.")
        }
        if addresses.isEmpty { throw ValidationError("The stack needs an --address.") }
        for prefix in addresses where hostAddresses.contains(where: { $0.address == prefix.address }) {
            throw ValidationError(
                "\(prefix.address) cannot be both the stack's --address and the kernel's --host-address.")
        }
        let usesIPv6 = (addresses + hostAddresses).contains { $0.address.isIPv6 }
        guard (68...65_535).contains(mtu), mtu >= 1280 || !usesIPv6 else {
            throw ValidationError("An MTU is 68 to 65535 bytes, and 1280 at least with IPv6.")
        }
        if capture?.isEmpty == true { throw ValidationError("-w needs the name of a file, or - for standard output.") }
        if capture == "-", TerminalEnvironment.current.isTerminal {
            throw ValidationError("-w - writes binary data: send standard output to a file or a pipe.")
        }
        if capture == "-", trace || json {
            throw ValidationError("-w - needs standard output for itself: leave --trace and --json away.")
        }
    }

    /// Whether some packets are to be seen.
    var showsPackets: Bool { trace || capture != nil }

    /// How the options have the stack behave.
    var configuration: Configuration {
        var configuration =
            switch profile {
            case .default: Configuration()
            case .linux: Configuration.linux
            }
        configuration.quietTime = quietTime.interval
        return configuration
    }

    /// The device and the stack on it.
    func options(_ configuration: Configuration, observer: PacketObserver?) -> TUNOptions {
        let tun = TUNConfiguration(name: device, hostAddresses: hostAddresses, mtu: mtu)
        return TUNOptions(device: tun, addresses: addresses, configuration: configuration, observer: observer)
    }

    /// Opens the device and starts the stack.
    func open(_ configuration: Configuration, observer: PacketObserver?) throws -> TCPStack {
        try .tun(options(configuration, observer: observer))
    }
}

/// Addresses on the command line.
enum AddressArgument {
    /// `A` or `A/LEN`.
    static func own(_ text: String) throws -> IPPrefix {
        guard let prefix = IPPrefix(text) ?? IPAddress(text).map(IPPrefix.init(host:)), prefix.address.isUnicast else {
            throw ValidationError("An address is one host's, such as 10.77.0.2, 10.77.0.2/24 or fd77::2.")
        }
        return prefix
    }

    /// `H/LEN`.
    static func host(_ text: String) throws -> IPPrefix {
        guard let prefix = IPPrefix(text), prefix.address.isUnicast else {
            throw ValidationError("A host address comes with its network's length, such as 10.77.0.1/24 or fd77::1/64.")
        }
        return prefix
    }

    /// A port that can be connected to.
    static func port(_ text: String) throws -> UInt16 {
        guard let port = UInt16(text), port > 0 else { throw ValidationError("A port is a number from 1 to 65535.") }
        return port
    }
}
