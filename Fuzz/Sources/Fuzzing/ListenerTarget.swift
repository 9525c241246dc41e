import NetPrimitives
import Netstack
import TCPStateMachine
import WireFormats

/// Listening stacks and a crowd of peers that send them whatever they like: with cookies of either codec always, when a
/// queue is full, or never, and with listeners that ask before they answer. A second machine has the same address, and
/// the same keys unless the input gives it others.
public struct ListenerTarget: ~Copyable {
    /// What an input does next: a byte, modulo how many there are.
    public enum Call: UInt8, CaseIterable {
        case syn, ack, segment, raw, altered, icmp, accept, application, wait, fire, transmit, mode, keys, backlog
        case relisten, fork, decide, machine, codec
    }

    /// What a peer was told, by whichever machine.
    struct Peer {
        var irs: UInt32
        /// The last answer with a SYN, and the number of the first.
        var answer: Segment?
        var first: SequenceNumber?
        /// The last thing that it was sent.
        var packet: [UInt8] = []
    }

    var input: Input
    var now = Instant.zero
    var peers: [Peer]
    /// The machine that packets come to now, and the other one once they have come to it.
    var here: ListeningMachine
    private var there: ListeningMachine?
    private var hasOther = false
    private let configuration: Configuration
    private let seed: UInt64
    private let doors: [UInt8]
    /// What the driver uses again and again.
    var incoming = PacketBatch(byteCapacity: 4_096, packetCapacity: 1)
    var answers = PacketBatch(byteCapacity: 8_192, packetCapacity: 4)
    var outgoing = PacketBatch(byteCapacity: 1 << 14, packetCapacity: 64)

    static let peerCount = 8

    public static func run(_ bytes: [UInt8]) {
        var target = ListenerTarget(Input(bytes))
        while !target.input.isEmpty { target.step() }
        target.end()
        if target.changeMachine(makes: false) { target.end() }
    }

    private init(_ input: Input) {
        var input = input
        var configuration = Configuration()
        let (first, second) = (input.byte(), input.byte())
        configuration.synCookies = [.whenFull, .always, .off][Int(first & 3) % 3]
        configuration.abortsOnOverflow = first & 4 != 0
        configuration.timeWaitLimit = first & 8 == 0 ? 2 : 64
        configuration.halfOpenLimit = [2, 4, 64, 1_024][Int(first >> 4 & 3)]
        // Enough for a few connections only, or for all.
        configuration.budget = first & 64 == 0 ? 8 << 20 : 640 << 10
        configuration.prefixShare = first & 128 == 0 ? 100 : 25
        configuration.cookieCodec = second & 1 == 0 ? .classic : .fleet
        configuration.requestLimit = [4_096, 1, 3, 8][Int(second >> 1 & 3)]
        configuration.resetsPerSecond = second & 8 == 0 ? 1_000 : 1
        configuration.icmpErrorsPerSecond = second & 16 == 0 ? 1_000 : 1
        configuration.evictIdle = second & 128 == 0 ? nil : .seconds(1)
        configuration.cookieEpoch = .seconds(1_000_000_007)
        configuration.floodThreshold = 4
        configuration.tcp = .drawn(&input)
        configuration.tcp.ecn = second & 32 == 0 ? .whenAsked : .off
        configuration.tcp.reportsDuplicates = second & 64 == 0
        seed = UInt64(input.byte())
        doors = [input.byte(), input.byte()]
        self.configuration = configuration
        here = ListeningMachine(configuration, seed: seed, doors: doors)
        peers = (0..<2 * Self.peerCount).map { Peer(irs: UInt32($0) &* 0x1111_1111 &+ 0xFFFF_FFF0) }
        self.input = input
    }

    /// Whether a peer speaks IPv6: the second half of them do.
    static func isIPv6(_ number: Int) -> Bool { number >= peerCount }

