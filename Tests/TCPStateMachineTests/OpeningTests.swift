import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

/// What one segment does to a machine that is opening.
struct OpeningRow: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let arriving: Segment
    let gives: [String]
    let then: ConnectionState
    let end: ConnectionEnd?

    init(_ name: String, _ arriving: Segment, gives: [String] = [], then: ConnectionState, ends: ConnectionEnd? = nil) {
        (testDescription, self.arriving, self.gives, self.then, end) = (name, arriving, gives, then, ends)
    }

    func check(_ start: ConnectionState) {
        var machine = Machine.in(start)
        #expect(machine.arrive(arriving) == gives)
        #expect(machine.tcb.state == then)
        #expect(machine.disposition.end == end)
    }
}

@Suite("RFC 9293 3.10.7.3, SYN-SENT")
struct SynSentTests {
    @Test(
        "one segment",
        arguments: [
            OpeningRow("first: an ACK of nothing", .ack(0), gives: ["R 0"], then: .synSent),
            OpeningRow("first: an ACK of the future", .ack(2), gives: ["R 2"], then: .synSent),
            OpeningRow("first: a SYN-ACK of the future", .synAck(seq: 0, ack: 2), gives: ["R 2"], then: .synSent),
            OpeningRow("first: a RST with a wrong ACK", .rst(seq: 0, ack: 2), then: .synSent),
            OpeningRow("second: a RST without an ACK", .rst(seq: 0), then: .synSent),
            OpeningRow("second: a RST with our ACK", .rst(seq: 0, ack: 1), then: .closed, ends: .refused),
            OpeningRow("second: whatever its number", .rst(seq: 9_999, ack: 1), then: .closed, ends: .refused),
            OpeningRow("fourth: a SYN-ACK", .synAck(seq: 0, ack: 1), gives: [". 1 ack 1"], then: .established),
            OpeningRow(
                "fourth: with a closed window", .synAck(seq: 0, ack: 1, window: 0), gives: [". 1 ack 1"],
                then: .established),
            OpeningRow("fourth: a SYN alone", .syn(seq: 0), gives: ["S. 0 ack 1"], then: .synReceived),
            OpeningRow(
                "fourth: a SYN-ACK with text", Segment([.syn, .ack], seq: 0, ack: 1, length: 5),
                gives: [". 1 ack 6"], then: .established),
            OpeningRow(
                "fourth: a SYN-ACK with a FIN", Segment([.syn, .fin, .ack], seq: 0, ack: 1),
                gives: [". 1 ack 2"], then: .closeWait),
            OpeningRow("fifth: a bare ACK of our SYN", .ack(1), then: .synSent),
            OpeningRow("fifth: a FIN", Segment(.fin), then: .synSent),
            OpeningRow("fifth: no flags", Segment([], length: 3), then: .synSent),
        ])
    func one(_ row: OpeningRow) { row.check(.synSent) }

    @Test("text written before goes out behind the third packet")
    func queuedText() {
        var machine = Machine()
        #expect(machine.write(10) == [])
        #expect(machine.arrive(.synAck(seq: 0, ack: 1)) == [". 1 ack 1", "P. 1:11 ack 1"])
    }

    @Test("CLOSE, by either half, ends it without a word (3.10.4; MUST-13 has nothing to say yet)")
    func close() {
        var machine = Machine()
        #expect(machine.shutdown() == [])
        #expect(machine.disposition.end == .aborted)
        #expect(machine.wait(until: 300_000) == [])
        var other = Machine()
        #expect(other.release() == [])
        #expect(other.disposition.end == .aborted)
        var third = Machine()
        #expect(third.abort() == [])
        #expect(third.disposition.end == .aborted)
    }

    @Test("the SYN again: 0, 1, 3, 7, 15, 31, 63, 127 s, given up at 180 s (RFC 6298; MUST-23)")
    func schedule() {
        var machine = Machine()
        let seconds = machine.wait(until: 400_000)
        #expect(seconds == [1, 3, 7, 15, 31, 63, 127].map { "\($0)000: S 0" } + ["180000: timedOut"])
    }

    @Test("Linux: four more at a second's distance, given up after 131 s")
    func linuxSchedule() {
        var machine = Machine(.linux)
        let seconds = machine.wait(until: 400_000)
        #expect(seconds == [1, 2, 3, 4, 5, 7, 11, 19, 35, 67].map { "\($0)000: S 0" } + ["131000: timedOut"])
    }

