import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// A line of a figure of RFC 9293, 3.5: the state of A, a segment and which way it goes, the state of B.
///
/// An arrow beside a host says that it sends or takes the segment; "..." that the segment is somewhere in the network.
struct FigureLine: Sendable {
    enum Way: String {
        case right = "-->"
        case left = "<--"
        case network = "..."
    }

    var number = 0
    var left: String?
    var segment: String?
    var ways: (Way, Way) = (.network, .network)
    var right: String?

    init?(_ text: Substring) {
        for word in text.split(separator: " ").map(String.init) {
            if let way = Way(rawValue: word) {
                if segment == nil { ways.0 = way } else { ways.1 = way }
            } else if word.hasPrefix("<") {
                segment = word
            } else if word.hasSuffix("."), let number = Int(word.dropLast()) {
                self.number = number
            } else if segment == nil, left == nil {
                left = word
            } else {
                right = word
            }
        }
        if number == 0 { return nil }
    }
}

/// A figure as the RFC has it, and what the hosts do of their own accord before one of its lines.
struct Figure: CustomTestStringConvertible, Sendable {
    enum Act: Sendable {
        case connect
        /// A forgets everything, and begins anew with this number.
        case reboot(iss: UInt32)
        case listen
        /// B's next connection begins with this number.
        case nextNumber(UInt32)
        case write(Int)
        /// Milliseconds.
        case wait(Int64)
    }

    let testDescription: String
    /// The numbers that A and B begin with.
    let isns: (a: UInt32, b: UInt32)
    /// Whether both are connected before the first line, with nothing said yet.
    let isConnected: Bool
    let lines: [FigureLine]
    let acts: [Int: [Act]]

    init(
        _ name: String, a: UInt32, b: UInt32, isConnected: Bool = false, _ text: String, before acts: [Int: [Act]]
    ) {
        (testDescription, isns, self.isConnected, self.acts) = (name, (a, b), isConnected, acts)
        lines = text.split(separator: "\n").compactMap(FigureLine.init)
    }
}

extension Segment {
    /// As the RFC writes it. PSH, which no figure shows, is left out.
    var figure: String {
        var text = "<SEQ=\(seq.rawValue)>"
        if flags.contains(.ack) { text += "<ACK=\(ack.rawValue)>" }
        if payloadLength > 0 { text += "<DATA=\(payloadLength)>" }
        let names: [(TCPFlags, String)] = [(.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.ack, "ACK")]
        return text + "<CTL=" + names.filter { flags.contains($0.0) }.map(\.1).joined(separator: ",") + ">"
    }
}

/// Two stacks that play a figure, and the network between them.
struct Duet: ~Copyable {
    private let family: Family
    private let configuration: Configuration
    private var a: NetworkStack
    private var b: NetworkStack
    private var now = Instant.zero
    private var fromA: [[UInt8]] = []
    private var fromB: [[UInt8]] = []
    private var network: [[UInt8]] = []
    private var ids: (a: ConnectionID?, b: ConnectionID?)

    private var ends: (a: Endpoint, b: Endpoint) { (Endpoint(family.peer, 4000), Endpoint(family.host, 80)) }

    init(_ family: Family, _ configuration: Configuration, _ figure: Figure) throws {
        self.family = family
        self.configuration = configuration
        a = Self.stack(configuration, seed: 1, iss: figure.isns.a)
        b = Self.stack(configuration, seed: 2, iss: figure.isns.b)
        try Self.join(&a, family, family.peer)
        try Self.join(&b, family, family.host)
        guard figure.isConnected else { return }
        let listener = try b.listen(on: ends.b, backlog: 1)
        try perform(.connect)
        while !fromA.isEmpty || !fromB.isEmpty {
            while !fromA.isEmpty { arrive(fromA.removeFirst(), atA: false) }
            while !fromB.isEmpty { arrive(fromB.removeFirst(), atA: true) }
        }
        ids.b = try b.accept(listener)
        try b.close(listener, at: now)
    }

    private static func stack(_ configuration: Configuration, seed: UInt64, iss: UInt32) -> NetworkStack {
        NetworkStack(configuration: configuration.with { $0.fixedInitialSequence = iss }, seed: Seed(seed))
    }

