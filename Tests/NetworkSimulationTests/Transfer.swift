import NetPrimitives
import Netstack
import NetworkSimulation

/// A client and a server that send each other a stream of known bytes, each way at once, and close.
final class Transfer {
    let simulation: Simulation
    let network: TwoHosts
    let listener: ListenerID
    let client: StreamEnd
    let server: StreamEnd
    /// The length of the first packet that was longer than its interface allows.
    private(set) var oversize: Int?

    init(
        seed: UInt64, _ conditions: LinkConditions, ipv6: Bool = false, bytes: Int = 1_000_000,
        configuration: Configuration = Configuration(), records: Bool = false, trace: Trace.Extent = .nothing
    ) throws {
        simulation = Simulation(seed: seed, trace: trace)
        network = simulation.twoHosts(conditions, configuration: configuration, records: records)
        let there = BytePattern(seed: seed)
        let back = BytePattern(seed: ~seed)
        client = StreamEnd(sends: there, expects: back, count: bytes)
        server = StreamEnd(sends: back, expects: there, count: bytes)
        let place = Endpoint(TwoHosts.serverAddress(ipv6: ipv6), 80)
        listener = try network.server.listen(on: place)
        network.client.application = { [client] event, host, _ in client.handle(event, on: host) }
        network.server.application = { [server] event, host, _ in
            if case .acceptable(let listener) = event {
                if let id = try? host.accept(listener) { server.begin(id, on: host) }
            } else {
                server.handle(event, on: host)
            }
        }
        for host in [network.client, network.server] {
            host.onInput = { [weak self] _, outcome, _ in self?.look(at: outcome, mtu: conditions.mtu) }
        }
        client.id = try network.client.connect(to: place)
    }

    private func look(at outcome: StackOutcome, mtu: Int) {
        guard case .packets(let packets) = outcome else { return }
        oversize = oversize ?? packets.first { $0.bytes.count > mtu }?.bytes.count
    }

    /// Whether either end has had everything that the other sent, and its end.
    var isComplete: Bool { client.isComplete && server.isComplete }

    /// What went wrong; `nil` when nothing did.
    var problem: String? {
        if let problem = client.problem { return "client: \(problem)" }
        if let problem = server.problem { return "server: \(problem)" }
        if !isComplete {
            return "stopped at \(client.received) and \(server.received) bytes, \(simulation.now.seconds) s"
        }
        for host in [network.client, network.server] {
            let tables = host.inspect { $0.tables }
            if !tables.isEmpty { return "\(host.name) is left with \(tables)" }
        }
        return nil
    }
}

/// One end of a ``Transfer``.
final class StreamEnd {
    private let sends: BytePattern
    private let expects: BytePattern
    private let count: Int
    var id: ConnectionID?
    private(set) var sent = 0
    private(set) var received = 0
    private(set) var isComplete = false
    private(set) var problem: String?
    /// Reads nothing while false.
    var isReading = true
    /// When it had everything.
    private(set) var completedAt: Instant?

    init(sends: BytePattern, expects: BytePattern, count: Int) {
        self.sends = sends
        self.expects = expects
        self.count = count
    }

    func begin(_ id: ConnectionID, on host: Host) {
        self.id = id
        write(on: host)
    }

    func handle(_ event: StackEvent, on host: Host) {
        switch event {
        case .established, .writable: write(on: host)
        case .readable, .readClosed: read(on: host)
        case .closed(let id):
            if let failure = try? host.failure(of: id) {
                problem = problem ?? "\(failure) after \(received) of \(count) bytes"
            }
            read(on: host)
        case .acceptable, .reported, .requested, .withdrawn: break
        }
    }

    private func write(on host: Host) {
        guard let id else { return }
        do {
            while sent < count {
                let taken = try host.write(id, sends.bytes(at: sent, count: min(count - sent, 16_384)))
                sent += taken
                if taken == 0 { return }
            }
            if isComplete { try host.close(id) } else { try host.shutdown(id) }
        } catch {
            problem = problem ?? "write: \(error)"
        }
    }

    func read(on host: Host) {
        guard isReading, !isComplete, let id else { return }
        do {
            while true {
                let bytes = try host.read(id)
                if bytes.isEmpty { break }
                if let place = expects.firstMismatch(bytes, at: received) { problem = problem ?? "wrong byte \(place)" }
                received += bytes.count
            }
            isComplete = true
            completedAt = host.now
            if received != count { problem = problem ?? "ended after \(received) of \(count) bytes" }
            if sent == count { try host.close(id) }
        } catch .wouldBlock {
        } catch {
            problem = problem ?? "read: \(error)"
        }
    }
}
