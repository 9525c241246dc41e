import ArgumentParser
import NetPrimitives
import Synchronization

/// What many attempts came to, as ping sums it up.
final class PingStatistics: Sendable {
    private let name: String
    private let state = Mutex(State())

    private struct State {
        var times: [Interval] = []
        var failures = 0
        var last: ExitCode?
    }

    /// For programs.
    struct Record: Encodable {
        var event = "statistics"
        let attempts: Int
        let established: Int
        /// Milliseconds; absent when none was established.
        let min: Double?
        let avg: Double?
        let max: Double?
        let mdev: Double?
    }

    init(_ name: String) { self.name = name }

    func add(_ took: Interval) { state.withLock { $0.times.append(took) } }

    func add(_ error: any Error) {
        state.withLock { state in
            state.failures += 1
            state.last = Failure.exitCode(error)
        }
    }

    /// 0 when at least one was established, as with ping; else what the last failure says.
    var exitCode: ExitCode {
        state.withLock { $0.times.isEmpty ? $0.last ?? Failure.interrupted : .success }
    }

    var record: Record {
        let (times, failures) = state.withLock { ($0.times.map { Double($0.nanoseconds) / 1e6 }, $0.failures) }
        let attempts = times.count + failures
        guard let least = times.min(), let most = times.max() else {
            return Record(attempts: attempts, established: 0, min: nil, avg: nil, max: nil, mdev: nil)
        }
        let mean = times.reduce(0, +) / Double(times.count)
        // As ping computes it: the root of the mean square less the square of the mean.
        let variance = times.reduce(0) { $0 + $1 * $1 } / Double(times.count) - mean * mean
        return Record(
            attempts: attempts, established: times.count, min: Self.rounded(least), avg: Self.rounded(mean),
            max: Self.rounded(most), mdev: Self.rounded(Swift.max(variance, 0).squareRoot()))
    }

    var words: String {
        let record = record
        let failed = record.attempts - record.established
        let share = record.attempts == 0 ? 0 : failed * 100 / record.attempts
        var text = "--- \(name) connect statistics ---\n"
        text += "\(record.attempts) attempts, \(record.established) established, \(share)% failed"
        if let least = record.min, let mean = record.avg, let most = record.max, let deviation = record.mdev {
            text +=
                "\nmin/avg/max/mdev = "
                + [least, mean, most, deviation].map(Self.text).joined(separator: "/") + " ms"
        }
        return text
    }

    private static func rounded(_ milliseconds: Double) -> Double { (milliseconds * 1000).rounded() / 1000 }

    /// Three decimals.
    private static func text(_ milliseconds: Double) -> String {
        let thousandths = Int((milliseconds * 1000).rounded())
        return "\(thousandths / 1000)." + String(1000 + thousandths % 1000).dropFirst()
    }
}
