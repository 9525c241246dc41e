import NetPrimitives
import TCPStateMachine
import WireFormats

/// What holds whatever happened.
extension MachineTarget {
    /// What never goes back.
    struct Marks {
        var state: ConnectionState
        var una: SequenceNumber
        var max: SequenceNumber
        var nxt: SequenceNumber
        var edge: SequenceNumber
    }

    /// After every step.
    mutating func judge(after call: Call) {
        guard let tcb else { return check(memory.isUnused, "what does not exist holds no memory") }
        let (snd, rcv) = (tcb.snd, tcb.rcv)
        check(snd.una.isAtOrBefore(snd.nxt) && snd.nxt.isAtOrBefore(snd.max), "SND.UNA =< SND.NXT =< the highest")
        check(rcv.nxt.isAtOrBefore(rcv.advertisedEdge), "RCV.NXT =< what was promised")
        if tcb.state != .closed, tcb.state != .timeWait {
            let controls: UInt32 = tcb.state == .synSent || tcb.state == .synReceived || isClosedByUs ? 1 : 0
            check(
                snd.max - snd.una <= UInt32(tcb.unacknowledgedBytes) + controls, "what is on its way is in the queue")
        }
        let most = max(
            Int(configuration.receiveBuffer) + Int(configuration.receiveBuffer / 8), Int(configuration.synWindowField))
        let unit = 1 << Int(tcb.receiveScale.rawValue)
        check(tcb.readableBytes <= most + unit, "\(tcb.readableBytes) bytes wait, \(most) may")
        check(tcb.unacknowledgedBytes <= Int(configuration.sendBuffer), "the send queue is bounded")
        check(memory.chunks.reserved == 2, "a connection has two chunks for sure")
        check(
            memory.chunks.inUse <= 4 + (most + unit + Int(configuration.sendBuffer)) / ChunkPool.chunkSize + 2, "chunks"
        )
        check(memory.inFlight.count <= 1 && memory.ranges.count <= 2, "one flight, two sets of ranges")
        if tcb.state == .closed {
            check(tcb.nextDeadline == nil, "what is closed wants nothing")
            check(!tcb.hasSegment(memory: memory, configuration: configuration), "what is closed says nothing")
            check(memory.inFlight.count == 0 && memory.ranges.count == 0, "what is closed holds only what is unread")
        }
        judgeProgress(tcb, after: call)
    }

    private mutating func judgeProgress(_ tcb: Connection, after call: Call) {
        if let marks, marks.state != .synSent {
            check(marks.una.isAtOrBefore(tcb.snd.una), "SND.UNA never goes back")
            check(marks.max.isAtOrBefore(tcb.snd.max), "the highest number sent never goes back")
            check(marks.nxt.isAtOrBefore(tcb.rcv.nxt), "RCV.NXT never goes back")
            check(marks.edge.isAtOrBefore(tcb.rcv.advertisedEdge), "the right edge never moves left (RFC 9293, 3.8.6)")
        }
        if let before = marks?.state, before != tcb.state {
            check(Self.follows(before, tcb.state), "\(before) is followed by \(tcb.state), by \(call)")
        }
        marks = Marks(
            state: tcb.state, una: tcb.snd.una, max: tcb.snd.max, nxt: tcb.rcv.nxt, edge: tcb.rcv.advertisedEdge)
        edge = .latest(edge, tcb.snd.edge)
    }

    /// RFC 9293, figure 5, in one step or in several: one segment may acknowledge, carry a FIN, or both, and a step of
    /// the input closes as well.
    private static func follows(_ before: ConnectionState, _ after: ConnectionState) -> Bool {
        if after == .closed { return true }
        switch before {
        case .synSent: return after != .listen && after != .timeWait
        case .synReceived: return [.established, .finWait1, .finWait2, .closeWait, .closing].contains(after)
        case .established: return [.finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait].contains(after)
        case .finWait1: return [.finWait2, .closing, .timeWait].contains(after)
        case .finWait2: return after == .timeWait
        case .closeWait: return after == .lastAck
        case .closing: return after == .timeWait
        case .closed, .listen, .lastAck, .timeWait: return false
        }
    }

