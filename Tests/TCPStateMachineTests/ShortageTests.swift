import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

/// Memory is short: what gives way, in which order, and what never does.
@Suite("Short memory")
struct ShortageTests {
    /// An open connection with `chunks` of memory beyond the two that it has reserved.
    private static func machine(chunks: Int, _ change: (inout TCPConfiguration) -> Void = { _ in }) -> Machine {
        var machine = Machine.established(.plain.with(change))
        machine.memory.chunks.openAccount(allowance: chunks)
        return machine
    }

    /// RCV.NXT, as the rows count: the first byte is 1.
    private func received(_ machine: borrowing Machine) -> UInt32 { machine.tcb.rcv.nxt - Machine.irs }

    @Test("first the window stops: its right edge stays where it is, and never moves left")
    func window() {
        var machine = Self.machine(chunks: 8)
        var edge = machine.tcb.rcv.advertisedEdge
        for seq in stride(from: UInt32(1), to: 20_001, by: 1_000) {
            machine.arrive(.text(1_000, seq: seq))
            #expect(!machine.tcb.rcv.advertisedEdge.isBefore(edge))
            edge = machine.tcb.rcv.advertisedEdge
        }
        #expect(machine.memory.shortage.isNone)
        // The edge that the handshake promised is all there is: nothing was added to it.
        #expect(machine.tcb.rcv.wnd == 60_000 - 20_000)
    }

    @Test("then what is out of order and not yet told of; then what is; then what is in order")
    func order() {
        var machine = Self.machine(chunks: 6)
        // Kept, and told of.
        machine.arrive(.text(1_000, seq: 2_001))
        #expect(machine.memory.ranges.count == 1 && machine.memory.shortage.isNone)
        // No room for one more, and what is there stays.
        machine.memory.chunks.openAccount(allowance: 2)
        machine.arrive(.text(1_000, seq: 12_001))
        #expect(machine.memory.shortage.outOfOrder == 1 && machine.memory.ranges.count == 1)
        // In order: the stretch out of order lies in a chunk that is needed now.
        machine.memory.chunks.openAccount(allowance: 0)
        machine.arrive(.text(1_000, seq: 1))
        #expect(machine.memory.shortage.reneged == 0 && received(machine) == 1_001)
        machine.arrive(.text(1_000, seq: 1_001))
        #expect(received(machine) == 3_001, "the gap is closed")
        machine.arrive(.text(1_000, seq: 3_001))
        machine.arrive(.text(1_000, seq: 4_001))
        #expect(machine.memory.shortage.inOrder == 1)
        // 4,096 bytes are there, and acknowledged; no more.
        #expect(received(machine) == 4_097 && machine.tcb.readableBytes == 4_096)
        machine.arrive(.text(1_000, seq: 4_097))
        #expect(machine.memory.shortage.inOrder == 2 && received(machine) == 4_097)
    }

    @Test("segments larger than all there is: whoever reads lets the peer send again (fuzzing)")
    func largeSegments() {
        var machine = Machine.established(.plain.with { $0.receiveBuffer = 4_096 * 4 }, path: .jumbo) {
            $0.maximumSegmentSize = 8_960
        }
        machine.memory.chunks.openAccount(allowance: 0)
        // What the handshake promised is used up, a chunk at a time: no more memory stands behind the window.
        for seq in stride(from: UInt32(1), to: 16_384, by: 4_096) {
            machine.arriveSilently(.text(4_096, seq: seq))
            _ = machine.segments()
            machine.read(4_096)
        }
        #expect(received(machine) == 16_385 && machine.tcb.readableBytes == 0)
        machine.arriveSilently(.ack(1, seq: 16_384))
        let windows = machine.segments().map(\.window)
        #expect(windows.count == 1 && windows.allSatisfy { $0 >= 2_048 }, "\(windows)")
    }

    @Test("what is out of order gives way to what is in order")
    func renege() {
        var machine = Self.machine(chunks: 4)
        machine.arrive(.text(100, seq: 9_001))
        #expect(machine.memory.ranges.count == 1)
        machine.memory.chunks.openAccount(allowance: 0)
        for seq in stride(from: UInt32(1), to: 5_001, by: 1_000) { machine.arrive(.text(1_000, seq: seq)) }
        #expect(machine.memory.shortage.reneged == 1 && machine.memory.ranges.count == 0)
        #expect(received(machine) == 4_097 && machine.tcb.readableBytes == 4_096)
    }

    @Test("a write finds no room, says so, and is told when there is some")
    func write() {
        var machine = Self.machine(chunks: 0) { $0.sendBuffer = 60_000 }
        #expect(
            machine.tcb.write(
                [UInt8](repeating: 1, count: 10_000).span, memory: &machine.memory, configuration: machine.configuration
            )
                == 4_096)
        #expect(machine.memory.shortage.writes == 1)
        #expect(machine.tcb.write([1].span, memory: &machine.memory, configuration: machine.configuration) == 0)
        _ = machine.sent()
        machine.arrive(.ack(2_921))
        #expect(machine.effects.contains(.writable))
    }

    @Test("without room for ranges nothing out of order is kept, and a peer's SACK is not heard")
    func ranges() {
        var machine = Machine.established()
        machine.memory = ConnectionMemory(bufferLimit: 1 << 20, rangeLimit: 0)
        let isReserved = machine.memory.chunks.reserve(2)
        #expect(isReserved)
        machine.arrive(.text(1_000, seq: 2_001))
        #expect(machine.memory.ranges.count == 0 && machine.memory.shortage.outOfOrder == 1)
        machine.arrive(.text(1_000, seq: 1))
        #expect(received(machine) == 1_001)
    }
}
