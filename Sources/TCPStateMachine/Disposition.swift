public import NetPrimitives

/// Why a connection is over.
public enum ConnectionEnd: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// Both FINs were exchanged and acknowledged.
    case closed
    /// A RST answered our SYN.
    case refused
    /// A RST ended an open connection.
    case reset
    /// No answer within the time or the retransmissions that the configuration allows.
    case timedOut
    /// ICMP said that the peer cannot be reached.
    case unreachable
    /// This end gave up the connection.
    case aborted
}

/// What happened to a connection, for the application to know of.
public struct ConnectionEffects: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The handshake is complete.
    public static let established = ConnectionEffects(rawValue: 1 << 0)
    /// There are more bytes to read.
    public static let readable = ConnectionEffects(rawValue: 1 << 1)
    /// There is room to write again after a write found none.
    public static let writable = ConnectionEffects(rawValue: 1 << 2)
    /// The peer's FIN is in order: after what is readable comes the end.
    public static let readClosed = ConnectionEffects(rawValue: 1 << 3)
    /// The state is now TIME-WAIT: the caller keeps a ``TimeWait`` value from here on.
    public static let timeWait = ConnectionEffects(rawValue: 1 << 4)
    /// Something was acknowledged for the first time.
    public static let progress = ConnectionEffects(rawValue: 1 << 5)
    /// A segment was answered with a challenge ACK (RFC 5961), or would have been, had the last been longer ago.
    public static let challenged = ConnectionEffects(rawValue: 1 << 6)
    public static let challengeHeld = ConnectionEffects(rawValue: 1 << 7)
    /// A segment was refused for its timestamps: older than what came before (RFC 7323, 5), or an echo of one that was
    /// never sent.
    public static let outdated = ConnectionEffects(rawValue: 1 << 8)
    public static let strangeEcho = ConnectionEffects(rawValue: 1 << 9)
    /// The retransmission timer has fired, and what it waited for goes out again.
    public static let timeout = ConnectionEffects(rawValue: 1 << 10)
    /// What only counters want to know of.
    public static let counted: ConnectionEffects = [.challenged, .challengeHeld, .outdated, .strangeEcho]
}

/// A RST that answers a segment (RFC 9293, 3.10.7): the caller knows the addresses.
public enum ResetReply: Hashable, Sendable, BitwiseCopyable {
    /// `<SEQ=seq><CTL=RST>`: the answer to a segment with an ACK.
    case bare(seq: SequenceNumber)
    /// `<SEQ=0><ACK=ack><CTL=RST,ACK>`: the answer to a segment without one.
    case acknowledging(ack: SequenceNumber)
    /// `<SEQ=seq><ACK=ack><CTL=RST,ACK>`: the end of a synchronized connection.
    case ending(seq: SequenceNumber, ack: SequenceNumber)
}

/// What the caller has to do after something happened to a connection. The machine decides, the caller performs.
public struct Disposition: Hashable, Sendable, BitwiseCopyable {
    /// What to tell the application.
    public var effects: ConnectionEffects = []
    /// A RST to send at once.
    public var reply: ResetReply?
    /// Set when the connection is over: its state is CLOSED and it sends nothing more.
    public var end: ConnectionEnd?

    @inlinable public init(effects: ConnectionEffects = [], reply: ResetReply? = nil, end: ConnectionEnd? = nil) {
        self.effects = effects
        self.reply = reply
        self.end = end
    }

    /// Nothing to do beyond what the connection may now send.
    @inlinable public static var proceed: Disposition { Disposition() }
}