    /// After everything was sent: whoever waits for the peer has a timer, or the peer's silence would last for ever.
    func judgeRest() {
        guard let tcb else { return }
        check(!tcb.hasSegment(memory: memory, configuration: configuration), "all was sent")
        switch tcb.state {
        case .closed, .timeWait, .listen: return
        case .synSent, .synReceived: check(tcb.nextDeadline != nil, "\(tcb.state) has a timer")
        default:
            let waits = tcb.unacknowledgedBytes > 0 || [.finWait1, .closing, .lastAck].contains(tcb.state)
            if waits { check(tcb.nextDeadline != nil, "\(tcb.state) with something unacknowledged has a timer") }
        }
    }

    /// A segment that goes out.
    func judge(_ outgoing: OutgoingSegment, upTo limit: Int) {
        guard let tcb else { return }
        let seg = outgoing.segment
        let isOpening = tcb.state == .synSent || tcb.state == .synReceived
        check(!seg.flags.contains(.rst), "a RST is no segment of the machine's")
        check(
            seg.flags.contains(.syn) == (seg.seq == iss && isOpening), "a SYN has the first number, and no other does")
        check(seg.flags.contains(.ack) || tcb.state == .synSent, "all but the first SYN acknowledge (RFC 9293, 3.10.2)")
        if seg.flags.contains(.ack) {
            check(seg.ack == tcb.rcv.nxt, "RCV.NXT is what is acknowledged")
            let scale = seg.flags.contains(.syn) ? WindowScale.none : tcb.receiveScale
            let promised = seg.ack + scale.bytes(seg.window)
            check(promised.isAtOrBefore(tcb.rcv.advertisedEdge), "no more is promised than we know of")
            if tcb.state.canReceive, tcb.readableBytes == 0 {
                check(seg.window > 0, "with nothing unread the peer may send something")
            }
        }
        check(seg.payloadLength <= limit, "the text fits where it is to go")
        check(
            seg.ecn == .notCapable || seg.ecn == .ect0 && seg.payloadLength > 0,
            "only text can be marked, and not by us (RFC 3168, 6.1)")
        check(seg.seq.isAtOrAfter(tcb.snd.una - 1), "nothing older than a probe goes out")
        let end = seg.seq + seg.length
        check(end.isAtOrBefore(tcb.snd.max), "what goes out is counted as sent")
        if seg.flags.contains(.fin) { check(isClosedByUs, "a FIN goes out only when the user has closed") }
        for index in 0..<seg.options.sackBlocks.count {
            let block = seg.options.sackBlocks[index]
            check(block.left.isBefore(block.right), "a SACK block is a stretch")
            // RFC 2883, 4: the first may tell of what has come twice and was acknowledged before.
            let isReport = index == 0 && configuration.reportsDuplicates && block.right.isAtOrBefore(tcb.rcv.nxt)
            check(
                isReport
                    || tcb.rcv.nxt.isBefore(block.left) && block.right.isAtOrBefore(tcb.rcv.advertisedEdge),
                "a SACK block lies in the window")
        }
        guard seg.payloadLength > 0 else { return }
        let first = seg.seq - (iss + 1)
        check(first &+ UInt32(seg.payloadLength) <= bytesWritten, "only what was written is sent")
        check((seg.seq + UInt32(seg.payloadLength)).isAtOrBefore(edge), "the peer's window is kept to")
        var buffer = [UInt8](repeating: 0, count: seg.payloadLength)
        var target = buffer.mutableSpan
        tcb.copyPayload(of: outgoing, into: &target, at: 0, memory: memory)
        check(
            Pattern.isPart(buffer, of: Self.ownStream, at: Int(first)), "bytes \(first) + \(buffer.count) as written")
    }

    /// A SYN-ACK of a half-open entry offers only what the SYN did.
    func judgeAnswer() {
        guard let halfOpen else { return }
        let answer = halfOpen.answer(
            mss: path.mss, timestampOffset: path.timestampOffset, configuration: configuration, at: now)
        let flags: TCPFlags = halfOpen.agreement.contains(.ecn) ? [.syn, .ack, .ece] : [.syn, .ack]
        check(answer.flags == flags && answer.seq == iss && answer.ack == irs + 1, "<SYN,ACK>, and ECE if agreed")
        check(answer.ecn == .notCapable, "a SYN-ACK cannot be marked (RFC 3168, 6.1.1)")
        check((answer.options.timestamps != nil) == halfOpen.agreement.contains(.timestamps), "timestamps if agreed")
        check((answer.options.windowScale != nil) == halfOpen.agreement.contains(.windowScale), "a scale if agreed")
        check(answer.options.isSACKPermitted == halfOpen.agreement.contains(.sack), "SACK if agreed")
    }
}