    /// The other end of peer `number`.
    static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(Wires.stranger(UInt8(10 + number % 4), isIPv6: isIPv6(number)), UInt16(1_000 + number))
    }

    static func tuple(_ number: Int) -> FourTuple {
        let remote = endpoint(number)
        return FourTuple(
            local: Wires.own(isIPv6: isIPv6(number)), localPort: 80, remote: remote.address, remotePort: remote.port,
            interface: InterfaceID(0))
    }

    // MARK: Steps

    private mutating func step() {
        switch Call.allCases[Int(input.byte()) % Call.allCases.count] {
        case .syn: syn()
        case .ack: ack()
        case .segment: segment()
        case .raw:
            var packet = input.take(Int(input.byte()))
            Packets.putHeaderChecksumRight(&packet)
            receive(packet, checksum: .verified)
        case .altered:
            var packet = peers[input.below(peers.count)].packet
            for _ in 0..<4 where !packet.isEmpty { packet[Int(input.word()) % packet.count] ^= input.byte() }
            Packets.putHeaderChecksumRight(&packet)
            receive(packet, checksum: .verified)
        case .icmp: icmp()
        case .wait: wait(.milliseconds(1 << Int64(input.below(20))))
        case .fire: if let deadline = here.stack.nextDeadline() { wait(deadline - now) }
        case .transmit: transmit()
        case .accept: accept()
        case .application: application()
        case .decide: decide()
        case .mode: here.stack.configuration.synCookies = [.whenFull, .always, .off][input.below(3)]
        case .keys: changeKeys()
        case .codec: changeCodec()
        case .backlog: changeBacklog()
        case .relisten:
            let door = input.byte()
            here.relisten(Int(door >> 7), door, at: now)
        case .machine: _ = changeMachine(makes: true)
        case .fork:
            let twin = here.stack.fork()
            check(twin.digest(at: now) == here.stack.digest(at: now), "a copy has the same digest")
            check(twin.allocatedBytes <= here.stack.allocatedBytes, "a copy is no larger")
        }
        judge()
    }

    private mutating func syn() {
        let number = input.below(peers.count)
        var seg = Segment()
        let step = input.byte()
        seg.flags = step & 0x80 == 0 ? .syn : [.syn, .ece, .cwr]
        peers[number].irs = peers[number].irs &+ UInt32(step & 0x7F)
        seg.seq = SequenceNumber(peers[number].irs)
        seg.window = 64_240
        let options = input.byte()
        if options & 1 == 0 { seg.options.maximumSegmentSize = options & 2 == 0 ? 1460 : input.word() }
        if options & 4 == 0 { seg.options.windowScale = options >> 4 }
        seg.options.isSACKPermitted = options & 8 == 0
        if options & 64 == 0 { seg.options.timestamps = TCPTimestamps(value: clock, echoReply: 0) }
        send(seg, payload: [], from: number)
    }

    var clock: UInt32 { UInt32(truncatingIfNeeded: now.milliseconds) &+ 1_000 }

    /// The third packet of a handshake, or nearly.
    private mutating func ack() {
        let number = input.below(peers.count)
        let deviation = input.byte()
        var seg = Segment()
        seg.flags = deviation & 0x80 == 0 ? .ack : [.ack, .psh]
        seg.seq = SequenceNumber(peers[number].irs &+ 1)
        seg.ack = (peers[number].answer?.seq ?? SequenceNumber(0)) + 1
        if deviation & 1 != 0 { seg.seq = seg.seq + UInt32(input.byte()) - 4 }
        if deviation & 2 != 0 { seg.ack = seg.ack + input.number() }
        if deviation & 4 != 0, let older = peers[number].first { seg.ack = older + 1 }
        seg.window = 512
        if let timestamps = peers[number].answer?.options.timestamps, deviation & 8 == 0 {
            seg.options.timestamps = TCPTimestamps(value: clock, echoReply: timestamps.value)
            if deviation & 16 != 0 { seg.options.timestamps?.echoReply ^= input.number() }
        }
        let text = deviation & 32 == 0 ? [] : [UInt8](repeating: 7, count: Int(input.byte()))
        send(seg, payload: text, from: number)
    }

    /// Any segment at all.
    private mutating func segment() {
        let number = input.below(peers.count)
        var seg = Segment()
        seg.flags = TCPFlags(rawValue: input.byte())
        seg.seq = SequenceNumber(peers[number].irs &+ UInt32(input.word()))
        seg.ack = (peers[number].answer?.seq ?? SequenceNumber(0)) + UInt32(input.word())
        seg.window = input.word()
        if input.byte() & 1 != 0 { seg.options.timestamps = TCPTimestamps(value: input.number(), echoReply: 0) }
        send(seg, payload: [UInt8](repeating: 9, count: Int(input.byte())), from: number)
    }

    private mutating func icmp() {
        let number = input.below(peers.count)
        let isIPv6 = Self.isIPv6(number)
        let packet = Packets.icmp(
            type: input.byte(), code: input.byte(), rest: UInt32(input.word()), quoting: peers[number].packet,
            from: Wires.stranger(9, isIPv6: isIPv6), to: Wires.own(isIPv6: isIPv6))
        receive(packet)
    }

    mutating func wait(_ interval: Interval) {
        now = max(now, now + interval)
        here.stack.timersFired(at: now)
        if let next = here.stack.nextDeadline() { check(next > now, "a deadline that has come is dealt with") }
    }

    /// What comes next comes to the other machine.
    /// - Returns: whether there is one.
    private mutating func changeMachine(makes isNeeded: Bool) -> Bool {
        if isNeeded, !hasOther {
            there = ListeningMachine(configuration, seed: seed + 1, doors: doors)
            hasOther = true
        }
        guard var other = there.take() else { return false }
        swap(&here, &other)
        there = consume other
        wait(.zero)
        return true
    }
}
