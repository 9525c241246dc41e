internal import NetPrimitives
public import Netstack
internal import TCPStateMachine

/// Configurations by name: what a script is written for.
public enum DrillProfile {
    /// The names that ``named(_:)`` knows.
    public static let names = ["linux-defaults", "linux-old", "rfc"]

    /// A profile: `linux-defaults`, what the scripts for Linux set up before they begin; `linux-old`, the same with
    /// the window scale of older kernels; `rfc`, this stack's own defaults. `nil` for any other name.
    public static func named(_ name: String) -> Configuration? {
        switch name {
        case "linux-defaults": return linuxDefaults
        case "linux-old":
            var profile = linuxDefaults
            profile.tcp.windowScale = 6
            return profile
        case "rfc": return Configuration()
        default: return nil
        }
    }

    /// rmem 4096/540000/15 MiB, wmem 4096/262144/4 MiB, 5 retries of SYN and SYN-ACK.
    private static var linuxDefaults: Configuration {
        var profile = Configuration.linux
        profile.tcp.windowScale = 8
        profile.tcp.synWindow = 65535
        profile.tcp.receiveBuffer = 65535
        profile.tcp.sendBuffer = 262_144
        profile.tcp.setLinuxSYNRetries(5)
        profile.tcp.quickAcks = 16
        profile.tcp.slowStartLimit = nil
        profile.tcp.holdsBehindSmallOnly = true
        profile.tcp.minimumRTOIsMargin = true
        return profile
    }
}

extension TCPConfiguration {
    /// What `tcp_syn_retries` or TCP_SYNCNT mean to Linux: so many retransmissions beyond the linear ones, or as long
    /// as so many doublings take, whichever ends first.
    mutating func setLinuxSYNRetries(_ retries: Int) {
        let retries = min(max(retries, 1), 127)
        synRetries = UInt8(clamping: retries + Int(synLinearTimeouts))
        synTimeLimit = .seconds((1 << Int64(min(retries + 1, 24))) - 1)
    }

    /// The number that ``setLinuxSYNRetries(_:)`` was given.
    var linuxSYNRetries: Int { max(Int(synRetries ?? 6) - Int(synLinearTimeouts), 1) }
}
