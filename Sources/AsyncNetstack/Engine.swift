import NetPrimitives
import Netstack
import NetworkDevices

/// A value that goes to the driver's thread and is touched only there.
struct Confined<Value>: @unchecked Sendable {
    let value: Value
}

/// The one place where a stack, what waits for it and its packets come together; runs on the driver's thread.
///
/// A call that finds nothing to do waits for an event of the stack and tries again: so an event too many does no harm,
/// and the stack alone decides.
actor Engine {
    nonisolated let executor: DriverExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    let owner: any StackOwner
    private var waiters: [Occasion: [Waiter]] = [:]
    private var tickets: UInt64 = 0
    /// Counts what was told, so that nothing is missed between a try and the wait after it.
    private(set) var news: UInt64 = 0
    /// What came for a waiter before it was suspended.
    private var early: [UInt64: Result<Void, any Error>] = [:]
    /// Handles that the program holds.
    private var open: Set<ConnectionID> = []
    /// Those of them whose connection is over.
    private var over: Set<ConnectionID> = []
    private(set) var listeners: Set<ListenerID> = []
    /// What is open of listeners that ask.
    var requests = RequestBook()
    /// Attempts that were given up before the stack did, until their caller knows.
    private var expired: [ConnectionID: ConnectionAttempt] = [:]
    /// Why the engine takes no more calls.
    private var end: NetstackError?
    private var complain: @Sendable (String) -> Void = { _ in }

    init(_ owner: Confined<any StackOwner>, on executor: DriverExecutor) {
        self.owner = owner.value
        self.executor = executor
    }

    deinit { executor.stop() }

    /// What somebody may wait for.
    enum Occasion: Hashable {
        case opening(ConnectionID)
        case readable(ConnectionID)
        case writable(ConnectionID)
        case acceptable(ListenerID)
        case reported
        case requested(ListenerID)
        /// A connection that was accepted before it was one.
        case claimed(FourTuple)
        case withdrawn(RequestID)
        case time(UInt64)
    }

    private struct Waiter {
        let ticket: UInt64
        /// `nil` until the task is really suspended.
        var continuation: CheckedContinuation<Void, any Error>?
    }

    /// Where a connection that was dropped without being closed is told.
    func onComplaint(_ complain: @escaping @Sendable (String) -> Void) { self.complain = complain }
}

// MARK: - Waiting

extension Engine {
    /// Waits for an occasion.
    ///
    /// On the way to its suspension a task may leave the thread for a moment, at any call of an async function: the
    /// runtime changes executors when the task's preferred one is not that under which it runs. So what was told since
    /// the try that found nothing is a reason to try again; then the task takes its place in the queue, and an occasion
    /// that comes before its continuation does is kept for it.
    /// - Parameter before: ``news`` before that try.
    /// - Throws: `CancellationError` when the task is cancelled; ``NetstackError`` when the engine has ended.
    func wait(for occasion: Occasion, since before: UInt64) async throws {
        if let end { throw end }
        if news != before { return }
        tickets += 1
        let ticket = tickets
        waiters[occasion, default: []].append(Waiter(ticket: ticket))
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { park($0, ticket, occasion) }
        } onCancel: {
            executor.post { [weak self] in self?.assumeIsolated { $0.cancel(ticket, of: occasion) } }
        }
    }

    private func park(_ continuation: CheckedContinuation<Void, any Error>, _ ticket: UInt64, _ occasion: Occasion) {
        if let result = early.removeValue(forKey: ticket) { return continuation.resume(with: result) }
        guard let index = waiters[occasion]?.firstIndex(where: { $0.ticket == ticket }) else { return }
        waiters[occasion]?[index].continuation = continuation
    }

    private func resume(_ waiter: Waiter, with result: Result<Void, any Error>) {
        if let continuation = waiter.continuation {
            continuation.resume(with: result)
        } else {
            early[waiter.ticket] = result
        }
    }

    private func cancel(_ ticket: UInt64, of occasion: Occasion) {
        guard let index = waiters[occasion]?.firstIndex(where: { $0.ticket == ticket }),
            let waiter = waiters[occasion]?.remove(at: index)
        else { return }
        if waiters[occasion]?.isEmpty == true { waiters[occasion] = nil }
        resume(waiter, with: .failure(CancellationError()))
    }

    func resume(_ occasion: Occasion) {
        news &+= 1
        for waiter in waiters.removeValue(forKey: occasion) ?? [] { resume(waiter, with: .success(())) }
    }

    /// The stack has something to tell.
    func handle(_ event: StackEvent) {
        switch event {
        case .acceptable(let listener):
            collectClaimed(from: listener)
            resume(.acceptable(listener))
        case .requested(let id): requestCame(id)
        case .withdrawn(let id, let reason): requestWithdrawn(id, reason)
        case .reported: resume(.reported)
        case .established(let id): resume(.opening(id))
        case .readable(let id), .readClosed(let id): resume(.readable(id))
        case .writable(let id): resume(.writable(id))
        case .closed(let id):
            if open.contains(id) { over.insert(id) }
            resumeAll(of: id)
        }
    }

    private func resumeAll(of id: ConnectionID) {
        resume(.opening(id))
        resume(.readable(id))
        resume(.writable(id))
    }

    /// Nothing comes any more: all who wait are told, and all calls to come.
    func fail(_ error: NetstackError) {
        if end == nil { end = error }
        let all = waiters
        waiters = [:]
        for waiter in all.values.joined() { resume(waiter, with: .failure(error)) }
    }

    /// Waits for a time to pass.
    func pause(_ interval: Interval) async throws {
        let due = owner.now + interval
        tickets += 1
        let occasion = Occasion.time(tickets)
        schedule(after: interval) { $0.resume(occasion) }
        while case let before = news, owner.now < due { try await wait(for: occasion, since: before) }
    }

    private func schedule(after interval: Interval, _ action: @escaping @Sendable (isolated Engine) -> Void) {
        owner.schedule(after: interval) { [weak self] in self?.assumeIsolated { action($0) } }
    }
}

