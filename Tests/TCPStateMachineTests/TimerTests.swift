import NetPrimitives
import Testing
import WireFormats

@testable import TCPStateMachine

@Suite("RFC 6298: the retransmission timer")
struct RetransmissionTests {
    /// Samples in milliseconds, and what follows: SRTT, RTTVAR and RTO in milliseconds, with a least RTO of 1 ms.
    @Test(
        "2.2, 2.3: SRTT, RTTVAR, RTO",
        arguments: [
            ([], 0, 0, 1_000),
            ([100], 100, 50, 300),
            ([100, 100], 100, 37, 250),
            ([100, 200], 112, 62, 362),
            ([0], 0, 0, 1),
            ([200, 100, 100, 100, 100, 100, 100, 100], 139, 65, 400),
        ] as [([Int64], UInt32, UInt32, UInt32)])
    func estimator(_ samples: [Int64], _ smoothed: UInt32, _ variation: UInt32, _ timeout: UInt32) {
        let configuration = TCPConfiguration().with { $0.minimumRTO = .milliseconds(1) }
        var estimator = RoundTripEstimator(initial: configuration.initialRTO)
        for sample in samples { estimator.measure(.milliseconds(sample), configuration: configuration) }
        #expect(estimator.smoothed / 1_000 == smoothed)
        #expect(estimator.variation / 1_000 == variation)
        #expect(estimator.timeout / 1_000 == timeout)
    }

    @Test(
        "2.4, 2.5: bounded",
        arguments: [
            (TCPConfiguration(), 1, 1_000_000), (.linux, 1, 200_000), (TCPConfiguration(), 600_000, 120_000_000),
        ] as [(TCPConfiguration, Int64, UInt32)])
    func bounds(_ configuration: TCPConfiguration, _ sample: Int64, _ timeout: UInt32) {
        var estimator = RoundTripEstimator(initial: configuration.initialRTO)
        estimator.measure(.milliseconds(sample), configuration: configuration)
        #expect(estimator.timeout == timeout)
    }

    @Test("5.4 to 5.6: the earliest segment again, doubled each time, at most the maximum, then given up")
    func doubling() {
        var machine = Machine.established(
            .plain.with {
                $0.dataRetries = 5
                $0.maximumRTO = .seconds(8)
            })
        machine.write(2_000)
        let log = machine.wait(until: 100_000)
        #expect(log.filter { $0.contains(" 1:1461 ") } == [1, 3, 7, 15, 23].map { "\($0)000: . 1:1461 ack 1" })
        #expect(log.last == "31000: timedOut")
    }

    @Test("5.1, 5.2, 5.3: it runs from the first byte on, restarts with each new ACK, stops with the last")
    func restarts() {
        var machine = Machine.established()
        machine.wait(until: 500)
        machine.write(1_460)
        machine.wait(until: 600)
        machine.write(1_460)
        #expect(machine.tcb.retransmitAt == .milliseconds(1_500))
        machine.arrive(.ack(1_461), at: 700)
        #expect(machine.tcb.retransmitAt == .milliseconds(1_700))
        machine.arrive(.ack(1_461), at: 800)
        #expect(machine.tcb.retransmitAt == .milliseconds(1_700))
        machine.arrive(.ack(2_921), at: 900)
        #expect(machine.tcb.nextDeadline == nil)
        #expect(machine.memory.inFlight.count == 0)
    }

    @Test("5.7: after a lost SYN the first RTO is 3 s, the first window one segment (RFC 5681, 3.1)")
    func lostSYN() {
        var machine = Machine()
        machine.wait(until: 1_500)
        machine.arrive(.synAck(seq: 0, ack: 1))
        #expect(machine.write(3_000) == [". 1:1461 ack 1"])
        #expect(machine.wait(until: 5_000) == ["4500: . 1:1461 ack 1"])
    }

    @Test("3 (Karn): what was sent twice is not measured, and the doubled timer stands until something is")
    func karn() {
        var machine = Machine.established()
        machine.write(1_000)
        machine.wait(until: 1_000)
        #expect(machine.tcb.roundTrip.backoff == 1)
        let before = machine.tcb.roundTrip.smoothed
        machine.arrive(.ack(1_001), at: 1_900)
        #expect(machine.tcb.roundTrip.smoothed == before)
        #expect(machine.tcb.roundTrip.backoff == 1)
        machine.write(1_000)
        #expect(machine.tcb.retransmitAt == .milliseconds(3_900))
        machine.arrive(.ack(2_001), at: 2_000)
        #expect(machine.tcb.roundTrip.backoff == 0)
        #expect(machine.tcb.roundTrip.smoothed > before)
    }

    @Test("timestamps tell which one was answered (RFC 7323, 4.1)")
    func timestamps() {
        var machine = Machine.established(.plain.with { $0.offersTimestamps = true }) {
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 0)
        }
        machine.write(1_000)
        machine.wait(until: 1_000)
        machine.arrive(Segment.ack(1_001).at(2, echo: 1_000), at: 1_080)
        #expect(machine.tcb.roundTrip.backoff == 0)
        #expect(machine.tcb.roundTrip.smoothed == 10_000)
    }

    @Test("an echo from before the timeout measures our own waiting: it counts for nothing")
    func staleEcho() {
        var machine = Machine.established(.plain.with { $0.offersTimestamps = true }) {
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 0)
        }
        let before = machine.tcb.roundTrip.smoothed
        machine.write(1_000)
        machine.wait(until: 1_000)
        // The text arrived at once, its acknowledgement was lost; this one answers the copy.
        machine.arrive(Segment.ack(1_001).at(2, echo: 0), at: 1_010)
        #expect(machine.tcb.roundTrip.smoothed == before)
        #expect(machine.tcb.roundTrip.backoff == 1, "the doubled timer stands")
        machine.write(1_000)
        machine.arrive(Segment.ack(2_001).at(3, echo: 1_010), at: 1_020)
        #expect(machine.tcb.roundTrip.backoff == 0)
    }

    @Test("the handshake is measured")
    func handshake() {
        var machine = Machine()
        machine.arrive(.synAck(seq: 0, ack: 1), at: 100)
        #expect(machine.tcb.roundTrip.smoothed == 100_000)
    }
}

