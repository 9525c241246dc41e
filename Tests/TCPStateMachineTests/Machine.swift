import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

/// One connection with its memory and a clock, and what it has sent.
///
/// Numbers are relative, as tcpdump prints them: our SYN and the peer's are 0, the first bytes are 1. Beneath, both
/// directions start a few bytes before the end of the circle, so every row crosses it. Times are milliseconds.
struct Machine: ~Copyable {
    static let iss = SequenceNumber(0xFFFF_FFFD)
    static let irs = SequenceNumber(0xFFFF_FFFB)

    var tcb: Connection
    var memory = ConnectionMemory(bufferLimit: 64 << 20)
    var configuration: TCPConfiguration
    private(set) var now = Instant.zero
    /// What the last segment, call or timer came to.
    private(set) var disposition = Disposition.proceed
    private(set) var effects: ConnectionEffects = []

    /// In SYN-SENT, the SYN sent.
    init(_ configuration: TCPConfiguration = .plain, path: PathFacts = .ethernet) {
        self.configuration = configuration
        guard
            let tcb = Connection(
                opening: Self.iss, path: path, memory: &memory, configuration: configuration, at: .zero)
        else { preconditionFailure("memory for one connection") }
        self.tcb = tcb
        _ = sent()
    }
}

extension PathFacts {
    /// 1500 bytes of IPv4: an MSS of 1460.
    static let ethernet = PathFacts(mss: 1460, defaultPeerMSS: 536, timestampOffset: 0)
    static let jumbo = PathFacts(mss: 8_960, defaultPeerMSS: 536, timestampOffset: 0)
    static let ethernetV6 = PathFacts(mss: 1440, defaultPeerMSS: 1220, timestampOffset: 0)
}

extension TCPConfiguration {
    /// No options: rows that are about something else need no arithmetic.
    static var plain: TCPConfiguration {
        var plain = TCPConfiguration()
        plain.offersSACK = false
        plain.offersTimestamps = false
        plain.offersWindowScale = false
        plain.receiveBuffer = 60_000
        return plain
    }

    /// A copy with something changed.
    func with(_ change: (inout TCPConfiguration) -> Void) -> TCPConfiguration {
        var copy = self
        change(&copy)
        return copy
    }
}

// MARK: - Machines in each state

extension Machine {
    /// The states that a connection of the machine itself can be in, with its SYN acknowledged.
    static let synchronized: [ConnectionState] = [
        .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck,
    ]

    /// A machine in `state`: nothing unacknowledged but what the state says, nothing unread.
    static func `in`(_ state: ConnectionState, _ configuration: TCPConfiguration = .plain) -> Machine {
        var machine = Machine(configuration)
        switch state {
        case .synSent: return machine
        case .synReceived:
            machine.arrive(.syn(seq: 0))
            return machine
        default: machine.arrive(.synAck(seq: 0, ack: 1))
        }
        switch state {
        case .finWait1, .closing, .finWait2: machine.shutdown()
        case .closeWait, .lastAck: machine.arrive(.fin(seq: 1, ack: 1))
        default: break
        }
        switch state {
        case .closing: machine.arrive(.fin(seq: 1, ack: 1))
        case .finWait2: machine.arrive(.ack(2))
        case .lastAck: machine.shutdown()
        default: break
        }
        machine.effects = []
        return machine
    }

    /// ESTABLISHED, with these options in the peer's SYN-ACK.
    static func established(
        _ configuration: TCPConfiguration = .plain, path: PathFacts = .ethernet,
        peer options: (inout TCPOptions) -> Void = { _ in }
    ) -> Machine {
        var machine = Machine(configuration, path: path)
        var synAck = Segment.synAck(seq: 0, ack: 1)
        options(&synAck.options)
        machine.arrive(synAck)
        machine.effects = []
        return machine
    }
}

// MARK: - What happens

extension Machine {
    /// A segment arrives.
    /// - Returns: what is sent because of it.
    @discardableResult
    mutating func arrive(_ relative: Segment, at milliseconds: Int64? = nil) -> [String] {
        if let milliseconds { now = .milliseconds(milliseconds) }
        arriveSilently(relative)
        return perform(disposition)
    }

    /// A segment arrives; what is to be sent waits for ``segments()``.
    mutating func arriveSilently(_ relative: Segment) {
        var seg = relative
        seg.seq = Self.irs + seg.seq.rawValue
        seg.ack = Self.iss + seg.ack.rawValue
        seg.options = TCPOptions(absolute: relative.options)
        let text = (0..<seg.payloadLength).map { UInt8(truncatingIfNeeded: Int(relative.seq.rawValue) + $0) }
        disposition = tcb.segmentArrives(
            seg, payload: text.span, memory: &memory, configuration: configuration, at: now)
    }

    /// Time passes, timers fire as they are due.
    /// - Returns: what is sent, each with its time.
    @discardableResult
    mutating func wait(until milliseconds: Int64) -> [String] {
        let end = Instant.milliseconds(milliseconds)
        var log: [String] = []
        while let deadline = tcb.nextDeadline, deadline <= end {
            now = max(now, deadline)
            let disposition = tcb.timersFired(memory: &memory, configuration: configuration, at: now)
            let at = now.milliseconds
            log += perform(disposition).map { "\(at): \($0)" }
            if let end = disposition.end { log.append("\(at): \(end)") }
        }
        now = end
        return log
    }

    @discardableResult
    mutating func write(_ count: Int) -> [String] {
        let text = [UInt8](repeating: 7, count: count)
        let taken = tcb.write(text.span, memory: &memory, configuration: configuration)
        #expect(taken == count)
        return sent()
    }

