import Benchmark
import Netstack
import Workloads

/// The workloads of `rates` as benchmarks of package-benchmark: its percentiles, its comparisons.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(metrics: [.wallClock, .throughput], maxDuration: .seconds(3))

    Benchmark("64 SYNs, 64 SYN-ACKs") { try run(SynFlood(.listener(standing: 0)), $0) }
    Benchmark("64 SYNs, 64 SYN-ACKs, beside 100,000") { try run(SynFlood(.listener(standing: 100_000)), $0) }
    Benchmark("32 times connect, accept, abort") { try run(Handshakes(width: 32), $0) }
    Benchmark("connect to ESTABLISHED") { try run(Opening(), $0) }
    Benchmark("64 round trips of a byte") { try run(Echo(), $0) }
    Benchmark("bulk, MTU 1500, a batch of 64 packets") { try run(Transfer(mtu: 1_500, packets: 64), $0) }
    Benchmark("bulk, MTU 65535, a batch of 4 packets") { try run(Transfer(mtu: 65_535, packets: 4), $0) }
}

/// One step an iteration, after a warm-up that fills tables and windows.
private func run(_ workload: consuming some Workload & ~Copyable, _ benchmark: Benchmark) throws {
    for _ in 0..<1_000 {
        try workload.prepare()
        _ = try workload.step()
    }
    try workload.prepare()
    benchmark.startMeasurement()
    blackHole(try workload.step())
    benchmark.stopMeasurement()
}
