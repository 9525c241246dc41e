import NetPrimitives
import Netstack
import Packetdrill

/// What `--so_flags` says: `name=value` with commas between them.
///
/// `local_ip` (as often as one likes) and `mtu` describe the interface; every other name is a line of a profile file.
/// Without any the stack behaves as `linux-defaults`.
struct InterfaceFlags {
    var addresses: [IPAddress] = []
    var mtu = 1500
    var configuration: Configuration

    init(parsing text: String) throws(ScriptError) {
        var lines: [Substring] = []
        for (index, pair) in text.split(separator: ",").enumerated() {
            let words = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = words.count == 2 ? String(words[1]) : ""
            func wrong(_ expected: String) -> ScriptError {
                ScriptError(
                    name: "so_flags", position: SourcePosition(line: index + 1, column: 1), expected: expected,
                    found: "'\(pair.prefix(40))'")
            }
            switch words[0] {
            case "local_ip":
                if let v4 = IPv4Address(value) {
                    addresses.append(.v4(v4))
                } else if let v6 = IPv6Address(value) {
                    addresses.append(.v6(v6))
                } else {
                    throw wrong("an address")
                }
            case "mtu":
                guard let number = Int(value), (68...65535).contains(number) else { throw wrong("an MTU") }
                mtu = number
            default:
                lines.append(pair)
            }
        }
        configuration = try ProfileFile.read(
            lines.joined(separator: "\n"), name: "so_flags",
            base: DrillProfile.named("linux-defaults") ?? Configuration())
    }
}
