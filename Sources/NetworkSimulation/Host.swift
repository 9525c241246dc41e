public import NetPrimitives
public import Netstack

/// A node with a stack and an application.
///
/// An event of the simulation runs in a fixed order: the packet arrives or the timer fires, answers leave, the stack
/// sends (so the last packet of a handshake leaves before anyone acts on it), the application is told, the stack sends
/// what the application wrote. Calls from outside an event are followed by the same before time goes on.
public final class Host: Node {
    public let name: String
    /// Called with each event of the stack. It may call anything on this host and on others.
    public var application: ((_ event: StackEvent, _ host: Host, _ now: Instant) -> Void)?
    /// Called after each thing that was done to the stack: what a picture needs to show states and queues in between,
    /// calls included.
    public var onInput: ((_ input: StackInput, _ outcome: StackOutcome, _ host: Host) -> Void)?
    /// Everything done to the stack so far, if it was made to be recorded.
    public private(set) var log: InputLog?

    private unowned let simulation: Simulation
    private var driven: DrivenStack
    /// Addresses for the first interface.
    private var addresses: [IPPrefix]
    /// Answers that leave with the next transmit.
    private var answers: [OutgoingPacket] = []
    private var isBeingServiced = false

    init(
        _ name: String, in simulation: Simulation, configuration: Configuration, addresses: [IPPrefix], records: Bool
    ) {
        self.name = name
        self.simulation = simulation
        self.addresses = addresses
        var random = RandomStream(seed: simulation.seed, label: "host " + name)
        let seed = random.split()
        driven = DrivenStack(NetworkStack(configuration: configuration, seed: seed))
        if records { log = InputLog(configuration: configuration, seed: seed) }
    }

    /// The simulation's time.
    public var now: Instant { simulation.now }

    /// The one way to the stack.
    private func perform(_ input: StackInput) -> StackOutcome {
        let outcome = driven.perform(input, at: now)
        log?.append(InputLog.Entry(time: now, input: input, outcome: outcome))
        onInput?(input, outcome, self)
        return outcome
    }

    /// Looks at the stack.
    public func inspect<Result: ~Copyable, Failure: Error>(
        _ look: (borrowing NetworkStack) throws(Failure) -> Result
    ) throws(Failure) -> Result { try look(driven.stack) }

    /// Does anything at all to the stack. A log does not see it and is incomplete from then on.
    public func withStack<Result: ~Copyable, Failure: Error>(
        _ body: (inout NetworkStack) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        log?.isComplete = false
        defer { requestService() }
        return try body(&driven.stack)
    }

    /// A deep copy of the stack as it is now, driven by the caller from here on.
    public func fork() -> DrivenStack { driven.fork() }

    private func requestService() {
        if !isBeingServiced { simulation.service(self) }
    }
}

// MARK: - The simulation's calls

extension Host {
    /// The first interface gets the addresses that the host was made with and the default routes.
    public func addInterface(mtu: Int) -> InterfaceID {
        guard case .interface(let interface) = perform(.addInterface(InterfaceConfiguration(mtu: mtu))) else {
            preconditionFailure("an interface that the stack takes")
        }
        for prefix in addresses { precondition(perform(.addAddress(prefix, interface)) == .done, "a usable address") }
        addresses = []
        if interface.rawValue == 0 {
            for any in [IPAddress.v4(.any), .v6(.any)] {
                if let everything = IPPrefix(any, length: 0) { _ = perform(.addRoute(everything, interface)) }
            }
        }
        return interface
    }

    /// A packet has arrived. What the stack answers at once leaves with the next transmit.
    public func receive(_ packet: [UInt8], on interface: InterfaceID, at now: Instant) {
        if case .packets(let packets) = perform(.receive(packet, interface)) { answers += packets }
    }

    /// The time of ``nextDeadline()`` has come.
    public func timersFired(at now: Instant) { _ = perform(.timersFired) }

    /// Everything that follows from what came in: answers, segments, the application's turn, segments again.
    public func transmit(at now: Instant, send: (_ packet: [UInt8], _ interface: InterfaceID) -> Void) {
        isBeingServiced = true
        defer { isBeingServiced = false }
        for answer in answers { send(answer.bytes, answer.interface) }
        answers.removeAll(keepingCapacity: true)
        repeat { transmitAll(send) } while tellApplication(at: now)
    }

    /// When the stack wants to be woken; `nil` for never.
    public func nextDeadline() -> Instant? { driven.stack.nextDeadline() }

    private func transmitAll(_ send: (_ packet: [UInt8], _ interface: InterfaceID) -> Void) {
        while case .packets(let packets) = perform(.transmit), !packets.isEmpty {
            for packet in packets { send(packet.bytes, packet.interface) }
        }
    }

    /// - Returns: whether there was anything to tell.
    private func tellApplication(at now: Instant) -> Bool {
        var isTold = false
        while case .event(let event?) = perform(.nextEvent) {
            isTold = true
            application?(event, self, now)
        }
        return isTold
    }
}

