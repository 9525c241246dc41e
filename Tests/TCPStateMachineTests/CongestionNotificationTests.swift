import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

/// Marks instead of losses: RFC 3168, 6.1. What the wire shows of it stands in the scripts of Tests/Drill/congestion.
@Suite("Congestion notification")
struct CongestionNotificationTests {
    /// An open connection of segments of 1,000 bytes whose ends have agreed to ECN.
    private static func agreed(_ change: (inout TCPConfiguration) -> Void = { _ in }) -> Machine {
        var machine = Machine(.plain.with { $0.ecn = .always }.with(change))
        machine.arrive(.synAck(seq: 0, ack: 1).offering { $0.maximumSegmentSize = 1_000 }.flagged(.ece))
        #expect(machine.tcb.hasECN)
        return machine
    }

    @Test(
        "who has asked, and what came back",
        arguments: [
            (.always, [.syn, .ack, .ece], true), (.always, [.syn, .ack], false),
            (.always, [.syn, .ack, .ece, .cwr], false), (.always, [.syn, .ack, .cwr], false),
            (.whenAsked, [.syn, .ack, .ece], false), (.off, [.syn, .ack, .ece], false),
            (.always, [.syn, .ece, .cwr], true), (.always, [.syn, .ece], false), (.always, [.syn], false),
            (.whenAsked, [.syn, .ece, .cwr], false),
        ] as [(ECNUse, TCPFlags, Bool)])
    func asking(_ use: ECNUse, _ flags: TCPFlags, _ agrees: Bool) {
        var machine = Machine(.plain.with { $0.ecn = use })
        machine.arrive(Segment(flags, seq: 0, ack: 1))
        #expect(machine.tcb.hasECN == agrees)
    }

    @Test("a SYN that is sent again asks no more, and what its answer says no longer counts (6.1.1.1)")
    func askingOnce() {
        var machine = Machine(.plain.with { $0.ecn = .always })
        machine.wait(until: 1_000)
        machine.arrive(.synAck(seq: 0, ack: 1).flagged(.ece))
        #expect(!machine.tcb.hasECN)
    }

    @Test("a mark is acknowledged at once, and told until CWR comes with text (6.1.3)")
    func echo() {
        var machine = Self.agreed()
        #expect(machine.arrive(.text(500).marked(.ect0)) == [], "an acknowledgement may wait")
        machine.arriveSilently(.text(500, seq: 501).marked(.congestionExperienced))
        #expect(machine.segments().map(\.flags) == [[.ack, .ece]])
        machine.arriveSilently(.text(500, seq: 1_001).marked(.congestionExperienced))
        #expect(machine.segments() == [], "the peer knows already, or will with the next")
        // An ACK alone does not say that the peer has heard: it may be old.
        machine.arriveSilently(.ack(1, seq: 1_501).flagged(.cwr))
        for seq in [1_501, 2_501] as [UInt32] { machine.arriveSilently(.text(1_000, seq: seq).marked(.ect0)) }
        #expect(machine.segments().map(\.flags) == [[.ack, .ece]])
        machine.arriveSilently(.text(1_000, seq: 3_501).marked(.ect0).flagged(.cwr))
        machine.arriveSilently(.text(1_000, seq: 4_501).marked(.ect0))
        #expect(machine.segments().map(\.flags) == [.ack])
    }

    @Test("what does not lie in the window cannot bring a mark (6.1.5)")
    func forgedMark() {
        var machine = Self.agreed()
        machine.arriveSilently(.text(10, seq: 70_000).marked(.congestionExperienced))
        #expect(machine.segments().map(\.flags) == [.ack])
    }

    @Test("half of what is on its way, once for each window of data, and no growth meanwhile (6.1.2)")
    func reduction() {
        var machine = Self.agreed()
        machine.write(10_000)
        machine.arrive(.ack(1_001).flagged(.ece))
        #expect(machine.tcb.congestion.window == 5_000 && machine.tcb.congestion.threshold == 5_000)
        for ack in [2_001, 5_001, 10_001] as [UInt32] { machine.arrive(.ack(ack).flagged(.ece)) }
        #expect(machine.tcb.congestion.window == 5_000)
        // The next window of data: its first segment says so, and its acknowledgements may tell of congestion again.
        let next = Self.flags(&machine, writing: 4_000)
        #expect(next == [[.ack, .cwr], .ack, .ack, [.ack, .psh]])
        machine.arrive(.ack(10_001).flagged(.ece))
        #expect(machine.tcb.congestion.window == 5_000, "that acknowledges nothing of it")
        machine.arrive(.ack(11_001).flagged(.ece))
        #expect(machine.tcb.congestion.window == 2_000)
    }

    private static func flags(_ machine: inout Machine, writing count: Int) -> [TCPFlags] {
        let text = [UInt8](repeating: 7, count: count)
        _ = machine.tcb.write(text.span, memory: &machine.memory, configuration: machine.configuration)
        return machine.segments().map(\.flags)
    }

    @Test("without agreement an ECE is a reserved bit")
    func unagreed() {
        var machine = Machine.established()
        machine.write(5_000)
        machine.arrive(.ack(1_461).flagged(.ece))
        #expect(machine.tcb.congestion.threshold == .max)
    }

    @Test("a window that a loss has halved is not halved again by a mark, and is told of as well")
    func lossAndMark() {
        var machine = Self.agreed()
        machine.write(10_000)
        for _ in 0..<3 { machine.arrive(.ack(1)) }
        #expect(machine.tcb.congestion.threshold == 5_000)
        machine.arrive(.ack(1).flagged(.ece))
        machine.arrive(.ack(10_001).flagged(.ece))
        #expect(machine.tcb.congestion.window == 5_000 && machine.tcb.congestion.threshold == 5_000)
        #expect(Self.flags(&machine, writing: 1_000) == [[.ack, .psh, .cwr]])
    }

    @Test("marks may meet new text only: no SYN, no ACK, no probe, no FIN alone, nothing that is sent again")
    func capable() {
        var machine = Self.agreed()
        machine.arriveSilently(.text(2_000))
        #expect(machine.segments().map(\.ecn) == [.notCapable], "an acknowledgement")
        let text = [UInt8](repeating: 7, count: 1_000)
        _ = machine.tcb.write(text.span, memory: &machine.memory, configuration: machine.configuration)
        #expect(machine.segments().map(\.ecn) == [.ect0], "new text")
        var lost = machine.tcb
        _ = lost.timersFired(
            memory: &machine.memory, configuration: machine.configuration, at: .milliseconds(10_000))
        machine.tcb = lost
        #expect(machine.segments().map(\.ecn) == [.notCapable], "the same again")
        machine.arriveSilently(.ack(1_001, seq: 2_001))
        _ = machine.tcb.shutdown(memory: &machine.memory)
        #expect(machine.segments().map(\.ecn) == [.notCapable], "a FIN")
    }
}

extension Segment {
    /// The same as the IP header would have marked it.
    fileprivate func marked(_ codepoint: ECNCodepoint) -> Segment {
        var copy = self
        copy.ecn = codepoint
        return copy
    }

    /// The same with more flags.
    fileprivate func flagged(_ flags: TCPFlags) -> Segment {
        var copy = self
        copy.flags.formUnion(flags)
        return copy
    }
}
