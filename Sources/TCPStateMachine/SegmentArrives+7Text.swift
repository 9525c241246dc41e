import NetPrimitives
import WireFormats

extension Connection {
    /// RFC 9293, 3.10.7.4, seventh step: what lies in the window goes into the ring, in order or not.
    mutating func textArrives(
        _ seg: Segment, payload: Span<UInt8>, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant, into disposition: inout Disposition
    ) {
        // After the peer's FIN there is no more text (CLOSE-WAIT, CLOSING, LAST-ACK: "should not occur, ignore").
        guard state.canReceive else { return }
        noteMark(seg)
        let end = seg.seq + UInt32(truncatingIfNeeded: payload.count)
        if flags.contains(.orphaned), end.isAfter(rcv.nxt) {
            // Nobody will read it: say so instead of acknowledging it (RFC 1122, 4.2.2.13; RFC 2525, 2.17). To the peer
            // there is no connection any more, and the number it waits for is the one that it acknowledges, even if
            // our FIN is lost (RFC 9293, 3.5.2, group 1).
            disposition.reply = .bare(seq: seg.ack)
            finish(memory: &memory)
            disposition.end = .aborted
            return
        }
        // Trim what was received before and what lies beyond the window.
        let skipped = rcv.nxt.isAfter(seg.seq) ? rcv.nxt - seg.seq : 0
        if skipped > 0 {
            noteDuplicate(seg, configuration: configuration)
            flags.insert(.ackNow)
        }
        let usable = min(end - seg.seq, rcv.advertisedEdge - seg.seq)
        guard skipped < usable, usable <= UInt32(truncatingIfNeeded: payload.count) else {
            acknowledgeQuickly(configuration: configuration)
            flags.insert(.ackNow)
            return
        }
        let fresh = payload.extracting(Int(skipped)..<Int(usable))
        let start = seg.seq + skipped
        if start == rcv.nxt {
            takeInOrder(fresh, memory: &memory, configuration: configuration, at: now, into: &disposition)
        } else {
            acknowledgeQuickly(configuration: configuration)
            takeOutOfOrder(fresh, at: start, memory: &memory, configuration: configuration)
        }
    }

    private mutating func takeInOrder(
        _ text: Span<UInt8>, memory: inout ConnectionMemory, configuration: TCPConfiguration,
        at now: Instant, into disposition: inout Disposition
    ) {
        var taken = receiveRing.append(text, pool: &memory.chunks)
        if taken < text.count, !outOfOrder.isNone {
            // Memory is short: what came early gives way to what is next in line.
            memory.shortage.reneged &+= 1
            forgetOutOfOrder(memory: &memory)
            taken &+= receiveRing.append(text.extracting(taken..<text.count), pool: &memory.chunks)
        }
        if taken < text.count { memory.shortage.inOrder &+= 1 }
        guard taken > 0 else {
            // What is not acknowledged may be dropped, and comes again.
            flags.insert(.ackNow)
            return
        }
        rcv.nxt += UInt32(truncatingIfNeeded: taken)
        noteDataArrived(configuration: configuration, at: now)
        disposition.effects.insert(.readable)
        let filledGap = !outOfOrder.isNone
        if filledGap { takeWhatFollows(memory: &memory) }
        // RFC 9293, 3.8.6.3, SHLD-18: at least every second full segment; RFC 5681, 4.2: at once when a gap is filled.
        let isFull = taken >= Int(min(segmentPayload, 536))
        if filledGap || taken < text.count || (isFull && flags.contains(.oneSegmentUnacknowledged))
            || taken >= 2 &* Int(segmentPayload) || (quickAcksLeft > 0 && !flags.contains(.dialogue))
        {
            flags.insert(.ackNow)
        } else {
            if isFull { flags.insert(.oneSegmentUnacknowledged) }
            if ackAt == .distantFuture { ackAt = now + configuration.delayedAck }
        }
    }

    /// Data that came before what precedes it waits in its place, and the peer is told at once (RFC 5681, 4.2).
    private mutating func takeOutOfOrder(
        _ text: Span<UInt8>, at start: SequenceNumber, memory: inout ConnectionMemory, configuration: TCPConfiguration
    ) {
        flags.insert(.ackNow)
        let offset = receiveRing.count &+ Int(start - rcv.nxt)
        // Of all that may be dropped when memory is short this comes first: the peer has not been told of it. It may
        // take a directory, and chunks where it begins and ends.
        guard memory.chunks.freeBytes >= text.count &+ 3 &* ChunkPool.chunkSize,
            let held = outOfOrder.isNone ? memory.takeRanges() : outOfOrder
        else {
            memory.shortage.outOfOrder &+= 1
            return
        }
        outOfOrder = held
        let whole = SequenceRange(start, start + UInt32(truncatingIfNeeded: text.count))
        noteDuplicate(
            SequenceRange(start, .earliest(memory.ranges[outOfOrder].end(ofRangeHolding: start), whole.right)),
            configuration: configuration)
        if memory.ranges[outOfOrder].insert(whole) {
            let written = receiveRing.write(text, at: offset, pool: &memory.chunks)
            if written < text.count { forgetOutOfOrder(memory: &memory) }
        } else if memory.ranges[outOfOrder].isEmpty {
            forgetOutOfOrder(memory: &memory)
        }
    }

    /// What waited behind the gap that has just been filled is now in order.
    private mutating func takeWhatFollows(memory: inout ConnectionMemory) {
        let end = memory.ranges[outOfOrder].end(ofRangeHolding: rcv.nxt)
        receiveRing.extend(by: Int(end - rcv.nxt))
        rcv.nxt = end
        memory.ranges[outOfOrder].removeAll(before: rcv.nxt)
        if memory.ranges[outOfOrder].isEmpty {
            memory.ranges.remove(outOfOrder)
            outOfOrder = .none
        }
    }

    /// Everything out of order is dropped. It was not acknowledged for good (RFC 2018, 8).
    mutating func forgetOutOfOrder(memory: inout ConnectionMemory) {
        if outOfOrder.isNone { return }
        receiveRing.dropUnreadable(pool: &memory.chunks)
        memory.ranges.remove(outOfOrder)
        outOfOrder = .none
        if duplicate.right.isAfter(rcv.nxt) { duplicate = SequenceRange(rcv.nxt, rcv.nxt) }
    }
}
