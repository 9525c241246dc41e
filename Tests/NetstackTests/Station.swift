import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

extension Family: CustomTestStringConvertible {
    var testDescription: String { self == .ipv4 ? "IPv4" : "IPv6" }
    /// What a segment carries on an interface of 1500 bytes.
    var mss: UInt16 { self == .ipv4 ? 1460 : 1440 }

    /// Address `number` of the one network there is.
    func address(_ number: UInt8) -> IPAddress {
        self == .ipv4
            ? .v4(IPv4Address(192, 0, 2, number))
            : .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: UInt64(number)))
    }
}

/// One stack, and a wire whose other end the test holds in its hand.
///
/// The stack's initial sequence number is 1000 unless a test says otherwise, the peer's usually 5000; the stack's port
/// is 80, the peer's 4000. Times are milliseconds.
struct Station: ~Copyable {
    static let iss: UInt32 = 1_000
    let family: Family
    var stack: NetworkStack
    private(set) var now = Instant.zero

    init(_ family: Family = .ipv4, _ configuration: Configuration = .numbered, seed: UInt64 = 1) throws {
        self.family = family
        stack = NetworkStack(configuration: configuration, seed: Seed(seed))
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1500))
        try stack.addAddress(#require(IPPrefix(family.host, length: family.prefixLength)), to: interface)
    }

    var own: Endpoint { Endpoint(family.host, 80) }
    var peer: Endpoint { Endpoint(family.peer, 4000) }
}

extension Configuration {
    /// No options and a known initial sequence number.
    static var numbered: Configuration {
        var numbered = Configuration()
        numbered.fixedInitialSequence = Station.iss
        numbered.tcp.offersTimestamps = false
        numbered.tcp.offersSACK = false
        numbered.tcp.offersWindowScale = false
        return numbered
    }

    /// A copy with something changed.
    func with(_ change: (inout Configuration) -> Void) -> Configuration {
        var copy = self
        change(&copy)
        return copy
    }
}

// MARK: - What happens

extension Station {
    /// The peer sends a segment.
    /// - Parameter tamper: changes the packet's bytes after all checksums are in.
    /// - Returns: what the stack sends because of it.
    @discardableResult
    mutating func receive(
        _ seg: Segment, from source: Endpoint? = nil, to destination: Endpoint? = nil, at milliseconds: Int64? = nil,
        tamper: (inout [UInt8]) -> Void = { _ in }
    ) -> [String] {
        if let milliseconds { now = .zero + .milliseconds(milliseconds) }
        var packet = Wire.packet(seg, from: source ?? peer, to: destination ?? own)
        tamper(&packet)
        return receive(packet)
    }

    @discardableResult
    mutating func receive(_ packet: [UInt8]) -> [String] { exchange([packet]).map { Wire.line($0) } }

    /// Packets come in one batch.
    /// - Returns: the packets that the stack sends because of them.
    @discardableResult
    mutating func exchange(_ packets: [[UInt8]]) -> [[UInt8]] {
        var batch = PacketBatch(byteCapacity: 1 << 17, packetCapacity: 64)
        for packet in packets { batch.append(packet.span, interface: InterfaceID(0)) }
        var answers = PacketBatch(byteCapacity: 1 << 17, packetCapacity: 64)
        stack.receive(batch, answers: &answers, at: now)
        return (0..<answers.count).map { Wire.copy(answers, $0) } + self.packets()
    }

    /// The first packet that answers a segment at once, without a connection.
    mutating func answerPacket(to seg: Segment, from source: Endpoint? = nil) -> [UInt8]? {
        var batch = PacketBatch(byteCapacity: 1 << 12, packetCapacity: 1)
        batch.append(Wire.packet(seg, from: source ?? peer, to: own).span, interface: InterfaceID(0))
        var answers = PacketBatch(byteCapacity: 1 << 12, packetCapacity: 4)
        stack.receive(batch, answers: &answers, at: now)
        return answers.isEmpty ? nil : Wire.copy(answers, 0)
    }

    /// What the stack sends by itself.
    mutating func sent() -> [String] { packets().map { Wire.line($0) } }

    mutating func packets() -> [[UInt8]] {
        var batch = PacketBatch(byteCapacity: 1 << 20, packetCapacity: 1024)
        stack.transmit(into: &batch, at: now)
        return (0..<batch.count).map { Wire.copy(batch, $0) }
    }

