import ArgumentParser
import Packetdrill

/// The options that scripts begin with and the public tool takes on its command line, where they override the scripts.
struct DrillScriptOptions: ParsableArguments {
    @Option(name: .customLong("local_ip"), help: "The stack's address.")
    var localIP: String?

    @Option(name: .customLong("remote_ip"), help: "The peer's address.")
    var remoteIP: String?

    @Option(name: .customLong("gateway_ip"), help: "Where the peer's network begins; nobody looks at it.")
    var gatewayIP: String?

    @Option(name: .customLong("netmask_ip"), help: "The stack's network; nobody looks at it.")
    var netmaskIP: String?

    @Option(name: .customLong("bind_port"), help: "The port that bind() binds (default: 8080).")
    var bindPort: UInt16?

    @Option(name: .customLong("connect_port"), help: "The port that connect() goes to (default: 8080).")
    var connectPort: UInt16?

    @Option(help: "The interface's MTU (default: 1500).")
    var mtu: UInt32?

    @Option(name: .customLong("tolerance_usecs"), help: "By how much a packet may be early or late (default: 4000).")
    var toleranceMicroseconds: UInt64?

    @Option(
        name: .customLong("tolerance_percent"),
        help: "The same in percent of the time since the event before it; the greater counts (default: 12.5).")
    var tolerancePercent: Double?

    @Option(
        name: .customLong("tcp_ts_tick_usecs"), help: "A tick of outbound timestamps; 0: do not look (default: 0).")
    var timestampTick: UInt64?

    @Flag(name: .customLong("strict_segments"), help: "Do not join successive outbound packets.")
    var strictSegments = false

    /// The options given, as a script would have them.
    var overrides: [ScriptOption] {
        var overrides: [ScriptOption] = []
        func add(_ name: String, _ value: (some CustomStringConvertible)?) {
            if let value { overrides.append(ScriptOption(name: name, value: .text(value.description))) }
        }
        add("local_ip", localIP)
        add("remote_ip", remoteIP)
        add("gateway_ip", gatewayIP)
        add("netmask_ip", netmaskIP)
        add("bind_port", bindPort)
        add("connect_port", connectPort)
        add("mtu", mtu)
        add("tolerance_usecs", toleranceMicroseconds)
        add("tolerance_percent", tolerancePercent)
        add("tcp_ts_tick_usecs", timestampTick)
        if strictSegments { overrides.append(ScriptOption(name: "strict_segments", value: nil)) }
        return overrides
    }
}

/// `NAME=VALUE`.
struct DefinitionArgument: Hashable, Sendable {
    let name: String
    let definition: Definition

    init(parsing text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let isWord = parts[0].utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
        }
        guard parts.count == 2, isWord, !parts[0].isEmpty else {
            throw ValidationError("A definition is NAME=VALUE, the name of letters, digits and underscores.")
        }
        name = String(parts[0])
        definition = Definition(parsing: String(parts[1]))
    }
}
