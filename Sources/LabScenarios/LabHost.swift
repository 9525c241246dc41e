import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine

/// A host of the lab: a stack at the end of a link, an application above it, and a witness who notes what the
/// application calls and what becomes of states and queues.
final class LabHost: Node {
    let name: String
    let address: IPAddress
    /// What the application makes of an event.
    var application: (_ host: LabHost, _ event: StackEvent) -> Void = { _, _ in }
    /// The conversation whose states are noted, seen from here.
    var watched: FourTuple?
    /// What the next link leads to; `nil` is everywhere.
    var nextRoute: IPPrefix?
    /// A host that is off takes nothing and sends nothing.
    var isOn = true
    /// Why the first connection of this host failed, if it did.
    private(set) var failure: ConnectionFailure?

    /// The most that the stack has held of memory, in bytes.
    private(set) var mostBytes = 0
    /// The first connection that was accepted here, as it was then.
    private(set) var accepted: ConnectionInfo?
    /// Initial sequence numbers are RFC 793's, which only count: a clock of 4 us, and no secret.
    var countsISNs = false
    private let side: Conversation.Side?
    private let notebook: Notebook
    private unowned let simulation: Simulation
    private var stack: NetworkStack
    private var listener: ListenerID?
    private var random: RandomStream
    /// What its links need of an interface, in their order.
    private var links: [(mtu: Int, route: IPPrefix?)] = []
    // Much larger than what one step of a scenario sends.
    private var arrivals = PacketBatch(byteCapacity: 1 << 16, packetCapacity: 1)
    private var departures = PacketBatch(byteCapacity: 1 << 20, packetCapacity: 1024)
    // What the witness saw last.
    private var state = ConnectionState.closed
    private var queues: [Conversation.Queue: Int] = [.syn: 0, .accept: 0]
    private var overflowsSeen: UInt64 = 0

    /// - Parameter side: its place in the picture; `nil` for a host that is not in it.
    init(
        _ name: String, _ address: IPAddress, side: Conversation.Side?, configuration: Configuration,
        in simulation: Simulation, _ notebook: Notebook
    ) {
        self.name = name
        self.address = address
        self.side = side
        self.simulation = simulation
        self.notebook = notebook
        random = simulation.randomStream(name)
        stack = NetworkStack(configuration: configuration, seed: random.split())
    }

    /// What the stack holds.
    var tables: TableCounts { stack.tables }
    var counters: Counters { stack.counters }
    /// SYNs and final ACKs that met a full accept queue.
    var overflows: UInt64 { stack.counters.listenOverflows }
    var now: Instant { simulation.now }
    /// The half-open entry of the watched conversation, if there is one.
    var halfOpenEntry: (retransmissions: Int, deadline: Instant)? {
        guard let watched, let count = stack.synAckRetransmissions(of: watched) else { return nil }
        return (count, stack.nextDeadline() ?? .distantFuture)
    }

    /// How the stack behaves from now on.
    var configuration: Configuration {
        get { stack.configuration }
        set { stack.configuration = newValue }
    }

    /// The number that RFC 793's clock shows.
    static func count(at now: Instant) -> UInt32 { UInt32(truncatingIfNeeded: now.nanoseconds / 4_000) }

    // MARK: The wire

    func addInterface(mtu: Int) -> InterfaceID {
        links.append((mtu, nextRoute ?? IPPrefix(address.isIPv6 ? .v6(.any) : .v4(.any), length: 0)))
        return attach(links.count - 1)
    }

    private func attach(_ link: Int) -> InterfaceID {
        do {
            let interface = try stack.addInterface(InterfaceConfiguration(mtu: links[link].mtu))
            // The address is the host's, not the interface's: it stands on the first.
            if link == 0 { try stack.addAddress(IPPrefix(host: address), to: interface) }
            if let route = links[link].route { try stack.addRoute(route, by: interface) }
            return interface
        } catch {
            preconditionFailure("a link takes an interface: \(error)")
        }
    }

    func receive(_ packet: [UInt8], on interface: InterfaceID, at now: Instant) {
        guard isOn else { return }
        if countsISNs { configuration.fixedInitialSequence = Self.count(at: now) }
        arrivals.removeAll()
        arrivals.append(packet.span, interface: interface)
        stack.receive(arrivals, answers: &departures, at: now)
        attend()
    }

    func timersFired(at now: Instant) {
        guard isOn else { return }
        stack.timersFired(at: now)
        attend()
    }

    func transmit(at now: Instant, send: (_ packet: [UInt8], _ interface: InterfaceID) -> Void) {
        guard isOn else { return }
        repeat {
            stack.transmit(into: &departures, at: now)
            if departures.isEmpty { break }
            for index in 0..<departures.count {
                let packet = departures.bytes(of: index)
                var bytes: [UInt8] = []
                for offset in packet.indices { bytes.append(packet[offset]) }
                send(bytes, departures[index].interface)
            }
            departures.removeAll()
        } while true
        look()
    }

    func nextDeadline() -> Instant? { isOn ? stack.nextDeadline() : nil }

    /// Notes what an arrival or a timer has changed, then tells the application.
    private func attend() {
        look()
        while let event = stack.nextEvent() { application(self, event) }
    }

    // MARK: The witness

    private func note(_ event: (Conversation.Side) -> Conversation.Event) {
        if let side { notebook.note(event(side)) }
    }

