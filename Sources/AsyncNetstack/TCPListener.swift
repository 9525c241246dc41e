public import NetPrimitives
public import Netstack

/// Connections that others open to us, as a sequence that ends when the listener is closed or the task is cancelled.
///
/// Taking them is the back-pressure: what nobody takes waits in the accept queue, and a full queue drops SYNs.
public final class TCPListener: AsyncSequence, Sendable {
    public typealias Element = TCPConnection

    /// Where it listens.
    public let local: Endpoint
    /// Whether it answers clients at once, or the program decides about its ``requests``.
    public let mode: ListenerMode
    private let id: ListenerID
    private let engine: Engine

    init(_ id: ListenerID, of engine: Engine, local: Endpoint, mode: ListenerMode) {
        self.id = id
        self.engine = engine
        self.local = local
        self.mode = mode
    }

    deinit {
        engine.executor.post { [engine, id] in engine.assumeIsolated { $0.close(id) } }
    }

    /// Waits for the next connection.
    /// - Returns: `nil` when the listener is closed or the task cancelled.
    public func accept() async throws -> TCPConnection? { try await engine.accept(id) }

    /// In request mode: whoever wants a connection and has not been answered, one after the other, until the listener
    /// is closed or the task cancelled. Decide about each; an accepted one gives its connection itself.
    public var requests: TCPRequests { TCPRequests(listener: self) }

    /// Waits for the next request.
    func nextRequest() async throws -> TCPRequest? { try await engine.nextRequest(id, mode) }

    /// Stops listening; connections that nobody took are reset, requests that nobody has decided are withdrawn.
    public func close() async { await engine.close(id) }

    /// Its two queues and its backlog, as they are now.
    /// - Throws: ``NetstackError/closed`` once it is closed.
    public var info: ListenerInfo {
        get throws {
            try engine.executor.sync { [engine, id] in
                Result { try engine.assumeIsolated { engine in try engine.info(of: id) } }
            }.get()
        }
    }

    /// Changes how many connections may wait, less one, while it runs: 0 to 65,535, beyond that the nearest. Whoever
    /// waits stays, and a longer queue takes the next at once.
    public func setBacklog(_ backlog: Int) async throws { try await engine.setBacklog(backlog, of: id) }

    /// Changes how its SYN cookies are made while it runs; it begins with ``Configuration/cookieCodec``.
    public func setCookieCodec(_ codec: CookieCodec) async throws { try await engine.setCookieCodec(codec, of: id) }

    /// Takes one connection after the other; several of them share the connections.
    public func makeAsyncIterator() -> Iterator { Iterator(listener: self) }

    /// See ``makeAsyncIterator()``.
    public struct Iterator: AsyncIteratorProtocol {
        let listener: TCPListener

        /// The next connection.
        public mutating func next() async throws -> TCPConnection? { try await listener.accept() }
    }
}
