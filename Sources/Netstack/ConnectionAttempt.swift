public import NetPrimitives
import TCPStateMachine

/// How an attempt to open a connection went.
public enum Verdict: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// Not decided yet.
    case pending
    case established
    /// A RST answered; the listener's application wanted it so, where the attempt is passive.
    case refused
    /// Nothing answered in time.
    case timedOut
    /// ICMP answered; likewise.
    case unreachable
    /// This end gave up.
    case aborted
    /// A listener had no room for it, or it had to give way to another.
    case dropped
    /// The application wanted no answer (passive only).
    case ignored
    /// The client gave up before the application had decided, or its listener was closed (passive only).
    case withdrawn
}

/// An ICMP error as evidence: who complained, and of what.
public struct ICMPEvidence: Hashable, Sendable, BitwiseCopyable {
    /// The sender of the message, a router or the peer itself.
    public var reporter: IPAddress
    public var type: UInt8
    public var code: UInt8
    public var at: Instant
}

/// The record of one attempt to open a connection: what was sent and answered, when, and what it came to.
public struct ConnectionAttempt: Hashable, Sendable, BitwiseCopyable {
    /// Both ends.
    public var tuple: FourTuple
    /// We opened (`connect`), or a listener answered.
    public var isActive: Bool
    public var verdict: Verdict = .pending
    /// SYNs sent (active) or received (passive), and when each was, after ``startedAt``, as far as there is room.
    public var synCount: UInt8 = 0
    var synTimes: [16 of UInt32]
    /// SYN-ACKs sent (passive only).
    public var answerCount: UInt8 = 0
    /// When the attempt began: the first SYN, sent or received.
    public var startedAt: Instant
    /// When it was decided.
    public var endedAt: Instant
    /// The last ICMP error about it.
    public var icmp: ICMPEvidence?
    /// Connections in the listener's queues when this one joined the accept queue (passive only).
    public var synQueueDepth: UInt32 = 0
    public var acceptQueueDepth: UInt32 = 0
    /// Our initial sequence number, and the peer's if it told of one.
    public var iss: SequenceNumber
    public var irs: SequenceNumber

    init(tuple: FourTuple, isActive: Bool, iss: SequenceNumber, irs: SequenceNumber, at now: Instant) {
        self.tuple = tuple
        self.isActive = isActive
        synTimes = [16 of UInt32](repeating: 0)
        startedAt = now
        endedAt = now
        self.iss = iss
        self.irs = irs
    }

    /// When SYN `index` was, after the first, to the microsecond; `nil` beyond what was recorded.
    public func synTime(_ index: Int) -> Interval? {
        guard index >= 0, index < min(Int(synCount), synTimes.count) else { return nil }
        // In units of 100 us, so that three minutes and more fit.
        return .microseconds(Int64(synTimes[index]) * 100)
    }

    mutating func noteSYN(at now: Instant) {
        if Int(synCount) < synTimes.count {
            synTimes[Int(synCount)] = UInt32(clamping: (now - startedAt).microseconds / 100)
        }
        synCount = synCount == .max ? .max : synCount + 1
    }

    public static func == (a: ConnectionAttempt, b: ConnectionAttempt) -> Bool {
        for index in 0..<16 where a.synTimes[index] != b.synTimes[index] { return false }
        return a.tuple == b.tuple && a.isActive == b.isActive && a.verdict == b.verdict && a.synCount == b.synCount
            && a.answerCount == b.answerCount && a.startedAt == b.startedAt && a.endedAt == b.endedAt
            && a.icmp == b.icmp && a.iss == b.iss && a.irs == b.irs
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(tuple)
        hasher.combine(startedAt)
    }
}

/// Why a connection failed or ended, with the evidence.
public enum ConnectionFailure: Error, Hashable, Sendable, BitwiseCopyable {
    /// A RST answered the SYN.
    case refused(ConnectionAttempt)
    /// No answer of any kind to the SYNs, or none but ICMP that did not decide.
    case timedOut(ConnectionAttempt)
    /// ICMP said that the peer cannot be reached.
    case unreachable(ICMPEvidence, ConnectionAttempt)
    /// The peer reset an open connection.
    case reset
    /// What was sent on an open connection was not acknowledged in time.
    case peerSilent
    /// This end aborted.
    case aborted
}

/// A call that cannot be carried out.
public enum StackError: Error, Hashable, Sendable, BitwiseCopyable {
    /// The connection or listener is gone.
    case staleHandle
    /// Another listener, or another connection between the same ends, is there already.
    case addressInUse
    /// No interface has that address.
    case addressNotAvailable
    /// The address is no unicast address, or the two ends are of different families.
    case addressNotUsable
    /// No route leads there.
    case noRoute
    /// Every port of the range is taken for that peer.
    case noPorts
    /// The memory for one more connection cannot be promised.
    case outOfMemory
    /// Nothing to read, no room to write: an event will tell.
    case wouldBlock
    /// This side of the connection is closed.
    case sideClosed
    /// The connection is over.
    case connectionOver(ConnectionFailure)
    /// A table that has a limit is full.
    case limitReached
}

/// A record in the table of openings under way.
struct AttemptEntry: Slotted, Sendable {
    var attempt: ConnectionAttempt
    var link: Slot

    static var vacant: AttemptEntry {
        let tuple = FourTuple(
            local: .v4(.any), localPort: 0, remote: .v4(.any), remotePort: 0, interface: InterfaceID(0))
        return AttemptEntry(
            attempt: ConnectionAttempt(
                tuple: tuple, isActive: false, iss: SequenceNumber(0), irs: SequenceNumber(0), at: .zero),
            link: .none)
    }
}
