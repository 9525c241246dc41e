public import NetPrimitives
public import WireFormats

/// A segment to send, and which bytes of the send queue are its payload.
public struct OutgoingSegment: Sendable, BitwiseCopyable {
    public var segment: Segment
    /// Where the payload begins in the send queue; see ``Connection/copyPayload(of:into:memory:)``.
    public var payloadOffset: Int
}

/// What may be sent now. Decided in one place, ``Connection/transmission(upTo:memory:configuration:)``: sending asks
/// it, and so does whoever wants to know whether there is anything to send.
enum Transmission: Hashable {
    case nothing
    case syn
    case acknowledgement
    case windowProbe
    /// Bytes `start ..< start + length`, and our FIN behind them.
    case data(start: SequenceNumber, length: UInt32, fin: Bool)
    /// A hole that recovery fills.
    case retransmission(start: SequenceNumber, length: UInt32, fin: Bool)
}

extension Connection {
    /// The most payload that one segment of ours carries, in bytes.
    public var payloadLimit: Int { Int(segmentPayload) }

    /// Whether ``nextSegment(upTo:memory:configuration:at:)`` would give something.
    public func hasSegment(memory: borrowing ConnectionMemory, configuration: TCPConfiguration) -> Bool {
        transmission(upTo: .max, memory: memory, configuration: configuration) != .nothing
    }

