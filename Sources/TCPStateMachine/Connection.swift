public import NetPrimitives
import WireFormats

/// The send variables of RFC 9293, 3.3.1.
public struct SendSequence: Hashable, Sendable, BitwiseCopyable {
    /// SND.UNA: the oldest number that is not acknowledged.
    public var una: SequenceNumber
    /// SND.NXT: the next to send. A timeout takes it back to ``una``.
    public var nxt: SequenceNumber
    /// The highest SND.NXT there was: what the peer may acknowledge.
    public var max: SequenceNumber
    /// SND.WND, in bytes.
    public var wnd: UInt32
    /// SND.WL1: the segment that told of the window, by its sequence number.
    public var wl1: SequenceNumber
    /// SND.WL2: and by its acknowledgement.
    public var wl2: SequenceNumber
    /// The largest window that the peer ever told of, in bytes (RFC 9293, 3.8.6.2.1: Max(SND.WND)).
    public var maxWnd: UInt32

    /// The number just beyond the peer's window.
    @inlinable public var edge: SequenceNumber { una + wnd }
}

/// The receive variables of RFC 9293, 3.3.1.
public struct ReceiveSequence: Hashable, Sendable, BitwiseCopyable {
    /// RCV.NXT: the next number expected.
    public var nxt: SequenceNumber
    /// RCV.NXT + RCV.WND: the right edge last promised to the peer. Never moves left (RFC 9293, 3.8.6, SHLD-14).
    public var advertisedEdge: SequenceNumber
    /// RCV.NXT when we last sent an acknowledgement: Last.ACK.sent of RFC 7323, 4.3.
    public var lastAckSent: SequenceNumber

    /// RCV.WND, in bytes.
    @inlinable public var wnd: UInt32 { advertisedEdge - nxt }
}

/// Timestamps of a connection (RFC 7323, 3), if both ends agreed on them.
public struct TimestampState: Hashable, Sendable, BitwiseCopyable {
    /// TS.Recent: the peer's value to echo.
    public var recent: UInt32 = 0
    /// When TS.Recent was set, in seconds of the caller's clock: after 24 days it no longer counts (5.5).
    public var recentAt: UInt32 = 0
    /// What is added to our clock of milliseconds, so that connections do not tell of each other.
    public var offset: UInt32 = 0

    /// TSval for a segment that goes out now.
    @inlinable public func value(at now: Instant) -> UInt32 {
        offset &+ UInt32(truncatingIfNeeded: now.milliseconds)
    }

    /// Whether `echo` can be that of a segment that went out since `first`; 0 stands for no echo, and always can.
    func hasSent(_ echo: UInt32, since first: Instant, at now: Instant) -> Bool {
        echo == 0 || echo &- value(at: first) <= value(at: now) &- value(at: first)
    }
}

/// What is true of a connection beside its state.
public struct ConnectionFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Both ends offered timestamps.
    public static let timestamps = ConnectionFlags(rawValue: 1 << 0)
    /// Both ends offered SACK.
    public static let sack = ConnectionFlags(rawValue: 1 << 1)
    /// The application has ended its side: a FIN follows the last byte.
    public static let finQueued = ConnectionFlags(rawValue: 1 << 2)
    /// An acknowledgement is due now.
    public static let ackNow = ConnectionFlags(rawValue: 1 << 3)
    /// The acknowledgement due now goes alone, before any data: the third packet of a handshake, a challenge ACK.
    public static let ackAlone = ConnectionFlags(rawValue: 1 << 4)
    /// The peer's FIN was seen at ``Connection/finSequence`` but is not yet next in line.
    public static let finSeen = ConnectionFlags(rawValue: 1 << 5)
    /// The peer's window keeps us from sending: ``Connection/retransmitAt`` is the persist timer (RFC 9293, 3.8.6.1).
    public static let persisting = ConnectionFlags(rawValue: 1 << 6)
    /// A window probe is due now.
    public static let probeDue = ConnectionFlags(rawValue: 1 << 7)
    /// Nobody holds the connection any more: data that still comes is refused.
    public static let orphaned = ConnectionFlags(rawValue: 1 << 8)
    /// One full-sized segment waits for its acknowledgement; the next is acknowledged at once.
    public static let oneSegmentUnacknowledged = ConnectionFlags(rawValue: 1 << 9)
    /// Segments may go out however small they are.
    public static let noDelay = ConnectionFlags(rawValue: 1 << 10)
    /// A write found no room: say when there is some.
    public static let wantsToWrite = ConnectionFlags(rawValue: 1 << 11)
    /// The peer's window of the handshake counts as scaled only from the first segment without SYN.
    public static let scaled = ConnectionFlags(rawValue: 1 << 12)
    /// We opened actively.
    public static let active = ConnectionFlags(rawValue: 1 << 13)
    /// Data is answered with data: acknowledgements wait for it.
    public static let dialogue = ConnectionFlags(rawValue: 1 << 14)
}

