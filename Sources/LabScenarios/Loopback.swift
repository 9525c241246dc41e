public import NetPrimitives
import Netstack

/// Both ends of a connection in this process, on a clock of the caller's: how long it takes from `connect()` to
/// ESTABLISHED.
///
/// Packets go from one stack's batch straight into the other stack, checksums included; no kernel and no thread is in
/// between.
public struct Loopback: ~Copyable {
    private var client: NetworkStack
    private var server: NetworkStack
    private let listener: ListenerID
    private let destination: Endpoint
    private var forward = PacketBatch(byteCapacity: 1 << 16, packetCapacity: 64)
    private var backward = PacketBatch(byteCapacity: 1 << 16, packetCapacity: 64)

    /// Why a connection could not be measured.
    public enum Failure: Error, Hashable, Sendable {
        /// A call of the stack threw.
        case call
        /// The packets stopped before the connection was established.
        case silence
    }

    public init(_ settings: LabSettings) throws(Failure) {
        let addresses = LabAddresses(isIPv6: settings.usesIPv6)
        let configuration = Configuration(settings.profile, isn: nil)
        client = NetworkStack(configuration: configuration, seed: Seed(settings.seed, 1, 0, 0))
        server = NetworkStack(configuration: configuration, seed: Seed(settings.seed, 2, 0, 0))
        destination = Endpoint(addresses.server, Play.port)
        do {
            try Self.attach(&client, addresses.client)
            try Self.attach(&server, addresses.server)
            listener = try server.listen(on: destination, backlog: 128)
        } catch {
            throw .call
        }
    }

    private static func attach(_ stack: inout NetworkStack, _ address: IPAddress) throws(StackError) {
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1500))
        try stack.addAddress(IPPrefix(host: address), to: interface)
        guard let everywhere = IPPrefix(address.isIPv6 ? .v6(.any) : .v4(.any), length: 0) else { return }
        try stack.addRoute(everywhere, by: interface)
    }

    /// Opens a connection, measures it, has it accepted, and resets it.
    /// - Parameter clock: the time now, never going back.
    public mutating func connect(_ clock: () -> Instant) throws(Failure) -> Interval {
        do {
            let began = clock()
            let id = try client.connect(to: destination, at: began)
            client.transmit(into: &forward, at: began)
            carryForward(clock())
            carryBackward(clock())
            guard case .established(id) = client.nextEvent() else { throw Failure.silence }
            let took = clock() - began
            client.transmit(into: &forward, at: clock())
            carryForward(clock())
            let accepted = try server.accept(listener)
            try client.abort(id, at: clock())
            client.transmit(into: &forward, at: clock())
            carryForward(clock())
            try server.close(accepted, at: clock())
            while server.nextEvent() != nil {}
            backward.removeAll()
            return took
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .call
        }
    }

    private mutating func carryForward(_ now: Instant) {
        server.receive(forward, answers: &backward, at: now)
        forward.removeAll()
        server.transmit(into: &backward, at: now)
    }

    private mutating func carryBackward(_ now: Instant) {
        client.receive(backward, answers: &forward, at: now)
        backward.removeAll()
    }

    /// Whether both stacks have let go of every connection.
    public var isEmpty: Bool { client.tables.isEmpty && server.tables.isEmpty }
}
