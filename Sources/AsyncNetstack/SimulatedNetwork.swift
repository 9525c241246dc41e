import Dispatch
public import NetPrimitives
public import Netstack
public import NetworkSimulation
import Synchronization

/// Async programs over simulated hosts, in virtual time: minutes take milliseconds, and a seed names one run.
///
/// The program and its child tasks (`async let`, task groups) run on the simulation's thread, one at a time, and the
/// clock goes on only when all of them wait. An unstructured `Task` is part of that when it is made with
/// ``TCPStack/executor``; made without, or waiting for the real clock, it works, but its runs are not the same each
/// time.
public enum SimulatedNetwork {
    /// Runs a program over a client and a server, ``TwoHosts``, with a link between them.
    /// - Parameters:
    ///   - seed: everything random follows from it.
    ///   - conditions: what the link does to packets, in both directions.
    ///   - configuration: how both stacks behave.
    ///   - names: hosts that both know; "client" and "server" are known anyway.
    ///   - program: the client's side and the server's side.
    public static func run<Result: Sendable>(
        seed: UInt64 = 1, conditions: LinkConditions = LinkConditions(), configuration: Configuration = Configuration(),
        names: [String: [IPAddress]] = [:],
        _ program: @escaping @Sendable (_ client: TCPStack, _ server: TCPStack) async throws -> Result
    ) async throws -> Result {
        let own = [
            "client": [false, true].map(TwoHosts.clientAddress), "server": [false, true].map(TwoHosts.serverAddress),
        ]
        return try await run(
            seed: seed, names: names.merging(own) { given, _ in given },
            build: { simulation in
                let hosts = simulation.twoHosts(conditions, configuration: configuration)
                return [hosts.client, hosts.server]
            },
            program: { stacks in try await program(stacks[0], stacks[1]) })
    }

    /// Runs a program over any network.
    /// - Parameters:
    ///   - build: makes the hosts and links; each host it returns becomes a stack, in that order.
    ///   - program: gets the stacks.
    public static func run<Result: Sendable>(
        seed: UInt64, names: [String: [IPAddress]] = [:], build: @escaping @Sendable (Simulation) -> [Host],
        program: @escaping @Sendable (_ stacks: [TCPStack]) async throws -> Result
    ) async throws -> Result {
        let run = Run<Result>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                run.start(seed, names, build, program) { continuation.resume(with: $0) }
            }
        } onCancel: {
            run.cancel()
        }
    }
}

/// One program's run: a thread, a simulation and the program's task.
private final class Run<Value: Sendable>: Sendable {
    private let executor: DriverExecutor
    private let preference: ThreadPreference
    private let signal = DispatchSemaphore(value: 0)
    private let state = Mutex(State())

    private struct State {
        var result: Result<Value, any Error>?
        var task: Task<Void, Never>?
        var isCancelled = false
    }

    /// How long, on the real clock, a simulation at rest waits for a job from elsewhere before it calls that a stall.
    private static var patience: DispatchTimeInterval { .seconds(10) }

    init() {
        executor = DriverExecutor("swift-tcp simulation")
        preference = ThreadPreference(executor)
    }

    func start(
        _ seed: UInt64, _ names: [String: [IPAddress]], _ build: @escaping @Sendable (Simulation) -> [Host],
        _ program: @escaping @Sendable ([TCPStack]) async throws -> Value,
        completion: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let wake: @Sendable () -> Void = { [signal] in signal.signal() }
        executor.start(wake: wake) {
            let simulation = Simulation(seed: seed, trace: .nothing)
            let engines = build(simulation).map { host in self.engine(of: host, in: simulation) }
            let stacks = engines.map { TCPStack($0, resolver: .table(names), preference: self.preference) }
            self.begin { try await program(stacks) }
            let result = self.loop(simulation, engines)
            for engine in engines { engine.assumeIsolated { $0.fail(.closed) } }
            completion(result)
        }
    }

    private func engine(of host: Host, in simulation: Simulation) -> Engine {
        let engine = Engine(Confined(value: SimulatedOwner(host, in: simulation)), on: executor)
        host.application = { [weak engine] event, _, _ in engine?.assumeIsolated { $0.handle(event) } }
        return engine
    }

    private func begin(_ program: @escaping @Sendable () async throws -> Value) {
        let task = Task(executorPreference: preference) {
            let result: Result<Value, any Error>
            do {
                result = .success(try await program())
            } catch {
                result = .failure(error)
            }
            self.state.withLock { $0.result = result }
        }
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// The program first, then the next event, until the program has ended.
    private func loop(_ simulation: Simulation, _ engines: [Engine]) -> Result<Value, any Error> {
        while true {
            if executor.drain(preference) { continue }
            if let result = state.withLock({ $0.result }) { return result }
            if simulation.step() { continue }
            if signal.wait(timeout: .now() + Self.patience) == .timedOut, !executor.hasWork {
                for engine in engines { engine.assumeIsolated { $0.fail(.stalled) } }
            }
        }
    }

    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }
}