// MARK: - The application's calls, as those of the stack

extension Host {
    /// Gives an interface an address; the prefix's network is reached through it.
    public func addAddress(_ prefix: IPPrefix, to interface: InterfaceID) throws(StackError) {
        try call(.addAddress(prefix, interface))
    }

    /// Sends packets for a network out of an interface.
    public func addRoute(_ destination: IPPrefix, by interface: InterfaceID) throws(StackError) {
        try call(.addRoute(destination, interface))
    }

    /// Makes the host the gateway of a network, for what comes in by an interface.
    public func addGateway(of network: IPPrefix, on interface: InterfaceID) throws(StackError) {
        try call(.addGateway(network, interface))
    }

    /// Opens a listener; its accept queue takes `backlog + 1` connections.
    public func listen(
        on local: Endpoint, backlog: Int = 128, mode: ListenerMode = .immediate
    ) throws(StackError) -> ListenerID {
        guard case .listener(let id) = try call(.listen(local, backlog: backlog, mode: mode)) else {
            throw .limitReached
        }
        return id
    }

    /// Changes a listener's backlog; drops nobody.
    public func setBacklog(_ backlog: Int, of listener: ListenerID) throws(StackError) {
        try call(.setBacklog(backlog, listener))
    }

    /// Takes the oldest connection out of a listener's accept queue.
    /// - Throws: ``StackError/wouldBlock`` when there is none.
    public func accept(_ listener: ListenerID) throws(StackError) -> ConnectionID {
        guard case .connection(let id) = try call(.accept(listener)) else { throw .wouldBlock }
        return id
    }

    /// Answers a request of a listener that asks.
    public func decide(_ request: RequestID, _ decision: RequestDecision) throws(StackError) {
        try call(.decide(request, decision))
    }

    /// What is known of a request.
    public func request(_ request: RequestID) throws(StackError) -> ConnectionRequest {
        try driven.stack.request(request)
    }

    /// Ends a listener; connections that nobody accepted are reset.
    public func close(_ listener: ListenerID) throws(StackError) { try call(.closeListener(listener)) }

    /// Begins to open a connection. An event tells how it went.
    public func connect(to remote: Endpoint, from local: Endpoint? = nil) throws(StackError) -> ConnectionID {
        guard case .connection(let id) = try call(.connect(to: remote, from: local)) else { throw .noRoute }
        return id
    }

    /// Reads what has come.
    /// - Returns: up to `limit` bytes; none when the peer has ended its side and all is read.
    /// - Throws: ``StackError/wouldBlock`` when there is nothing yet.
    public func read(_ connection: ConnectionID, limit: Int = .max) throws(StackError) -> [UInt8] {
        guard case .bytes(let bytes) = try call(.read(connection, limit: limit)) else { throw .wouldBlock }
        return bytes
    }

    /// Writes as much as there is room for.
    /// - Returns: how many of the bytes were taken; 0 when there is no room and an event will tell.
    @discardableResult
    public func write(_ connection: ConnectionID, _ bytes: [UInt8]) throws(StackError) -> Int {
        do {
            guard case .taken(let count) = try call(.write(connection, bytes)) else { return 0 }
            return count
        } catch .wouldBlock {
            return 0
        }
    }

    /// Small segments go out at once, or wait for company (RFC 9293, 3.7.4).
    public func setNoDelay(_ noDelay: Bool, of connection: ConnectionID) throws(StackError) {
        try call(.setNoDelay(noDelay, connection))
    }

    /// Ends this side: a FIN follows what was written.
    public func shutdown(_ connection: ConnectionID) throws(StackError) { try call(.shutdown(connection)) }
    /// Lets go of a connection, which closes properly. The handle is stale afterwards.
    public func close(_ connection: ConnectionID) throws(StackError) { try call(.close(connection)) }
    /// Resets a connection. The handle is stale afterwards.
    public func abort(_ connection: ConnectionID) throws(StackError) { try call(.abort(connection)) }

    /// Resets every connection there is.
    public func abortAll() { _ = try? call(.abortAll) }

    /// What is known of a connection.
    public func info(of connection: ConnectionID) throws(StackError) -> ConnectionInfo {
        try driven.stack.info(of: connection)
    }

    /// What a listener holds.
    public func info(of listener: ListenerID) throws(StackError) -> ListenerInfo {
        try driven.stack.info(of: listener)
    }

    /// Why a connection is over; `nil` while it is not, or when it ended well.
    public func failure(of connection: ConnectionID) throws(StackError) -> ConnectionFailure? {
        try driven.stack.failure(of: connection)
    }

    @discardableResult
    private func call(_ input: StackInput) throws(StackError) -> StackOutcome {
        let outcome = perform(input)
        requestService()
        if case .failed(let error) = outcome { throw error }
        return outcome
    }
}