    @Test(
        "ICMP's unreachable ends the attempt if it quotes our SYN (RFC 5461; strict: MUST-56)",
        arguments: [
            (quoted: 0, strict: false, end: ConnectionEnd.unreachable),
            (quoted: 1, strict: false, end: nil),
            (quoted: -1, strict: false, end: nil),
            (quoted: 0, strict: true, end: nil),
        ] as [(quoted: Int32, strict: Bool, end: ConnectionEnd?)])
    func unreachable(_ row: (quoted: Int32, strict: Bool, end: ConnectionEnd?)) {
        var machine = Machine(.plain.with { $0.treatsUnreachableAsSoftError = row.strict })
        let end = machine.tcb.unreachable(
            quoted: Machine.iss + UInt32(bitPattern: row.quoted), memory: &machine.memory,
            configuration: machine.configuration
        ).end
        #expect(end == row.end)
    }
}

@Suite("RFC 9293 3.10.7.4, SYN-RECEIVED after a simultaneous open (MUST-10)")
struct SimultaneousOpenTests {
    @Test(
        "one segment",
        arguments: [
            OpeningRow(
                "the peer's SYN-ACK (figure 7)", .synAck(seq: 0, ack: 1), gives: [". 1 ack 1"], then: .established),
            OpeningRow("an ACK of our SYN", .ack(1), then: .established),
            OpeningRow("an ACK with text", .text(5), then: .established),
            OpeningRow("an ACK with a FIN", .fin(seq: 1, ack: 1), gives: [". 1 ack 2"], then: .closeWait),
            OpeningRow("an ACK of nothing", .ack(0), gives: ["R 0"], then: .synReceived),
            OpeningRow("an ACK of the future", .ack(2), gives: ["R 2"], then: .synReceived),
            OpeningRow("the SYN again", .syn(seq: 0), gives: ["S. 0 ack 1"], then: .synReceived),
            OpeningRow("another SYN in the window", .syn(seq: 5), gives: [". 1 ack 1"], then: .synReceived),
            OpeningRow("an exact RST", .rst(seq: 1), then: .closed, ends: .refused),
            OpeningRow("an inexact RST", .rst(seq: 2), gives: [". 1 ack 1"], then: .synReceived),
            OpeningRow("a RST outside the window", .rst(seq: 0), then: .synReceived),
            OpeningRow("no flags", Segment([]), then: .synReceived),
        ])
    func one(_ row: OpeningRow) { row.check(.synReceived) }

    @Test("the SYN-ACK is repeated on the connection's own timer")
    func repeats() {
        var machine = Machine()
        machine.arrive(.syn(seq: 0), at: 500)
        #expect(machine.wait(until: 8_000) == ["1500: S. 0 ack 1", "3500: S. 0 ack 1", "7500: S. 0 ack 1"])
    }

    @Test("CLOSE waits for the handshake (3.10.4)")
    func close() {
        var machine = Machine.in(.synReceived)
        #expect(machine.shutdown() == [])
        #expect(machine.arrive(.ack(1)) == ["F. 1 ack 1"])
        #expect(machine.tcb.state == .finWait1)
    }

    @Test("the SYN-ACK offers only what the peer's SYN did")
    func options() {
        var machine = Machine(TCPConfiguration())
        machine.arrive(.syn(seq: 0))
        machine.arrive(.syn(seq: 0))
        machine.tcb.snd.nxt = machine.tcb.iss
        let options = machine.segments().first?.options
        #expect(options?.isSACKPermitted == false)
        #expect(options?.windowScale == nil)
        #expect(options?.timestamps == nil)
        #expect(options?.maximumSegmentSize == 1460)
    }
}

@Suite("RFC 9293 3.10.7.2, LISTEN, and the half-open entry that it makes")
struct HalfOpenTests {
    static let configuration = TCPConfiguration.plain
    /// ISS 0, IRS 0; the window of its SYN-ACK is 60,000.
    static func entry(_ offer: (inout TCPOptions) -> Void = { _ in }, _ configuration: TCPConfiguration = .plain)
        -> HalfOpen
    {
        HalfOpen(
            answering: Segment(.syn, seq: 0).offering(offer), iss: SequenceNumber(0), defaultMSS: 536,
            configuration: configuration, at: .zero)
    }

