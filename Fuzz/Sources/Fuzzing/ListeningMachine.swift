import NetPrimitives
import Netstack
import TCPStateMachine
import WireFormats

/// One machine of a fleet: a stack, its application, and what the laws have to know of either.
struct ListeningMachine: ~Copyable {
    /// A listener.
    struct Door {
        var id: ListenerID?
        var codec: CookieCodec
        /// In request mode, what is done with the undecided in the end; `nil` where SYNs are answered at once.
        var undecided: RequestDecision?
        /// The largest backlog that it ever had.
        var largestBacklog: Int
    }

    /// A request that the application was told of and has not decided.
    struct Asked {
        let id: RequestID
        /// Whose it is, unless it is nobody's that we know.
        let peer: Int?
    }

    var stack: NetworkStack
    /// For IPv4 and for IPv6.
    var doors: [Door] = []
    var held: [ConnectionID] = []
    var current = SipKey(0, 1)
    var previous: SipKey? = SipKey(1, 1)
    /// The number of every SYN-ACK that each peer has had from here.
    var numbers = [[SequenceNumber]](repeating: [], count: 2 * ListenerTarget.peerCount)
    var asked: [Asked] = []
    /// Peers whose request was decided, as long as the answer may be under way.
    var decided: Set<Int> = []
    /// Whether there was a listener in request mode.
    private(set) var hasAsked = false

    /// - Parameter doors: for each family a byte: three bits of backlog, one for request mode, the rest a decision.
    init(_ configuration: Configuration, seed: UInt64, doors: [UInt8]) {
        stack = NetworkStack(configuration: configuration, seed: Seed(seed))
        stack.setCookieKeys(current: current, previous: previous)
        let interface = try? stack.addInterface(InterfaceConfiguration(mtu: 1500))
        for isIPv6 in [false, true] {
            guard let interface, let prefix = IPPrefix(Wires.own(isIPv6: isIPv6), length: isIPv6 ? 64 : 24) else {
                continue
            }
            try? stack.addAddress(prefix, to: interface)
        }
        for (family, door) in doors.enumerated() { self.doors.append(listen(door, isIPv6: family == 1)) }
    }

    private mutating func listen(_ door: UInt8, isIPv6: Bool) -> Door {
        let backlog = Int(door & 7) % 5
        let undecided = door & 8 == 0 ? nil : RequestDecision.drawn(door >> 4)
        let any: IPAddress = isIPv6 ? .v6(.any) : .v4(.any)
        let id = try? stack.listen(
            on: Endpoint(any, 80), backlog: backlog, mode: undecided.map { .requests(undecided: $0) } ?? .immediate)
        check(id != nil, "the port is free")
        if undecided != nil { hasAsked = true }
        return Door(
            id: id, codec: stack.configuration.cookieCodec, undecided: undecided, largestBacklog: backlog)
    }

    mutating func relisten(_ family: Int, _ door: UInt8, at now: Instant) {
        guard let id = doors[family].id else { return }
        try? stack.close(id, at: now)
        check((try? stack.info(of: id)) == nil, "the handle of a closed listener is stale")
        doors[family] = listen(door, isIPv6: family == 1)
    }

    /// Whether an ACK brings back a number of a fleet's, as docs/cookies.md has it.
    func isVouchedFor(_ seg: Segment, of tuple: FourTuple, at now: Instant) -> Bool {
        let echo = stack.configuration.tcp.offersTimestamps ? seg.options.timestamps?.echoReply : nil
        let slot = (now + stack.configuration.cookieEpoch).seconds / 64
        let (number, irs) = (seg.ack + UInt32.max, seg.seq + UInt32.max)
        for key in [current, previous ?? current] {
            for slot in [slot, slot - 1] {
                let difference = FleetHash.of(tuple, irs: irs, slot: slot, key: key)
                guard (difference ^ number.rawValue) >> 8 == 0 else { continue }
                guard let echo else { return true }
                if (difference ^ echo) & 255 == 0 { return true }
            }
        }
        return false
    }

    /// Those peers from whose SYN there is a request: nothing was answered to it.
    func requesting() -> Set<Int> {
        guard hasAsked else { return [] }
        return Set(
            (0..<2 * ListenerTarget.peerCount).filter { stack.state(of: ListenerTarget.tuple($0)) == .listen })
    }
}

extension RequestDecision {
    /// From four bits.
    static func drawn(_ byte: UInt8) -> RequestDecision {
        switch byte & 3 {
        case 0: .accept
        case 1: .refuse
        case 2: .ignore
        default: .reject(UnreachableReason.allCases[Int(byte >> 2) % UnreachableReason.allCases.count])
        }
    }
}

/// The hash of a fleet's cookies once more, byte by byte as the documentation lists them.
enum FleetHash {
    static func of(_ tuple: FourTuple, irs: SequenceNumber, slot: Int64, key: SipKey) -> UInt32 {
        var message = octets(tuple.localAddress) + octets(tuple.remoteAddress)
        for port in [tuple.localPort, tuple.remotePort] { message += [UInt8(port >> 8), UInt8(port & 255)] }
        for shift in 0..<4 as Range<UInt32> { message.append(UInt8(irs.rawValue >> (8 * shift) & 255)) }
        for shift in 0..<8 as Range<Int64> { message.append(UInt8(slot >> (8 * shift) & 255)) }
        return UInt32(truncatingIfNeeded: SipHash.hash(message.span, key: key))
    }

    private static func octets(_ address: IPAddress) -> [UInt8] {
        func octets(_ word: UInt64, _ count: UInt64) -> [UInt8] {
            (0..<count).map { UInt8(word >> (8 * (count - 1 - $0)) & 255) }
        }
        switch address {
        case .v4(let v4): return octets(UInt64(v4.rawValue), 4)
        case .v6(let v6): return octets(v6.high, 8) + octets(v6.low, 8)
        }
    }
}
