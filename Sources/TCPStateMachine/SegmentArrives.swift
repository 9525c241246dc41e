public import NetPrimitives
public import WireFormats

/// RFC 9293, 3.10.7, for a connection that exists: the steps in their order, each in a file of its own.
extension Connection {
    /// A segment came from the peer.
    /// - Parameters:
    ///   - seg: the segment; `seg.payloadLength` is the payload's length.
    ///   - payload: its data.
    /// - Returns: what the caller has to do. Ask ``hasSegment(memory:configuration:at:)`` afterwards.
    public mutating func segmentArrives(
        _ seg: Segment, payload: Span<UInt8>, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        switch state {
        case .closed, .listen, .timeWait:
            // 3.10.7.1 and 3.10.7.2: no connection; such segments never come here.
            return .proceed
        case .synSent:
            return arrivesInSynSent(seg, payload: payload, memory: &memory, configuration: configuration, at: now)
        default:
            return arrivesInOtherStates(seg, payload: payload, memory: &memory, configuration: configuration, at: now)
        }
    }

    /// 3.10.7.4: the eight steps.
    private mutating func arrivesInOtherStates(
        _ seg: Segment, payload: Span<UInt8>, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        if state == .synReceived, seg.flags.contains(.syn), seg.seq == irs {
            return synRepeated(seg, payload: payload, memory: &memory, configuration: configuration, at: now)
        }
        var disposition = Disposition.proceed
        // First: check the sequence number.
        guard checkSequence(seg, configuration: configuration, at: now, into: &disposition) else { return disposition }
        // Second: check the RST bit.
        if seg.flags.contains(.rst) { return resetArrives(seg, memory: &memory, configuration: configuration, at: now) }
        // Third, security, is history (RFC 9293, A.1). Fourth: check the SYN bit.
        if seg.flags.contains(.syn) {
            // RFC 5961, 4.2: a SYN in a synchronized state is answered with a challenge ACK, whatever its number.
            challenge(configuration: configuration, at: now, into: &disposition)
            return disposition
        }
        // Fifth: check the ACK field.
        guard seg.flags.contains(.ack) else { return disposition }
        guard
            acknowledgementArrives(seg, memory: &memory, configuration: configuration, at: now, into: &disposition)
        else { return disposition }
        // Sixth, the URG bit, changes nothing here: urgent data is data in its place (RFC 6093, 6).
        if seg.payloadLength > 0 {
            // Seventh: process the segment text.
            textArrives(
                seg, payload: payload, memory: &memory, configuration: configuration, at: now, into: &disposition)
            if disposition.end != nil { return disposition }
        }
        // Eighth: check the FIN bit.
        if seg.flags.contains(.fin) { noteFin(at: seg.seq + UInt32(truncatingIfNeeded: seg.payloadLength)) }
        if flags.contains(.finSeen) {
            finArrives(memory: &memory, configuration: configuration, at: now, into: &disposition)
        }
        return disposition
    }

    /// The peer's SYN again, in SYN-RECEIVED after a simultaneous open. Alone it asks for our SYN-ACK again; with an
    /// ACK of our SYN it is what completes the handshake (RFC 9293, figure 7), its SYN being old by now.
    private mutating func synRepeated(
        _ seg: Segment, payload: Span<UInt8>, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        if seg.flags.contains(.rst) { return .proceed }
        var disposition = Disposition.proceed
        guard seg.flags.contains(.ack) else {
            if configuration.opensLikeLinux {
                challenge(configuration: configuration, at: now, into: &disposition)
            } else {
                snd.nxt = iss
            }
            return disposition
        }
        if acknowledgementArrives(seg, memory: &memory, configuration: configuration, at: now, into: &disposition) {
            if !seg.agreesToECN { ecn = [] }
            noteDuplicate(seg, configuration: configuration)
            flags.formUnion([.ackNow, .ackAlone])
        }
        return disposition
    }

    /// An acknowledgement that says where we stand, at most one per ``TCPConfiguration/challengeAckGap`` so that two
    /// confused ends do not answer each other for ever (RFC 5961, 7; per connection, so that no other can watch it).
    mutating func challenge(
        configuration: TCPConfiguration, at now: Instant, into disposition: inout Disposition
    ) {
        disposition.effects.insert(
            sayWhereWeStand(configuration: configuration, at: now) ? .challenged : .challengeHeld)
    }

    /// - Returns: false when the last time was too recent.
    mutating func sayWhereWeStand(configuration: TCPConfiguration, at now: Instant) -> Bool {
        let milliseconds = UInt32(truncatingIfNeeded: now.milliseconds &+ 1)
        let gap = UInt32(clamping: configuration.challengeAckGap.milliseconds)
        if challengedAt != 0, milliseconds &- challengedAt < gap { return false }
        challengedAt = max(milliseconds, 1)
        flags.formUnion([.ackNow, .ackAlone])
        return true
    }

    /// TS.Recent and its age (RFC 7323, 4.3).
    mutating func noteTimestamp(_ value: UInt32, at now: Instant) {
        timestamps.recent = value
        timestamps.recentAt = UInt32(truncatingIfNeeded: now.seconds)
    }

    /// The connection is over. Unread data stays readable; everything else is given back.
    mutating func finish(memory: inout ConnectionMemory) {
        state = .closed
        releaseSendSide(memory: &memory)
        retransmitAt = .distantFuture
        ackAt = .distantFuture
        lifetimeAt = .distantFuture
        flags.subtract([.ackNow, .ackAlone, .probeDue, .persisting, .finQueued])
    }

    func ended(_ end: ConnectionEnd, effects: ConnectionEffects = []) -> Disposition {
        Disposition(effects: effects, end: end)
    }
}
