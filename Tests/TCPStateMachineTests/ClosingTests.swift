import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

/// What happens on the way to CLOSED, step by step.
private enum Step: Sendable {
    case arrives(Segment)
    case shutdown
    case release
    case abort
    case wait(until: Int64)
}

private struct Walk: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let start: ConnectionState
    /// Each step, what is sent because of it, and the state behind it.
    let steps: [(Step, [String], ConnectionState)]

    init(_ name: String, from start: ConnectionState = .established, _ steps: [(Step, [String], ConnectionState)]) {
        (testDescription, self.start, self.steps) = (name, start, steps)
    }

    func check() -> ConnectionEnd? {
        var machine = Machine.in(start)
        for (index, (step, sent, state)) in steps.enumerated() {
            let out =
                switch step {
                case .arrives(let seg): machine.arrive(seg)
                case .shutdown: machine.shutdown()
                case .release: machine.release()
                case .abort: machine.abort()
                case .wait(let until): machine.wait(until: until)
                }
            #expect(out == sent, "step \(index)")
            #expect(machine.tcb.state == state, "step \(index)")
        }
        let end = machine.disposition.end
        machine.tcb.destroy(memory: &machine.memory)
        let isUnused = machine.memory.isUnused
        #expect(isUnused)
        return end
    }
}