    /// The next segment to send.
    /// - Parameters:
    ///   - limit: the most payload, in bytes; more than one MSS when the device cuts segments itself. At least the MSS.
    /// - Returns: `nil` when nothing is to be sent now. The segment counts as sent: have room for it before you ask.
    public mutating func nextSegment(
        upTo limit: Int, memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> OutgoingSegment? {
        let decision = transmission(
            upTo: UInt32(clamping: limit), memory: memory, configuration: configuration)
        switch decision {
        case .nothing:
            armPersistTimer(memory: memory, configuration: configuration, at: now)
            return nil
        case .syn:
            return OutgoingSegment(
                segment: sendSYN(memory: &memory, configuration: configuration, at: now), payloadOffset: 0)
        case .acknowledgement:
            flags.remove(.ackAlone)
            return OutgoingSegment(
                segment: plainSegment(seq: snd.max, memory: memory, configuration: configuration, at: now),
                payloadOffset: 0)
        case .windowProbe:
            // One number before what the peer expects: it has to answer, and says how large its window is.
            flags.remove(.probeDue)
            return OutgoingSegment(
                segment: plainSegment(seq: snd.una - 1, memory: memory, configuration: configuration, at: now),
                payloadOffset: 0)
        case .data(let start, let length, let fin):
            let isNew = start.isAtOrAfter(snd.max)
            noteSent(start, length, fin: fin, memory: &memory, configuration: configuration, at: now)
            var outgoing = dataSegment(start, length, fin: fin, memory: memory, configuration: configuration, at: now)
            if isNew { offerToBeMarked(&outgoing.segment) }
            return outgoing
        case .retransmission(let start, let length, let fin):
            memory.inFlight[inFlight].holesDue &-= 1
            memory.inFlight[inFlight].retransmittedTo = start + length
            if retransmitAt == .distantFuture {
                retransmitAt = now + roundTrip.retransmissionTimeout(maximum: configuration.maximumRTO)
            }
            return dataSegment(start, length, fin: fin, memory: memory, configuration: configuration, at: now)
        }
    }

    /// Copies the payload of a segment that ``nextSegment(upTo:memory:configuration:at:)`` gave to `position` in
    /// `target`.
    @_lifetime(target: copy target)
    public func copyPayload(
        of outgoing: OutgoingSegment, into target: inout MutableSpan<UInt8>, at position: Int,
        memory: borrowing ConnectionMemory
    ) {
        sendRing.copy(
            at: outgoing.payloadOffset, count: outgoing.segment.payloadLength, into: &target, at: position,
            pool: memory.chunks)
    }

    // MARK: The decision

    func transmission(
        upTo limit: UInt32, memory: borrowing ConnectionMemory, configuration: TCPConfiguration
    ) -> Transmission {
        switch state {
        case .closed, .listen, .timeWait:
            return flags.contains(.ackNow) ? .acknowledgement : .nothing
        case .synSent, .synReceived:
            if snd.nxt == iss { return .syn }
            return flags.contains(.ackNow) ? .acknowledgement : .nothing
        default:
            break
        }
        if flags.contains(.ackAlone) { return .acknowledgement }
        if !inFlight.isNone, memory.inFlight[inFlight].holesDue > 0, let hole = nextHole(memory: memory) {
            return retransmission(of: hole, memory: memory)
        }
        let data = newData(upTo: limit, memory: memory, configuration: configuration)
        if data != .nothing { return data }
        if flags.contains(.probeDue) { return .windowProbe }
        return flags.contains(.ackNow) ? .acknowledgement : .nothing
    }

    private func retransmission(of hole: SequenceRange, memory: borrowing ConnectionMemory) -> Transmission {
        let end = SequenceNumber.earliest(hole.right, dataEnd)
        let text = end.isAfter(hole.left) ? end - hole.left : 0
        let length = min(text, fullSegment(memory: memory))
        return .retransmission(start: hole.left, length: length, fin: length == text && hole.right.isAfter(dataEnd))
    }

    /// Payload bytes of a full segment sent now: what tells the peer of a gap takes its room from the text (RFC 6691,
    /// 2).
    private func fullSegment(memory: borrowing ConnectionMemory) -> UInt32 {
        let blocks = UInt32(sackBlockCount(memory: memory))
        let options = blocks == 0 ? 0 : 4 &+ 8 &* blocks
        return segmentPayload > options &+ 8 ? segmentPayload &- options : 8
    }

    /// What lies from SND.NXT on and fits into the peer's window and ours (RFC 9293, 3.8.6.2.1; RFC 5681, 3.1).
    private func newData(
        upTo limit: UInt32, memory: borrowing ConnectionMemory, configuration: TCPConfiguration
    ) -> Transmission {
        let end = dataEnd
        var start = snd.nxt
        var stop = end
        if start.isBefore(snd.max), !inFlight.isNone, !memory.inFlight[inFlight].scoreboard.isNone {
            // After a timeout: what the peer has by SACK is not sent again.
            let scoreboard = memory.inFlight[inFlight].scoreboard
            start = memory.ranges[scoreboard].end(ofRangeHolding: start)
            if let left = memory.ranges[scoreboard].firstLeft(after: start) { stop = .earliest(stop, left) }
        }
        let finDue = flags.contains(.finQueued) && stop == end && start.isAtOrBefore(end)
        let unsent = stop.isAfter(start) ? stop - start : 0
        guard unsent > 0 || finDue else { return .nothing }
        let flight = start - snd.una
        let allowed = min(snd.wnd, congestion.window)
        let room = allowed > flight ? allowed &- flight : 0
        let full = fullSegment(memory: memory)
        // A device that cuts segments itself is given more than one at a time.
        var length = min(unsent, min(room, limit > segmentPayload ? limit : full))
        if length > full, length < unsent { length -= length % full }
        let isLast = finDue && length == unsent
        // A FIN takes a number in the window too, but may follow the last byte into a closed one that it meets alone.
        let fin = isLast && (room > length || flight == 0)
        if length == 0 { return fin ? .data(start: start, length: 0, fin: true) : .nothing }
        if length >= full || fin || start.isBefore(snd.max) || length < unsent && length >= snd.maxWnd / 2 {
            return .data(start: start, length: length, fin: fin)
        }
        // RFC 9293, 3.8.6.2.1, (3): all that is queued, if nothing is on its way (Nagle, 3.7.4) or nobody minds; (4):
        // the persist timer overrides what would make a silly segment.
        let mayBeSmall =
            flight == 0 || flags.contains(.noDelay) || configuration.holdsBehindSmallOnly && !smallEnd.isAfter(snd.una)
        if length == unsent && mayBeSmall || flags.contains(.probeDue) {
            return .data(start: start, length: length, fin: fin)
        }
        return .nothing
    }

    // MARK: Making it so

    private mutating func sendSYN(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> Segment {
        snd.nxt = iss + 1
        let isFirst = snd.max == iss
        snd.max = snd.nxt
        if isFirst {
            memory.inFlight[inFlight].isTiming = true
            memory.inFlight[inFlight].timedAt = now
            memory.inFlight[inFlight].timedSequence = snd.nxt
        } else if state == .synSent {
            memory.inFlight[inFlight].isTiming = false
            // Something on the way may drop SYNs that ask (RFC 3168, 6.1.1.1).
            ecn.remove(.asked)
        }
        retransmitAt = now + synTimeout(memory: memory, configuration: configuration)
        flags.subtract([.ackNow, .ackAlone])
        return synSegment(configuration: configuration, at: now)
    }

    /// What goes onto every segment of an open connection; counts as an acknowledgement.
    private mutating func plainSegment(
        seq: SequenceNumber, memory: borrowing ConnectionMemory, configuration: TCPConfiguration,
        at now: Instant
    ) -> Segment {
        var seg = Segment()
        seg.seq = seq
        seg.ack = rcv.nxt
        seg.flags = .ack
        seg.window =
            state == .closed || state == .timeWait
            ? receiveScale.wireWindow(rcv.wnd) : windowToAdvertise(memory: memory, configuration: configuration)
        if flags.contains(.timestamps) {
            seg.options.timestamps = TCPTimestamps(value: timestamps.value(at: now), echoReply: timestamps.recent)
        }
        addSACK(&seg, memory: memory)
        // RFC 3168, 6.1.3: in every acknowledgement, until the peer says that it has heard.
        if ecn.contains(.echo) { seg.flags.insert(.ece) }
        rcv.lastAckSent = rcv.nxt
        if quickAcksLeft > 0, flags.contains(.ackNow) || ackAt != .distantFuture { quickAcksLeft &-= 1 }
        flags.subtract([.ackNow, .oneSegmentUnacknowledged])
        ackAt = .distantFuture
        return seg
    }

    /// How many stretches a segment tells of: what came twice, and what waits for a gap to be filled; as many as find
    /// room beside timestamps.
    private func sackBlockCount(memory: borrowing ConnectionMemory) -> Int {
        guard flags.contains(.sack) else { return 0 }
        let held = outOfOrder.isNone ? 0 : memory.ranges[outOfOrder].count
        return min(held &+ (duplicate.isEmpty ? 0 : 1), flags.contains(.timestamps) ? 3 : 4)
    }

    /// What came twice, told once (RFC 2883, 4), and the stretches that wait for a gap to be filled, the latest first
    /// (RFC 2018, 4).
    private mutating func addSACK(_ seg: inout Segment, memory: borrowing ConnectionMemory) {
        let count = sackBlockCount(memory: memory)
        if !duplicate.isEmpty {
            seg.options.sackBlocks.append(SACKBlock(left: duplicate.left, right: duplicate.right))
            duplicate.left = duplicate.right
        }
        for index in 0..<count &- seg.options.sackBlocks.count {
            let range = memory.ranges[outOfOrder][index]
            seg.options.sackBlocks.append(SACKBlock(left: range.left, right: range.right))
        }
    }

    private mutating func dataSegment(
        _ start: SequenceNumber, _ length: UInt32, fin: Bool, memory: borrowing ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant
    ) -> OutgoingSegment {
        var seg = plainSegment(seq: start, memory: memory, configuration: configuration, at: now)
        if length > 0 { noteDialogue(configuration: configuration, at: now) }
        seg.payloadLength = Int(length)
        if fin { seg.flags.insert(.fin) }
        // RFC 9293, 3.9.1.2 (MUST-60, MUST-61): PSH on the last segment of what is queued.
        if length > 0, start + length == dataEnd { seg.flags.insert(.psh) }
        return OutgoingSegment(segment: seg, payloadOffset: Int(start - snd.una))
    }

    /// Sequence numbers, timers and measurements for a segment that goes out.
    private mutating func noteSent(
        _ start: SequenceNumber, _ length: UInt32, fin: Bool, memory: inout ConnectionMemory,
        configuration: TCPConfiguration, at now: Instant
    ) {
        let end = start + length + (fin ? 1 : 0)
        if inFlight.isNone {
            inFlight = memory.inFlight.insert(InFlight())
            memory.inFlight[inFlight].startedAt = now
            memory.inFlight[inFlight].recover = iss
            memory.inFlight[inFlight].reducedAt = snd.una
        }
        if end.isAfter(snd.max) {
            if !memory.inFlight[inFlight].isTiming, start.isAtOrAfter(snd.max) {
                memory.inFlight[inFlight].isTiming = true
                memory.inFlight[inFlight].timedAt = now
                memory.inFlight[inFlight].timedSequence = end
            }
            snd.max = end
        } else {
            // RFC 6298, 3: a measurement that spans a retransmission is none.
            memory.inFlight[inFlight].isTiming = false
        }
        snd.nxt = end
        if length > 0, length < fullSegment(memory: memory) { smallEnd = start + length }
        flags.subtract([.persisting, .probeDue])
        // RFC 6298, 5.1: the timer runs whenever data is on its way.
        if retransmitAt == .distantFuture {
            retransmitAt = now + roundTrip.retransmissionTimeout(maximum: configuration.maximumRTO)
        }
    }
}
