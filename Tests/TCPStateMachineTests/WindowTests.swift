import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

@Suite("RFC 9293 3.8.6: windows")
struct WindowTests {
    @Test(
        "the sender stays within the peer's window; one full segment at least, or all of it",
        arguments: [
            (1_000, ["P. 1:501 ack 1"], 500), (3_000, [". 1:1461 ack 1", ". 1461:2921 ack 1"], 4_000),
            (2_920, [". 1:1461 ack 1", ". 1461:2921 ack 1"], 4_000),
            (40_000, [". 1:1461 ack 1", "P. 1461:2001 ack 1"], 2_000),
        ] as [(UInt16, [String], Int)])
    func sender(_ window: UInt16, _ sent: [String], _ written: Int) {
        var machine = Machine.established()
        machine.tcb.setNoDelay(true)
        machine.arrive(.ack(1, window: window))
        #expect(machine.write(written) == sent)
    }

    @Test("SND.WL1, SND.WL2: an old segment does not change the window")
    func update() {
        var machine = Machine.established()
        machine.write(100)
        machine.arrive(.ack(101, seq: 1, window: 5_000))
        machine.arrive(.ack(51, seq: 1, window: 100))
        #expect(machine.tcb.snd.wnd == 5_000)
        machine.arrive(.text(10, seq: 1, ack: 101, window: 6_000))
        #expect(machine.tcb.snd.wnd == 6_000)
        machine.arrive(.ack(101, seq: 1, window: 7_000))
        #expect(machine.tcb.snd.wnd == 6_000)
    }

    @Test("scaled in every segment but the SYN (RFC 7323, 2.2)")
    func scaled() {
        var machine = Machine.established(TCPConfiguration()) { $0.windowScale = 3 }
        #expect(machine.tcb.snd.wnd == 65_535)
        machine.arrive(.ack(1, window: 1_000))
        #expect(machine.tcb.snd.wnd == 8_000)
        machine.arrive(.text(1_460))
        machine.arrive(.text(1_460, seq: 1_461))
        // 2^20 - 2920, in units of 32, rounded up.
        #expect(machine.tcb.rcv.wnd == 1_045_664)
    }

    @Test("zero after the buffer is full; said again when two segments are free (3.8.6.2.2)")
    func closesAndOpens() {
        var machine = Machine.established(.plain.with { $0.receiveBuffer = 14_600 })
        for seq in stride(from: UInt32(1), to: 14_601, by: 1_460) { machine.arrive(.text(1_460, seq: seq)) }
        #expect(machine.tcb.rcv.wnd == 0)
        #expect(machine.arrive(.text(10, seq: 14_601)) == [". 1 ack 14601"])
        #expect(machine.read(1_460) == [])
        #expect(machine.read(1_459) == [])
        #expect(machine.read(1) == [". 1 ack 14601"])
        #expect(machine.tcb.rcv.wnd == 2_920)
    }

    @Test(
        "is never scaled away: with nothing unread a probe is told of a window, however coarse the scale",
        arguments: [
            (2_048, 14), (2_048, 11), (600, 10), (16_384, 14), (1 << 20, 14),
        ] as [(UInt32, UInt8)])
    func coarse(_ buffer: UInt32, _ scale: UInt8) {
        var machine = Machine.established(
            TCPConfiguration().with {
                $0.receiveBuffer = buffer
                $0.windowScale = scale
                $0.offersTimestamps = false
            }
        ) { $0.windowScale = 0 }
        var seq: UInt32 = 1
        for length in [500, 1, 1_000, 2_000, 100, 60, 3_000] {
            machine.arrive(.text(length, seq: seq))
            machine.read(length)
            seq = machine.tcb.rcv.nxt - Machine.irs
            machine.arriveSilently(.text(1, seq: seq - 1))
            #expect(machine.segments().last.map { $0.window > 0 } == true, "\(length) bytes, next \(seq)")
        }
        #expect(seq > 3_000)
    }

    /// What an application that reads and a peer that sends at random see of the window.
    @Test("the right edge never moves left (SHLD-14), the window never covers more than the buffer", arguments: 0..<20)
    func rightEdge(_ seed: Int) {
        var random = Generator(seed: Seed(UInt64(seed)))
        let buffer = 2_000 + random.next(below: 1 << 20)
        var machine = Machine.established(
            TCPConfiguration().with {
                $0.receiveBuffer = buffer
                $0.offersTimestamps = false
            }
        ) { $0.windowScale = 0 }
        var edge = machine.tcb.rcv.advertisedEdge - Machine.irs
        for step in 0..<200 {
            let nxt = machine.tcb.rcv.nxt - Machine.irs
            switch random.next(below: 4) {
            case 0:
                machine.read(Int(random.next(below: buffer)))
            default:
                // Some in order, some not, some beyond the window.
                let length = random.next(below: 3_000)
                let ahead = random.next(below: 3) == 0 ? random.next(below: 5_000) : 0
                machine.arriveSilently(.text(Int(length), seq: nxt + ahead))
            }
            for seg in machine.segments() {
                let window = machine.tcb.receiveScale.bytes(seg.window)
                let promised = (seg.ack - Machine.irs) + window
                #expect(Int32(bitPattern: promised &- edge) >= 0, "seed \(seed), step \(step)")
                edge = promised
            }
            #expect(machine.tcb.readableBytes <= Int(buffer) * 9 / 8 + 65_535, "seed \(seed), step \(step)")
        }
    }

