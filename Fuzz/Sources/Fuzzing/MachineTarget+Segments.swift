import NetPrimitives
import TCPStateMachine
import WireFormats

/// Segments in both directions, and what the machine wants done.
extension MachineTarget {
    /// The peer's stream, and ours.
    static let peerStream: UInt32 = 1
    static let ownStream: UInt32 = 10_000

    // MARK: In

    /// A segment that the input describes: numbers near those that mean something, everything else as it likes.
    mutating func drawnSegment() -> Segment {
        let bases = input.byte()
        var seg = Segment()
        seg.flags = TCPFlags(rawValue: input.byte())
        seg.seq = drawnPeerNumber(bases & 7)
        if bases & 64 != 0 { seg.seq = seg.seq + UInt32(truncatingIfNeeded: Int16(bitPattern: input.word())) }
        seg.ack = ownNumber(bases >> 3 & 7)
        if bases & 128 != 0 { seg.ack = seg.ack + UInt32(truncatingIfNeeded: Int16(bitPattern: input.word())) }
        seg.window = input.word()
        // Of a window the lowest bits say the least.
        seg.ecn = ECNCodepoint(trafficClass: UInt8(truncatingIfNeeded: seg.window))
        let options = input.byte()
        if options & 1 != 0 {
            let shift = Int8(bitPattern: input.byte())
            let echo = path.timestampOffset &+ UInt32(truncatingIfNeeded: now.milliseconds)
            seg.options.timestamps = TCPTimestamps(
                value: clock &+ UInt32(truncatingIfNeeded: shift), echoReply: echo &- UInt32(input.byte()))
        }
        if options & 2 != 0 {
            for _ in 0...Int(options >> 2 & 3) {
                let left = ownNumber(0) + UInt32(input.word())
                seg.options.sackBlocks.append(SACKBlock(left: left, right: left + UInt32(input.word())))
            }
        }
        if options & 16 != 0 { seg.options.maximumSegmentSize = input.word() }
        if options & 32 != 0 { seg.options.windowScale = input.byte() }
        seg.options.isSACKPermitted = options & 64 != 0
        seg.payloadLength = Int(input.byte()) * (options & 128 != 0 ? 16 : 1)
        return seg
    }

    private func drawnPeerNumber(_ base: UInt8) -> SequenceNumber {
        guard let rcv = tcb?.rcv, tcb?.state != .synSent else { return base & 1 == 0 ? irs + 1 : irs }
        return [rcv.nxt, rcv.nxt, rcv.nxt, rcv.nxt - 1, irs, rcv.advertisedEdge, rcv.lastAckSent, rcv.nxt + 1][
            Int(base)]
    }

    mutating func drawnOwnNumber() -> SequenceNumber {
        let base = input.byte()
        return ownNumber(base & 7) + UInt32(base >> 3)
    }

    private func ownNumber(_ base: UInt8) -> SequenceNumber {
        guard let snd = tcb?.snd else { return base == 7 ? iss : iss + 1 }
        return [snd.max, snd.max, snd.nxt, snd.una, snd.una - 1, snd.una + 1, snd.max + 1, iss][Int(base)]
    }

    /// A segment arrives at whatever there is.
    mutating func arrive(_ seg: Segment) {
        // In SYN-SENT the peer's first number is whatever its SYN says.
        let origin = tcb.map { $0.state == .synSent ? seg.seq : $0.irs } ?? irs
        let first = seg.seq - origin &- (seg.flags.contains(.syn) ? 0 : 1)
        let text = Pattern.bytes(of: Self.peerStream, at: Int(Int32(bitPattern: first)), count: seg.payloadLength)
        if let wait = timeWait { return arrive(seg, at: wait) }
        if tcb != nil {
            let disposition = tcb?.segmentArrives(
                seg, payload: text.span, memory: &memory, configuration: configuration, at: now)
            if let disposition { take(disposition) }
            return
        }
        if let entry = halfOpen { return arrive(seg, text, at: entry) }
        guard HalfOpen.listenDisposition(seg) == .connectionRequest else { return }
        check(
            seg.flags.contains(.syn) && seg.flags.isDisjoint(with: [.ack, .rst, .fin]),
            "only a SYN asks for a connection")
        var syn = seg
        syn.seq = irs
        halfOpen = HalfOpen(answering: syn, iss: iss, defaultMSS: 536, configuration: configuration, at: now)
        judgeAnswer()
    }

