import NetPrimitives
import Netstack
import NetworkDevices
import NetworkSimulation
import TCPStateMachine

/// What has a stack and moves its packets: a host of a simulation, or a device with its clock. The calls are those of
/// ``NetworkStack``; the owner knows the time. Used on the driver's thread only.
protocol StackOwner: AnyObject {
    var now: Instant { get }
    var tables: TableCounts { get }
    var counters: Counters { get }
    var allocatedBytes: Int { get }
    /// Packets that the device did not take.
    var deviceRefusals: UInt64 { get }
    /// A flood or a summary that has not been told yet.
    func nextReport() -> StackReport?

    /// Moves packets and time on, and tells what the stack has to tell.
    /// - Returns: how long the driver may sleep; `nil` until it is woken.
    func turn(_ tell: (StackEvent) -> Void) throws(DeviceError) -> Interval?
    /// Sends what is still to be sent and lets go of the device.
    func finish()
    /// Calls `action` on the thread after an interval.
    func schedule(after interval: Interval, _ action: @escaping () -> Void)
    func connect(to remote: Endpoint, from local: Endpoint?) throws(StackError) -> ConnectionID
    func listen(on local: Endpoint, backlog: Int, mode: ListenerMode) throws(StackError) -> ListenerID
    func setBacklog(_ backlog: Int, of listener: ListenerID) throws(StackError)
    func info(of listener: ListenerID) throws(StackError) -> ListenerInfo
    func setCookieCodec(_ codec: CookieCodec, of listener: ListenerID) throws(StackError)
    /// The keys of SYN cookies; on a device their clock, too, is made everybody's from now on.
    func setCookieKeys(_ keys: CookieKeyPair)
    func accept(_ listener: ListenerID) throws(StackError) -> ConnectionID
    func request(_ request: RequestID) throws(StackError) -> ConnectionRequest
    func decide(_ request: RequestID, _ decision: RequestDecision) throws(StackError)
    func state(of tuple: FourTuple) -> ConnectionState
    func close(_ listener: ListenerID) throws(StackError)
    func read(_ connection: ConnectionID, limit: Int) throws(StackError) -> [UInt8]
    /// - Returns: how many bytes of `bytes` from `start` on were taken; 0 when there is no room.
    func write(_ connection: ConnectionID, _ bytes: [UInt8], from start: Int) throws(StackError) -> Int
    func setNoDelay(_ noDelay: Bool, of connection: ConnectionID) throws(StackError)
    func shutdown(_ connection: ConnectionID) throws(StackError)
    func close(_ connection: ConnectionID) throws(StackError)
    func abort(_ connection: ConnectionID) throws(StackError)
    func abortAll()
    func info(of connection: ConnectionID) throws(StackError) -> ConnectionInfo
    func failure(of connection: ConnectionID) throws(StackError) -> ConnectionFailure?
    func attempt(of connection: ConnectionID) throws(StackError) -> ConnectionAttempt?
}

/// A host that knows its simulation's calendar.
final class SimulatedOwner: StackOwner {
    private let host: Host
    private let simulation: Simulation

    init(_ host: Host, in simulation: Simulation) {
        self.host = host
        self.simulation = simulation
    }

    // The simulation's loop moves the packets and calls the host's application.
    func turn(_ tell: (StackEvent) -> Void) -> Interval? { nil }
    func finish() {}

    var now: Instant { simulation.now }
    var tables: TableCounts { host.inspect { $0.tables } }
    var counters: Counters { host.inspect { $0.counters } }
    var allocatedBytes: Int { host.inspect { $0.allocatedBytes } }
    /// A link takes whatever comes; what it loses is the network's loss.
    var deviceRefusals: UInt64 { 0 }
    func nextReport() -> StackReport? { host.withStack { StackReport(next: &$0) } }

    func schedule(after interval: Interval, _ action: @escaping () -> Void) {
        simulation.schedule(after: interval, action)
    }
    func connect(to remote: Endpoint, from local: Endpoint?) throws(StackError) -> ConnectionID {
        try host.connect(to: remote, from: local)
    }
    func listen(on local: Endpoint, backlog: Int, mode: ListenerMode) throws(StackError) -> ListenerID {
        try host.listen(on: local, backlog: backlog, mode: mode)
    }
    func setBacklog(_ backlog: Int, of listener: ListenerID) throws(StackError) {
        try host.setBacklog(backlog, of: listener)
    }
    func info(of listener: ListenerID) throws(StackError) -> ListenerInfo { try host.info(of: listener) }
    func setCookieCodec(_ codec: CookieCodec, of listener: ListenerID) throws(StackError) {
        try host.withStack { stack throws(StackError) in try stack.setCookieCodec(codec, of: listener) }
    }
    func setCookieKeys(_ keys: CookieKeyPair) {
        host.withStack { $0.setCookieKeys(current: keys.current, previous: keys.previous) }
    }
    func accept(_ listener: ListenerID) throws(StackError) -> ConnectionID { try host.accept(listener) }
    func request(_ request: RequestID) throws(StackError) -> ConnectionRequest { try host.request(request) }
    func decide(_ request: RequestID, _ decision: RequestDecision) throws(StackError) {
        try host.decide(request, decision)
    }
    func state(of tuple: FourTuple) -> ConnectionState { host.inspect { $0.state(of: tuple) } }
    func close(_ listener: ListenerID) throws(StackError) { try host.close(listener) }
    func read(_ connection: ConnectionID, limit: Int) throws(StackError) -> [UInt8] {
        try host.read(connection, limit: limit)
    }
    func write(_ connection: ConnectionID, _ bytes: [UInt8], from start: Int) throws(StackError) -> Int {
        try host.write(connection, Array(bytes[start..<min(bytes.count, start + 65_536)]))
    }
    func setNoDelay(_ noDelay: Bool, of connection: ConnectionID) throws(StackError) {
        try host.setNoDelay(noDelay, of: connection)
    }
    func shutdown(_ connection: ConnectionID) throws(StackError) { try host.shutdown(connection) }
    func close(_ connection: ConnectionID) throws(StackError) { try host.close(connection) }
    func abort(_ connection: ConnectionID) throws(StackError) { try host.abort(connection) }
    func abortAll() { host.abortAll() }
    func info(of connection: ConnectionID) throws(StackError) -> ConnectionInfo { try host.info(of: connection) }
    func failure(of connection: ConnectionID) throws(StackError) -> ConnectionFailure? {
        try host.failure(of: connection)
    }
    func attempt(of connection: ConnectionID) throws(StackError) -> ConnectionAttempt? {
        try host.inspect { stack throws(StackError) in try stack.attempt(of: connection) }
    }
}
