import Dispatch
import Synchronization

/// One thread for one driver, as an executor: what is isolated to the driver, or prefers it, runs here, in order.
///
/// The thread runs the driver's loop, and the loop calls ``drain()`` between its turns. When the loop has ended, and
/// before it has begun, jobs run one by one on the same queue, so that nothing that waits for the driver waits for ever.
///
/// Tasks prefer the thread by a ``ThreadPreference``, so that jobs can be run as what they are: the runtime changes executors,
/// which costs a trip through the queue, at every call of an async function whose task runs under another preference
/// than its own.
final class DriverExecutor: SerialExecutor {
    private enum Work {
        /// Of the driver's actor.
        case job(UnownedJob)
        /// Of a task that prefers this thread.
        case preferredJob(UnownedJob, ThreadPreference)
        case call(@Sendable () -> Void)
    }

    private struct State {
        var work: [Work] = []
        var isLooping = false
        var isStopping = false
        var wake: (@Sendable () -> Void)?
    }

    private let queue: DispatchQueue
    private let state = Mutex(State())
    /// Which thread runs this executor's work now; 0 when none does.
    private let thread = Atomic<UInt>(0)

    init(_ label: String) { queue = DispatchQueue(label: label) }

    // MARK: Work

    func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }
    fileprivate func enqueue(_ job: UnownedJob, by preference: ThreadPreference) { add(.preferredJob(job, preference)) }

    /// Has `call` run on the thread, after what waits already.
    func post(_ call: @escaping @Sendable () -> Void) { add(.call(call)) }

    /// Runs `body` on the thread and waits for it. On the thread itself it runs at once.
    func sync<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
        if isOnThread { return body() }
        let result = Mutex<Result?>(nil)
        let done = DispatchSemaphore(value: 0)
        post {
            let value = body()
            result.withLock { $0 = value }
            done.signal()
        }
        done.wait()
        guard let value = result.withLock({ $0 }) else { preconditionFailure("the call has run") }
        return value
    }

    private func add(_ work: Work) {
        let (isLooping, wake) = state.withLock { state in
            state.work.append(work)
            return (state.isLooping, state.wake)
        }
        if !isLooping {
            queue.async { self.runAlone() }
        } else if !isOnThread {
            wake?()
        }
    }

    /// Runs what waits; what that adds waits for the next call.
    /// - Parameter preference: that of the tasks that call the driver, if they have one.
    /// - Returns: whether there was anything.
    @discardableResult
    func drain(_ preference: ThreadPreference? = nil) -> Bool {
        let waiting = state.withLock { state in
            defer { state.work.removeAll(keepingCapacity: true) }
            return state.work
        }
        for work in waiting {
            switch work {
            case .call(let call): call()
            case .job(let job):
                if let preference {
                    unsafe job.runSynchronously(
                        isolatedTo: asUnownedSerialExecutor(), taskExecutor: preference.asUnownedTaskExecutor())
                } else {
                    unsafe job.runSynchronously(on: asUnownedSerialExecutor())
                }
            case .preferredJob(let job, let preference):
                unsafe job.runSynchronously(on: preference.asUnownedTaskExecutor())
            }
        }
        return !waiting.isEmpty
    }

    var hasWork: Bool { state.withLock { !$0.work.isEmpty } }

    // MARK: The loop

    /// Begins the driver's loop on the thread. Once in an executor's life.
    /// - Parameters:
    ///   - wake: ends a sleep of the loop, from any thread.
    ///   - loop: returns when ``isStopping`` says so.
    func start(wake: @escaping @Sendable () -> Void, loop: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.wake = wake
            state.isLooping = true
        }
        queue.async {
            self.whileOnThread {
                loop()
                self.state.withLock { state in
                    state.isLooping = false
                    state.wake = nil
                }
                self.drainAll()
            }
        }
    }

    /// Asks the loop to end.
    func stop() {
        let wake = state.withLock { state in
            state.isStopping = true
            return state.wake
        }
        wake?()
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    private func runAlone() { whileOnThread { drainAll() } }

    private func drainAll() {
        while drain() {}
    }

    private func whileOnThread(_ body: () -> Void) {
        thread.store(ThreadNumber.current, ordering: .releasing)
        body()
        thread.store(0, ordering: .releasing)
    }

    // MARK: Isolation

    /// Whether the caller runs on this executor's thread.
    var isOnThread: Bool { thread.load(ordering: .acquiring) == ThreadNumber.current }

    func checkIsolated() { precondition(isOnThread, "on the driver's thread") }

    func isIsolatingCurrentContext() -> Bool? { isOnThread }
}

/// A driver's thread as a preference of tasks.
final class ThreadPreference: TaskExecutor {
    let executor: DriverExecutor

    init(_ executor: DriverExecutor) { self.executor = executor }

    func enqueue(_ job: consuming ExecutorJob) { executor.enqueue(UnownedJob(job), by: self) }
}
