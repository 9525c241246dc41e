import ArgumentParser
import AsyncNetstack
import Netstack

/// How `tcp serve` and `tcp connect` end: their exit statuses.
enum Failure {
    static let refused = ExitCode(1)
    static let timedOut = ExitCode(3)
    static let unreachable = ExitCode(4)
    static let reset = ExitCode(5)
    static let local = ExitCode(6)
    static let interrupted = ExitCode(130)

    /// The exit status for an error.
    static func exitCode(_ error: any Error) -> ExitCode {
        switch error {
        case NetstackError.connection(let failure, _):
            switch failure {
            case .refused: refused
            case .timedOut, .peerSilent: timedOut
            case .unreachable: unreachable
            case .reset: reset
            case .aborted: interrupted
            }
        case NetstackError.closed, is CancellationError: interrupted
        case OutputError.cannotCreate: local
        case let error as OutputError: error.exitCode
        case let code as ExitCode: code
        default: local
        }
    }

    /// One word for it, for programs.
    static func verdict(_ error: any Error) -> String {
        switch exitCode(error) {
        case refused: "refused"
        case timedOut: "timed-out"
        case unreachable: "unreachable"
        case reset: "reset"
        case interrupted: "interrupted"
        default: "local-error"
        }
    }
}