@Suite("RFC 9293 3.8.6.1: the closed window")
struct PersistTests {
    @Test("a probe after the RTO, one number before what is awaited, doubling, as long as it is answered (MUST-36, 37)")
    func probes() {
        var machine = Machine.established(.plain.with { $0.dataRetries = 2 })
        machine.arrive(.ack(1, window: 0))
        machine.write(100)
        var times: [Int64] = []
        for _ in 0..<10 {
            guard let due = machine.tcb.nextDeadline?.milliseconds else { break }
            #expect(machine.wait(until: due) == ["\(due): . 0 ack 1"])
            machine.arrive(.ack(1, window: 0))
            times.append(due)
        }
        #expect(times == [1, 3, 7, 15, 31, 63, 127, 247, 367, 487].map { $0 * 1_000 })
    }

    @Test("none when nothing is waiting")
    func idle() {
        var machine = Machine.established()
        machine.arrive(.ack(1, window: 0))
        #expect(machine.wait(until: 1_000_000) == [])
    }

    @Test("the window opens: text at once, under a timer that is not doubled")
    func opens() {
        var machine = Machine.established()
        machine.arrive(.ack(1, window: 0))
        machine.write(100)
        machine.wait(until: 70_000)
        #expect(machine.arrive(.ack(1)) == ["P. 1:101 ack 1"])
        #expect(machine.wait(until: 72_000) == ["71000: P. 1:101 ack 1"])
    }

    @Test("a window that closes over what is on its way (SHLD-15, MUST-34)")
    func shrinks() {
        var machine = Machine.established()
        machine.write(1_460)
        machine.arrive(.ack(1, window: 0))
        #expect(machine.wait(until: 1_000) == ["1000: . 0 ack 1"])
        #expect(machine.arrive(.ack(1, window: 0)) == [])
        #expect(machine.arrive(.ack(1)) == ["P. 1:1461 ack 1"])
    }

    @Test("what arrived all the same is acknowledged beyond the window")
    func acknowledgedBeyond() {
        var machine = Machine.established()
        machine.write(1_460)
        machine.arrive(.ack(1, window: 0))
        machine.arrive(.ack(1_461, window: 0))
        #expect(machine.tcb.unacknowledgedBytes == 0)
        #expect(machine.wait(until: 1_000_000) == [])
    }

    @Test("a window too small for silly-window rules is used when the timer fires (3.8.6.2.1, the override)")
    func override() {
        var machine = Machine.established()
        machine.arrive(.ack(1, window: 100))
        #expect(machine.write(1_000) == [])
        #expect(machine.wait(until: 1_000) == ["1000: . 1:101 ack 1"])
    }
}

@Suite("RFC 9293 3.8.6.3: delayed acknowledgements (SHLD-18, MUST-58, MUST-59)")
struct DelayedAckTests {
    @Test("one segment waits, the second does not")
    func second() {
        var machine = Machine.established()
        #expect(machine.arrive(.text(1_460)) == [])
        #expect(machine.arrive(.text(1_460, seq: 1_461)) == [". 1 ack 2921"])
        #expect(machine.wait(until: 100) == [])
        #expect(machine.arrive(.text(1_460, seq: 2_921)) == [])
        #expect(machine.wait(until: 1_000) == ["140: . 1 ack 4381"])
    }

    @Test("text of ours takes it along")
    func piggyback() {
        var machine = Machine.established()
        machine.arrive(.text(10))
        #expect(machine.write(5) == ["P. 1:6 ack 11"])
        #expect(machine.wait(until: 500) == [])
    }

    @Test("out of order, a gap filled, twice the same: at once (RFC 5681, 4.2)")
    func atOnce() {
        var machine = Machine.established()
        #expect(machine.arrive(.text(10, seq: 11)) == [". 1 ack 1"])
        #expect(machine.arrive(.text(10, seq: 31)) == [". 1 ack 1"])
        #expect(machine.arrive(.text(10, seq: 1)) == [". 1 ack 21"])
        #expect(machine.arrive(.text(10, seq: 21)) == [". 1 ack 41"])
        #expect(machine.arrive(.text(10, seq: 21)) == [". 1 ack 41"])
    }
}

@Suite("RFC 9293 3.7.4: the Nagle algorithm (SHLD-7, MUST-17)")
struct NagleTests {
    @Test("small segments wait while something is unacknowledged")
    func waits() {
        var machine = Machine.established()
        #expect(machine.write(10) == ["P. 1:11 ack 1"])
        #expect(machine.write(10) == [])
        #expect(machine.write(10) == [])
        #expect(machine.arrive(.ack(11)) == ["P. 11:31 ack 1"])
    }

    @Test("full segments do not")
    func full() {
        var machine = Machine.established()
        #expect(machine.write(10) == ["P. 1:11 ack 1"])
        #expect(machine.write(1_500) == [". 11:1471 ack 1"])
    }

    @Test("it can be switched off")
    func off() {
        var machine = Machine.established()
        machine.tcb.setNoDelay(true)
        #expect(machine.write(10) == ["P. 1:11 ack 1"])
        #expect(machine.write(10) == ["P. 11:21 ack 1"])
    }
}
