public import NetPrimitives
public import Netstack

/// A TCP/IP stack for async code: connect, listen, and everything that follows.
///
/// It lives on a thread of its own with its device (``tun(_:)``, Linux), or in virtual time
/// (``SimulatedNetwork``): what uses it does not see the difference.
public final class TCPStack: Sendable {
    let engine: Engine
    let resolver: Resolver
    private let preference: ThreadPreference

    init(_ engine: Engine, resolver: Resolver, preference: ThreadPreference? = nil) {
        self.engine = engine
        self.preference = preference ?? ThreadPreference(engine.executor)
        self.resolver = resolver
        #if DEBUG
            engine.executor.post { engine.assumeIsolated { $0.onComplaint(Complaint.print) } }
        #endif
    }

    /// Opens a connection to a host by name or address.
    ///
    /// A name is resolved by the system, off the stack's thread; its addresses are tried as RFC 8305 describes, one
    /// 250 ms after the other, and the first that answers is taken.
    /// - Parameters:
    ///   - remote: `HOST:PORT`, an IPv6 address in brackets.
    ///   - local: our address and port; `nil` leaves both to the stack.
    ///   - timeout: how long all of it may take; `nil` leaves that to the stack, which gives up after three minutes.
    /// - Throws: ``NetstackError``, `CancellationError`.
    public func connect(to remote: String, from local: Endpoint? = nil, timeout: Duration? = nil) async throws
        -> TCPConnection
    {
        let (host, port) = try HostAndPort.parse(remote)
        return try await connect(to: host, port: port, from: local, timeout: timeout)
    }

    /// Opens a connection to a host by name or address, and a port.
    /// - Parameter family: addresses to use; `nil` for both families.
    public func connect(
        to host: String, port: UInt16, from local: Endpoint? = nil, family: AddressFamily? = nil,
        timeout: Duration? = nil
    ) async throws -> TCPConnection {
        if let address = IPAddress(host), family?.includes(address) ?? true {
            return try await connect(to: Endpoint(address, port), from: local, timeout: timeout)
        }
        let began = await engine.now
        let addresses = try await resolver.addresses(of: host, family: family)
        let spent = await engine.now - began
        let rest = timeout.map { max(Interval($0) - spent, .zero) }
        let candidates = HappyEyeballs.order(addresses).map { Endpoint($0, port) }
        return try await HappyEyeballs.connect(to: candidates, from: local, timeout: rest, by: engine)
    }

    /// Opens a connection to an endpoint.
    public func connect(to remote: Endpoint, from local: Endpoint? = nil, timeout: Duration? = nil) async throws
        -> TCPConnection
    {
        try await engine.connect(to: remote, from: local, timeout: timeout.map(Interval.init))
    }

    /// Listens.
    /// - Parameters:
    ///   - local: `ADDRESS:PORT`; `0.0.0.0:80` and `[::]:80` take every address of their family.
    ///   - backlog: the accept queue takes one more than this.
    ///   - mode: whether clients are answered at once, or the program decides first: ``TCPListener/requests``.
    /// - Throws: ``NetstackError``.
    public func listen(on local: String, backlog: Int = 128, mode: ListenerMode = .immediate) throws -> TCPListener {
        guard let endpoint = Endpoint(local) else { throw NetstackError.invalidAddress(local) }
        return try listen(on: endpoint, backlog: backlog, mode: mode)
    }

    /// Listens on an endpoint. In request mode the port 0 takes all ports that no other listener has.
    public func listen(
        on local: Endpoint, backlog: Int = 128, mode: ListenerMode = .immediate
    ) throws -> TCPListener {
        let id = try engine.executor.sync { [engine] in
            Result {
                try engine.assumeIsolated { engine in try engine.listen(on: local, backlog: backlog, mode: mode) }
            }
        }.get()
        return TCPListener(id, of: engine, local: local, mode: mode)
    }

    /// Replaces the keys of SYN cookies, for a program that brings keys of its own: not more often than every two
    /// minutes. A stack on a device has them from its ``TUNOptions/cookieKeys``.
    public func setCookieKeys(_ keys: CookieKeyPair) async { await engine.setCookieKeys(keys) }

    /// The stack's thread, for `Task(executorPreference:)`: tasks on it talk to the stack without a change of threads,
    /// and in a simulation they are part of the run. What blocks there blocks the stack.
    public var executor: any TaskExecutor { preference }

    /// Waits on the stack's clock: real or virtual.
    public func pause(for duration: Duration) async throws { try await engine.pause(Interval(duration)) }

    /// The stack's clock.
    public var now: Instant { get async { await engine.now } }

    /// What the stack's tables hold now, and what it has counted.
    public var tables: TableCounts { get async { await engine.tables } }
    public var counters: Counters { get async { await engine.counters } }
    /// Bytes that the stack holds from the allocator, but for its batches.
    public var allocatedBytes: Int { get async { await engine.allocatedBytes } }
    /// Packets that the stack sent and its device did not take, because the interface was down or its queue full: TCP
    /// sends them again. They count as sent (``Counters/packetsOut``); a simulation's links take whatever comes.
    public var deviceRefusals: UInt64 { get async { await engine.deviceRefusals } }

    /// What is reported next: floods as they begin and end, and each second's failed attempts where they were too many
    /// to be told singly. Waits for it; for one task at a time.
    /// - Throws: `CancellationError`; ``NetstackError`` when the stack has ended.
    public func nextReport() async throws -> StackReport { try await engine.nextReport() }

    /// Ends it: no more connections are taken, a FIN goes out on each that is open, and when the time is up a RST.
    /// What is called afterwards throws ``NetstackError/closed``.
    public func close(within grace: Duration = .seconds(3)) async { await engine.close(within: Interval(grace)) }
}

/// IPv4 or IPv6.
public enum AddressFamily: Hashable, Sendable, CaseIterable {
    case ipv4
    case ipv6

    func includes(_ address: IPAddress) -> Bool { address.isIPv6 == (self == .ipv6) }
}

extension Interval {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)
    }
}
