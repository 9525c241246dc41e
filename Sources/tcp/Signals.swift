import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGINT and SIGTERM as something to wait for; the second one ends the process at once. SIGPIPE is left to whoever
/// writes, and learns of it there.
final class Signals: Sendable {
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "signals")

    private struct State {
        var received: Int32?
        var waiters: [CheckedContinuation<Int32?, Never>] = []
        var sources: [Retained] = []
    }

    /// Keeps a source alive; nobody touches it.
    private struct Retained: @unchecked Sendable {
        let source: any DispatchSourceSignal
    }

    /// - Parameter status: called on SIGUSR1.
    init(status: (@Sendable () -> Void)? = nil) {
        signal(SIGPIPE, SIG_IGN)
        watch(SIGINT) { self.arrived(SIGINT) }
        watch(SIGTERM) { self.arrived(SIGTERM) }
        if let status { watch(SIGUSR1, status) }
    }

    private func watch(_ number: Int32, _ action: @escaping @Sendable () -> Void) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler { action() }
        source.resume()
        let retained = Retained(source: source)
        state.withLock { $0.sources.append(retained) }
    }

    private func arrived(_ number: Int32) {
        let waiters = state.withLock { state -> [CheckedContinuation<Int32?, Never>]? in
            if state.received != nil { return nil }
            state.received = number
            defer { state.waiters = [] }
            return state.waiters
        }
        guard let waiters else { _exit(128 + number) }
        for waiter in waiters { waiter.resume(returning: number) }
    }

    /// Waits for the first signal.
    /// - Returns: its number; `nil` when the task is cancelled.
    func first() async -> Int32? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (received, isOver) = state.withLock { state in
                    let isOver = state.received != nil || Task.isCancelled
                    if !isOver { state.waiters.append(continuation) }
                    return (state.received, isOver)
                }
                if isOver { continuation.resume(returning: received) }
            }
        } onCancel: {
            let waiters = state.withLock { state in
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume(returning: nil) }
        }
    }
}