/// One connection, from SYN-SENT (or a completed handshake) to its end: the transmission control block of RFC 9293,
/// 3.3.1, with its buffers and timers.
///
/// The machine knows neither addresses nor checksums. Its calls come in four kinds:
/// - **things that happened**: ``segmentArrives(_:payload:memory:configuration:at:)``,
/// ``timersFired(memory:configuration:at:)``,
///   ``unreachable(quoted:memory:configuration:)``; each returns a ``Disposition`` that the caller performs;
/// - **calls of the user**: write, read, ``shutdown(memory:)``, ``abort(memory:)``;
/// - **what to send**: ``nextSegment(upTo:memory:configuration:at:)``, until it returns `nil`;
/// - **when to come back**: ``nextDeadline``.
///
/// After anything that happened and any call, ask what to send and then for the deadline.
public struct Connection: BitwiseCopyable, Sendable {
    public internal(set) var state: ConnectionState
    /// Shift of windows that the peer tells us of; 0 unless both ends offered it.
    public internal(set) var sendScale: WindowScale
    /// Shift of windows that we tell the peer of; 0 unless both ends offered it.
    public internal(set) var receiveScale: WindowScale
    /// Window probes since the peer last acknowledged anything.
    var probesUnanswered: UInt8
    public internal(set) var flags: ConnectionFlags
    /// The most payload that a segment of ours may carry, options not yet subtracted (RFC 9293, 3.7.1: Eff.snd.MSS).
    public internal(set) var mss: UInt16
    /// The MSS that our SYN tells of: what the interface carries (RFC 9293, 3.7.1, MUST-16).
    public internal(set) var advertisedMSS: UInt16
    /// What a peer that tells of no MSS accepts.
    var defaultPeerMSS: UInt16
    public internal(set) var snd: SendSequence
    public internal(set) var rcv: ReceiveSequence
    public internal(set) var timestamps: TimestampState
    public internal(set) var congestion: CongestionControl
    public internal(set) var roundTrip: RoundTripEstimator
    /// Details of what is unacknowledged; ``Slot/none`` when nothing is.
    var inFlight: Slot
    /// What came out of order; ``Slot/none`` when nothing did.
    var outOfOrder: Slot
    var sendRing: ByteRing
    var receiveRing: ByteRing
    /// Retransmission timer or persist timer: never both.
    var retransmitAt: Instant
    /// Delayed acknowledgement.
    var ackAt: Instant
    /// The end of SYN-SENT, FIN-WAIT-2 of an orphan.
    var lifetimeAt: Instant
    /// ISS and IRS.
    public internal(set) var iss: SequenceNumber
    public internal(set) var irs: SequenceNumber
    /// Where the peer's FIN stands, when it came early.
    var finSequence: SequenceNumber
    /// When the last challenge ACK went out, in milliseconds of the caller's clock, plus one; 0 for never.
    var challengedAt: UInt32
    /// When data last came, in milliseconds of the caller's clock, plus one; 0 for never.
    var receivedAt: UInt32
    /// Behind the last segment that was sent smaller than it could have been.
    var smallEnd: SequenceNumber
    /// What came last though we had it already, until an acknowledgement has told of it (RFC 2883); empty for nothing.
    var duplicate: SequenceRange
    /// Acknowledgements that will still go out at once; see ``TCPConfiguration/quickAcks``.
    var quickAcksLeft: UInt8
    var ecn: ECNState
}

extension Connection {
    /// When ``timersFired(memory:configuration:at:)`` must be called, if at all.
    @inlinable public var nextDeadline: Instant? {
        let first = earliestDeadline
        return first == .distantFuture ? nil : first
    }

    @usableFromInline var earliestDeadline: Instant { min(retransmitAt, min(ackAt, lifetimeAt)) }

    /// Bytes that the application may read now.
    @inlinable public var readableBytes: Int { receiveQueueCount }
    @usableFromInline var receiveQueueCount: Int { receiveRing.count }

    /// Bytes written and not yet acknowledged.
    public var unacknowledgedBytes: Int { sendRing.count }

    /// Whether no more will ever come: the peer's FIN is in order, or the connection is over.
    public var isReadSideClosed: Bool { !state.canReceive && state != .synSent && state != .synReceived }

    /// Both ends agreed on ECN (RFC 3168, 6.1.1).
    public var hasECN: Bool { ecn.contains(.agreed) }

    /// The peer's SYN is not yet acknowledged by us or ours by the peer.
    var isOpening: Bool { state == .synSent || state == .synReceived }

    /// Payload bytes that a full segment carries: ``mss`` less the options that every segment has (RFC 6691).
    var segmentPayload: UInt32 {
        let options: UInt32 = flags.contains(.timestamps) ? 12 : 0
        return UInt32(mss) > options &+ 8 ? UInt32(mss) &- options : 8
    }

    /// The number of the first byte in the send ring.
    var dataStart: SequenceNumber { snd.una == iss && isOpening ? iss + 1 : snd.una }

    /// The number behind the last byte in the send ring, which is the FIN's when one is queued.
    var dataEnd: SequenceNumber { dataStart + UInt32(truncatingIfNeeded: sendRing.count) }

    /// Our FIN is queued, sent or not, and the peer has not acknowledged it.
    var finOutstanding: Bool {
        switch state {
        case .finWait1, .closing, .lastAck: true
        default: false
        }
    }
}
