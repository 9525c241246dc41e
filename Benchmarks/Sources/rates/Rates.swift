import ArgumentParser
import Netstack
import Workloads

/// A workload by its name, and how its rate is told.
struct Row: Sendable {
    var name: String
    var unit: String
    /// Units of the workload to one of ``unit``.
    var scale: Double
    var run: @Sendable (Mode) throws -> Measurement
}

let rows: [Row] = [
    Row(name: "syn", unit: "M SYN/s", scale: 1e6) { try measure(SynFlood(.listener(standing: 0)), $0) },
    Row(name: "syn-100k", unit: "M SYN/s", scale: 1e6) { try measure(SynFlood(.listener(standing: 100_000)), $0) },
    Row(name: "syn-refused", unit: "M SYN/s", scale: 1e6) { try measure(SynFlood(.closedPort), $0) },
    Row(name: "syn-dropped", unit: "M SYN/s", scale: 1e6) { try measure(SynFlood(.fullQueue(cookies: nil)), $0) },
    Row(name: "syn-cookies", unit: "M SYN/s", scale: 1e6) { try measure(SynFlood(.fullQueue(cookies: .classic)), $0) },
    Row(name: "forged-acks", unit: "M ACK/s", scale: 1e6) { try measure(SynFlood(.forgedAcks), $0) },
    Row(name: "handshakes", unit: "M/s", scale: 1e6) { try measure(Handshakes(width: 32), $0) },
    Row(name: "handshakes-single", unit: "M/s", scale: 1e6) { try measure(Handshakes(width: 1), $0) },
    Row(name: "connect", unit: "M/s", scale: 1e6) { try measure(Opening(), $0) },
    Row(name: "echo", unit: "M round trips/s", scale: 1e6) { try measure(Echo(), $0) },
    Row(name: "bulk-1500", unit: "Gbit/s", scale: 1.25e8) { try measure(Transfer(mtu: 1_500, packets: 64), $0) },
    Row(name: "bulk-65535", unit: "Gbit/s", scale: 1.25e8) { try measure(Transfer(mtu: 65_535, packets: 2), $0) },
]

@main
struct Rates: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Runs each workload several times on one core and prints the median rate with the least and the most.",
        discussion: """
            Example: taskset -c 1 rates --samples 9 handshakes echo
            For a profiler: rates --steps 100000 echo (no clock, no warm-up)
            """)

    @Argument(help: "Workloads; all when none is named: \(rows.map(\.name).joined(separator: ", ")).")
    var names: [String] = []
    @Option(help: "How often each workload is measured.")
    var samples = 5
    @Option(help: "Seconds that each measurement takes.")
    var seconds = 1.0
    @Option(help: "Run exactly so many steps of each workload instead, untimed.")
    var steps: Int?
    @Flag(help: "Print JSON lines.")
    var json = false

    func validate() throws {
        for name in names where !rows.contains(where: { $0.name == name }) {
            throw ValidationError("No workload '\(name)'. There are: \(rows.map(\.name).joined(separator: ", ")).")
        }
        guard samples > 0, seconds > 0 else { throw ValidationError("--samples and --seconds are more than 0.") }
    }

    func run() throws {
        let mode: Mode = steps.map { .steps($0) } ?? .timed(samples: samples, seconds: seconds)
        for row in rows where names.isEmpty || names.contains(row.name) {
            let measurement = try row.run(mode)
            print(json ? measurement.json(row) : measurement.line(row))
        }
    }
}
