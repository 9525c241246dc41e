import Benchmark
import Netstack
import Workloads

/// The workloads of `rates` as benchmarks of package-benchmark, for its percentiles and its comparisons.
let benchmarks: @Sendable () -> Void = {
    unsafe Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], scalingFactor: .kilo, maxDuration: .seconds(5), maxIterations: 100)

    Benchmark("SYN, SYN-ACK: 64") { try run(SynFlood(.listener(standing: 0)), $0) }
    Benchmark("SYN, SYN-ACK beside 100,000 half-open: 64") { try run(SynFlood(.listener(standing: 100_000)), $0) }
    Benchmark("connect, accept, abort: 32") { try run(Handshakes(width: 32), $0) }
    Benchmark("connect to ESTABLISHED") { try run(Opening(), $0) }
    Benchmark("one byte there and back: 64") { try run(Echo(), $0) }
    Benchmark("bulk, MTU 1500: 64 packets") { try run(Transfer(mtu: 1_500, packets: 64), $0) }
    Benchmark("bulk, MTU 65535: 2 packets") { try run(Transfer(mtu: 65_535, packets: 2), $0) }
}

/// As many steps as the benchmark asks for, once tables and windows have grown.
private func run(_ workload: consuming some Workload & ~Copyable, _ benchmark: Benchmark) throws {
    for _ in 0..<1_000 {
        try workload.prepare()
        _ = try workload.step()
    }
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
        try workload.prepare()
        blackHole(try workload.step())
    }
    benchmark.stopMeasurement()
}
