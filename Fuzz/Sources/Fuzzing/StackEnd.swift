import NetPrimitives
import Netstack
import TCPStateMachine

/// A connection as its application sees it.
struct Conversation {
    var id: ConnectionID
    /// Our first number, which names the stream that we write; the peer's, once it is known.
    var iss: UInt32
    var irs: UInt32?
    var bytesRead = 0
    var bytesWritten = 0
    var isAccepted = false
    var isShut = false
    var isAtEnd = false
}

/// One of the two stacks, with its application and what is on its way to it.
struct StackEnd: ~Copyable {
    var stack: NetworkStack
    let isLeft: Bool
    var listeners: [ListenerID] = []
    var conversations: [Conversation] = []
    /// Packets for this end, the oldest first.
    var wire: [[UInt8]] = []
    /// Bytes written to each stream, by the first number of its writer.
    var streams: [UInt32: Int] = [:]

    /// What the driver uses again and again.
    private var incoming = PacketBatch(byteCapacity: 2_048, packetCapacity: 1)
    private var answers = PacketBatch(byteCapacity: 4_096, packetCapacity: 4)
    private var outgoing = PacketBatch(byteCapacity: 1 << 14, packetCapacity: 64)

    static let wireLimit = 64

    init(_ configuration: Configuration, isLeft: Bool, seed: UInt64) {
        stack = NetworkStack(configuration: configuration, seed: Seed(seed))
        self.isLeft = isLeft
        guard let interface = try? stack.addInterface(InterfaceConfiguration(mtu: 1500)) else { return }
        for isIPv6 in [false, true] {
            guard let prefix = IPPrefix(Self.address(isLeft: isLeft, isIPv6: isIPv6), length: isIPv6 ? 64 : 24) else {
                continue
            }
            try? stack.addAddress(prefix, to: interface)
        }
    }

    private init(copying other: borrowing StackEnd) {
        stack = other.stack.fork()
        isLeft = other.isLeft
        listeners = other.listeners
        conversations = other.conversations
        wire = other.wire
        streams = other.streams
    }

    func fork() -> StackEnd { StackEnd(copying: self) }

    static func address(isLeft: Bool, isIPv6: Bool) -> IPAddress { Wires.stranger(isLeft ? 1 : 2, isIPv6: isIPv6) }

    // MARK: Packets

    /// Packets go onto the wire as long as it holds them.
    mutating func put(_ packets: [[UInt8]]) {
        for packet in packets where wire.count < Self.wireLimit { wire.append(packet) }
    }

    /// A packet comes in.
    /// - Returns: the answers.
    mutating func receive(_ packet: [UInt8], at now: Instant) -> [[UInt8]] {
        incoming.removeAll()
        answers.removeAll()
        guard incoming.append(packet.span, interface: InterfaceID(0)) else { return [] }
        stack.receive(incoming, answers: &answers, at: now)
        return Packets.copies(answers)
    }

    /// All that the stack has to send.
    mutating func transmit(at now: Instant) -> [[UInt8]] {
        var packets: [[UInt8]] = []
        repeat {
            outgoing.removeAll()
            stack.transmit(into: &outgoing, at: now)
            packets += Packets.copies(outgoing)
            check(packets.count < 20_000, "a stack stops sending")
        } while !outgoing.isEmpty
        return packets
    }

    // MARK: The application

    mutating func note(_ id: ConnectionID) {
        guard let info = try? stack.info(of: id) else { return check(false, "a new connection has a handle") }
        conversations.append(Conversation(id: id, iss: info.iss.rawValue))
        streams[info.iss.rawValue] = 0
    }

    /// - Returns: whether there was anything to accept.
    @discardableResult mutating func accept(_ listener: ListenerID) -> Bool {
        guard let id = try? stack.accept(listener) else { return false }
        note(id)
        conversations[conversations.count - 1].isAccepted = true
        return true
    }

    /// Whether somebody was accepted whose first number is none of the other end's.
    func hasStranger(to streams: [UInt32: Int]) -> Bool {
        conversations.contains { conversation in
            guard conversation.isAccepted, let info = try? stack.info(of: conversation.id) else { return false }
            return streams[info.irs.rawValue] == nil
        }
    }

