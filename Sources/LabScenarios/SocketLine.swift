import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

extension Laboratory {
    /// Adds what `ss -tno` on the server would show now of the half-open entry.
    func exhibitHalfOpen() {
        guard let tuple = server.watched, let entry = server.halfOpenEntry else { return }
        let timer = "timer:(on,\(Self.timer(entry.deadline - simulation.now)),\(entry.retransmissions))"
        let rows = [
            ["State", "Recv-Q", "Send-Q", "Local", "Peer", ""],
            ["SYN-RECV", "0", "0", "\(tuple.local)", "\(tuple.remote)", timer],
        ]
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " ")
        }
        exhibits.append(
            Conversation.Exhibit(
                title: "At \(simulation.now.readable), ss -tno on the server shows (netstat calls the state SYN_RECV):",
                lines: lines.map { String($0.reversed().drop { $0 == " " }.reversed()) }))
    }

    /// A timer as ss writes it: "850ms", "5.050sec".
    private static func timer(_ interval: Interval) -> String {
        let milliseconds = interval.milliseconds
        if milliseconds < 1_000 { return "\(milliseconds)ms" }
        let rest = String(1_000 + milliseconds % 1_000).dropFirst()
        return "\(milliseconds / 1_000)" + (milliseconds % 1_000 == 0 ? "sec" : ".\(rest)sec")
    }
}
