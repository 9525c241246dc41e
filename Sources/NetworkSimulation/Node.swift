public import NetPrimitives

/// What stands at the end of a link: a ``Host`` with a stack, or anything that takes and gives packets.
///
/// The simulation is the only caller. After each call that may have changed something it asks for what is to be sent
/// and for the next deadline.
public protocol Node: AnyObject {
    /// A name that no other node of the simulation has.
    var name: String { get }

    /// Adds an interface for a link that takes packets of up to `mtu` bytes.
    func addInterface(mtu: Int) -> InterfaceID

    /// A packet has arrived.
    func receive(_ packet: [UInt8], on interface: InterfaceID, at now: Instant)

    /// The time of ``nextDeadline()`` has come.
    func timersFired(at now: Instant)

    /// Gives every packet that is to be sent now to `send`, in order.
    func transmit(at now: Instant, send: (_ packet: [UInt8], _ interface: InterfaceID) -> Void)

    /// When ``timersFired(at:)`` is to be called, unless something else happens first.
    func nextDeadline() -> Instant?
}

/// A node without a stack: it answers packets with packets, as a test likes.
public final class ScriptedNode: Node {
    public let name: String
    /// Everything that has arrived, with its time.
    public private(set) var received: [(time: Instant, packet: [UInt8])] = []
    private let answer: (_ packet: [UInt8], _ now: Instant) -> [[UInt8]]
    private var outbox: [(packet: [UInt8], interface: InterfaceID)] = []
    private var interfaceCount: UInt16 = 0

    /// - Parameter answer: gives the packets to be sent back where `packet` came from. By default nothing is answered.
    public init(
        _ name: String, answer: @escaping (_ packet: [UInt8], _ now: Instant) -> [[UInt8]] = { _, _ in [] }
    ) {
        self.name = name
        self.answer = answer
    }

    /// A link was attached: the node's own number for it.
    public func addInterface(mtu: Int) -> InterfaceID {
        defer { interfaceCount += 1 }
        return InterfaceID(interfaceCount)
    }

    /// Puts a packet into the outbox. Tell the simulation by ``Simulation/service(_:)``.
    public func send(_ packet: [UInt8], on interface: InterfaceID = InterfaceID(0)) {
        outbox.append((packet, interface))
    }

    /// Packets have come.
    public func receive(_ packet: [UInt8], on interface: InterfaceID, at now: Instant) {
        received.append((now, packet))
        for reply in answer(packet, now) { outbox.append((reply, interface)) }
    }

    /// The time that ``nextDeadline`` named has come.
    public func timersFired(at now: Instant) {}

    /// Gives every packet that is to go out to `send`.
    public func transmit(at now: Instant, send: (_ packet: [UInt8], _ interface: InterfaceID) -> Void) {
        for (packet, interface) in outbox { send(packet, interface) }
        outbox.removeAll(keepingCapacity: true)
    }

    /// When the node must be woken, if at all.
    public func nextDeadline() -> Instant? { nil }
}
