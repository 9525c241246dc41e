import NetPrimitives
import WireFormats

extension Connection {
    /// RFC 9293, 3.10.7.4, fifth step.
    /// - Returns: whether the rest of the segment counts.
    mutating func acknowledgementArrives(
        _ seg: Segment, memory: inout ConnectionMemory, configuration: TCPConfiguration,
        at now: Instant, into disposition: inout Disposition
    ) -> Bool {
        if state == .synReceived {
            // SND.UNA < SEG.ACK =< SND.NXT, or a RST.
            guard seg.ack.isAfter(snd.una), seg.ack.isAtOrBefore(snd.max) else {
                disposition.reply = .bare(seq: seg.ack)
                return false
            }
            disposition = establish(memory: &memory, configuration: configuration, at: now)
            if seg.flags.contains(.syn) {
                snd.wnd = UInt32(seg.window)
                snd.maxWnd = max(snd.maxWnd, snd.wnd)
                return true
            }
        }
        // RFC 5961, 5.2: an ACK too old to be honest, or of what was never sent, is challenged and dropped.
        if seg.ack.isAfter(snd.max) || (snd.una - snd.maxWnd).isAfter(seg.ack) {
            challenge(configuration: configuration, at: now, into: &disposition)
            return false
        }
        probesUnanswered = 0
        if flags.contains(.timestamps), let ts = seg.options.timestamps, seg.seq.isAtOrBefore(rcv.lastAckSent) {
            // RFC 7323, 4.3, (2): of the segments that our last acknowledgement asked for, the newest value. Only here,
            // where the acknowledgement has shown that the peer is who sends.
            noteTimestamp(ts.value, at: now)
        }
        if flags.contains(.sack), seg.options.sackBlocks.count > 0 { takeSACK(seg, memory: &memory) }
        if echoesMark(seg) { congestionEchoed(by: seg.ack, memory: &memory) }
        let windowBefore = snd.wnd
        if updatesWindow(seg) { updateSendWindow(seg) }
        if seg.ack.isAfter(snd.una) {
            advance(to: seg.ack, seg, memory: &memory, configuration: configuration, at: now, into: &disposition)
        } else if seg.ack == snd.una {
            duplicateArrives(seg, windowBefore: windowBefore, memory: &memory)
        }
        return disposition.end == nil && state != .timeWait
    }

    /// SND.WL1 and SND.WL2 keep an old segment from changing the window (MUST-65 and its kin).
    private func updatesWindow(_ seg: Segment) -> Bool {
        guard seg.ack.isAtOrAfter(snd.una) else { return false }
        return snd.wl1.isBefore(seg.seq) || (snd.wl1 == seg.seq && snd.wl2.isAtOrBefore(seg.ack))
    }

    mutating func updateSendWindow(_ seg: Segment) {
        snd.wnd = sendScale.bytes(seg.window)
        snd.maxWnd = max(snd.maxWnd, snd.wnd)
        snd.wl1 = seg.seq
        snd.wl2 = seg.ack
        if snd.wnd > 0, flags.contains(.persisting) { stopPersisting() }
    }

    /// Something new is acknowledged.
    private mutating func advance(
        to ack: SequenceNumber, _ seg: Segment, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant, into disposition: inout Disposition
    ) {
        let acknowledged = ack - snd.una
        let bytes = min(acknowledged, UInt32(truncatingIfNeeded: sendRing.count))
        let finAcknowledged = acknowledged > bytes
        sendRing.consume(Int(bytes), pool: &memory.chunks)
        snd.una = ack
        if snd.nxt.isBefore(ack) { snd.nxt = ack }
        disposition.effects.insert(.progress)
        if !inFlight.isNone {
            measure(seg, memory: &memory, configuration: configuration, at: now)
            grow(by: bytes, echoesMark: echoesMark(seg), memory: &memory, configuration: configuration)
        }
        if snd.una == snd.max {
            // RFC 6298, 5.2: all is acknowledged, the timer rests.
            releaseInFlight(memory: &memory)
            retransmitAt = .distantFuture
        } else {
            // 5.3: it starts anew.
            memory.inFlight[inFlight].timeouts = 0
            retransmitAt = now + roundTrip.retransmissionTimeout(maximum: configuration.maximumRTO)
        }
        flags.subtract([.persisting, .probeDue])
        if flags.contains(.wantsToWrite), sendRing.count <= Int(configuration.sendBuffer / 2) {
            flags.remove(.wantsToWrite)
            disposition.effects.insert(.writable)
        }
        if finAcknowledged {
            finIsAcknowledged(memory: &memory, configuration: configuration, at: now, into: &disposition)
        }
    }

    /// What our FIN's acknowledgement means to each state that waits for it.
    private mutating func finIsAcknowledged(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant,
        into disposition: inout Disposition
    ) {
        flags.remove(.finQueued)
        switch state {
        case .finWait1:
            state = .finWait2
            // The standard would wait for ever; an end that nobody holds does not (Linux: 60 s).
            if flags.contains(.orphaned) { lifetimeAt = now + configuration.finWait2 }
        case .closing:
            enterTimeWait(memory: &memory, into: &disposition)
        case .lastAck:
            finish(memory: &memory)
            disposition.end = .closed
        default:
            break
        }
    }

    mutating func enterTimeWait(memory: inout ConnectionMemory, into disposition: inout Disposition) {
        finish(memory: &memory)
        state = .timeWait
        disposition.effects.insert(.timeWait)
    }

    /// RFC 6298, 3 (Karn): only what was sent once is measured, unless timestamps tell which one was answered.
    private mutating func measure(
        _ seg: Segment, memory: inout ConnectionMemory, configuration: TCPConfiguration,
        at now: Instant
    ) {
        if memory.inFlight[inFlight].isTiming, seg.ack.isAtOrAfter(memory.inFlight[inFlight].timedSequence) {
            memory.inFlight[inFlight].isTiming = false
            roundTrip.measure(now - memory.inFlight[inFlight].timedAt, configuration: configuration)
        } else if memory.inFlight[inFlight].timeouts > 0, flags.contains(.timestamps), let ts = seg.options.timestamps {
            let elapsed = Int32(truncatingIfNeeded: timestamps.value(at: now) &- ts.echoReply)
            // An echo from before the timeout answers what was sent before it. When only that answer was lost, and the
            // retransmission brought another, the time between is our own waiting, and would make the next wait longer
            // still. The doubled timeout stands instead, until something new is measured.
            let sinceTimeout = (now - memory.inFlight[inFlight].timedAt).milliseconds
            if elapsed >= 0, Int64(elapsed) <= sinceTimeout {
                roundTrip.measure(.milliseconds(Int64(elapsed)), configuration: configuration)
            }
        }
    }
}
