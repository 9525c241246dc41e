import NetPrimitives
import TCPStateMachine
import WireFormats

/// One connection, put into each state of RFC 9293 and then given any segments, calls and times in any order.
///
/// The peer's stream is known: the byte at each of its numbers is a function of the number, whatever else is wrong with
/// a segment. So what is read can be judged, and what is sent as well.
public struct MachineTarget: ~Copyable {
    /// Where an input begins.
    public enum Beginning: UInt8, CaseIterable {
        case listen, halfOpen, passive, synSent, synReceived, established, finWait1, finWait2, closeWait, closing
        case lastAck, timeWait
    }

    /// What an input does next: the low four bits of a byte. With bit 7 nothing is sent afterwards.
    public enum Call: UInt8, CaseIterable {
        case segment, write, read, shutdown, release, abort, unreachable, pathCarries, fire, wait, send, noDelay
    }

    var input: Input
    let configuration: TCPConfiguration
    let path: PathFacts
    let iss: SequenceNumber
    let irs: SequenceNumber
    var memory: ConnectionMemory
    var now = Instant.zero
    /// What there is: nothing (LISTEN), a half-open entry, a connection, and beside it a TIME-WAIT.
    var halfOpen: HalfOpen?
    var tcb: Connection?
    var timeWait: TimeWait?
    /// Bytes of either stream that were read and written.
    var bytesRead: UInt32 = 0
    var bytesWritten: UInt32 = 0
    var isClosedByUs = false
    var isReleased = false
    /// The furthest number that the peer ever let us send to.
    var edge: SequenceNumber
    var marks: Marks?

    public static func run(_ bytes: [UInt8]) {
        var target = MachineTarget(Input(bytes))
        target.begin()
        while !target.input.isEmpty { target.step() }
        target.comeToRest()
    }

    private init(_ input: Input) {
        var input = input
        configuration = .drawn(&input)
        let sizes = input.byte()
        path = PathFacts(
            mss: [64, 536, 1460, 8960][Int(sizes & 3)], defaultPeerMSS: sizes & 4 == 0 ? 536 : 1220,
            timestampOffset: sizes & 8 == 0 ? 0 : 0xFFFF_FF00)
        // From just enough for one connection to more than it can use.
        memory = ConnectionMemory(bufferLimit: [2, 3, 8, 256][Int(sizes >> 4 & 3)] * ChunkPool.chunkSize)
        // Around the end of the circle, or in the middle of it.
        iss = SequenceNumber(sizes & 64 == 0 ? 0xFFFF_FF00 : 0x7FFF_FFF0)
        irs = SequenceNumber(sizes & 128 == 0 ? 0xFFFF_FFF0 : 0x8000_0000)
        edge = iss
        self.input = input
    }

    // MARK: Beginning

    private mutating func begin() {
        let beginning = Beginning.allCases[input.below(Beginning.allCases.count)]
        switch beginning {
        case .listen: return
        case .halfOpen, .passive:
            arrive(peerSYN())
            if beginning == .passive { arrive(peer(.ack)) }
            return
        default:
            tcb = Connection(opening: iss, path: path, memory: &memory, configuration: configuration, at: now)
            send()
        }
        switch beginning {
        case .synSent: return
        case .synReceived: return arrive(peerSYN())
        default: arrive(peerSYN([.syn, .ack]))
        }
        switch beginning {
        case .finWait1, .finWait2, .closing, .timeWait: shutdown()
        case .closeWait, .lastAck: arrive(peer([.fin, .ack]))
        default: break
        }
        switch beginning {
        case .finWait2, .timeWait: arrive(peer(.ack))
        case .closing:
            var fin = peer([.fin, .ack])
            fin.ack = iss + 1
            arrive(fin)
        case .lastAck: shutdown()
        default: break
        }
        if beginning == .timeWait { arrive(peer([.fin, .ack])) }
    }

    /// A segment as it should be: the next number, and all acknowledged.
    private func peer(_ flags: TCPFlags) -> Segment {
        var seg = Segment()
        seg.flags = flags
        seg.seq = tcb?.rcv.nxt ?? irs + 1
        seg.ack = tcb?.snd.max ?? iss + 1
        seg.window = 8_192
        if tcb?.flags.contains(.timestamps) ?? halfOpen?.agreement.contains(.timestamps) ?? false {
            seg.options.timestamps = TCPTimestamps(value: clock, echoReply: path.timestampOffset)
        }
        return seg
    }

    private func peerSYN(_ flags: TCPFlags = .syn) -> Segment {
        var seg = peer(flags)
        seg.seq = irs
        seg.options.maximumSegmentSize = 1460
        seg.options.windowScale = 2
        seg.options.isSACKPermitted = true
        seg.options.timestamps = TCPTimestamps(value: clock, echoReply: 0)
        return seg
    }

    /// The peer's clock of milliseconds.
    var clock: UInt32 { UInt32(truncatingIfNeeded: now.milliseconds) &+ 0xFFFF_FFF0 }

    // MARK: Steps