@Suite("RFC 9293 3.6, closing")
struct ClosingTests {
    @Test(
        "walks through the states",
        arguments: [
            Walk(
                "we first (figure 12)",
                [
                    (.shutdown, ["F. 1 ack 1"], .finWait1),
                    (.arrives(.ack(2)), [], .finWait2),
                    (.arrives(.fin(seq: 1, ack: 2)), [". 2 ack 2"], .timeWait),
                ]),
            Walk(
                "the peer first",
                [
                    (.arrives(.fin(seq: 1, ack: 1)), [". 1 ack 2"], .closeWait),
                    (.shutdown, ["F. 1 ack 2"], .lastAck),
                    (.arrives(.ack(2, seq: 2)), [], .closed),
                ]),
            Walk(
                "both at once (figure 13)",
                [
                    (.shutdown, ["F. 1 ack 1"], .finWait1),
                    (.arrives(.fin(seq: 1, ack: 1)), [". 2 ack 2"], .closing),
                    (.arrives(.ack(2, seq: 2)), [], .timeWait),
                ]),
            Walk(
                "our FIN acknowledged by the peer's own",
                [
                    (.shutdown, ["F. 1 ack 1"], .finWait1),
                    (.arrives(.fin(seq: 1, ack: 2)), [". 2 ack 2"], .timeWait),
                ]),
            Walk(
                "FIN-WAIT-2 still receives (half-close, 3.6)", from: .finWait2,
                [
                    (.arrives(.text(10, ack: 2)), [], .finWait2),
                    (.arrives(Segment([.fin, .ack], seq: 11, ack: 2, length: 5)), [". 2 ack 17"], .timeWait),
                ]),
            Walk(
                "a FIN that comes before the text does",
                [
                    (.arrives(.fin(seq: 11, ack: 1)), [". 1 ack 1"], .established),
                    (.arrives(.text(10)), [". 1 ack 12"], .closeWait),
                ]),
            Walk(
                "a FIN again in CLOSE-WAIT", from: .closeWait,
                [
                    (.arrives(.fin(seq: 1, ack: 1)), [". 1 ack 2"], .closeWait)
                ]),
            Walk(
                "a FIN again in LAST-ACK, acknowledging ours", from: .lastAck,
                [
                    (.arrives(.fin(seq: 1, ack: 2)), [". 2 ack 2"], .lastAck),
                    (.arrives(.ack(2, seq: 2)), [], .closed),
                ]),
            Walk("ABORT in ESTABLISHED (3.10.5)", [(.abort, ["R. 1 ack 1"], .closed)]),
            Walk("ABORT in FIN-WAIT-1", from: .finWait1, [(.abort, ["R. 2 ack 1"], .closed)]),
            Walk("ABORT in FIN-WAIT-2", from: .finWait2, [(.abort, ["R. 2 ack 1"], .closed)]),
            Walk("ABORT in CLOSE-WAIT", from: .closeWait, [(.abort, ["R. 1 ack 2"], .closed)]),
            Walk("ABORT in SYN-RECEIVED", from: .synReceived, [(.abort, ["R. 1 ack 1"], .closed)]),
            Walk("ABORT in CLOSING says nothing", from: .closing, [(.abort, [], .closed)]),
            Walk("ABORT in LAST-ACK says nothing", from: .lastAck, [(.abort, [], .closed)]),
            Walk("shutdown twice", from: .finWait1, [(.shutdown, [], .finWait1)]),
            Walk("shutdown in LAST-ACK", from: .lastAck, [(.shutdown, [], .lastAck)]),
            Walk(
                "released with unread text: RST (MUST-17)",
                [
                    (.arrives(.text(10)), [], .established), (.release, ["R. 1 ack 11"], .closed),
                ]),
            Walk(
                "text after release in FIN-WAIT-1 (RFC 1122, 4.2.2.13)",
                [
                    (.release, ["F. 1 ack 1"], .finWait1), (.arrives(.text(10)), ["R 1"], .closed),
                ]),
            Walk(
                "text after release in FIN-WAIT-2",
                [
                    (.release, ["F. 1 ack 1"], .finWait1), (.arrives(.ack(2)), [], .finWait2),
                    (.arrives(.text(10, ack: 2)), ["R 2"], .closed),
                ]),
            Walk(
                "released in FIN-WAIT-2: 60 s, as Linux has it", from: .finWait2,
                [
                    (.release, [], .finWait2), (.wait(until: 59_999), [], .finWait2),
                    (.wait(until: 60_000), ["60000: closed"], .closed),
                ]),
            Walk(
                "held in FIN-WAIT-2: as long as it takes", from: .finWait2,
                [
                    (.wait(until: 100_000_000), [], .finWait2)
                ]),
            Walk(
                "the FIN is repeated on the RTO's schedule",
                [
                    (.shutdown, ["F. 1 ack 1"], .finWait1),
                    (
                        .wait(until: 16_000),
                        ["1000: F. 1 ack 1", "3000: F. 1 ack 1", "7000: F. 1 ack 1", "15000: F. 1 ack 1"],
                        .finWait1
                    ),
                    (.arrives(.ack(2)), [], .finWait2),
                    (.wait(until: 1_000_000), [], .finWait2),
                ]),
            Walk(
                "and in CLOSING", from: .closing,
                [
                    (.wait(until: 3_000), ["1000: F. 1 ack 2", "3000: F. 1 ack 2"], .closing)
                ]),
            Walk(
                "and in LAST-ACK", from: .lastAck,
                [
                    (.wait(until: 3_000), ["1000: F. 1 ack 2", "3000: F. 1 ack 2"], .lastAck)
                ]),
        ])
    fileprivate func walk(_ walk: Walk) { _ = walk.check() }

    @Test("text first, the FIN on the last segment, a part acknowledged (MUST-60: PSH on the last)")
    func queuedText() {
        var machine = Machine.in(.established)
        machine.tcb.setNoDelay(true)
        machine.arrive(.ack(1, window: 0))
        #expect(machine.write(2_000) == [])
        #expect(machine.shutdown() == [])
        #expect(machine.arrive(.ack(1, window: 4_000)) == [". 1:1461 ack 1", "FP. 1461:2001 ack 1"])
        #expect(machine.arrive(.ack(1_461, window: 4_000)) == [])
        #expect(machine.tcb.state == .finWait1)
        machine.arrive(.ack(2_001, window: 4_000))
        #expect(machine.tcb.state == .finWait1)
        machine.arrive(.ack(2_002, window: 4_000))
        #expect(machine.tcb.state == .finWait2)
    }

    @Test("a FIN meets a closed window when nothing else is left")
    func closedWindow() {
        var machine = Machine.in(.established)
        machine.arrive(.ack(1, window: 0))
        #expect(machine.shutdown() == ["F. 1 ack 1"])
    }