    private mutating func arrive(_ seg: Segment, _ text: [UInt8], at entry: HalfOpen) {
        switch entry.segmentArrives(seg, configuration: configuration) {
        case .ignore, .acknowledge: break
        case .reset: check(seg.flags.contains(.ack), "only what acknowledges is reset and kept")
        case .repeatAnswer:
            check(seg.flags.contains(.syn) && seg.seq == irs, "only its own SYN is answered again")
            _ = halfOpen?.synRepeated(seg, configuration: configuration, at: now)
            judgeAnswer()
        case .drop:
            check(seg.flags.contains(.rst) && seg.seq == irs + 1, "only an exact RST ends it (RFC 5961, 3.2)")
            halfOpen = nil
        case .dropAndReset:
            check(seg.flags.contains(.syn), "only a new SYN ends it with a RST")
            halfOpen = nil
        case .complete:
            check(
                seg.flags.contains(.ack) && seg.ack == iss + 1 && seg.flags.isDisjoint(with: [.syn, .rst]),
                "only our own number completes the handshake")
            let made = Connection(
                completing: entry, with: seg, path: path, memory: &memory, configuration: configuration, at: now)
            guard made != nil else { return }
            tcb = made
            halfOpen = nil
            let disposition = tcb?.segmentArrives(
                seg, payload: text.span, memory: &memory, configuration: configuration, at: now)
            if let disposition { take(disposition) }
        }
    }

    private mutating func arrive(_ seg: Segment, at wait: TimeWait) {
        switch wait.segmentArrives(seg) {
        case .ignore: break
        case .acknowledge, .acknowledgeAndRestart:
            check(!seg.flags.contains(.rst), "a RST is not answered")
            let answer = wait.acknowledgement(at: now)
            check(answer.flags == .ack && answer.seq == wait.sndNxt && answer.ack == wait.rcvNxt, "where we stand")
        case .connectionRequest:
            check(seg.flags.contains(.syn) && !seg.flags.contains(.ack), "only a SYN begins anew")
        case .drop: check(seg.flags.contains(.rst) && seg.seq == wait.rcvNxt, "only an exact RST ends TIME-WAIT")
        }
    }

    // MARK: Out

    /// What the machine wants done.
    mutating func take(_ disposition: Disposition) {
        if disposition.end != nil { check(tcb?.state == .closed, "what is over is closed") }
        if disposition.effects.contains(.timeWait) {
            guard let connection = tcb, connection.state == .timeWait else {
                return check(false, "TIME-WAIT is a state")
            }
            timeWait = TimeWait(connection, configuration: configuration, at: now)
        }
        if let reply = disposition.reply, case .ending(_, let ack) = reply {
            check(ack == tcb?.rcv.nxt, "a RST that acknowledges says where we stand")
        }
    }

    /// Sends what there is, or some of it.
    mutating func send(atMost limit: Int = .max) {
        guard let payloadLimit = tcb?.payloadLimit else { return }
        // A device that cuts segments itself takes more at once.
        let most = path.mss == 8960 ? 65_000 : payloadLimit
        var sent = 0
        while sent < limit {
            if let snd = tcb?.snd { edge = .latest(edge, snd.edge) }
            let outgoing = tcb?.nextSegment(upTo: most, memory: &memory, configuration: configuration, at: now)
            guard let outgoing else { break }
            judge(outgoing, upTo: most)
            sent += 1
            check(sent < 8_000, "a connection stops sending")
        }
        if limit == .max { judgeRest() }
    }
}
