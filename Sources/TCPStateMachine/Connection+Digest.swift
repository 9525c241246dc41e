public import NetPrimitives

extension Connection {
    /// All that decides what this connection does next, for a digest: numbers relative to the initial ones, times
    /// relative to `now`, no counters and no slots.
    public func encode(into sink: inout SipHash, memory: borrowing ConnectionMemory, at now: Instant) {
        sink.combine(UInt64(state.rawValue) << 32 | UInt64(flags.rawValue))
        sink.combine(UInt64(sendScale.rawValue) << 40 | UInt64(receiveScale.rawValue) << 32 | UInt64(mss) << 16)
        sink.combine(UInt64(iss.rawValue) << 32 | UInt64(irs.rawValue))
        sink.combine(UInt64(snd.una - iss) << 32 | UInt64(snd.nxt - iss))
        sink.combine(UInt64(snd.max - iss) << 32 | UInt64(snd.wnd))
        sink.combine(UInt64(snd.wl1 - irs) << 32 | UInt64(snd.wl2 - iss))
        sink.combine(UInt64(snd.maxWnd) << 32 | UInt64(rcv.nxt - irs))
        sink.combine(UInt64(rcv.advertisedEdge - irs) << 32 | UInt64(rcv.lastAckSent - irs))
        sink.combine(UInt64(timestamps.recent) << 32 | UInt64(timestamps.offset))
        sink.combine(UInt64(advertisedMSS) << 32 | UInt64(flags.contains(.finSeen) ? finSequence - irs : 0))
        let challenged = challengedAt == 0 ? 0 : UInt32(truncatingIfNeeded: now.milliseconds) &- challengedAt &+ 2
        let age = UInt32(truncatingIfNeeded: now.seconds) &- timestamps.recentAt
        sink.combine(UInt64(challenged) << 32 | (flags.contains(.timestamps) ? UInt64(age) : 0))
        sink.combine(UInt64(smallEnd.isAfter(snd.una) ? smallEnd - snd.una : 0))
        let received = receivedAt == 0 ? 0 : UInt32(truncatingIfNeeded: now.milliseconds) &- receivedAt &+ 2
        sink.combine(
            UInt64(received) << 24 | UInt64(ecn.rawValue) << 16 | UInt64(quickAcksLeft) << 8
                | UInt64(probesUnanswered))
        sink.combine(duplicate.isEmpty ? 0 : UInt64(duplicate.left - irs) << 32 | UInt64(duplicate.length))
        congestion.encode(into: &sink)
        roundTrip.encode(into: &sink)
        sink.combine(relative(retransmitAt, to: now))
        sink.combine(relative(ackAt, to: now))
        sink.combine(relative(lifetimeAt, to: now))
        encodeInFlight(into: &sink, memory: memory, at: now)
        if !outOfOrder.isNone { memory.ranges[outOfOrder].encode(into: &sink, origin: rcv.nxt) }
        encodeBytes(sendRing, into: &sink, memory: memory)
        encodeBytes(receiveRing, into: &sink, memory: memory)
    }

    private func relative(_ deadline: Instant, to now: Instant) -> UInt64 {
        deadline == .distantFuture ? .max : UInt64(bitPattern: (deadline - now).nanoseconds)
    }

    private func encodeInFlight(into sink: inout SipHash, memory: borrowing ConnectionMemory, at now: Instant) {
        if inFlight.isNone { return sink.combine(0) }
        let flight = memory.inFlight[inFlight]
        sink.combine(1 | UInt64(flight.isTiming ? 2 : 0) | UInt64(flight.isRecovering ? 4 : 0))
        let isDated = flight.isTiming || flight.timeouts > 0
        sink.combine(isDated ? UInt64(bitPattern: (flight.timedAt - now).nanoseconds) : 0)
        sink.combine(UInt64(flight.isTiming ? flight.timedSequence - iss : 0) << 32 | UInt64(flight.recover - iss))
        sink.combine(UInt64(flight.reducedAt - iss))
        sink.combine(
            UInt64(flight.retransmittedTo - iss) << 32 | UInt64(flight.duplicateAcks) << 16
                | UInt64(flight.timeouts) << 8 | UInt64(flight.holesDue))
        if !flight.scoreboard.isNone { memory.ranges[flight.scoreboard].encode(into: &sink, origin: snd.una) }
    }

    private func encodeBytes(_ ring: ByteRing, into sink: inout SipHash, memory: borrowing ConnectionMemory) {
        sink.combine(UInt64(ring.count))
        ring.encode(into: &sink, pool: memory.chunks)
    }
}