    /// Reads up to `count` bytes, and checks that they are the ones that belong there.
    @discardableResult
    mutating func read(_ count: Int) -> [String] {
        var first = tcb.rcv.nxt - Self.irs - UInt32(tcb.readableBytes)
        if !tcb.state.canReceive, tcb.state != .closed { first -= 1 }
        var buffer = [UInt8](repeating: 0, count: count)
        var target = buffer.mutableSpan
        let moved = tcb.read(into: &target, memory: &memory, configuration: configuration)
        let expected = (0..<moved).map { UInt8(truncatingIfNeeded: Int(first) + $0) }
        #expect(Array(buffer[0..<moved]) == expected)
        return sent()
    }

    @discardableResult
    mutating func shutdown() -> [String] {
        perform(tcb.shutdown(memory: &memory))
    }

    /// CLOSE by an application that will not come back.
    @discardableResult
    mutating func release() -> [String] {
        perform(tcb.release(memory: &memory, configuration: configuration, at: now))
    }

    @discardableResult
    mutating func abort() -> [String] { perform(tcb.abort(memory: &memory)) }

    private mutating func perform(_ disposition: Disposition) -> [String] {
        self.disposition = disposition
        effects.formUnion(disposition.effects)
        var log: [String] = []
        switch disposition.reply {
        case .bare(let seq): log.append("R \(seq - Self.iss)")
        case .acknowledging(let ack): log.append("R. 0 ack \(ack - Self.irs)")
        case .ending(let seq, let ack): log.append("R. \(seq - Self.iss) ack \(ack - Self.irs)")
        case nil: break
        }
        return log + sent()
    }

    /// Everything that goes out now.
    mutating func sent() -> [String] { segments().map { Self.text($0) } }

    mutating func segments() -> [Segment] {
        var out: [Segment] = []
        while out.count < 2_000,
            let outgoing = tcb.nextSegment(
                upTo: tcb.payloadLimit, memory: &memory, configuration: configuration, at: now)
        {
            out.append(outgoing.segment)
        }
        #expect(out.count < 2_000, "a connection that never stops sending")
        return out
    }

    /// A segment as a line: flags, sequence numbers, acknowledgement.
    static func text(_ seg: Segment) -> String {
        let letters: [(TCPFlags, String)] = [(.syn, "S"), (.fin, "F"), (.rst, "R"), (.psh, "P"), (.ack, ".")]
        var line = letters.filter { seg.flags.contains($0.0) }.map(\.1).joined() + " \(seg.seq - iss)"
        if seg.payloadLength > 0 { line += ":\(seg.seq - iss + UInt32(seg.payloadLength))" }
        if seg.flags.contains(.ack) { line += " ack \(seg.ack - irs)" }
        return line
    }
}

extension TCPOptions {
    /// Options of the peer, whose SACK blocks count from our first number.
    init(absolute relative: TCPOptions) {
        self = relative
        sackBlocks = SACKBlocks()
        for index in 0..<relative.sackBlocks.count {
            let block = relative.sackBlocks[index]
            sackBlocks.append(
                SACKBlock(
                    left: Machine.iss + block.left.rawValue, right: Machine.iss + block.right.rawValue))
        }
    }
}

extension Instant {
    static func milliseconds(_ n: Int64) -> Instant { .zero + .milliseconds(n) }
}

// MARK: - Segments of the peer

extension Segment {
    init(_ flags: TCPFlags, seq: UInt32 = 1, ack: UInt32 = 0, length: Int = 0, window: UInt16 = 65_535) {
        self.init()
        self.flags = flags
        self.seq = SequenceNumber(seq)
        self.ack = SequenceNumber(ack)
        self.window = window
        payloadLength = length
    }

    static func syn(seq: UInt32) -> Segment { Segment(.syn, seq: seq).offering { $0.maximumSegmentSize = 1460 } }
    static func synAck(seq: UInt32, ack: UInt32, window: UInt16 = 65_535) -> Segment {
        Segment([.syn, .ack], seq: seq, ack: ack, window: window).offering { $0.maximumSegmentSize = 1460 }
    }
    static func ack(_ ack: UInt32, seq: UInt32 = 1, window: UInt16 = 65_535) -> Segment {
        Segment(.ack, seq: seq, ack: ack, window: window)
    }
    static func text(_ count: Int, seq: UInt32 = 1, ack: UInt32 = 1, window: UInt16 = 65_535) -> Segment {
        Segment([.ack, .psh], seq: seq, ack: ack, length: count, window: window)
    }
    static func fin(seq: UInt32, ack: UInt32) -> Segment { Segment([.fin, .ack], seq: seq, ack: ack) }
    static func rst(seq: UInt32) -> Segment { Segment(.rst, seq: seq) }
    static func rst(seq: UInt32, ack: UInt32) -> Segment { Segment([.rst, .ack], seq: seq, ack: ack) }

    /// The same with other options.
    func offering(_ change: (inout TCPOptions) -> Void) -> Segment {
        var copy = self
        change(&copy.options)
        return copy
    }

    /// The same with timestamps.
    func at(_ value: UInt32, echo: UInt32 = 0) -> Segment {
        offering { $0.timestamps = TCPTimestamps(value: value, echoReply: echo) }
    }

    /// The same with SACK blocks, in our relative numbers.
    func sacking(_ blocks: (UInt32, UInt32)...) -> Segment {
        offering { options in
            for (left, right) in blocks {
                options.sackBlocks.append(SACKBlock(left: SequenceNumber(left), right: SequenceNumber(right)))
            }
        }
    }
}