    @Test(
        "LISTEN",
        arguments: [
            ("first: a RST", Segment.rst(seq: 0), .ignore),
            ("first: a RST with all else", Segment([.rst, .syn, .ack], ack: 5), .ignore),
            ("second: an ACK", .ack(5), .reset(.bare(seq: SequenceNumber(5)))),
            ("second: a SYN-ACK", .synAck(seq: 0, ack: 5), .reset(.bare(seq: SequenceNumber(5)))),
            ("third: a SYN", .syn(seq: 0), .connectionRequest),
            ("third: a SYN with text", Segment(.syn, length: 5), .connectionRequest),
            ("third: an ECN-setup SYN", Segment([.syn, .ece, .cwr]), .connectionRequest),
            ("a SYN with a FIN", Segment([.syn, .fin]), .ignore),
            ("fourth: a FIN", Segment(.fin), .ignore),
            ("fourth: no flags, with text", Segment([], length: 5), .ignore),
        ] as [(String, Segment, ListenDisposition)])
    func listen(_ name: String, _ seg: Segment, _ expected: ListenDisposition) {
        #expect(HalfOpen.listenDisposition(seg) == expected, "\(name)")
    }

    @Test(
        "SYN-RECEIVED",
        arguments: [
            ("the SYN again", Segment.syn(seq: 0), .repeatAnswer),
            ("the SYN again, with text", Segment(.syn, seq: 0, length: 4), .repeatAnswer),
            ("first: an ACK before the window", .ack(1, seq: 0), .acknowledge),
            ("first: an ACK beyond the window", .ack(1, seq: 60_001), .acknowledge),
            ("first: a SYN beyond the window", .syn(seq: 60_001), .acknowledge),
            ("first: a RST outside the window", .rst(seq: 0), .ignore),
            ("second: an exact RST", .rst(seq: 1), .drop),
            ("second: a RST in the window", .rst(seq: 2), .acknowledge),
            ("fourth: a SYN in the window", .syn(seq: 5), .dropAndReset(.acknowledging(ack: SequenceNumber(6)))),
            ("fourth: the peer's SYN-ACK", .synAck(seq: 0, ack: 1), .acknowledge),
            ("fifth: no ACK", Segment(.fin), .ignore),
            ("fifth: text without an ACK", Segment([], length: 5), .ignore),
            ("fifth: an ACK of nothing", .ack(0), .reset(.bare(seq: SequenceNumber(0)))),
            ("fifth: an ACK of the future", .ack(2), .reset(.bare(seq: SequenceNumber(2)))),
            ("fifth: the ACK", .ack(1), .complete),
            ("fifth: the ACK, further on in the window", .ack(1, seq: 500), .complete),
            ("fifth: the ACK with text", .text(5), .complete),
            ("fifth: the ACK with a FIN", .fin(seq: 1, ack: 1), .complete),
        ] as [(String, Segment, HalfOpenDisposition)])
    func synReceived(_ name: String, _ seg: Segment, _ expected: HalfOpenDisposition) {
        let disposition = Self.entry().segmentArrives(seg, configuration: Self.configuration)
        #expect(disposition == expected, "\(name)")
    }

    @Test(
        "PAWS holds in SYN-RECEIVED (RFC 7323, 5.3)",
        arguments: [
            (Segment.ack(1).at(99), .acknowledge), (Segment.ack(1).at(100), .complete), (.ack(1), .complete),
        ] as [(Segment, HalfOpenDisposition)])
    func paws(_ seg: Segment, _ expected: HalfOpenDisposition) {
        let configuration = TCPConfiguration()
        let entry = Self.entry({ $0.timestamps = TCPTimestamps(value: 100, echoReply: 0) }, configuration)
        #expect(entry.segmentArrives(seg, configuration: configuration) == expected)
    }