// MARK: - Connections

extension Engine {
    /// OPEN, and the wait for how it goes.
    /// - Parameter timeout: how long to wait before the attempt is given up; `nil` leaves that to the stack.
    func connect(to remote: Endpoint, from local: Endpoint?, timeout: Interval?) async throws -> TCPConnection {
        if let end { throw end }
        try Task.checkCancellation()
        let id = try call { owner throws(StackError) in try owner.connect(to: remote, from: local) }
        if let timeout { schedule(after: timeout) { $0.giveUp(id, after: timeout) } }
        defer { expired[id] = nil }
        do {
            while true {
                let before = news
                if let attempt = expired[id] { throw NetstackError.connection(.timedOut(attempt), peer: remote) }
                if let failure = try call({ owner throws(StackError) in try owner.failure(of: id) }) {
                    throw NetstackError.connection(failure, peer: remote)
                }
                let isUnderWay = try call { owner throws(StackError) in try owner.attempt(of: id) != nil }
                if !isUnderWay { return try handOver(id) }
                try await wait(for: .opening(id), since: before)
            }
        } catch {
            try? owner.abort(id)
            throw error
        }
    }

    /// The caller's patience with an attempt is over: not one more SYN.
    private func giveUp(_ id: ConnectionID, after timeout: Interval) {
        guard var attempt = try? owner.attempt(of: id), attempt.verdict == .pending else { return }
        attempt.endedAt = attempt.startedAt + timeout
        expired[id] = attempt
        try? owner.abort(id)
        resume(.opening(id))
    }

    func handOver(_ id: ConnectionID) throws(NetstackError) -> TCPConnection {
        let tuple = try call { owner throws(StackError) in try owner.info(of: id).tuple }
        open.insert(id)
        return TCPConnection(
            id, of: self, local: Endpoint(tuple.localAddress, tuple.localPort),
            remote: Endpoint(tuple.remoteAddress, tuple.remotePort))
    }

    func read(_ id: ConnectionID, upTo limit: Int) async throws -> [UInt8] {
        while true {
            let before = news
            do throws(StackError) {
                try checkUse(of: id)
                return try owner.read(id, limit: limit)
            } catch .wouldBlock {
                try await waitOrAbort(.readable(id), id, since: before)
            } catch {
                throw translate(error, id)
            }
        }
    }

    func write(_ id: ConnectionID, _ bytes: [UInt8]) async throws {
        var done = 0
        while done < bytes.count {
            let before = news
            let taken: Int
            do throws(StackError) {
                try checkUse(of: id)
                taken = try owner.write(id, bytes, from: done)
            } catch {
                throw translate(error, id)
            }
            done += taken
            // Only a write that found no room is told when there is some.
            if taken == 0 { try await waitOrAbort(.writable(id), id, since: before) }
        }
    }

    /// A task that is cancelled while it uses a connection takes the connection with it.
    private func waitOrAbort(_ occasion: Occasion, _ id: ConnectionID, since before: UInt64) async throws {
        do {
            if Task.isCancelled { throw CancellationError() }
            try await wait(for: occasion, since: before)
        } catch {
            if error is CancellationError { abort(id) }
            throw error
        }
    }

    private func checkUse(of id: ConnectionID) throws(StackError) {
        guard open.contains(id) else { throw .staleHandle }
    }

    func closeWrite(_ id: ConnectionID) throws {
        try call { owner throws(StackError) in try owner.shutdown(id) }
    }

    func setNoDelay(_ noDelay: Bool, of id: ConnectionID) throws {
        try call { owner throws(StackError) in try owner.setNoDelay(noDelay, of: id) }
    }

    func close(_ id: ConnectionID) {
        guard open.remove(id) != nil else { return }
        try? owner.close(id)
        letGo(id)
    }

    func abort(_ id: ConnectionID) {
        guard open.remove(id) != nil else { return }
        try? owner.abort(id)
        letGo(id)
    }

