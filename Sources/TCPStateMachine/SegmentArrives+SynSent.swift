import NetPrimitives
import WireFormats

extension Connection {
    /// RFC 9293, 3.10.7.3.
    mutating func arrivesInSynSent(
        _ seg: Segment, payload: Span<UInt8>, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        let hasAck = seg.flags.contains(.ack)
        // First: check the ACK bit. Only a number that we have sent can be acknowledged.
        if hasAck, seg.ack.isAtOrBefore(iss) || seg.ack.isAfter(snd.max) {
            if configuration.opensLikeLinux, memory.inFlight[inFlight].timeouts == 0 {
                retransmitAt = min(retransmitAt, now + .milliseconds(10))
            }
            return seg.flags.contains(.rst) ? .proceed : Disposition(reply: .bare(seq: seg.ack))
        }
        if hasAck, configuration.opensLikeLinux, configuration.offersTimestamps, let ts = seg.options.timestamps,
            !timestamps.hasSent(ts.echoReply, since: memory.inFlight[inFlight].startedAt, at: now)
        {
            let reply: ResetReply? = seg.flags.contains(.rst) ? nil : .bare(seq: seg.ack)
            return Disposition(effects: .strangeEcho, reply: reply)
        }
        // Second: check the RST bit. Without an acceptable ACK it proves nothing.
        if seg.flags.contains(.rst) {
            guard hasAck else { return .proceed }
            finish(memory: &memory)
            return ended(.refused)
        }
        // Fourth: check the SYN bit. Fifth: without SYN and RST the segment is dropped.
        guard seg.flags.contains(.syn) else { return .proceed }
        irs = seg.seq
        rcv.nxt = irs + 1
        rcv.lastAckSent = rcv.nxt
        rcv.advertisedEdge = rcv.nxt + UInt32(configuration.synWindowField)
        negotiate(seg.options, defaultMSS: defaultPeerMSS, configuration: configuration, at: now)
        ecn = ecn.contains(.asked) && (seg.agreesToECN || seg.asksForECN) ? .agreed : []
        if seg.options.windowScale != nil, configuration.offersWindowScale { flags.insert(.scaled) }
        // The window of a SYN is not scaled (RFC 7323, 2.2).
        snd.wnd = UInt32(seg.window)
        snd.maxWnd = snd.wnd
        snd.wl1 = seg.seq
        snd.wl2 = seg.ack
        guard hasAck else {
            // A SYN alone: both ends opened at once. SYN-RECEIVED, and our SYN again with the acknowledgement.
            state = .synReceived
            snd.nxt = iss
            return .proceed
        }
        var disposition = establish(memory: &memory, configuration: configuration, at: now)
        flags.formUnion([.ackNow, .ackAlone])
        // Other controls or text: "continue processing at the sixth step".
        if !configuration.opensLikeLinux, seg.payloadLength > 0 || seg.flags.contains(.fin) {
            var rest = seg
            rest.seq = seg.seq + 1
            rest.flags.remove(.syn)
            if rest.payloadLength > 0 {
                textArrives(
                    rest, payload: payload, memory: &memory, configuration: configuration, at: now, into: &disposition)
            }
            if rest.flags.contains(.fin) {
                noteFin(at: rest.seq + UInt32(truncatingIfNeeded: rest.payloadLength))
                finArrives(memory: &memory, configuration: configuration, at: now, into: &disposition)
            }
        }
        return disposition
    }

    /// Our SYN is acknowledged: ESTABLISHED, or beyond when the user has closed already.
    mutating func establish(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        let flight = memory.inFlight[inFlight]
        if flight.timeouts == 0 {
            if flight.isTiming { roundTrip.measure(now - flight.timedAt, configuration: configuration) }
        } else {
            // RFC 6298, 5.7; RFC 5681, 3.1: a lost SYN means an initial window of one segment.
            roundTrip.distrustHandshake()
            congestion.window = segmentPayload
        }
        roundTrip.backoff = 0
        snd.una = iss + 1
        snd.nxt = snd.una
        snd.max = snd.una
        releaseInFlight(memory: &memory)
        retransmitAt = .distantFuture
        lifetimeAt = .distantFuture
        state = flags.contains(.finQueued) ? .finWait1 : .established
        return Disposition(effects: .established)
    }
}
