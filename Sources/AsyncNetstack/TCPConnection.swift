public import NetPrimitives
public import Netstack

/// A connection that is open. Any task may use it; one that waits for it and is cancelled aborts it.
///
/// Waiting is the back-pressure: `write` returns when the stack has taken all bytes, and what nobody reads closes the
/// peer's window. End it by ``close()`` or ``abort()``; one that is dropped closes itself, and in a debug build
/// complains.
public final class TCPConnection: Sendable {
    /// The ends: ours and the peer's.
    public let local: Endpoint
    public let remote: Endpoint
    private let id: ConnectionID
    private let engine: Engine

    init(_ id: ConnectionID, of engine: Engine, local: Endpoint, remote: Endpoint) {
        self.id = id
        self.engine = engine
        self.local = local
        self.remote = remote
    }

    deinit {
        engine.executor.post { [engine, id, remote] in
            engine.assumeIsolated { $0.dropped(id, remote: remote) }
        }
    }

    /// Waits for bytes.
    /// - Parameter limit: how many at most, at least 1.
    /// - Returns: what has come; nothing when the peer has ended its side and all is read.
    /// - Throws: ``NetstackError``, once what came before the failure is read; `CancellationError`.
    public func read(upTo limit: Int = 65_536) async throws -> [UInt8] {
        try await engine.read(id, upTo: max(limit, 1))
    }

    /// Sends bytes. Returns when the stack has taken them all, not when they have arrived.
    public func write(_ bytes: [UInt8]) async throws { try await engine.write(id, bytes) }

    /// Sends a text as UTF-8.
    public func write(_ text: some StringProtocol & Sendable) async throws { try await write(Array(text.utf8)) }

    /// Ends this side: a FIN follows what was written. Reading goes on.
    public func closeWrite() async throws { try await engine.closeWrite(id) }

    /// Lets go of the connection: what was written is still delivered and both sides close, in the background. Data
    /// that was not read resets it (RFC 9293, 3.6.1).
    public func close() async { await engine.close(id) }

    /// Resets the connection; what is under way is lost.
    public func abort() { engine.executor.post { [engine, id] in engine.assumeIsolated { $0.abort(id) } } }

    /// Sends small segments at once (`true`) or lets them wait for company (RFC 9293, 3.7.4).
    public func setNoDelay(_ noDelay: Bool) async throws { try await engine.setNoDelay(noDelay, of: id) }

    /// What the stack knows of the connection now.
    /// - Throws: ``NetstackError/closed`` once it is closed.
    public var info: ConnectionInfo {
        get throws {
            try engine.executor.sync { [engine, id] in
                Result { try engine.assumeIsolated { engine in try engine.info(of: id) } }
            }.get()
        }
    }
}