    @Test("one byte at a time that nobody reads does not push the edge on and on (checklist 113)")
    func creep() {
        var machine = Machine.established(TCPConfiguration().with { $0.receiveBuffer = 100_000 }) { $0.windowScale = 0 }
        var seq: UInt32 = 1
        while machine.tcb.rcv.wnd > 0, seq < 200_000 {
            machine.arrive(.text(1, seq: seq))
            seq += 1
        }
        #expect(machine.tcb.readableBytes <= 112_600)
    }
}

@Suite("RFC 2018: selective acknowledgements")
struct SACKTests {
    static func machine(timestamps: Bool = false) -> Machine {
        .established(
            .plain.with {
                $0.offersSACK = true
                $0.offersTimestamps = timestamps
            }
        ) {
            $0.isSACKPermitted = true
            if timestamps { $0.timestamps = TCPTimestamps(value: 1, echoReply: 0) }
        }
    }

    /// The SACK blocks of the last segment sent, in the peer's relative numbers.
    private func blocks(_ machine: inout Machine, after seg: Segment) -> [[UInt32]] {
        machine.arriveSilently(seg)
        guard let last = machine.segments().last else { return [] }
        return (0..<last.options.sackBlocks.count).map {
            [last.options.sackBlocks[$0].left - Machine.irs, last.options.sackBlocks[$0].right - Machine.irs]
        }
    }

    @Test("4: the block that holds the latest segment first, the others behind; none when the gap is filled")
    func order() {
        var machine = Self.machine()
        #expect(blocks(&machine, after: .text(10, seq: 11)) == [[11, 21]])
        #expect(blocks(&machine, after: .text(10, seq: 31)) == [[31, 41], [11, 21]])
        #expect(blocks(&machine, after: .text(10, seq: 51)) == [[51, 61], [31, 41], [11, 21]])
        #expect(blocks(&machine, after: .text(10, seq: 21)) == [[11, 41], [51, 61]])
        #expect(blocks(&machine, after: .text(10, seq: 1)) == [[51, 61]])
        #expect(blocks(&machine, after: .text(10, seq: 41)) == [])
        #expect(machine.memory.ranges.count == 0)
        machine.read(60)
    }

    @Test("as many as fit: four, three with timestamps", arguments: [(false, 4), (true, 3)])
    func most(_ timestamps: Bool, _ count: Int) {
        var machine = Self.machine(timestamps: timestamps)
        var last: [[UInt32]] = []
        for index in UInt32(1)...6 { last = blocks(&machine, after: .text(10, seq: index * 20)) }
        #expect(last.count == count)
        #expect(last.first == [120, 130])
    }

    @Test("2: none unless both agreed")
    func notAgreed() {
        var machine = Machine.established()
        #expect(blocks(&machine, after: .text(10, seq: 11)) == [])
    }

    @Test("a flood of holes is bounded, and nothing is lost by it")
    func flood() {
        var machine = Self.machine()
        for index in UInt32(1)...500 { machine.arrive(.text(1, seq: index * 2)) }
        #expect(machine.memory.ranges.count == 1)
        for seq in UInt32(1)...1_000 { machine.arrive(.text(1, seq: seq)) }
        #expect(machine.tcb.readableBytes == 1_000)
        machine.read(1_000)
    }

    @Test("three duplicates: the hole at once, once; the rest by what the blocks say (RFC 6675)")
    func recovery() {
        var machine = Self.machine()
        machine.write(8 * 1_460)
        #expect(machine.arrive(.ack(1).sacking((1_461, 2_921))) == [])
        #expect(machine.arrive(.ack(1).sacking((1_461, 4_381))) == [])
        let third = machine.arrive(.ack(1).sacking((1_461, 5_841)))
        #expect(third == [". 1:1461 ack 1"])
        #expect(machine.arrive(.ack(1).sacking((1_461, 7_301))) == [])
        machine.arrive(.ack(11_681))
        #expect(machine.tcb.unacknowledgedBytes == 0)
        #expect(machine.tcb.congestion.window == machine.tcb.congestion.threshold)
    }

    @Test("8: a timeout forgets the blocks, and sends what they covered again")
    func timeout() {
        var machine = Self.machine()
        machine.write(2_920)
        machine.arrive(.ack(1).sacking((1_461, 2_921)))
        #expect(machine.wait(until: 1_000) == ["1000: . 1:1461 ack 1"])
        #expect(machine.arrive(.ack(1_461)) == ["P. 1461:2921 ack 1"])
    }

