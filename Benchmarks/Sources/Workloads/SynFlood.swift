import NetPrimitives
public import Netstack
import WireFormats

/// SYNs, each from somebody new, in batches: the unit is a SYN. Or ACKs, forged.
///
/// Making them is no part of a step, and neither is emptying the table again when it holds enough fresh entries.
public struct SynFlood: Workload, ~Copyable {
    /// What becomes of the SYNs.
    public enum Target: Sendable {
        /// A listener answers each with a SYN-ACK, beside so many half-open entries that stay.
        case listener(standing: Int)
        /// A listener whose SYN queue is full, with cookies or without: then it drops them.
        case fullQueue(cookies: CookieCodec?)
        /// Nobody listens: RST.
        case closedPort
        /// Not SYNs but ACKs with numbers of chance, at a listener that reads each as a fleet's cookie: RST.
        case forgedAcks
    }

    private var server: NetworkStack
    private var listener: ListenerID?
    private let target: Target
    private let isIPv6: Bool
    private var syns: PacketBatch
    private var answers: PacketBatch
    private var sourceNumber: UInt32 = 0
    private var freshCount = 0
    private var now = Instant.zero

    /// Fresh entries after which the table is emptied.
    static let freshLimit = 32_768
    private static let port: UInt16 = 80
    private static let standingPort: UInt16 = 1_024
    private static let queueLength = 65_536

    public init(_ target: Target, isIPv6: Bool = false, packets: Int = 64) throws(StackError) {
        var configuration = Configuration()
        configuration.halfOpenLimit = 1 << 20
        configuration.budget = 2 << 30
        // What is measured is not the limit.
        configuration.resetsPerSecond = .max
        if case .fullQueue(let codec) = target {
            if let codec { configuration.cookieCodec = codec } else { configuration.synCookies = .off }
        }
        if case .forgedAcks = target { configuration.cookieCodec = .fleet }
        server = NetworkStack(configuration: configuration, seed: Seed(3))
        syns = PacketBatch(byteCapacity: 128 * packets, packetCapacity: packets)
        answers = PacketBatch(byteCapacity: 128 * packets, packetCapacity: packets)
        self.target = target
        self.isIPv6 = isIPv6
        let interface = try server.addInterface(InterfaceConfiguration())
        if let address = IPPrefix(Self.server(isIPv6), length: isIPv6 ? 64 : 16),
            let everywhere = IPPrefix(isIPv6 ? .v6(.any) : .v4(.any), length: 0)
        {
            try server.addAddress(address, to: interface)
            try server.addRoute(everywhere, by: interface)
        }
        switch target {
        case .listener(let standing):
            try stand(standing)
            try listen(backlog: Self.queueLength - 1)
        case .fullQueue, .forgedAcks:
            try listen(backlog: 0)
        case .closedPort:
            break
        }
    }

    private mutating func listen(backlog: Int) throws(StackError) {
        listener = try server.listen(on: Endpoint(Self.server(isIPv6), Self.port), backlog: backlog)
    }

    /// Half-open entries that stay: each listener has room for so many, so there are several.
    private mutating func stand(_ count: Int) throws(StackError) {
        var port = Self.standingPort
        while server.tables.halfOpen < count {
            _ = try server.listen(on: Endpoint(Self.server(isIPv6), port), backlog: Self.queueLength - 1)
            for _ in 0..<Self.queueLength where server.tables.halfOpen < count {
                syns.removeAll()
                answers.removeAll()
                appendSyn(to: port)
                server.receive(syns, answers: &answers, at: now)
            }
            port += 1
        }
    }

    public mutating func prepare() throws(StackError) {
        if case .listener = target, freshCount >= Self.freshLimit, let full = listener {
            try server.close(full, at: now)
            try listen(backlog: Self.queueLength - 1)
            freshCount = 0
        }
        now = now + .microseconds(1)
        answers.removeAll()
        syns.removeAll()
        while syns.count < syns.packetCapacity { appendSyn(to: Self.port) }
    }

    public mutating func step() -> Int {
        server.receive(syns, answers: &answers, at: now)
        freshCount += syns.count
        return syns.count
    }

    /// Packets that answered the last step.
    public var answerCount: Int { answers.count }
    /// Bytes that the stack says it holds.
    public var allocatedBytes: Int { server.allocatedBytes }
    public var halfOpenCount: Int { server.tables.halfOpen }

    // MARK: SYNs

    private static func server(_ isIPv6: Bool) -> IPAddress {
        isIPv6
            ? .v6(IPv6Address(high: 0x2001_0002_0000_0002, low: 1)) : .v4(IPv4Address(198, 19, 0, 1))
    }

    /// A SYN as Linux sends it, from an address and a port that no SYN before had.
    private mutating func appendSyn(to port: UInt16) {
        sourceNumber &+= 1
        var seg = Segment()
        seg.seq = SequenceNumber(sourceNumber &* 0x9E37_79B9)
        seg.flags = .syn
        seg.window = 64_240
        seg.options.maximumSegmentSize = 1_460
        seg.options.isSACKPermitted = true
        seg.options.timestamps = TCPTimestamps(value: sourceNumber, echoReply: 0)
        seg.options.windowScale = 7
        if case .forgedAcks = target {
            seg.flags = .ack
            seg.ack = SequenceNumber(sourceNumber &* 0x85EB_CA6B)
            seg.options.maximumSegmentSize = nil
            seg.options.isSACKPermitted = false
            seg.options.windowScale = nil
        }
        let sourcePort = 1_024 + UInt16(truncatingIfNeeded: sourceNumber % 64_000)
        syns.append(
            seg, from: Endpoint(clientAddress, sourcePort), to: Endpoint(Self.server(isIPv6), port))
    }

    private var clientAddress: IPAddress {
        isIPv6
            ? .v6(IPv6Address(high: 0x2001_0002_0000_0001, low: UInt64(sourceNumber)))
            : .v4(IPv4Address(0x0A00_0000 | sourceNumber & 0xFF_FFFF))
    }
}
