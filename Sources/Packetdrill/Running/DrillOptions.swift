public import Netstack

/// What a script's sockets speak.
public enum DrillVersion: String, Hashable, Sendable, CaseIterable {
    case ipv4
    case ipv6
    /// Sockets of IPv6 with packets of IPv4; scripts call it `ipv4-mapped-ipv6`.
    case mapped
}

/// How packets are compared.
public enum DrillMatch: String, Hashable, Sendable, CaseIterable {
    /// As the public tool does.
    case strict
    /// Strictly if that passes; else PSH is ignored, so are windows unless zero, options are a set, and pure ACKs that
    /// say nothing new may be missing or too many.
    case lenient
}

/// How a script is to be run. What the command line says overrides what the script says.
public struct DrillOptions: Hashable, Sendable {
    /// `nil`: as the script says, else IPv4.
    public var version: DrillVersion?
    public var match: DrillMatch
    /// What the stack begins with; a script's own commands change it. `nil`: the profile `linux-defaults`.
    public var profile: Configuration?
    /// Options as in a script, which override the script's own: local_ip, mtu, tolerance_usecs.
    public var overrides: [ScriptOption]
    /// Where the stack's randomness comes from.
    public var seed: UInt64
    /// Turns of the stack after which a script is given up.
    public var stepLimit: Int

    public init(
        version: DrillVersion? = nil, match: DrillMatch = .strict, profile: Configuration? = nil,
        overrides: [ScriptOption] = [], seed: UInt64 = 1, stepLimit: Int = 1_000_000
    ) {
        self.version = version
        self.match = match
        self.profile = profile
        self.overrides = overrides
        self.seed = seed
        self.stepLimit = stepLimit
    }
}