    /// Notes what is different from when it was last looked at.
    private func look() {
        mostBytes = max(mostBytes, stack.allocatedBytes)
        if let watched {
            let state = stack.state(of: watched)
            // A request that nobody has decided leaves the listener what it is.
            if state != self.state, state != .listen {
                note { .entered($0, state.description) }
                self.state = state
            }
        }
        if let listener, let info = try? stack.info(of: listener) {
            look(at: .syn, info.synQueueLength)
            look(at: .accept, info.acceptQueueLength)
        }
        if overflows > overflowsSeen {
            overflowsSeen = overflows
            note { .noted($0, "dropped: queue full") }
        }
    }

    private func look(at queue: Conversation.Queue, _ length: Int) {
        guard let before = queues[queue], before != length else { return }
        note { .queued($0, queue, from: before, to: length) }
        queues[queue] = length
    }

    /// Follows a conversation from now on.
    func watch(_ tuple: FourTuple) {
        watched = tuple
        state = .closed
    }

    /// Says something about this host in the picture.
    func remark(_ text: String) { note { .noted($0, text) } }

    private func called(_ call: String) { note { .called($0, call) } }
}

// MARK: - The application's calls

extension LabHost {
    /// - Parameter isWatched: it is the listener whose queues are noted and whose connections ``accept()`` takes.
    func listen(
        _ port: UInt16, backlog: Int, mode: ListenerMode = .immediate, isWatched: Bool = true
    ) throws(StackError) {
        let id = try stack.listen(on: Endpoint(address, port), backlog: backlog, mode: mode)
        guard isWatched else { return }
        listener = id
        called("listen(\(backlog))")
        note { .entered($0, "LISTEN") }
    }

    /// Changes how the stack behaves.
    func configure(_ change: (inout Configuration) -> Void) { change(&stack.configuration) }

    func setCookieKey(_ key: SipKey) { stack.setCookieKeys(current: key) }

    /// Sends SYNs, each from a port of its own, and is never heard of again.
    func flood(_ peer: LabHost, port: UInt16, count: Int) throws(StackError) {
        for _ in 0..<count {
            _ = try stack.connect(to: Endpoint(peer.address, port), at: simulation.now)
        }
        simulation.service(self)
    }

    /// Connects, and gives up without a word after a while.
    func connect(to peer: LabHost, port: UInt16, for patience: Interval) throws(StackError) {
        let id = try stack.connect(to: Endpoint(peer.address, port), at: simulation.now)
        simulation.schedule(after: patience) { [self] in letGo(id) }
        simulation.service(self)
    }

    /// Connects, and has both hosts' states of this conversation noted from now on.
    @discardableResult
    func connect(to peer: LabHost, port: UInt16, from localPort: UInt16 = 0) throws(StackError) -> ConnectionID {
        let id = try stack.connect(
            to: Endpoint(peer.address, port), from: Endpoint(address, localPort), at: simulation.now)
        let tuple = try stack.info(of: id).tuple
        watched = tuple
        if side != nil { peer.watched = tuple.reversed }
        called("connect()")
        look()
        simulation.service(self)
        return id
    }

    /// - Returns: `nil` when there is nothing to decide any more.
    func request(_ id: RequestID) -> ConnectionRequest? { try? stack.request(id) }

    func decide(_ id: RequestID, _ decision: RequestDecision) throws(StackError) {
        try stack.decide(id, decision, at: simulation.now)
        called("decide \(decision)")
        look()
        simulation.service(self)
    }

    /// - Returns: `nil` when nobody is waiting.
    func accept() -> ConnectionID? {
        guard let listener, let id = try? stack.accept(listener) else { return nil }
        called("accept()")
        accepted = accepted ?? (try? stack.info(of: id))
        look()
        simulation.service(self)
        return id
    }

    /// - Returns: all there is.
    func read(_ id: ConnectionID) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var target = bytes.mutableSpan
        guard let count = try? stack.read(id, into: &target) else { return [] }
        called("read() = \(count)")
        simulation.service(self)
        return Array(bytes[..<count])
    }

    func write(_ id: ConnectionID, _ bytes: [UInt8]) {
        guard let count = try? stack.write(id, bytes.span) else { return }
        called("write(\(count))")
        simulation.service(self)
    }

    func close(_ id: ConnectionID) {
        called("close()")
        letGo(id)
        look()
    }

    /// Notes why a connection is over, if that is not because both ends closed it, and lets go of it.
    func bury(_ id: ConnectionID) {
        if let failure = try? stack.failure(of: id) {
            self.failure = self.failure ?? failure
            note { .failed($0, Conversation.Failure(failure)) }
        }
        letGo(id)
    }

    private func letGo(_ id: ConnectionID) {
        try? stack.close(id, at: simulation.now)
        simulation.service(self)
    }
}

extension FourTuple {
    /// The same as the other end sees it.
    var reversed: FourTuple {
        FourTuple(
            local: remoteAddress, localPort: remotePort, remote: localAddress, remotePort: localPort,
            interface: InterfaceID(0))
    }
}

// MARK: - Power

extension LabHost {
    /// Loses everything, and is off until ``start()``.
    /// - Parameter quietTime: how long it keeps silent after that (RFC 9293, 3.4.3).
    func crash(quietTime: Interval = .zero) {
        remark("crashes")
        isOn = false
        var configuration = stack.configuration
        configuration.quietTime = quietTime
        stack = NetworkStack(configuration: configuration, seed: random.split())
        for link in links.indices { _ = attach(link) }
        listener = nil
        look()
        queues = [.syn: 0, .accept: 0]
        overflowsSeen = 0
        simulation.service(self)
    }

    /// Is there again, and knows nothing.
    func start() {
        isOn = true
        remark("restarts")
        simulation.service(self)
    }

    /// What is known of a connection; `nil` when the handle is of an earlier life.
    func info(_ id: ConnectionID) -> ConnectionInfo? { try? stack.info(of: id) }
}