    mutating func write(_ place: Int, _ count: Int) {
        let conversation = conversations[place]
        let text = Pattern.bytes(of: conversation.iss, at: conversation.bytesWritten, count: count)
        guard let taken = try? stack.write(conversation.id, text.span) else { return }
        check(taken > 0 || count == 0, "a write takes something or says that it does not")
        conversations[place].bytesWritten += taken
        streams[conversation.iss] = conversations[place].bytesWritten
    }

    /// Reads and judges what comes.
    /// - Parameter streams: what the other end wrote; `nil` when somebody has forged packets.
    mutating func read(_ place: Int, _ count: Int, writtenBy streams: [UInt32: Int]?) {
        let conversation = conversations[place]
        var buffer = [UInt8](repeating: 0, count: count)
        var target = buffer.mutableSpan
        guard count > 0, let moved = try? stack.read(conversation.id, into: &target) else { return }
        conversations[place].bytesRead += moved
        if moved == 0 { conversations[place].isAtEnd = true }
        guard let streams, let info = try? stack.info(of: conversation.id) else { return }
        let irs = conversation.irs ?? info.irs.rawValue
        conversations[place].irs = irs
        check(
            Pattern.isPart(Array(buffer[..<moved]), of: irs, at: conversation.bytesRead),
            "bytes \(conversation.bytesRead) + \(moved) of stream \(irs) as written")
        let written = streams[irs] ?? 0
        check(conversation.bytesRead + moved <= written, "no more is read than was written")
        if moved == 0 { check(conversation.bytesRead == written, "the end comes behind the last byte") }
    }

    mutating func shutdown(_ place: Int, at now: Instant) {
        try? stack.shutdown(conversations[place].id, at: now)
        conversations[place].isShut = true
    }

    mutating func close(_ place: Int, at now: Instant) {
        let id = conversations.remove(at: place).id
        do throws(StackError) {
            try stack.close(id, at: now)
            check((try? stack.info(of: id)) == nil, "a closed handle is stale")
        } catch {
            check(false, "a handle that is held can be closed: \(error)")
        }
    }

    mutating func abort(_ place: Int, at now: Instant) {
        let id = conversations.remove(at: place).id
        do throws(StackError) {
            try stack.abort(id, at: now)
        } catch {
            check(false, "a handle that is held can be aborted: \(error)")
        }
    }

    /// Events are as many as there are things to tell.
    mutating func takeEvents() {
        var told = 0
        let most = 8 * (stack.tables.connections + listeners.count + 2)
        while let event = stack.nextEvent() {
            told += 1
            check(told <= most, "there is no end of events")
            guard case .acceptable(let id) = event else { continue }
            check(listeners.contains(id), "only a listener of ours has something to accept")
        }
        while stack.nextAttempt() != nil {}
        while stack.nextSummary() != nil {}
        while stack.nextFlood() != nil {}
    }

    /// What is bounded stays so.
    func judge() {
        let tables = stack.tables
        check(tables.chunksReserved == 2 * tables.connections, "two chunks for each connection")
        check(stack.allocatedBytes <= stack.configuration.budget, "the budget is kept")
        check(tables.halfOpen <= stack.configuration.halfOpenLimit, "half-open entries are bounded")
        check(tables.timeWaits <= stack.configuration.timeWaitLimit, "TIME-WAITs are bounded")
        check(tables.flights <= tables.connections && tables.ranges <= 2 * tables.connections, "one flight each")
        check(tables.listeners == listeners.count, "as many listeners as were opened")
        check(tables.connections >= conversations.count, "what is held is there")
        for conversation in conversations {
            guard let info = try? stack.info(of: conversation.id) else { return check(false, "a held handle is good") }
            check(
                info.snd.una.isAtOrBefore(info.snd.nxt) && info.snd.nxt.isAtOrBefore(info.snd.max),
                "SND.UNA =< SND.NXT =< the highest")
            check(info.rcv.nxt.isAtOrBefore(info.rcv.advertisedEdge), "RCV.NXT =< what was promised")
        }
    }
}
