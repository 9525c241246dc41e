import ArgumentParser
import Netstack

/// What is to be decided about connection requests, and at which port: `refuse@81`, `reject=host-unreachable`.
struct DecisionArgument: Hashable, Sendable {
    let decision: RequestDecision
    /// `nil` for the port that is served.
    let port: UInt16?

    init(parsing text: String) throws {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else { throw Self.unknown }
        port = try parts.count == 2 ? AddressArgument.port(parts[1]) : nil
        switch parts[0] {
        case "accept": decision = .accept
        case "refuse": decision = .refuse
        case "ignore": decision = .ignore
        default:
            let words = parts[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard words[0] == "reject" else { throw Self.unknown }
            guard words.count == 2, let reason = Reason.named(String(words[1])) else {
                throw ValidationError("A rejection has a reason: \(Reason.list).")
            }
            decision = .reject(reason)
        }
    }

    private static let unknown = ValidationError(
        "A decision is accept, refuse, reject=CODE or ignore, with @PORT behind it for another port: "
            + "reject=host-unreachable@81.")

    /// The reasons under the names that iptables' and ip6tables' REJECT have for them, and the numbers that ICMP has
    /// for IPv4.
    enum Reason {
        private static let all: [(reason: UnreachableReason, names: [String])] = [
            (.network, ["net-unreachable", "network-unreachable", "no-route"]),
            (.host, ["host-unreachable", "addr-unreachable", "addr-unreach"]),
            (.transport, ["proto-unreachable", "protocol-unreachable"]), (.port, ["port-unreachable"]),
            (.networkProhibited, ["net-prohibited"]), (.hostProhibited, ["host-prohibited"]),
            (.administrativelyProhibited, ["admin-prohibited", "adm-prohibited"]),
        ]

        static func named(_ text: String) -> UnreachableReason? {
            let prefix = ["icmp-", "icmp6-"].first { text.hasPrefix($0) } ?? ""
            let name = String(text.dropFirst(prefix.count))
            if prefix.isEmpty, let code = UInt8(text) {
                return all.first { $0.reason.code(isIPv6: false) == code }?.reason
            }
            return all.first { $0.names.contains(name) }?.reason
        }

        static func name(of reason: UnreachableReason) -> String {
            all.first { $0.reason == reason }?.names.first ?? "unreachable"
        }

        /// Each with its number.
        static var list: String {
            let words = all.map { "\($0.names.first ?? "") (\($0.reason.code(isIPv6: false)))" }
            return words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        }
    }
}

extension RequestDecision {
    /// As it stands on the command line.
    var argument: String {
        switch self {
        case .accept: "accept"
        case .refuse: "refuse"
        case .reject(let reason): "reject=\(DecisionArgument.Reason.name(of: reason))"
        case .ignore: "ignore"
        }
    }

    /// What has been done: "rejected (host-unreachable)".
    var deed: String {
        switch self {
        case .accept: "accepted"
        case .refuse: "refused"
        case .reject(let reason): "rejected (\(DecisionArgument.Reason.name(of: reason)))"
        case .ignore: "ignored"
        }
    }
}
