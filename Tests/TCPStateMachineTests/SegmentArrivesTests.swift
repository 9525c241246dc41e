import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

/// A segment for a machine in a synchronized state. Its numbers are distances: `seq` from RCV.NXT, `ack` from SND.UNA
/// backwards, from SND.NXT forwards.
struct Row: CustomTestStringConvertible, Sendable {
    enum Answer: Sendable {
        case nothing
        /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`
        case acknowledgement
    }

    let testDescription: String
    let states: [ConnectionState]
    let flags: TCPFlags
    let seq: Int32
    let ack: Int32
    let length: Int
    let answer: Answer
    let end: ConnectionEnd?

    init(
        _ name: String, in states: [ConnectionState] = Machine.synchronized, _ flags: TCPFlags, seq: Int32 = 0,
        ack: Int32 = 0, length: Int = 0, gives answer: Answer, ends end: ConnectionEnd? = nil
    ) {
        testDescription = name
        (self.states, self.flags, self.seq, self.ack) = (states, flags, seq, ack)
        (self.length, self.answer, self.end) = (length, answer, end)
    }

    func check(_ configuration: TCPConfiguration = .plain) {
        for state in states { check(state, configuration) }
    }

    private func check(_ state: ConnectionState, _ configuration: TCPConfiguration) {
        var machine = Machine.in(state, configuration)
        let nxt = machine.tcb.rcv.nxt - Machine.irs
        let max = machine.tcb.snd.max - Machine.iss
        let base = ack > 0 ? max : machine.tcb.snd.una - Machine.iss
        let seg = Segment(
            flags, seq: nxt &+ UInt32(bitPattern: seq), ack: base &+ UInt32(bitPattern: ack), length: length)
        let sent = machine.arrive(seg)
        switch answer {
        case .nothing: #expect(sent == [], "\(state)")
        case .acknowledgement: #expect(sent == [". \(max) ack \(nxt)"], "\(state)")
        }
        #expect(machine.disposition.end == end, "\(state)")
        #expect(machine.tcb.state == (end == nil ? state : .closed), "\(state)")
        #expect(machine.tcb.rcv.nxt - Machine.irs == nxt, "\(state)")
    }
}

@Suite("RFC 9293 3.10.7.4, synchronized states")
struct SegmentArrivesTests {
    /// The window of `TCPConfiguration.plain`, once advertised.
    static let window: Int32 = 60_000

    @Test(
        "first: check the sequence number (3.4, four cases; MUST-66)",
        arguments: [
            Row("no text, at RCV.NXT", .ack, gives: .nothing),
            Row("no text, at the right end of the window", .ack, seq: window - 2, gives: .nothing),
            Row("no text, beyond the window", .ack, seq: window, gives: .acknowledgement),
            Row("no text, before the window", .ack, seq: -1, gives: .acknowledgement),
            Row("text before the window", .ack, seq: -10, length: 10, gives: .acknowledgement),
            Row("text beyond the window", .ack, seq: window, length: 10, gives: .acknowledgement),
            Row("an old FIN", [.fin, .ack], seq: -1, gives: .acknowledgement),
            Row("a keep-alive", .ack, seq: -1, gives: .acknowledgement),
            Row("a keep-alive with a byte of garbage", .ack, seq: -1, length: 1, gives: .acknowledgement),
            Row("a RST before the window", .rst, seq: -1, gives: .nothing),
            Row("a RST beyond the window", .rst, seq: window, gives: .nothing),
        ])
    func sequence(_ row: Row) { row.check() }

    @Test(
        "second: check the RST bit (RFC 5961, 3.2)",
        arguments: [
            Row("exact", .rst, gives: .nothing, ends: .reset),
            Row("exact, with an ACK", [.rst, .ack], gives: .nothing, ends: .reset),
            Row("exact, with an ACK of nonsense", [.rst, .ack], ack: 77_777, gives: .nothing, ends: .reset),
            Row("exact, with a SYN", [.rst, .syn], gives: .nothing, ends: .reset),
            Row("in the window, not exact", .rst, seq: 1, gives: .acknowledgement),
            Row("at the right end of the window", .rst, seq: window - 2, gives: .acknowledgement),
        ])
    func reset(_ row: Row) { row.check() }

    @Test(
        "fourth: check the SYN bit (RFC 5961, 4.2)",
        arguments: [
            Row("in the window", .syn, seq: 100, gives: .acknowledgement),
            Row("exact", .syn, gives: .acknowledgement),
            Row("the old one", .syn, seq: -1, gives: .acknowledgement),
            Row("far away", .syn, seq: 1 << 30, gives: .acknowledgement),
            Row("a SYN-ACK", [.syn, .ack], gives: .acknowledgement),
            Row("with text", .syn, length: 10, gives: .acknowledgement),
        ])
    func synchronize(_ row: Row) { row.check() }

    @Test(
        "fifth: check the ACK field (RFC 5961, 5.2)",
        arguments: [
            Row("no ACK bit, no text", [], gives: .nothing),
            Row("no ACK bit, with text", .psh, length: 10, gives: .nothing),
            Row("a FIN without an ACK", .fin, gives: .nothing),
            Row("of what was never sent", .ack, ack: 1, gives: .acknowledgement),
            Row("of what was never sent, with text", .ack, ack: 1, length: 10, gives: .acknowledgement),
            Row("a duplicate", .ack, gives: .nothing),
            Row("older, but within the largest window", .ack, ack: -60_000, gives: .nothing),
            Row("too old to be honest", .ack, ack: -65_600, gives: .acknowledgement),
            Row("too old to be honest, with text", .ack, ack: -65_600, length: 10, gives: .acknowledgement),
        ])
    func acknowledgement(_ row: Row) { row.check() }

    @Test(
        "seventh: text after the peer's FIN is ignored",
        arguments: [
            Row("", in: [.closeWait, .closing, .lastAck], .ack, length: 10, gives: .nothing)
        ])
    func textAfterFin(_ row: Row) { row.check() }

    @Test("a closed window takes ACKs and RSTs of any length, and no text (MUST-66)")
    func closedWindow() {
        var machine = Machine.established(.plain.with { $0.receiveBuffer = 10_000 })
        for seq in stride(from: UInt32(1), to: 10_001, by: 1_000) { machine.arrive(.text(1_000, seq: seq)) }
        #expect(machine.tcb.rcv.wnd == 0)
        machine.write(100)
        #expect(machine.arrive(.text(1, seq: 10_001, ack: 51)) == [". 101 ack 10001"])
        #expect(machine.tcb.unacknowledgedBytes == 50)
        #expect(machine.arrive(.text(1, seq: 10_001, ack: 101)) == [". 101 ack 10001"])
        #expect(machine.tcb.unacknowledgedBytes == 0)
        // A FIN needs no room: where it stands alone it is taken, as Linux does.
        #expect(machine.arrive(.fin(seq: 10_001, ack: 101)) == [". 101 ack 10002"])
        machine.arrive(Segment(.rst, seq: 10_002, length: 4))
        #expect(machine.disposition.end == .reset)
    }

    @Test(
        "challenge ACKs: one per connection in half a second (RFC 5961, 7)",
        arguments: [
            Segment.rst(seq: 100), Segment(.syn, seq: 5), Segment(.syn, seq: 0), Segment([.syn, .ack], seq: 0, ack: 1),
        ])
    func challengePace(segment: Segment) {
        var machine = Machine.established()
        var times: [Int64] = []
        for time in stride(from: Int64(10), through: 2_000, by: 20)
        where !machine.arrive(segment, at: time).isEmpty { times.append(time) }
        #expect(times == [10, 510, 1_010, 1_510])
    }

    @Test("text outside the window is always answered, however often it comes")
    func outsideTextIsAnswered() {
        var machine = Machine.established()
        machine.arrive(.text(10))
        for _ in 0..<3 { #expect(machine.arrive(.text(10)) == [". 1 ack 11"]) }
    }
}

@Suite("RFC 7323, 5: PAWS")
struct TimestampTests {
    static func machine() -> Machine {
        .established(.plain.with { $0.offersTimestamps = true }) {
            $0.timestamps = TCPTimestamps(value: 1_000, echoReply: 0)
        }
    }

    @Test("R1: an old timestamp is acknowledged and dropped, TS.Recent stays", arguments: [UInt32(999), 0x8000_0400])
    func old(_ value: UInt32) {
        var machine = Self.machine()
        #expect(machine.arrive(.text(10).at(value)) == [". 1 ack 1"])
        #expect(machine.tcb.readableBytes == 0)
        #expect(machine.tcb.timestamps.recent == 1_000)
    }

    @Test("a RST is not subject to it")
    func reset() {
        var machine = Self.machine()
        machine.arrive(Segment.rst(seq: 1).at(1))
        #expect(machine.disposition.end == .reset)
    }

    @Test("a missing timestamp is let pass, as Linux does")
    func missing() {
        var machine = Self.machine()
        machine.arrive(.text(10))
        #expect(machine.tcb.readableBytes == 10)
    }

    @Test("5.5: after 24 days TS.Recent no longer counts")
    func aged() {
        var machine = Self.machine()
        machine.arrive(Segment.text(10).at(5), at: 24 * 24 * 3_600_000)
        #expect(machine.tcb.readableBytes == 10)
        #expect(machine.tcb.timestamps.recent == 5)
    }

    @Test(
        "4.3: TS.Recent follows acceptable segments at the left edge only",
        arguments: [
            (Segment.ack(1).at(1_001), 1_001),
            (Segment.text(10, seq: 1).at(1_001), 1_001),
            // Beyond Last.ACK.sent, out of the window, of what was never sent, challenged.
            (Segment.text(10, seq: 11).at(1_001), 1_000),
            (Segment.text(10, seq: 70_001).at(1_001), 1_000),
            (Segment.ack(2).at(1_001), 1_000),
            (Segment.syn(seq: 1).at(1_001), 1_000),
        ] as [(Segment, UInt32)])
    func recent(_ seg: Segment, _ expected: UInt32) {
        var machine = Self.machine()
        machine.arrive(seg)
        #expect(machine.tcb.timestamps.recent == expected)
    }

    @Test("3.2: every segment carries our clock of milliseconds and echoes TS.Recent")
    func echo() {
        var machine = Self.machine()
        machine.arrive(Segment.text(10).at(1_005), at: 7_000)
        let out = machine.wait(until: 7_100)
        #expect(out == ["7040: . 1 ack 11"])
        machine.tcb.setNoDelay(true)
        _ = machine.tcb.write([1, 2, 3].span, memory: &machine.memory, configuration: machine.configuration)
        #expect(machine.segments().map(\.options.timestamps) == [TCPTimestamps(value: 7_100, echoReply: 1_005)])
    }
}
