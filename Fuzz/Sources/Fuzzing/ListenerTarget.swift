import NetPrimitives
import Netstack
import TCPStateMachine
import WireFormats

/// A listening stack and a crowd of peers that send it whatever they like, with cookies always, when its queue is full,
/// or never.
public struct ListenerTarget: ~Copyable {
    /// What an input does next, the low four bits of a byte.
    public enum Call: UInt8, CaseIterable {
        case syn, ack, segment, raw, altered, icmp, accept, application, wait, fire, transmit, mode, keys, backlog
        case relisten, fork
    }

    /// What a peer was told.
    struct Peer {
        var irs: UInt32
        /// The last answer with a SYN, and every number that one had.
        var answer: Segment?
        var numbers: [SequenceNumber] = []
        /// The last thing that it was sent.
        var packet: [UInt8] = []
    }

    var input: Input
    var stack: NetworkStack
    var now = Instant.zero
    var peers: [Peer]
    var listener: ListenerID?
    /// Where the peers with IPv6 are served, with a backlog of 1.
    var second: ListenerID?
    var held: [ConnectionID] = []
    /// The largest backlog that the listener ever had.
    var largestBacklog = 0
    let limit: Int
    /// What the driver uses again and again.
    var incoming = PacketBatch(byteCapacity: 4_096, packetCapacity: 1)
    var answers = PacketBatch(byteCapacity: 8_192, packetCapacity: 4)
    var outgoing = PacketBatch(byteCapacity: 1 << 14, packetCapacity: 64)

    static let peerCount = 8

    public static func run(_ bytes: [UInt8]) {
        var target = ListenerTarget(Input(bytes))
        while !target.input.isEmpty { target.step() }
        target.end()
    }

    private init(_ input: Input) {
        var input = input
        var configuration = Configuration()
        let first = input.byte()
        configuration.synCookies = [.whenFull, .always, .off][Int(first & 3) % 3]
        configuration.abortsOnOverflow = first & 4 != 0
        configuration.timeWaitLimit = first & 8 == 0 ? 2 : 64
        limit = [2, 4, 64, 1_024][Int(first >> 4 & 3)]
        configuration.halfOpenLimit = limit
        // Enough for a few connections only, or for all.
        configuration.budget = first & 64 == 0 ? 8 << 20 : 640 << 10
        configuration.prefixShare = first & 128 == 0 ? 100 : 25
        configuration.floodThreshold = 4
        configuration.tcp = .drawn(&input)
        stack = NetworkStack(configuration: configuration, seed: Seed(UInt64(input.byte())))
        peers = (0..<2 * Self.peerCount).map { Peer(irs: UInt32($0) &* 0x1111_1111 &+ 0xFFFF_FFF0) }
        self.input = input
        let interface = try? stack.addInterface(InterfaceConfiguration(mtu: 1500))
        for isIPv6 in [false, true] {
            guard let interface, let prefix = IPPrefix(Wires.own(isIPv6: isIPv6), length: isIPv6 ? 64 : 24) else {
                continue
            }
            try? stack.addAddress(prefix, to: interface)
        }
        listen(backlog: self.input.below(5))
        second = try? stack.listen(on: Endpoint(.v6(.any), 80), backlog: 1)
    }

    mutating func listen(backlog: Int) {
        largestBacklog = backlog
        listener = try? stack.listen(on: Endpoint(.v4(.any), 80), backlog: backlog)
        check(listener != nil, "the port is free")
    }

    /// The other end of peer `number`: the second half of them speak IPv6.
    static func endpoint(_ number: Int) -> Endpoint {
        let isIPv6 = number >= peerCount
        return Endpoint(Wires.stranger(UInt8(10 + number % 4), isIPv6: isIPv6), UInt16(1_000 + number))
    }

    // MARK: Steps

    private mutating func step() {
        let byte = input.byte()
        switch Call.allCases[Int(byte & 15)] {
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
        case .accept: accept()
        case .application: application()
        case .wait: wait(.milliseconds(1 << Int64(input.below(20))))
        case .fire: if let deadline = stack.nextDeadline() { wait(deadline - now) }
        case .transmit: transmit()
        case .mode: stack.configuration.synCookies = [.whenFull, .always, .off][input.below(3)]
        case .keys: stack.setCookieKeys(current: SipKey(UInt64(input.byte()), 1), previous: SipKey(2, 3))
        case .backlog:
            let backlog = input.below(8)
            largestBacklog = max(largestBacklog, backlog)
            if let listener { try? stack.setBacklog(backlog, of: listener) }
        case .relisten:
            if let listener {
                try? stack.close(listener, at: now)
                check((try? stack.info(of: listener)) == nil, "the handle of a closed listener is stale")
                listen(backlog: input.below(5))
            }
        case .fork:
            let twin = stack.fork()
            check(twin.digest(at: now) == stack.digest(at: now), "a copy has the same digest")
            check(twin.allocatedBytes <= stack.allocatedBytes, "a copy is no larger")
        }
        judge()
    }

    private mutating func syn() {
        let number = input.below(peers.count)
        var seg = Segment()
        seg.flags = .syn
        peers[number].irs = peers[number].irs &+ UInt32(input.byte())
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
        if deviation & 4 != 0, let older = peers[number].numbers.first { seg.ack = older + 1 }
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
        let isIPv6 = number >= Self.peerCount
        let packet = Packets.icmp(
            type: input.byte(), code: input.byte(), rest: UInt32(input.word()), quoting: peers[number].packet,
            from: Wires.stranger(9, isIPv6: isIPv6), to: Wires.own(isIPv6: isIPv6))
        receive(packet)
    }

    // MARK: The application

    private mutating func accept() {
        guard let listener, let second else { return }
        if let id = (try? stack.accept(listener)) ?? (try? stack.accept(second)) { held.append(id) }
    }

    private mutating func application() {
        guard !held.isEmpty else { return }
        let place = input.below(held.count)
        let id = held[place]
        switch input.below(5) {
        case 0: _ = try? stack.write(id, [UInt8](repeating: 1, count: Int(input.byte()) * 16).span)
        case 1:
            var buffer = [UInt8](repeating: 0, count: 256)
            var target = buffer.mutableSpan
            _ = try? stack.read(id, into: &target)
        case 2: try? stack.shutdown(id, at: now)
        case 3:
            try? stack.close(id, at: now)
            held.remove(at: place)
        default:
            try? stack.abort(id, at: now)
            held.remove(at: place)
        }
    }

    mutating func wait(_ interval: Interval) {
        now = max(now, now + interval)
        stack.timersFired(at: now)
        if let next = stack.nextDeadline() { check(next > now, "a deadline that has come is dealt with") }
    }
}
