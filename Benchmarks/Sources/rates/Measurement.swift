import Netstack
import Workloads

/// How long to run.
enum Mode {
    case timed(samples: Int, seconds: Double)
    case steps(Int)
}

/// Rates in units a second, one a sample, in order; and how long single steps of one unit took.
struct Measurement {
    var rates: [Double] = []
    var units = 0
    /// Steps of the last sample in nanoseconds, in order; only where a step is one unit.
    var latencies: [Int64] = []

    func line(_ row: Row) -> String {
        guard let least = rates.first, let most = rates.last else { return "\(row.name): \(units) units" }
        func text(_ rate: Double) -> String { Self.rounded(rate / row.scale) }
        let name = row.name + String(repeating: " ", count: max(20 - row.name.count, 1))
        var line = "\(name)\(text(rates[rates.count / 2])) [\(text(least))-\(text(most))] \(row.unit)"
        if !latencies.isEmpty { line += ", p50 \(percentile(50)) ns, p99 \(percentile(99)) ns" }
        return line
    }

    func json(_ row: Row) -> String {
        let scaled = rates.map { Self.rounded($0 / row.scale) }.joined(separator: ",")
        let latency = latencies.isEmpty ? "" : #","p50_ns":\#(percentile(50)),"p99_ns":\#(percentile(99))"#
        return #"{"workload":"\#(row.name)","unit":"\#(row.unit)","samples":[\#(scaled)],"units":\#(units)\#(latency)}"#
    }

    private func percentile(_ percent: Int) -> Int64 { latencies[latencies.count * percent / 100] }

    /// Four digits are more than the noise leaves.
    private static func rounded(_ value: Double) -> String {
        let digits: Double = value >= 100 ? 1 : value >= 10 ? 10 : 1_000
        return "\((value * digits).rounded() / digits)"
    }
}

/// Runs a workload and takes the time of its steps alone.
func measure(_ workload: consuming some Workload & ~Copyable, _ mode: Mode) throws -> Measurement {
    var measurement = Measurement()
    switch mode {
    case .steps(let count):
        for _ in 0..<count {
            try workload.prepare()
            measurement.units += try timedStep(&workload)
        }
    case .timed(let samples, let seconds):
        _ = try sample(&workload, seconds: seconds / 4)
        for _ in 0..<samples {
            let (units, spent, steps) = try sample(&workload, seconds: seconds)
            measurement.rates.append(Double(units) / spent)
            measurement.units += units
            measurement.latencies = steps
        }
        measurement.rates.sort()
    }
    return measurement
}

/// What a profiler looks at: `--toggle-collect` takes its name.
@inline(never)
func timedStep(_ workload: inout some Workload & ~Copyable) throws(StackError) -> Int { try workload.step() }

private func sample(_ workload: inout some Workload & ~Copyable, seconds: Double) throws
    -> (units: Int, spent: Double, latencies: [Int64])
{
    let clock = ContinuousClock()
    let limit = Duration.seconds(seconds)
    var spent = Duration.zero
    var units = 0
    var latencies: [Int64] = []
    latencies.reserveCapacity(1 << 21)
    while spent < limit {
        try workload.prepare()
        let began = clock.now
        let done = try timedStep(&workload)
        let took = began.duration(to: clock.now)
        spent += took
        units += done
        if done == 1, latencies.count < latencies.capacity {
            latencies.append(took.components.attoseconds / 1_000_000_000)
        }
    }
    latencies.sort()
    return (units, spent / .seconds(1), latencies)
}
