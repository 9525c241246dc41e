import NetPrimitives
import WireFormats

/// What duplicate and selective acknowledgements tell: RFC 5681, 3.2, RFC 6582, and holes by RFC 6675's reading of
/// SACK.
extension Connection {
    /// Takes in the SACK blocks of a segment (RFC 2018, 3), those that speak of what is really in flight.
    mutating func takeSACK(_ seg: Segment, memory: inout ConnectionMemory) {
        guard !inFlight.isNone, snd.una != snd.max else { return }
        for index in 0..<seg.options.sackBlocks.count {
            let block = seg.options.sackBlocks[index]
            guard block.left.isBefore(block.right), block.left.isAfter(snd.una), block.left.isAfter(seg.ack),
                block.right.isAtOrBefore(snd.max)
            else { continue }
            if memory.inFlight[inFlight].scoreboard.isNone {
                // Without room for a scoreboard recovery goes on as without SACK.
                guard let scoreboard = memory.takeRanges() else { return }
                memory.inFlight[inFlight].scoreboard = scoreboard
            }
            // A block too many is forgotten: what it names is sent once more, which is allowed.
            _ = memory.ranges[memory.inFlight[inFlight].scoreboard].insert(SequenceRange(block.left, block.right))
        }
    }

    /// An acknowledgement of nothing new (RFC 5681, 2: no data, no FIN, the same window, something in flight).
    mutating func duplicateArrives(_ seg: Segment, windowBefore: UInt32, memory: inout ConnectionMemory) {
        guard !inFlight.isNone, snd.una != snd.max, seg.length == 0, snd.wnd == windowBefore else { return }
        let flightSize = snd.max - snd.una
        memory.inFlight[inFlight].duplicateAcks = min(memory.inFlight[inFlight].duplicateAcks &+ 1, 200)
        if memory.inFlight[inFlight].isRecovering {
            // RFC 5681, 3.2, step 4: one segment has left the network.
            congestion.window = min(congestion.window &+ segmentPayload, 1 << 30)
            if hasHole(memory: memory) { memory.inFlight[inFlight].holesDue = 1 }
            return
        }
        // RFC 6582, 3.2, step 2: only once per window of data, and not for what a timeout has retransmitted.
        guard memory.inFlight[inFlight].duplicateAcks == 3, memory.inFlight[inFlight].timeouts == 0,
            snd.una.isAfter(memory.inFlight[inFlight].recover) || memory.inFlight[inFlight].recover == iss
        else { return }
        memory.inFlight[inFlight].isRecovering = true
        memory.inFlight[inFlight].recover = snd.max
        memory.inFlight[inFlight].retransmittedTo = snd.una
        memory.inFlight[inFlight].holesDue = 1
        memory.inFlight[inFlight].isTiming = false
        congestion.enterRecovery(flight: flightSize, mss: segmentPayload)
        noteReduction(memory: &memory)
    }

    /// New data is acknowledged: the window grows, or recovery goes on to the next hole, or ends.
    mutating func grow(
        by bytes: UInt32, echoesMark: Bool, memory: inout ConnectionMemory, configuration: TCPConfiguration
    ) {
        let scoreboard = memory.inFlight[inFlight].scoreboard
        if !scoreboard.isNone {
            memory.ranges[scoreboard].removeAll(before: snd.una)
            if memory.ranges[scoreboard].isEmpty {
                memory.ranges.remove(scoreboard)
                memory.inFlight[inFlight].scoreboard = .none
            }
        }
        memory.inFlight[inFlight].duplicateAcks = 0
        guard memory.inFlight[inFlight].isRecovering else {
            // RFC 3168, 6.1.2: an acknowledgement that tells of congestion never lets the window grow.
            if !echoesMark {
                congestion.acknowledged(bytes, mss: segmentPayload, limit: configuration.slowStartLimit)
            }
            return
        }
        if snd.una.isAtOrAfter(memory.inFlight[inFlight].recover) {
            memory.inFlight[inFlight].isRecovering = false
            memory.inFlight[inFlight].holesDue = 0
            congestion.leaveRecovery()
        } else {
            // RFC 6582, 3.2, step 3: a partial acknowledgement shows the next hole.
            congestion.partiallyAcknowledged(bytes, mss: segmentPayload)
            memory.inFlight[inFlight].retransmittedTo = .latest(memory.inFlight[inFlight].retransmittedTo, snd.una)
            if scoreboard.isNone || hasHole(memory: memory) { memory.inFlight[inFlight].holesDue = 1 }
            if scoreboard.isNone { memory.inFlight[inFlight].retransmittedTo = snd.una }
        }
    }

    /// The next stretch that recovery should retransmit: not acknowledged, with something acknowledged behind it (or,
    /// without SACK, the first segment).
    func nextHole(memory: borrowing ConnectionMemory) -> SequenceRange? {
        let flight = memory.inFlight[inFlight]
        var start = SequenceNumber.latest(flight.retransmittedTo, snd.una)
        guard !flight.scoreboard.isNone else {
            return start == snd.una ? SequenceRange(start, .earliest(start + segmentPayload, snd.max)) : nil
        }
        start = memory.ranges[flight.scoreboard].end(ofRangeHolding: start)
        guard let end = memory.ranges[flight.scoreboard].firstLeft(after: start) else {
            return start == snd.una ? SequenceRange(start, .earliest(start + segmentPayload, snd.max)) : nil
        }
        return SequenceRange(start, .earliest(start + segmentPayload, end))
    }

    func hasHole(memory: borrowing ConnectionMemory) -> Bool { nextHole(memory: memory) != nil }

    mutating func releaseInFlight(memory: inout ConnectionMemory) {
        if inFlight.isNone { return }
        let scoreboard = memory.inFlight[inFlight].scoreboard
        if !scoreboard.isNone { memory.ranges.remove(scoreboard) }
        memory.inFlight.remove(inFlight)
        inFlight = .none
    }
}
