import ArgumentParser
import LabScenarios
import NetPrimitives
import NetworkDevices

/// `tcp lab --loopback`: many connections between two stacks of this process, on the real clock.
enum LoopbackMeasurement {
    static let warmUp = 10_000
    static let connections = 100_000

    /// - Returns: what it came to, in lines.
    static func run(_ settings: LabSettings) throws -> [String] {
        func now() -> Instant { MonotonicClock.now }
        var loopback = try Loopback(settings)
        for _ in 0..<warmUp { _ = try loopback.connect(now) }
        var times: [Interval] = []
        times.reserveCapacity(connections)
        for _ in 0..<connections { times.append(try loopback.connect(now)) }
        times.sort()
        return [
            "connect() to ESTABLISHED, both ends in this process, \(settings.usesIPv6 ? "IPv6" : "IPv4"), "
                + "\(connections) connections after \(warmUp) to warm up:",
            "  p50 \(microseconds(percentile(50, of: times)))",
            "  p99 \(microseconds(percentile(99, of: times)))",
        ]
    }

    /// The smallest time that is not exceeded by `percent` of the times, which are sorted and not none.
    static func percentile(_ percent: Int, of times: [Interval]) -> Interval {
        times[max(0, (times.count * percent + 99) / 100 - 1)]
    }

    /// "0.84 us"
    static func microseconds(_ interval: Interval) -> String {
        let hundredths = (interval.nanoseconds + 5) / 10
        let fraction = String(100 + hundredths % 100).dropFirst()
        return "\(hundredths / 100).\(fraction) us"
    }
}