    @Test(
        "blocks of nonsense are passed over",
        arguments: [
            (0, 1), (1, 1_461), (2_921, 1_461), (1_461, 1_461), (1_461, 99_999),
        ] as [(UInt32, UInt32)])
    func nonsense(_ left: UInt32, _ right: UInt32) {
        var machine = Self.machine()
        machine.write(2_920)
        for _ in 0..<2 { machine.arrive(.ack(1).sacking((left, right))) }
        #expect(machine.memory.ranges.count == 0)
    }
}

@Suite("RFC 5681, RFC 6582, RFC 6928: how much may be on its way")
struct CongestionTests {
    @Test(
        "the initial window (RFC 6928, 2)",
        arguments: [
            (1_460, 14_600), (536, 5_360), (9_000, 18_000), (1_220, 12_200), (2_000, 14_600),
        ] as [(UInt32, UInt32)])
    func initial(_ mss: UInt32, _ window: UInt32) {
        #expect(CongestionControl(segments: 10, mss: mss).window == window)
    }

    @Test("slow start: as much more as is acknowledged, at most two segments for each ACK (RFC 3465, 2.3)")
    func slowStart() {
        var machine = Machine.established()
        machine.write(20_000)
        machine.arrive(.ack(1_461))
        #expect(machine.tcb.congestion.window == 14_600 + 1_460)
        machine.arrive(.ack(5_841))
        #expect(machine.tcb.congestion.window == 14_600 + 3 * 1_460)
    }

    @Test("congestion avoidance: about a segment for each window")
    func avoidance() {
        var control = CongestionControl(segments: 10, mss: 1_000)
        control.threshold = 10_000
        for _ in 0..<10 { control.acknowledged(1_000, mss: 1_000, limit: 2) }
        #expect(control.window > 10_900 && control.window <= 11_000)
    }

    @Test("a timeout: half of what was on its way, one segment (RFC 5681, 3.1, equation 4)")
    func timeout() {
        var machine = Machine.established()
        machine.write(14_600)
        #expect(machine.wait(until: 1_000) == ["1000: . 1:1461 ack 1"])
        #expect(machine.tcb.congestion.window == 1_460)
        #expect(machine.tcb.congestion.threshold == 7_300)
        machine.wait(until: 3_000)
        #expect(machine.tcb.congestion.threshold == 7_300)
    }

    @Test("fast retransmit and recovery without SACK (RFC 5681, 3.2; RFC 6582)")
    func newReno() {
        var machine = Machine.established()
        machine.write(14_600)
        #expect(machine.arrive(.ack(1)) == [])
        #expect(machine.arrive(.ack(1)) == [])
        #expect(machine.arrive(.ack(1)) == [". 1:1461 ack 1"])
        #expect(machine.tcb.congestion.threshold == 7_300)
        #expect(machine.tcb.congestion.window == 7_300 + 3 * 1_460)
        for _ in 0..<3 { machine.arrive(.ack(1)) }
        // A partial acknowledgement shows the next hole.
        #expect(machine.arrive(.ack(2_921)).first == ". 2921:4381 ack 1")
        machine.arrive(.ack(14_601))
        #expect(machine.tcb.congestion.window == 7_300)
    }

    @Test(
        "no duplicate: with text, another window, nothing on its way",
        arguments: [
            Segment.text(1, seq: 1), .ack(1, window: 9_999), .fin(seq: 5, ack: 1),
        ])
    func noDuplicate(_ seg: Segment) {
        var machine = Machine.established()
        machine.write(14_600)
        var retransmitted = 0
        for index in 0..<UInt32(5) {
            var next = seg
            if seg.payloadLength > 0 { next.seq = SequenceNumber(1 + index) }
            if seg.window == 9_999 { next.window = 9_999 - UInt16(index) }
            retransmitted += machine.arrive(next).filter { $0.contains(" 1:1461 ") }.count
        }
        #expect(retransmitted == 0)
    }

    @Test(
        "a path that carries less: cut smaller and sent again at once; not for a stranger's word (RFC 1191; RFC 5927)")
    func pathMTU() {
        var machine = Machine.established()
        machine.write(2_920)
        machine.tcb.pathCarries(1_160, quoted: Machine.iss)
        #expect(machine.sent() == [])
        machine.tcb.pathCarries(1_160, quoted: Machine.iss + 1)
        #expect(machine.sent() == [". 1:1161 ack 1", ". 1161:2321 ack 1", "P. 2321:2921 ack 1"])
        machine.tcb.pathCarries(1_400, quoted: Machine.iss + 1)
        #expect(machine.tcb.mss == 1_160)
    }

    @Test("sent segments carry the options that were agreed on, and fewer bytes for them (RFC 6691)")
    func options() {
        var machine = Machine.established(.plain.with { $0.offersTimestamps = true }) {
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 0)
        }
        #expect(machine.write(3_000) == [". 1:1449 ack 1", ". 1449:2897 ack 1"])
    }
}
