import NetPrimitives
import Netstack
import TCPStateMachine

/// What the engine has to remember of requests.
struct RequestBook {
    /// Told by the stack and not yet taken by the program, by listener, first come first; and the other way round.
    var waiting: [ListenerID: [RequestID]] = [:]
    var waitingFor: [RequestID: ListenerID] = [:]
    /// Taken by the program and not decided, in the order of ``tickets``: the same run gives the same order each time.
    var taken: [RequestID: (listener: ListenerID, ticket: UInt64)] = [:]
    /// Of those that were taken: how they ended without a decision, as long as the program has them.
    var withdrawn: [RequestID: Withdrawal] = [:]
    /// Requests that were accepted and whose connections are still to come.
    var claims: [ListenerID: [FourTuple: Claim]] = [:]
    private var tickets: UInt64 = 0
    /// Connections of listeners in request mode that nobody claims: the stack accepted them when the time was up.
    var unclaimed: [ListenerID: [ConnectionID]] = [:]

    /// What has become of an accepted request.
    struct Claim {
        let ticket: UInt64
        var state: State

        enum State {
            case open
            case arrived(ConnectionID)
            /// Nothing will come.
            case void
            /// Nobody waits any more.
            case abandoned
        }
    }

    mutating func nextTicket() -> UInt64 {
        tickets += 1
        return tickets
    }
}

extension Engine {
    // MARK: What the stack tells

    func requestCame(_ id: RequestID) {
        guard let listener = try? owner.request(id).listener, listeners.contains(listener) else { return }
        requests.waiting[listener, default: []].append(id)
        requests.waitingFor[id] = listener
        resume(.requested(listener))
    }

    func requestWithdrawn(_ id: RequestID, _ reason: Withdrawal) {
        if let listener = requests.waitingFor.removeValue(forKey: id) {
            requests.waiting[listener]?.removeAll { $0 == id }
        } else {
            endTaken(id, reason)
        }
    }

    private func endTaken(_ id: RequestID, _ reason: Withdrawal) {
        guard requests.taken.removeValue(forKey: id) != nil else { return }
        requests.withdrawn[id] = reason
        resume(.withdrawn(id))
    }

    /// A listener has connections, or an accepted request has come to nothing: whoever waits for either is told.
    func collectClaimed(from listener: ListenerID) {
        guard requests.claims[listener]?.isEmpty == false else { return }
        while let connection = try? owner.accept(listener), let tuple = try? owner.info(of: connection).tuple {
            switch requests.claims[listener]?[tuple]?.state {
            case .open: settle(tuple, at: listener, .arrived(connection))
            case .abandoned:
                requests.claims[listener]?[tuple] = nil
                try? owner.abort(connection)
            default: requests.unclaimed[listener, default: []].insert(connection, at: 0)
            }
        }
        let ended = (requests.claims[listener] ?? [:]).filter { owner.state(of: $0.key) == .closed }
        for (tuple, claim) in ended.sorted(by: { $0.value.ticket < $1.value.ticket }) {
            switch claim.state {
            case .open: settle(tuple, at: listener, .void)
            case .abandoned: requests.claims[listener]?[tuple] = nil
            case .arrived, .void: break
            }
        }
    }

    private func settle(_ tuple: FourTuple, at listener: ListenerID, _ state: RequestBook.Claim.State) {
        requests.claims[listener]?[tuple]?.state = state
        resume(.claimed(tuple))
    }

    // MARK: What the program does

    /// - Returns: the next request; `nil` when the listener is closed or the task cancelled.
    func nextRequest(_ listener: ListenerID, _ mode: ListenerMode) async throws -> TCPRequest? {
        while !Task.isCancelled, listeners.contains(listener) {
            let before = news
            if let request = takeRequest(of: listener) { return TCPRequest(request, of: self, mode) }
            do {
                try await wait(for: .requested(listener), since: before)
            } catch is CancellationError {
                return nil
            }
        }
        return nil
    }

    private func takeRequest(of listener: ListenerID) -> ConnectionRequest? {
        while requests.waiting[listener]?.isEmpty == false, let id = requests.waiting[listener]?.removeFirst() {
            requests.waitingFor[id] = nil
            guard let request = try? owner.request(id) else { continue }
            requests.taken[id] = (listener, requests.nextTicket())
            return request
        }
        return nil
    }

    func request(_ id: RequestID) throws(NetstackError) -> ConnectionRequest {
        if let reason = requests.withdrawn[id] { throw .withdrawn(reason) }
        return try call { owner throws(StackError) in try owner.request(id) }
    }

    func decide(_ id: RequestID, _ decision: RequestDecision) throws(NetstackError) {
        if let reason = requests.withdrawn[id] { throw .withdrawn(reason) }
        guard requests.taken.removeValue(forKey: id) != nil else { throw .closed }
        try call { owner throws(StackError) in try owner.decide(id, decision) }
    }

    /// Accepts, and waits for the third packet.
    func accept(_ request: ConnectionRequest) async throws -> TCPConnection {
        let (listener, tuple) = (request.listener, request.tuple)
        try decide(request.id, .accept)
        requests.claims[listener, default: [:]][tuple] = .init(ticket: requests.nextTicket(), state: .open)
        while true {
            let before = news
            switch requests.claims[listener]?[tuple]?.state {
            case .open: break
            case .arrived(let connection):
                requests.claims[listener]?[tuple] = nil
                return try handOver(connection)
            default:
                requests.claims[listener]?[tuple] = nil
                throw NetstackError.notCompleted
            }
            do {
                try await wait(for: .claimed(tuple), since: before)
            } catch {
                abandon(tuple, at: listener)
                throw error
            }
        }
    }

    /// Whoever accepted has gone: the connection is reset when it comes, or now.
    private func abandon(_ tuple: FourTuple, at listener: ListenerID) {
        switch requests.claims[listener]?[tuple]?.state {
        case .open: requests.claims[listener]?[tuple]?.state = .abandoned
        case .arrived(let connection):
            requests.claims[listener]?[tuple] = nil
            try? owner.abort(connection)
        default: requests.claims[listener]?[tuple] = nil
        }
    }

    /// Waits until a request is withdrawn, which one that was decided never is.
    func withdrawal(of id: RequestID) async throws -> Withdrawal {
        while true {
            let before = news
            if let reason = requests.withdrawn[id] { return reason }
            try await wait(for: .withdrawn(id), since: before)
        }
    }

    /// The program's last reference to a request is gone. Nobody else can decide about it.
    func dropped(_ id: RequestID, _ mode: ListenerMode) {
        requests.withdrawn[id] = nil
        guard requests.taken.removeValue(forKey: id) != nil, case .requests(let undecided) = mode else { return }
        try? owner.decide(id, undecided)
    }

    /// The listener is closed: what it still had goes with it.
    func forgetRequests(of listener: ListenerID) {
        for id in requests.waiting.removeValue(forKey: listener) ?? [] { requests.waitingFor[id] = nil }
        let taken = requests.taken.filter { $0.value.listener == listener }
        for (id, _) in taken.sorted(by: { $0.value.ticket < $1.value.ticket }) { endTaken(id, .listenerClosed) }
        for connection in requests.unclaimed.removeValue(forKey: listener) ?? [] { try? owner.abort(connection) }
        let claims = requests.claims.removeValue(forKey: listener) ?? [:]
        for (tuple, claim) in claims.sorted(by: { $0.value.ticket < $1.value.ticket }) {
            if case .arrived(let connection) = claim.state { try? owner.abort(connection) }
            resume(.claimed(tuple))
        }
        resume(.requested(listener))
    }
}