    private mutating func step() {
        let byte = input.byte()
        let call = Call.allCases[Int(byte & 15) % Call.allCases.count]
        switch call {
        case .segment: arrive(drawnSegment())
        case .write: write(Int(input.word()) % 20_000)
        case .read: read(Int(input.word()) % 20_000)
        case .shutdown: shutdown()
        case .release: release()
        case .abort: abort()
        case .unreachable:
            let number = drawnOwnNumber()
            if let disposition = tcb?.unreachable(quoted: number, memory: &memory, configuration: configuration) {
                take(disposition)
            }
        case .pathCarries:
            let number = drawnOwnNumber()
            tcb?.pathCarries(input.word(), quoted: number)
        case .fire: fire()
        case .wait:
            now = now + .milliseconds(1 << Int64(input.below(26)))
            fire()
        case .send: send(atMost: input.below(4))
        case .noDelay: tcb?.setNoDelay(input.byte() & 1 != 0)
        }
        if byte & 0x80 == 0, call != .send { send() }
        judge(after: call)
    }

    private mutating func write(_ count: Int) {
        guard !isReleased, let canWrite = tcb?.canWrite else { return }
        let text = Pattern.bytes(of: Self.ownStream, at: Int(bytesWritten), count: count)
        let taken = tcb?.write(text.span, memory: &memory, configuration: configuration) ?? 0
        check(taken <= count && (canWrite || taken == 0), "a closed side takes nothing")
        bytesWritten &+= UInt32(taken)
    }

    private mutating func read(_ count: Int) {
        guard !isReleased, let readable = tcb?.readableBytes else { return }
        var buffer = [UInt8](repeating: 0, count: count)
        var target = buffer.mutableSpan
        let moved = tcb?.read(into: &target, memory: &memory, configuration: configuration) ?? 0
        check(moved == min(count, readable), "what is readable is read")
        check(
            Pattern.isPart(Array(buffer[..<moved]), of: Self.peerStream, at: Int(bytesRead)),
            "bytes \(bytesRead) + \(moved) as they were sent")
        bytesRead &+= UInt32(moved)
    }

    private mutating func shutdown() {
        guard !isReleased else { return }
        isClosedByUs = true
        if let disposition = tcb?.shutdown(memory: &memory) { take(disposition) }
        send()
    }

    private mutating func release() {
        guard !isReleased else { return }
        isClosedByUs = true
        isReleased = true
        if let disposition = tcb?.release(memory: &memory, configuration: configuration, at: now) { take(disposition) }
    }

    private mutating func abort() {
        guard !isReleased else { return }
        isReleased = true
        if let disposition = tcb?.abort(memory: &memory) { take(disposition) }
        check(tcb == nil || tcb?.state == .closed, "an aborted connection is closed")
    }

    /// Whatever is due; what has come must be over afterwards.
    private mutating func fire() {
        for _ in 0..<4 {
            guard let deadline = tcb?.nextDeadline else { return }
            now = max(now, deadline)
            if let disposition = tcb?.timersFired(memory: &memory, configuration: configuration, at: now) {
                take(disposition)
            }
            send()
            guard let next = tcb?.nextDeadline else { return }
            check(next > now, "a deadline that has come is dealt with")
            if input.byte() & 1 == 0 { return }
        }
    }

    // MARK: The end

    /// Without a peer everything ends by itself, and all memory is given back.
    private mutating func comeToRest() {
        send()
        var fired = 0
        while let deadline = tcb?.nextDeadline {
            now = max(now, deadline)
            if let disposition = tcb?.timersFired(memory: &memory, configuration: configuration, at: now) {
                take(disposition)
            }
            send()
            judge(after: .fire)
            fired += 1
            check(fired < 400, "a connection whose peer is silent ends some day")
        }
        if let state = tcb?.state {
            let rests: [ConnectionState] = [.closed, .established, .finWait2, .closeWait, .timeWait]
            check(rests.contains(state), "\(state) does not last for ever without a peer")
        }
        tcb?.destroy(memory: &memory)
        check(memory.isUnused, "all memory was given back")
    }
}

extension TCPConfiguration {
    /// One that two bytes of the input say.
    static func drawn(_ input: inout Input) -> TCPConfiguration {
        let (first, second) = (input.byte(), input.byte())
        var drawn: TCPConfiguration = first & 1 == 0 ? TCPConfiguration() : .linux
        drawn.offersSACK = first & 2 == 0
        drawn.offersTimestamps = first & 4 == 0
        drawn.offersWindowScale = first & 8 == 0
        drawn.usesNagle = first & 16 == 0
        drawn.holdsBehindSmallOnly = first & 32 != 0
        drawn.quickAcks = first & 64 == 0 ? 0 : 16
        drawn.treatsUnreachableAsSoftError = first & 128 != 0
        drawn.ecn = first & 128 == 0 ? .whenAsked : .always
        let buffers: [UInt32] = [2_048, 4_096, 16_384, 65_535]
        drawn.receiveBuffer = buffers[Int(second & 3)]
        drawn.sendBuffer = buffers[Int(second >> 2 & 3)]
        drawn.slowStartLimit = second & 16 == 0 ? 2 : nil
        drawn.minimumRTOIsMargin = second & 32 != 0
        if second & 64 != 0 { drawn.synWindow = 1_024 }
        if second & 128 != 0 { drawn.windowScale = 14 }
        return drawn
    }
}