    /// What each side offers, and what comes of it: bit 0 timestamps, bit 1 SACK, bit 2 window scale.
    @Test("agreed is what both offer (RFC 7323, 1.3; RFC 2018, 2)", arguments: 0..<8, 0..<8)
    func negotiation(_ ours: Int, _ theirs: Int) throws {
        let configuration = TCPConfiguration().with {
            $0.offersTimestamps = ours & 1 != 0
            $0.offersSACK = ours & 2 != 0
            $0.offersWindowScale = ours & 4 != 0
        }
        let offer: (inout TCPOptions) -> Void = {
            if theirs & 1 != 0 { $0.timestamps = TCPTimestamps(value: 5, echoReply: 0) }
            $0.isSACKPermitted = theirs & 2 != 0
            if theirs & 4 != 0 { $0.windowScale = 7 }
        }
        func summary(_ options: TCPOptions) -> Int {
            (options.timestamps == nil ? 0 : 1) | (options.isSACKPermitted ? 2 : 0)
                | (options.windowScale == nil ? 0 : 4)
        }
        let entry = Self.entry(offer, configuration)
        let answer = entry.answer(mss: 1460, timestampOffset: 0, configuration: configuration, at: .zero)
        #expect(summary(answer.options) == ours & theirs)
        #expect(answer.options.maximumSegmentSize == 1460)

        var active = Machine(configuration)
        #expect(summary(active.tcb.synSegment(configuration: configuration, at: .zero).options) == ours)
        active.arrive(Segment.synAck(seq: 0, ack: 1).offering(offer))
        var memory = ConnectionMemory(bufferLimit: 1 << 20)
        let passive = try #require(
            Connection(
                completing: entry, with: .ack(1), path: .ethernet, memory: &memory, configuration: configuration,
                at: .zero))
        for tcb in [active.tcb, passive] {
            #expect(tcb.flags.contains(.timestamps) == (ours & theirs & 1 != 0))
            #expect(tcb.flags.contains(.sack) == (ours & theirs & 2 != 0))
            #expect(tcb.sendScale.rawValue == (ours & theirs & 4 != 0 ? 7 : 0))
            #expect(tcb.receiveScale == (ours & theirs & 4 != 0 ? configuration.offeredScale : .none))
        }
    }

    @Test(
        "MSS: the smaller one; 536 or 1220 when not told (MUST-15, MUST-16); never below 48",
        arguments: [
            (PathFacts.ethernet, 1_400, 1_400), (.ethernet, 9_000, 1_460), (.ethernet, nil, 536), (.ethernet, 0, 48),
            (.ethernetV6, nil, 1_220), (.ethernetV6, 65_535, 1_440), (.ethernetV6, 100, 100),
        ] as [(PathFacts, UInt16?, UInt16)])
    func maximumSegmentSize(_ path: PathFacts, _ told: UInt16?, _ expected: UInt16) throws {
        var active = Machine(path: path)
        active.arrive(Segment.synAck(seq: 0, ack: 1).offering { $0.maximumSegmentSize = told })
        #expect(active.tcb.mss == expected)
        let entry = HalfOpen(
            answering: Segment(.syn).offering { $0.maximumSegmentSize = told }, iss: SequenceNumber(0),
            defaultMSS: path.defaultPeerMSS, configuration: .plain, at: .zero)
        var memory = ConnectionMemory(bufferLimit: 1 << 20)
        let passive = try #require(
            Connection(
                completing: entry, with: .ack(1), path: path, memory: &memory, configuration: .plain, at: .zero))
        #expect(passive.mss == expected)
    }

    @Test(
        "window scale: the smallest that covers the buffer; more than 14 counts as 14 (RFC 7323, 2.3)",
        arguments: [
            (65_535, 0), (65_536, 1), (1 << 20, 5), (4 << 20, 7),
        ] as [(UInt32, UInt8)])
    func windowScale(_ buffer: UInt32, _ shift: UInt8) {
        let configuration = TCPConfiguration().with { $0.receiveBuffer = buffer }
        #expect(configuration.offeredScale.rawValue == shift)
        let machine = Machine.established(configuration) { $0.windowScale = 15 }
        #expect(machine.tcb.sendScale.rawValue == 14)
    }

    @Test(
        "no measurement from a SYN-ACK that was sent twice (RFC 6298, 3)",
        arguments: [
            (0, 1, 300_000), (1, 1, 0), (0, 2, 0),
        ] as [(UInt8, UInt8, UInt32)])
    func karn(_ retransmissions: UInt8, _ syns: UInt8, _ smoothed: UInt32) throws {
        var entry = Self.entry()
        entry.retransmissions = retransmissions
        entry.synCount = syns
        var memory = ConnectionMemory(bufferLimit: 1 << 20)
        let tcb = try #require(
            Connection(
                completing: entry, with: .ack(1), path: .ethernet, memory: &memory, configuration: .plain,
                at: .milliseconds(300)))
        #expect(tcb.roundTrip.smoothed == smoothed)
    }
}
