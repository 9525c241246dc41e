public import Netstack

/// What a stack reports of its listeners.
public enum StackReport: Hashable, Sendable {
    /// A flood of SYNs has begun, or is over.
    case flood(FloodReport)
    /// Attempts of one second that failed alike.
    case attempts(AttemptSummary)

    init?(next stack: inout NetworkStack) {
        if let flood = stack.nextFlood() {
            self = .flood(flood)
        } else if let summary = stack.nextSummary() {
            self = .attempts(summary)
        } else {
            return nil
        }
    }
}
