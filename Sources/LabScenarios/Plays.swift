import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

extension Scenario {
    /// How the scenario goes under these circumstances.
    func play(_ settings: LabSettings) -> Play {
        let rtt = settings.roundTrip
        let there = Interval(nanoseconds: rtt.nanoseconds / 2)
        switch self {
        case .handshake: return .opening(after: .zero, rtt, there)
        default: return .opening(after: .zero, rtt, there)
        }
    }
}

// MARK: - Connections that come about

extension Play {
    /// The whole of a connection that is opened at once or after some trouble.
    /// - Parameter delay: how much later than without trouble the client's SYN or the server's SYN-ACK got through.
    static func opening(after delay: Interval, _ rtt: Interval, _ there: Interval) -> Play {
        Play([
            .established(.left, at: delay + rtt), .established(.right, at: delay + rtt + there),
            .queued(accepted: delay + rtt + there), .exchanged, .entered(.left, "TIME-WAIT"), .emptied,
        ]) { lab throws(StackError) in
            try lab.serve()
            try lab.request()
        }
    }
}