    private func letGo(_ id: ConnectionID) {
        over.remove(id)
        resumeAll(of: id)
    }

    /// The program's last reference to a connection is gone.
    func dropped(_ id: ConnectionID, remote: Endpoint) {
        guard open.contains(id) else { return }
        complain("the connection to \(remote) was dropped without close(): closed now")
        close(id)
    }

    func info(of id: ConnectionID) throws -> ConnectionInfo {
        try call { owner throws(StackError) in try owner.info(of: id) }
    }

    /// A call of the stack, with its errors in this module's words.
    @discardableResult
    func call<Result>(_ body: (any StackOwner) throws(StackError) -> Result) throws(NetstackError) -> Result {
        if let end { throw end }
        do throws(StackError) {
            return try body(owner)
        } catch {
            throw error == .staleHandle ? .closed : .call(error)
        }
    }

    private func translate(_ error: StackError, _ id: ConnectionID) -> NetstackError {
        if let end { return end }
        switch error {
        case .staleHandle: return .closed
        case .connectionOver(let failure):
            let tuple = try? owner.info(of: id).tuple
            return .connection(failure, peer: Endpoint(tuple?.remoteAddress ?? .v4(.any), tuple?.remotePort ?? 0))
        default: return .call(error)
        }
    }
}

// MARK: - Listeners

extension Engine {
    func listen(on local: Endpoint, backlog: Int, mode: ListenerMode) throws(NetstackError) -> ListenerID {
        let id = try call { owner throws(StackError) in try owner.listen(on: local, backlog: backlog, mode: mode) }
        listeners.insert(id)
        return id
    }

    func setBacklog(_ backlog: Int, of id: ListenerID) throws(NetstackError) {
        try call { owner throws(StackError) in try owner.setBacklog(backlog, of: id) }
    }

    func info(of id: ListenerID) throws(NetstackError) -> ListenerInfo {
        try call { owner throws(StackError) in try owner.info(of: id) }
    }

    func setCookieCodec(_ codec: CookieCodec, of id: ListenerID) throws(NetstackError) {
        try call { owner throws(StackError) in try owner.setCookieCodec(codec, of: id) }
    }

    func setCookieKeys(_ keys: CookieKeyPair) { owner.setCookieKeys(keys) }

    /// Takes the keeper's step, and the next when its time has come.
    func keepCookieKeys(by keeper: CookieKeyKeeper, _ tell: @escaping @Sendable (CookieKeyNews) -> Void) {
        if end != nil { return }
        var keeper = keeper
        let step = keeper.step()
        setCookieKeys(step.keys)
        step.news.forEach(tell)
        schedule(after: step.wait) { [keeper] in $0.keepCookieKeys(by: keeper, tell) }
    }

    /// - Returns: the next connection; `nil` when the listener is closed or the task cancelled.
    func accept(_ id: ListenerID) async throws -> TCPConnection? {
        while !Task.isCancelled, listeners.contains(id) {
            let before = news
            if let connection = requests.unclaimed[id]?.popLast() { return try handOver(connection) }
            do throws(NetstackError) {
                return try handOver(try call { owner throws(StackError) in try owner.accept(id) })
            } catch {
                guard error == .call(.wouldBlock) else { throw error }
            }
            do {
                try await wait(for: .acceptable(id), since: before)
            } catch is CancellationError {
                return nil
            }
        }
        return nil
    }

    func close(_ id: ListenerID) {
        guard listeners.remove(id) != nil else { return }
        try? owner.close(id)
        resume(.acceptable(id))
        forgetRequests(of: id)
    }
}

// MARK: - The stack as a whole

extension Engine {
    var now: Instant { owner.now }
    var tables: TableCounts { owner.tables }
    var counters: Counters { owner.counters }
    var allocatedBytes: Int { owner.allocatedBytes }
    var deviceRefusals: UInt64 { owner.deviceRefusals }

    /// The next report, when there is one.
    func nextReport() async throws -> StackReport {
        while true {
            let before = news
            if let report = owner.nextReport() { return report }
            try await wait(for: .reported, since: before)
        }
    }

    /// Packets and time go on.
    /// - Returns: how long the thread may sleep; `nil` until it is woken.
    func turn() -> Interval? {
        if end != nil { return nil }
        do throws(DeviceError) {
            return try owner.turn { handle($0) }
        } catch {
            fail(.device(error))
            return nil
        }
    }

    /// Ends everything properly as far as the time allows: no more connections, a FIN on each, then a RST.
    func close(within grace: Interval) async {
        for id in listeners { close(id) }
        for id in open { try? owner.shutdown(id) }
        let deadline = owner.now + grace
        while owner.tables.connections > over.count, owner.now < deadline, end == nil {
            let rest = deadline - owner.now
            do { try await pause(min(rest, .milliseconds(10))) } catch { break }
        }
        for id in open { close(id) }
        owner.abortAll()
        owner.finish()
        fail(.closed)
    }
}