    /// Time passes, timers fire as they are due.
    /// - Returns: what is sent, each with its time in milliseconds.
    @discardableResult
    mutating func wait(until milliseconds: Int64) -> [String] {
        waited(until: milliseconds).map { "\($0.at): \(Wire.line($0.packet))" }
    }

    /// The same, with the packets themselves.
    mutating func waited(until milliseconds: Int64) -> [(at: Int64, packet: [UInt8])] {
        let end = Instant.zero + .milliseconds(milliseconds)
        var log: [(at: Int64, packet: [UInt8])] = []
        while let deadline = stack.nextDeadline(), deadline <= end {
            now = max(now, deadline)
            stack.timersFired(at: now)
            let at = now.milliseconds
            log += packets().map { (at, $0) }
        }
        now = end
        return log
    }

    /// A connection that the peer opened, accepted.
    mutating func accepted(from port: UInt16 = 4000, backlog: Int = 8) throws -> ConnectionID {
        let listener = try stack.listen(on: own, backlog: backlog)
        open(from: port)
        let id = try stack.accept(listener)
        while stack.nextEvent() != nil {}
        return id
    }

    /// The peer opens a connection: SYN and third packet.
    mutating func open(from port: UInt16 = 4000) {
        let source = Endpoint(family.peer, port)
        receive(.syn(5000), from: source)
        receive(.ack(1001, seq: 5001), from: source)
    }

    /// Everything there is to tell.
    mutating func events() -> [StackEvent] {
        var events: [StackEvent] = []
        while let event = stack.nextEvent() { events.append(event) }
        return events
    }

    /// Reads what there is, up to `count` bytes.
    mutating func read(_ id: ConnectionID, _ count: Int = 100) throws(StackError) -> Int {
        var buffer = [UInt8](repeating: 0, count: count)
        var target = buffer.mutableSpan
        return try stack.read(id, into: &target)
    }

    mutating func write(_ id: ConnectionID, _ count: Int) throws(StackError) -> Int {
        try stack.write(id, [UInt8](repeating: 7, count: count).span)
    }

    /// The error that `call` throws, if it does.
    mutating func failure<T>(_ call: (inout Station) throws -> T) -> StackError? {
        do {
            _ = try call(&self)
            return nil
        } catch {
            return error as? StackError
        }
    }
}

// MARK: - The wire