    private static func join(_ stack: inout NetworkStack, _ family: Family, _ address: IPAddress) throws {
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1500))
        try stack.addAddress(#require(IPPrefix(address, length: family.prefixLength)), to: interface)
    }

    mutating func perform(_ act: Figure.Act) throws {
        switch act {
        case .connect: ids.a = try a.connect(to: ends.b, from: ends.a, at: now)
        case .reboot(let iss):
            a = Self.stack(configuration, seed: 3, iss: iss)
            try Self.join(&a, family, family.peer)
        case .listen: _ = try b.listen(on: ends.b, backlog: 1)
        case .nextNumber(let iss): b.configuration.fixedInitialSequence = iss
        case .write(let count): _ = try b.write(#require(ids.b), [UInt8](repeating: 7, count: count).span)
        case .wait(let milliseconds):
            now = now + .milliseconds(milliseconds)
            a.timersFired(at: now)
            b.timersFired(at: now)
        }
        collect()
    }

    private mutating func collect() {
        var batch = PacketBatch(byteCapacity: 1 << 16, packetCapacity: 64)
        a.transmit(into: &batch, at: now)
        fromA += (0..<batch.count).map { Wire.copy(batch, $0) }
        batch.removeAll()
        b.transmit(into: &batch, at: now)
        fromB += (0..<batch.count).map { Wire.copy(batch, $0) }
    }

    private mutating func arrive(_ packet: [UInt8], atA: Bool) {
        var batch = PacketBatch(byteCapacity: 1 << 16, packetCapacity: 1)
        batch.append(packet.span, interface: InterfaceID(0))
        var answers = PacketBatch(byteCapacity: 1 << 16, packetCapacity: 16)
        if atA {
            a.receive(batch, answers: &answers, at: now)
            fromA += (0..<answers.count).map { Wire.copy(answers, $0) }
        } else {
            b.receive(batch, answers: &answers, at: now)
            fromB += (0..<answers.count).map { Wire.copy(answers, $0) }
        }
        collect()
    }

    /// Plays one line.
    mutating func play(_ line: FigureLine) throws {
        if let text = line.segment {
            switch line.ways {
            case (.right, let then):
                let packet = try Self.first(&fromA, "A", line)
                if then == .right { arrive(packet, atA: false) } else { network.append(packet) }
            case (_, .left):
                arrive(try Self.first(&fromB, "B", line), atA: true)
            case (.network, _):
                let place = network.firstIndex { Wire.segment($0)?.figure == text }
                // What nobody has sent in this life is an old duplicate.
                let packet = try place.map { network.remove(at: $0) } ?? oldDuplicate(text)
                arrive(packet, atA: false)
            case (.left, _):
                Issue.record("line \(line.number) has no sense")
            }
        }
        if let left = line.left { #expect(state(ofA: true) == left, "A, line \(line.number)") }
        if let right = line.right { #expect(state(ofA: false) == right, "B, line \(line.number)") }
    }

    private static func first(_ packets: inout [[UInt8]], _ host: String, _ line: FigureLine) throws -> [UInt8] {
        try #require(!packets.isEmpty, "\(host) sends nothing, line \(line.number)")
        let packet = packets.removeFirst()
        #expect(Wire.segment(packet)?.figure == line.segment, "\(host), line \(line.number)")
        return packet
    }

    /// A SYN of an earlier connection: A's, between the same ends.
    private func oldDuplicate(_ text: String) throws -> [UInt8] {
        let number = try #require(UInt32(text.dropFirst("<SEQ=".count).prefix { $0.isNumber }))
        let seg = Segment.syn(number)
        try #require(seg.figure == text)
        return Wire.packet(seg, from: ends.a, to: ends.b)
    }

    /// The state of the conversation, LISTEN where there is none and somebody listens.
    private func state(ofA isA: Bool) -> String {
        let tuple = FourTuple(
            local: isA ? ends.a.address : ends.b.address, localPort: isA ? ends.a.port : ends.b.port,
            remote: isA ? ends.b.address : ends.a.address, remotePort: isA ? ends.b.port : ends.a.port,
            interface: InterfaceID(0))
        let state = isA ? a.state(of: tuple) : b.state(of: tuple)
        let listeners = isA ? a.tables.listeners : b.tables.listeners
        return state == .closed && listeners > 0 ? "LISTEN" : state.description
    }

    /// How the application of B learns of the end.
    func failureAtB() throws -> ConnectionFailure? { try b.failure(of: #require(ids.b)) }

    /// What both have sent and no line has shown.
    var leftOver: [String] { (fromA + fromB + network).map { Wire.segment($0)?.figure ?? "?" } }
}
