extension DrillRunner {
    /// Reads a script and runs it. A text that is no script fails where it is wrong.
    /// - Parameter definitions: win over the script's own and over ``usualDefinitions(for:)``.
    public static func run(
        text: String, name: String, options: DrillOptions = DrillOptions(), definitions: [String: Definition] = [:]
    ) -> DrillReport {
        var version = options.version ?? .ipv4
        do throws(ScriptError) {
            var script = try read(text, name, version, definitions)
            // What the script says of the version decides what its words stand for.
            if options.version == nil, let said = (script.options + options.overrides).version, said != version {
                version = said
                script = try read(text, name, version, definitions)
            }
            return run(script, options: options)
        } catch {
            let message = "expected \(error.expected)" + (error.found.map { ", found \($0)" } ?? "")
            let failure = DrillFailure(position: error.position, message: message)
            return DrillReport(name: name, version: version, outcome: .failed(failure))
        }
    }

    private static func read(
        _ text: String, _ name: String, _ version: DrillVersion, _ definitions: [String: Definition]
    ) throws(ScriptError) -> Script {
        let all = usualDefinitions(for: version).merging(definitions) { $1 }
        return try Script(parsing: text, name: name, definitions: all)
    }

    /// What the usual runner of the public scripts defines.
    public static func usualDefinitions(for version: DrillVersion) -> [String: Definition] {
        if version == .ipv6 {
            return [
                "TFO_COOKIE": .word("c1d1e9742a47a9bc"), "CODE": .word("address_unreachable"),
                "CMSG_LEVEL_IP": .word("SOL_IPV6"), "CMSG_TYPE_RECVERR": .word("IPV6_RECVERR"),
            ]
        }
        return [
            "TFO_COOKIE": .word("3021b9d889017eeb"), "CODE": .word("host_unreachable"),
            "CMSG_LEVEL_IP": .word("SOL_IP"), "CMSG_TYPE_RECVERR": .word("IP_RECVERR"),
        ]
    }
}

extension [ScriptOption] {
    /// What the last `ip_version` among them says, if it says something known.
    fileprivate var version: DrillVersion? {
        last { $0.name == "ip_version" }.flatMap { $0.text }.flatMap { DrillVersion(parsing: $0) }
    }
}

extension DrillVersion {
    /// Reads `ipv4`, `ipv6`, and `mapped` or the name that scripts have for it, `ipv4-mapped-ipv6`.
    public init?(parsing text: String) {
        self.init(rawValue: text == "ipv4-mapped-ipv6" ? "mapped" : text)
    }
}
