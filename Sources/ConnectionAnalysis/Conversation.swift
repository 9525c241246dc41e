public import NetPrimitives

/// What two hosts said to each other and what happened at each of them: the record that a picture and its
/// explanation are made from.
///
/// A conversation knows nothing of how it came about. Whoever watched one (a simulation, a capture) records it, in the
/// order in which things happened at each host, with ``send(_:at:)`` and its kin.
public struct Conversation: Hashable, Sendable {
    /// One of the two hosts, by its place in the picture.
    public enum Side: Hashable, Sendable, CaseIterable {
        case left
        case right

        /// The other one.
        public var opposite: Side { self == .left ? .right : .left }
    }

    /// A host as the picture names it.
    public struct Host: Hashable, Sendable {
        /// What the host is in this conversation: "client".
        public var name: String
        /// Its address and port as text: "192.0.2.1:49152".
        public var address: String

        public init(name: String, address: String) {
            self.name = name
            self.address = address
        }
    }

    /// The two queues of a listener.
    public enum Queue: String, Hashable, Sendable {
        /// Half-open entries, in SYN-RECEIVED.
        case syn = "SYN queue"
        /// Established connections that no `accept()` has taken.
        case accept = "accept queue"
    }

    /// Why a connection or the attempt at one ended early.
    public enum Failure: Hashable, Sendable {
        case refused
        case reset
        case timedOut
        /// The ICMP message's meaning in words: "host unreachable".
        case unreachable(String)
        case aborted

        /// The error's name: "timedOut".
        public var name: String {
            switch self {
            case .refused: "refused"
            case .reset: "reset"
            case .timedOut: "timedOut"
            case .unreachable: "unreachable"
            case .aborted: "aborted"
            }
        }
    }

    /// Something that happened.
    public enum Event: Hashable, Sendable {
        /// The packet with this index in ``packets`` left.
        case sent(Int)
        /// The packet with this index arrived.
        case arrived(Int)
        /// A host called its stack: "connect()".
        case called(Side, String)
        /// A host's stack reported an error.
        case failed(Side, Failure)
        /// A host's connection is now in the state with this name of RFC 9293: "SYN-SENT".
        case entered(Side, String)
        /// A listener's queue went from one length to another.
        case queued(Side, Queue, from: Int, to: Int)
        /// A word about a host.
        case noted(Side, String)
    }

    /// An event and its time.
    public struct Moment: Hashable, Sendable {
        public var at: Instant
        public var event: Event

        public init(at: Instant, _ event: Event) {
            self.at = at
            self.event = event
        }
    }

    /// Lines that another tool would have printed, shown as they are.
    public struct Exhibit: Hashable, Sendable {
        /// What it is, in a sentence.
        public var title: String
        /// Lines of at most 78 columns.
        public var lines: [String]

        public init(title: String, lines: [String]) {
            self.title = title
            self.lines = lines
        }
    }

    /// The host whose lifeline is on the left, as a rule the one that connects.
    public var left: Host
    /// The host whose lifeline is on the right.
    public var right: Host
    /// In the order of sending.
    public private(set) var packets: [Packet] = []
    /// In the order of recording.
    public private(set) var moments: [Moment] = []
    /// What else is worth saying below the picture, a sentence or two each.
    public var remarks: [String] = []
    /// The numbers themselves matter: they are shown as they are on the wire.
    public var showsAbsoluteNumbers = false
    /// What other tools would have shown meanwhile.
    public var exhibits: [Exhibit] = []

    public init(left: Host, right: Host) {
        self.left = left
        self.right = right
    }

    /// The host on a side.
    public subscript(side: Side) -> Host { side == .left ? left : right }
}

// MARK: - Recording

extension Conversation {
    /// Records that a packet left its origin.
    /// - Returns: its index in ``packets``, by which its fate is told later.
    @discardableResult
    public mutating func send(_ packet: Packet, at instant: Instant) -> Int {
        var packet = packet
        packet.sentAt = instant
        packets.append(packet)
        moments.append(Moment(at: instant, .sent(packets.count - 1)))
        return packets.count - 1
    }

    /// Records that a packet reached its destination.
    public mutating func arrive(_ index: Int, at instant: Instant) {
        packets[index].fate = .arrived(at: instant)
        moments.append(Moment(at: instant, .arrived(index)))
    }

    /// Records that a packet will not arrive.
    /// - Parameter reason: what it was: "lost", "dropped by the firewall".
    public mutating func lose(_ index: Int, because reason: String) {
        packets[index].fate = .lost(reason)
    }

    /// Records anything else.
    public mutating func record(_ event: Event, at instant: Instant) {
        moments.append(Moment(at: instant, event))
    }

    /// The moments by time; those of one instant in the order of recording.
    var chronicle: [Moment] {
        moments.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}