/// Packets as bytes, and as lines that a test can compare.
enum Wire {
    static func packet(_ seg: Segment, from source: Endpoint, to destination: Endpoint) -> [UInt8] {
        let length = seg.headerLength + seg.payloadLength
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source.address, destination: destination.address, protocol: .tcp, length: length)
        var octets = [UInt8](repeating: 0x61, count: length)
        var span = octets.mutableSpan
        seg.emitHeader(into: &span, sourcePort: source.port, destinationPort: destination.port)
        Segment.storeChecksum(in: &span, pseudoHeaderSum: sum)
        return ip(octets, .tcp, from: source.address, to: destination.address)
    }

    static func ip(_ payload: [UInt8], _ upper: IPProtocol, from source: IPAddress, to destination: IPAddress)
        -> [UInt8]
    {
        var header = [UInt8](repeating: 0, count: source.isIPv6 ? 40 : 20)
        var span = header.mutableSpan
        switch (source, destination) {
        case (.v4(let a), .v4(let b)):
            IPv4Header(source: a, destination: b, protocol: upper, payloadLength: payload.count).emit(into: &span)
        case (.v6(let a), .v6(let b)):
            IPv6Header(source: a, destination: b, nextHeader: upper, payloadLength: payload.count).emit(into: &span)
        default: preconditionFailure("one family")
        }
        return header + payload
    }

    static func icmp(
        _ family: Family, type: UInt8, code: UInt8, rest: UInt32 = 0, body: [UInt8], from source: IPAddress? = nil,
        to destination: IPAddress? = nil
    ) -> [UInt8] {
        let (source, destination) = (source ?? family.peer, destination ?? family.host)
        var octets = [UInt8](repeating: 0, count: 8 + body.count)
        let sum =
            family == .ipv4
            ? nil
            : InternetChecksum.pseudoHeaderSum(
                source: source, destination: destination, protocol: .icmpv6, length: octets.count)
        var span = octets.mutableSpan
        ICMPEmitter.emit(type: type, code: code, rest: rest, body: body.span, into: &span, pseudoHeaderSum: sum)
        return ip(octets, family == .ipv4 ? .icmp : .icmpv6, from: source, to: destination)
    }

    static func udp(from source: Endpoint, to destination: Endpoint, count: Int = 4) -> [UInt8] {
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source.address, destination: destination.address, protocol: .udp, length: 8 + count)
        var octets = [UInt8](repeating: 0, count: 8 + count)
        var span = octets.mutableSpan
        span.store(source.port, at: 0)
        span.store(destination.port, at: 2)
        span.store(UInt16(8 + count), at: 4)
        span.store(InternetChecksum.checksum(span.span, adding: sum), at: 6)
        return ip(octets, .udp, from: source.address, to: destination.address)
    }

    static func copy(_ batch: borrowing PacketBatch, _ index: Int) -> [UInt8] {
        let bytes = batch.bytes(of: index)
        return bytes.indices.map { bytes[$0] }
    }

    static func lines(_ batch: borrowing PacketBatch) -> [String] {
        (0..<batch.count).map { line(copy(batch, $0)) }
    }

    /// The TCP segment of a packet, its checksums verified.
    static func segment(_ packet: [UInt8]) -> Segment? {
        guard let (upper, octets, source, destination) = open(packet), upper == .tcp,
            let view = try? TCPView(validating: octets.span)
        else { return nil }
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source, destination: destination, protocol: .tcp, length: octets.count)
        let isValid = view.hasValidChecksum(pseudoHeaderSum: sum)
        #expect(isValid)
        return view.segment
    }

    /// Flags, numbers and length of a segment, or type and code of an ICMP message.
    static func line(_ packet: [UInt8]) -> String {
        guard let (upper, octets, _, _) = open(packet) else { return "not IP" }
        guard upper == .tcp else { return upper == .udp ? "udp" : "icmp \(octets[0])/\(octets[1])" }
        guard let seg = segment(packet) else { return "not TCP" }
        let letters: [(TCPFlags, String)] = [
            (.syn, "S"), (.fin, "F"), (.rst, "R"), (.psh, "P"), (.ack, "."), (.ece, "E"), (.cwr, "W"),
        ]
        var line = letters.filter { seg.flags.contains($0.0) }.map(\.1).joined() + " \(seg.seq.rawValue)"
        if seg.payloadLength > 0 { line += "+\(seg.payloadLength)" }
        if seg.flags.contains(.ack) { line += " ack \(seg.ack.rawValue)" }
        return line
    }

    private static func open(_ packet: [UInt8]) -> (IPProtocol, [UInt8], IPAddress, IPAddress)? {
        if let view = try? IPv4View(validating: packet.span) {
            let range = view.headerLength..<view.totalLength
            return (view.protocol, Array(packet[range]), .v4(view.source), .v4(view.destination))
        }
        guard let view = try? IPv6View(validating: packet.span) else { return nil }
        return (view.upperProtocol, Array(packet[40...]), .v6(view.source), .v6(view.destination))
    }
}

// MARK: - Segments of the peer

extension Segment {
    init(_ flags: TCPFlags, seq: UInt32 = 5_000, ack: UInt32 = 0, length: Int = 0, window: UInt16 = 65_535) {
        self.init()
        self.flags = flags
        self.seq = SequenceNumber(seq)
        self.ack = SequenceNumber(ack)
        self.window = window
        payloadLength = length
    }

    static func syn(_ seq: UInt32 = 5_000) -> Segment {
        var seg = Segment(.syn, seq: seq)
        seg.options.maximumSegmentSize = 1_460
        return seg
    }
    static func synAck(_ ack: UInt32 = 1_001, seq: UInt32 = 5_000) -> Segment {
        var seg = Segment([.syn, .ack], seq: seq, ack: ack)
        seg.options.maximumSegmentSize = 1_460
        return seg
    }
    static func ack(_ ack: UInt32, seq: UInt32 = 5_001, window: UInt16 = 65_535) -> Segment {
        Segment(.ack, seq: seq, ack: ack, window: window)
    }
    static func text(_ count: Int, seq: UInt32 = 5_001, ack: UInt32 = 1_001) -> Segment {
        Segment([.ack, .psh], seq: seq, ack: ack, length: count)
    }
    static func fin(seq: UInt32 = 5_001, ack: UInt32 = 1_001) -> Segment { Segment([.fin, .ack], seq: seq, ack: ack) }
    static func rst(seq: UInt32) -> Segment { Segment(.rst, seq: seq) }
}
