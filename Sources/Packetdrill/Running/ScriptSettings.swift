internal import NetPrimitives

/// What the options of a script and of its caller come to.
struct ScriptSettings {
    var version = DrillVersion.ipv4
    var bindPort: UInt16 = 8080
    var connectPort: UInt16 = 8080
    var local: IPAddress = .v4(.any)
    var localPrefix = 16
    var remote: IPAddress = .v4(.any)
    var mtu = 1500
    var tolerance = Interval.microseconds(4000)
    var tolerancePercent = 12.5
    /// How long a tick of our timestamps takes, or zero: they are not looked at.
    var timestampTick = Interval.zero
    var echoesAreScaled = false
    var strictSegments = false
    /// Commands that the script's options ask for.
    var initScripts: [ScriptCommand] = []

    /// Where bind() binds and connect() goes, as a socket of this version names it.
    var bindEndpoint: Endpoint { Endpoint(socketAddress(local), bindPort) }
    var connectEndpoint: Endpoint { Endpoint(socketAddress(remote), connectPort) }

    /// An address as sockets of this version have it: IPv4-mapped where packets are of IPv4 and sockets of IPv6.
    func socketAddress(_ address: IPAddress) -> IPAddress {
        guard version == .mapped, case .v4(let v4) = address else { return address }
        return .v6(IPv6Address(high: 0, low: 0xFFFF << 32 | UInt64(v4.rawValue)))
    }

    init(_ script: Script, _ options: DrillOptions) throws(DrillSkip) {
        if let named = try Self.version(in: script.options + options.overrides) { version = named }
        if let asked = options.version { version = asked }
        if version == .ipv6 {
            local = .v6(IPv6Address(high: 0xfd3d_0a0b_17d6_0000, low: 1))
            remote = .v6(IPv6Address(high: 0xfd3d_fa7b_d17d_0000, low: 1))
            localPrefix = 48
            // 20 bytes more than IPv4's, so that the MSS stays what the script says.
            mtu = 1520
        } else {
            local = .v4(IPv4Address(192, 168, 0, 1))
            remote = .v4(IPv4Address(192, 0, 2, 1))
        }
        for option in script.options { try take(option, isOverride: false) }
        for option in options.overrides { try take(option, isOverride: true) }
    }

    private static func version(in options: [ScriptOption]) throws(DrillSkip) -> DrillVersion? {
        guard let option = options.last(where: { $0.name == "ip_version" }), let text = option.text else { return nil }
        switch text {
        case "ipv4": return .ipv4
        case "ipv6": return .ipv6
        case "ipv4-mapped-ipv6", "mapped": return .mapped
        default: throw DrillSkip(kind: .option, what: "ip_version \(text)", position: option.position)
        }
    }

    private mutating func take(_ option: ScriptOption, isOverride: Bool) throws(DrillSkip) {
        let number = option.text.flatMap { Double($0) }
        switch option.name {
        case "bind_port": if let port = option.text.flatMap({ UInt16($0) }) { bindPort = port }
        case "connect_port": if let port = option.text.flatMap({ UInt16($0) }) { connectPort = port }
        case "local_ip": if let address = address(option) { local = address }
        case "remote_ip": if let address = address(option) { remote = address }
        case "mtu":
            guard let number, number >= 68, number <= 65_000 else { throw unusable(option) }
            mtu = Int(number) + (version == .ipv6 && !isOverride ? 20 : 0)
        case "tolerance_usecs":
            guard let number, number >= 0, number < 1e12 else { throw unusable(option) }
            tolerance = .microseconds(Int64(number))
        case "tolerance_percent":
            guard let number, number >= 0, number < 1e6 else { throw unusable(option) }
            tolerancePercent = number
        case "tcp_ts_tick_usecs":
            guard let number, number >= 0, number < 1e9 else { throw unusable(option) }
            timestampTick = .microseconds(Int64(number))
        case "tcp_ts_ecr_scaled": echoesAreScaled = true
        case "strict_segments": strictSegments = true
        case "init_scripts":
            initScripts.append(ScriptCommand(position: option.position, text: option.text ?? ""))
        case "ip_version", "gateway_ip", "netmask_ip", "mss", "speed", "non_fatal", "define", "send_omit_free",
            "is_anyip", "code_command", "code_format", "code_sockopt", "dry_run", "debug", "verbose":
            break
        default:
            throw DrillSkip(kind: .option, what: option.name, position: option.position)
        }
    }

    private func unusable(_ option: ScriptOption) -> DrillSkip {
        DrillSkip(kind: .option, what: "\(option.name)=\(option.text ?? "")", position: option.position)
    }

    /// An address of the version that the packets have; one of the other version does not concern this run.
    private func address(_ option: ScriptOption) -> IPAddress? {
        guard let text = option.text?.split(separator: "/").first.map(String.init) else { return nil }
        if version == .ipv6 { return IPv6Address(text).map { .v6($0) } }
        return IPv4Address(text).map { .v4($0) }
    }
}