    @Test("what is unread stays readable behind a RST, behind both FINs, then nothing")
    func readable() {
        var machine = Machine.in(.established)
        machine.arrive(.text(10))
        machine.arrive(.rst(seq: 11))
        #expect(machine.tcb.readableBytes == 10)
        machine.read(100)
        #expect(machine.tcb.readableBytes == 0)
    }

    @Test("a peer that vanishes is given up: FIN, text, closed window", arguments: [0, 1, 2])
    func vanished(_ what: Int) {
        var machine = Machine.in(.established, .plain.with { $0.dataRetries = 4 })
        if what == 2 { machine.arrive(.ack(1, window: 0)) }
        if what > 0 { machine.write(100) }
        machine.release()
        let log = machine.wait(until: 4_000_000)
        #expect(log.last == "31000: timedOut")
    }
}

@Suite("RFC 9293 3.10.7.4, TIME-WAIT")
struct TimeWaitTests {
    /// SND.NXT 2, RCV.NXT 2, TS.Recent 100 where timestamps are in use.
    static func value(timestamps: Bool) -> TimeWait {
        var machine = Machine.established(.plain.with { $0.offersTimestamps = timestamps }) {
            $0.timestamps = TCPTimestamps(value: 100, echoReply: 0)
        }
        machine.shutdown()
        machine.arrive(Segment.fin(seq: 1, ack: 2).at(100))
        return TimeWait(machine.tcb, configuration: machine.configuration, at: .zero)
    }

    @Test(
        "one segment",
        arguments: [
            ("a pure ACK in place", false, Segment.ack(2, seq: 2), .ignore),
            ("a pure ACK elsewhere", false, .ack(2, seq: 1), .acknowledge),
            ("text", false, .text(10, seq: 2, ack: 2), .acknowledge),
            ("the FIN again", false, .fin(seq: 1, ack: 2), .acknowledgeAndRestart),
            (
                "the FIN again, with its text", false, Segment([.fin, .ack], seq: 0, ack: 2, length: 1),
                .acknowledgeAndRestart
            ),
            ("another FIN", false, .fin(seq: 2, ack: 2), .acknowledge),
            ("a SYN-ACK", false, .synAck(seq: 50_000, ack: 1), .acknowledge),
            ("an exact RST", false, .rst(seq: 2), .drop),
            ("an inexact RST", false, .rst(seq: 3), .ignore),
            ("a SYN beyond (MAY-2)", false, .syn(seq: 3), .connectionRequest),
            ("a SYN at RCV.NXT", false, .syn(seq: 2), .acknowledge),
            ("an old SYN", false, .syn(seq: 1), .acknowledge),
            ("RFC 6191: newer, and beyond", true, Segment.syn(seq: 3).at(101), .connectionRequest),
            ("RFC 6191: newer, not beyond", true, Segment.syn(seq: 1).at(101), .connectionRequest),
            ("RFC 6191: older, but beyond", true, Segment.syn(seq: 3).at(99), .acknowledge),
            ("RFC 6191: as old, and beyond", true, Segment.syn(seq: 3).at(100), .connectionRequest),
            ("RFC 6191: as old, not beyond", true, Segment.syn(seq: 1).at(100), .acknowledge),
            ("RFC 6191: without timestamps, beyond", true, .syn(seq: 3), .connectionRequest),
            ("PAWS", true, Segment.ack(2, seq: 2).at(99), .acknowledge),
        ] as [(String, Bool, Segment, TimeWaitDisposition)])
    func one(_ name: String, _ timestamps: Bool, _ relative: Segment, _ expected: TimeWaitDisposition) {
        var seg = relative
        seg.seq = Machine.irs + seg.seq.rawValue
        seg.ack = Machine.iss + seg.ack.rawValue
        #expect(Self.value(timestamps: timestamps).segmentArrives(seg) == expected, "\(name)")
    }

    @Test("says where it stands, for as long as configured")
    func acknowledgement() {
        var value = Self.value(timestamps: true)
        value.timestampOffset = 5
        let seg = value.acknowledgement(at: .milliseconds(40))
        #expect(Machine.text(seg) == ". 2 ack 2")
        #expect(seg.options.timestamps == TCPTimestamps(value: 45, echoReply: 100))
        #expect(value.expiresAt == .milliseconds(60_000))
    }
}
