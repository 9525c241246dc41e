public import NetPrimitives
public import Netstack

/// Everything that can be done to a stack, as a value: what a driver hands it and what an application calls.
///
/// A stack is a function of its seed, its configuration and these, in their order and with their times.
public enum StackInput: Hashable, Sendable {
    // The driver's.
    case addInterface(InterfaceConfiguration)
    case addAddress(IPPrefix, InterfaceID)
    case addRoute(IPPrefix, InterfaceID)
    case addGateway(IPPrefix, InterfaceID)
    case receive([UInt8], InterfaceID)
    case timersFired
    case transmit
    case nextEvent
    // The application's.
    case listen(Endpoint, backlog: Int, mode: ListenerMode = .immediate)
    case setBacklog(Int, ListenerID)
    case accept(ListenerID)
    case decide(RequestID, RequestDecision)
    case closeListener(ListenerID)
    case connect(to: Endpoint, from: Endpoint?)
    case read(ConnectionID, limit: Int)
    case write(ConnectionID, [UInt8])
    case setNoDelay(Bool, ConnectionID)
    case shutdown(ConnectionID)
    case close(ConnectionID)
    case abort(ConnectionID)
    case abortAll
}

/// What came of a ``StackInput``.
public enum StackOutcome: Hashable, Sendable {
    case done
    /// What goes out: the answers to a `receive`, or what `transmit` gave.
    case packets([OutgoingPacket])
    case event(StackEvent?)
    case interface(InterfaceID)
    case listener(ListenerID)
    case connection(ConnectionID)
    /// What was read; nothing when the peer has ended its side.
    case bytes([UInt8])
    /// How many bytes a write has taken.
    case taken(Int)
    case failed(StackError)
}

/// A packet that a stack sends, and by which interface.
public struct OutgoingPacket: Hashable, Sendable {
    public let bytes: [UInt8]
    public let interface: InterfaceID
}

/// A stack with the batches that it is driven with: ``StackInput`` in, ``StackOutcome`` out.
///
/// Hosts and replays both go through here, so that they cannot differ.
public struct DrivenStack: ~Copyable {
    public var stack: NetworkStack
    private var incoming = PacketBatch(byteCapacity: 65_535, packetCapacity: 1)
    private var outgoing = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 256)

    public init(_ stack: consuming NetworkStack) { self.stack = stack }

    /// A deep copy of the stack, driven by itself from here on.
    public func fork() -> DrivenStack { DrivenStack(stack.fork()) }

    /// Does one thing.
    public mutating func perform(_ input: StackInput, at now: Instant) -> StackOutcome {
        do {
            return try attempt(input, at: now)
        } catch {
            return .failed(error)
        }
    }

    private mutating func attempt(_ input: StackInput, at now: Instant) throws(StackError) -> StackOutcome {
        switch input {
        case .addInterface(let configuration): return .interface(try stack.addInterface(configuration))
        case .addAddress(let prefix, let interface): try stack.addAddress(prefix, to: interface)
        case .addRoute(let prefix, let interface): try stack.addRoute(prefix, by: interface)
        case .addGateway(let network, let interface): try stack.addGateway(of: network, on: interface)
        case .receive(let packet, let interface): return .packets(receive(packet, on: interface, at: now))
        case .timersFired: stack.timersFired(at: now)
        case .transmit: return .packets(transmit(at: now))
        case .nextEvent: return .event(stack.nextEvent())
        case .listen(let local, let backlog, let mode):
            return .listener(try stack.listen(on: local, backlog: backlog, mode: mode))
        case .setBacklog(let backlog, let listener): try stack.setBacklog(backlog, of: listener)
        case .accept(let listener): return .connection(try stack.accept(listener))
        case .decide(let request, let decision): try stack.decide(request, decision, at: now)
        case .closeListener(let listener): try stack.close(listener, at: now)
        case .connect(let remote, let local): return .connection(try stack.connect(to: remote, from: local, at: now))
        case .read(let connection, let limit): return .bytes(try read(connection, limit: limit))
        case .write(let connection, let bytes): return .taken(try stack.write(connection, bytes.span))
        case .setNoDelay(let noDelay, let connection): try stack.setNoDelay(noDelay, of: connection)
        case .shutdown(let connection): try stack.shutdown(connection, at: now)
        case .close(let connection): try stack.close(connection, at: now)
        case .abort(let connection): try stack.abort(connection, at: now)
        case .abortAll: stack.abortAll(at: now)
        }
        return .done
    }

    /// A packet longer than an IP packet can be never arrives.
    private mutating func receive(_ packet: [UInt8], on interface: InterfaceID, at now: Instant) -> [OutgoingPacket] {
        incoming.removeAll()
        outgoing.removeAll()
        incoming.append(packet.span, interface: interface)
        stack.receive(incoming, answers: &outgoing, at: now)
        return takeOutgoing()
    }

    /// One batch; there may be more.
    private mutating func transmit(at now: Instant) -> [OutgoingPacket] {
        outgoing.removeAll()
        stack.transmit(into: &outgoing, at: now)
        return takeOutgoing()
    }

    private func takeOutgoing() -> [OutgoingPacket] {
        (0..<outgoing.count).map { index in
            let bytes = outgoing.bytes(of: index)
            var copy: [UInt8] = []
            copy.reserveCapacity(bytes.count)
            for position in bytes.indices { copy.append(bytes[position]) }
            return OutgoingPacket(bytes: copy, interface: outgoing[index].interface)
        }
    }

    private mutating func read(_ connection: ConnectionID, limit: Int) throws(StackError) -> [UInt8] {
        // No more room than there are bytes, but some: the end and a failure are told to a reader with room only.
        let readable = try stack.info(of: connection).readableBytes
        var bytes = [UInt8](repeating: 0, count: min(max(readable, 1), max(limit, 0)))
        var room = bytes.mutableSpan
        let count = try stack.read(connection, into: &room)
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
