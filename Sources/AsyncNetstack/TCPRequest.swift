public import NetPrimitives
public import Netstack

/// Somebody who wants a connection and waits for an answer. Decide once; whoever lets go of a request undecided leaves
/// it to what the listener does with the undecided, at once.
///
/// A client may give up meanwhile: ``whileUndecided(_:)`` ends what is being done for it.
///
///     for try await request in listener.requests {
///         group.addTask {
///             try await request.whileUndecided {
///                 let upstream = try await dial(request.local)
///                 try await relay(request.accept(), upstream)
///             }
///         }
///     }
public final class TCPRequest: Sendable {
    /// What was known of it when it was taken: its ends, the options offered, since when it waits.
    public let details: ConnectionRequest
    private let engine: Engine
    private let mode: ListenerMode

    init(_ details: ConnectionRequest, of engine: Engine, _ mode: ListenerMode) {
        self.details = details
        self.engine = engine
        self.mode = mode
    }

    deinit {
        engine.executor.post { [engine, id = details.id, mode] in engine.assumeIsolated { $0.dropped(id, mode) } }
    }

    /// Where the client wants to go, and who it is.
    public var local: Endpoint { details.tuple.local }
    public var remote: Endpoint { details.tuple.remote }

    /// What is known of it now: how many SYNs have come.
    /// - Throws: ``NetstackError/withdrawn(_:)``; ``NetstackError/closed`` once it is decided.
    public var current: ConnectionRequest {
        get throws {
            try engine.executor.sync { [engine, id = details.id] in
                Result { try engine.assumeIsolated { engine in try engine.request(id) } }
            }.get()
        }
    }

    /// Answers with a SYN-ACK and waits for the connection.
    /// - Throws: ``NetstackError/withdrawn(_:)`` when it was too late, ``NetstackError/notCompleted`` when the client
    ///   has gone meanwhile, ``NetstackError/closed`` when it is decided already; `CancellationError`, and then the
    ///   connection is reset if it comes.
    public func accept() async throws -> TCPConnection { try await engine.accept(details) }

    /// Answers with a RST, as a port does at which nobody listens.
    /// - Throws: as all decisions, ``NetstackError/withdrawn(_:)`` and ``NetstackError/closed``.
    public func refuse() async throws { try await engine.decide(details.id, .refuse) }

    /// Answers with an ICMP error.
    public func reject(_ reason: UnreachableReason) async throws {
        try await engine.decide(details.id, .reject(reason))
    }

    /// Answers nothing, neither now nor later.
    public func ignore() async throws { try await engine.decide(details.id, .ignore) }

    /// Does something that is of use only as long as the client waits: `body` runs in a child task that is cancelled
    /// when the request is withdrawn. Deciding about the request is part of it, or comes afterwards.
    /// - Throws: ``NetstackError/withdrawn(_:)``, or what `body` throws.
    public func whileUndecided<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask { [engine, id = details.id] in
                throw NetstackError.withdrawn(try await engine.withdrawal(of: id))
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}

/// The requests of a listener in request mode; see ``TCPListener/requests``.
public struct TCPRequests: AsyncSequence, Sendable {
    public typealias Element = TCPRequest
    let listener: TCPListener

    /// Takes one request after the other; several of them share the requests.
    public func makeAsyncIterator() -> Iterator { Iterator(listener: listener) }

    /// See ``makeAsyncIterator()``.
    public struct Iterator: AsyncIteratorProtocol {
        let listener: TCPListener

        /// The next request.
        public mutating func next() async throws -> TCPRequest? { try await listener.nextRequest() }
    }
}
