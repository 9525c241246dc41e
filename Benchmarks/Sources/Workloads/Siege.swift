import NetPrimitives
public import Netstack
import WireFormats

/// A server with a small budget and many who want all of it: SYNs from everywhere, and connections from one network
/// that send, with holes, what nobody reads. Then somebody honest comes from elsewhere and brings a megabyte.
///
/// Every packet goes in alone, so that whoever asks after each sees the worst there is.
public struct Siege: ~Copyable {
    public var server: NetworkStack
    private var client: NetworkStack
    private var toServer: PacketBatch
    private var toClient: PacketBatch
    private let clientBytes: Int
    private let listener: ListenerID
    private var now = Instant.zero
    private var synNumber: UInt32 = 0
    /// Connections that the server's application holds, and never reads from.
    private var held = 0

    private static let target = IPv4Address(198, 19, 0, 1)
    private static let honest = IPv4Address(198, 18, 0, 1)
    private static let port: UInt16 = 80

    public init(budget: Int) throws(StackError) {
        var configuration = Configuration()
        configuration.budget = budget
        var client = NetworkStack(seed: Seed(1))
        var server = NetworkStack(configuration: configuration, seed: Seed(2))
        try Self.attach(&client, Self.honest)
        try Self.attach(&server, Self.target)
        listener = try server.listen(on: Endpoint(.v4(Self.target), Self.port), backlog: 65_535)
        clientBytes = client.allocatedBytes
        toServer = PacketBatch(byteCapacity: 1 << 17, packetCapacity: 64)
        toClient = PacketBatch(byteCapacity: 1 << 17, packetCapacity: 64)
        self.client = client
        self.server = server
    }

    private static func attach(_ stack: inout NetworkStack, _ address: IPv4Address) throws(StackError) {
        let interface = try stack.addInterface(InterfaceConfiguration())
        try stack.addAddress(IPPrefix(host: .v4(address)), to: interface)
        if let everywhere = IPPrefix(.v4(.any), length: 0) { try stack.addRoute(everywhere, by: interface) }
    }

    /// Bytes that the honest client has taken since the beginning: no part of what is measured.
    public var clientGrowth: Int { client.allocatedBytes - clientBytes }

    // MARK: The attack

    /// One more SYN from an address that no SYN came from before.
    public mutating func sendSyn() {
        synNumber &+= 1
        var seg = Segment()
        seg.seq = SequenceNumber(synNumber &* 0x9E37_79B9)
        seg.flags = .syn
        seg.window = 64_240
        seg.options.maximumSegmentSize = 1_460
        now = now + .microseconds(10)
        give(seg, from: IPv4Address(0x2000_0000 | synNumber), port: 4_000)
    }

    /// A connection from 203.0.113.0/24, or another network beside it, is opened.
    /// - Returns: a peer to send from.
    public mutating func open(_ number: Int, network: Int = 0) -> Peer? {
        var peer = Peer(
            address: IPv4Address(
                203, 0, UInt8(truncatingIfNeeded: 113 + network), UInt8(truncatingIfNeeded: 1 + number % 250)),
            port: UInt16(truncatingIfNeeded: 10_000 + number / 250), next: SequenceNumber(1_000), ack: SequenceNumber(0)
        )
        var seg = Segment()
        seg.seq = SequenceNumber(999)
        seg.flags = .syn
        seg.window = 65_535
        seg.options.maximumSegmentSize = 1_460
        give(seg, from: peer.address, port: peer.port)
        guard let answer = lastAnswer, answer.flags == [.syn, .ack] else { return nil }
        peer.ack = answer.seq + 1
        send(0, at: 0, from: peer)
        return peer
    }

    /// Text of a peer's, so far behind what comes next.
    public mutating func send(_ length: Int, at offset: UInt32, from peer: Peer) {
        var seg = Segment()
        seg.seq = peer.next + offset
        seg.ack = peer.ack
        seg.flags = .ack
        seg.window = 65_535
        seg.payloadLength = length
        give(seg, from: peer.address, port: peer.port)
    }

    /// Somebody who does not keep to what the network is for.
    public struct Peer: Sendable {
        var address: IPv4Address
        var port: UInt16
        var next: SequenceNumber
        var ack: SequenceNumber
    }

    private var lastAnswer: Segment? {
        guard toClient.count > 0, let ip = try? IPv4View(validating: toClient.bytes(of: toClient.count - 1)) else {
            return nil
        }
        return (try? TCPView(validating: ip.payload))?.segment
    }

    private mutating func give(_ seg: Segment, from source: IPv4Address, port: UInt16) {
        toServer.removeAll()
        toClient.removeAll()
        toServer.append(seg, from: Endpoint(.v4(source), port), to: Endpoint(.v4(Self.target), Self.port))
        server.receive(toServer, answers: &toClient, at: now)
        while (try? server.accept(listener)) != nil { held += 1 }
        while server.nextEvent() != nil {}
        while server.nextAttempt() != nil {}
        server.transmit(into: &toClient, at: now)
    }

    // MARK: The honest one

    /// Brings so many bytes to the server, which reads them.
    /// - Parameter afterPacket: called when the server has had a packet.
    /// - Returns: bytes read when all is said, or when 100,000 turns have passed.
    public mutating func carry(_ total: Int, afterPacket: (borrowing Siege) -> Void) throws(StackError) -> Int {
        let near = try client.connect(to: Endpoint(.v4(Self.target), Self.port), at: now)
        let text = [UInt8](repeating: 0x41, count: 2_048)
        var sink = [UInt8](repeating: 0, count: 4_096)
        var (far, written, read): (ConnectionID?, Int, Int) = (nil, 0, 0)
        for _ in 0..<100_000 where read < total {
            now = now + .microseconds(100)
            if let due = client.nextDeadline(), due <= now { client.timersFired(at: now) }
            if let due = server.nextDeadline(), due <= now { server.timersFired(at: now) }
            if written < total {
                written += (try? client.write(near, text.span.extracting(0..<min(text.count, total - written)))) ?? 0
            }
            exchange(afterPacket)
            if far == nil { far = try? server.accept(listener) }
            if let far {
                var target = sink.mutableSpan
                read += (try? server.read(far, into: &target)) ?? 0
            }
        }
        return read
    }

    private mutating func exchange(_ afterPacket: (borrowing Siege) -> Void) {
        toServer.removeAll()
        toClient.removeAll()
        client.transmit(into: &toServer, at: now)
        var single = PacketBatch(byteCapacity: 1 << 11, packetCapacity: 1)
        for index in 0..<toServer.count {
            single.removeAll()
            single.append(toServer.bytes(of: index), interface: InterfaceID(0))
            server.receive(single, answers: &toClient, at: now)
            afterPacket(self)
        }
        server.transmit(into: &toClient, at: now)
        while server.nextEvent() != nil {}
        while client.nextEvent() != nil {}
        toServer.removeAll()
        // What answers peers that do not exist, the client drops.
        client.receive(toClient, answers: &toServer, at: now)
    }
}
