public import NetPrimitives

extension Conversation {
    /// A packet between the two hosts.
    public struct Packet: Hashable, Sendable {
        /// What became of a packet.
        public enum Fate: Hashable, Sendable {
            case underWay
            case arrived(at: Instant)
            /// It never arrives; the reason in words.
            case lost(String)
        }

        /// What a packet carries.
        public enum Content: Hashable, Sendable {
            case tcp(Segment)
            /// An ICMP message, in words: "ICMP host unreachable".
            case icmp(String)
        }

        /// The host that it travels away from.
        public var from: Side
        /// Who sent it, when that is not the host on that side: "router 203.0.113.1", "attacker".
        public var router: String?
        public var content: Content
        /// When it left.
        public internal(set) var sentAt: Instant = .zero
        public internal(set) var fate: Fate = .underWay

        public init(from: Side, router: String? = nil, _ content: Content) {
            self.from = from
            self.router = router
            self.content = content
        }

        /// Its TCP segment, if it carries one.
        public var segment: Segment? {
            if case .tcp(let segment) = content { segment } else { nil }
        }

        /// When it arrived, if it has.
        public var arrivedAt: Instant? {
            if case .arrived(let instant) = fate { instant } else { nil }
        }
    }

    /// The bits of the TCP header that a picture shows, at their places on the wire (RFC 9293, 3.1).
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// No more data from the sender.
        public static let fin = Flags(rawValue: 0x01)
        /// Synchronizes sequence numbers.
        public static let syn = Flags(rawValue: 0x02)
        /// Resets the connection.
        public static let rst = Flags(rawValue: 0x04)
        /// Asks to hand the data to the application.
        public static let psh = Flags(rawValue: 0x08)
        /// The acknowledgement number counts.
        public static let ack = Flags(rawValue: 0x10)
        /// The urgent pointer counts.
        public static let urg = Flags(rawValue: 0x20)

        /// "SYN", "SYN-ACK" as everyone says it, and "FIN|ACK".
        public var name: String {
            if self == [.syn, .ack] { return "SYN-ACK" }
            let names: [(Flags, String)] = [
                (.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.psh, "PSH"), (.urg, "URG"), (.ack, "ACK"),
            ]
            let set = names.filter { contains($0.0) }.map(\.1)
            return set.isEmpty ? "no flags" : set.joined(separator: "|")
        }
    }

    /// A TCP segment as far as a picture shows it.
    public struct Segment: Hashable, Sendable {
        public var flags: Flags
        public var seq: SequenceNumber
        /// Counts only with ``Flags/ack``.
        public var ack: SequenceNumber
        /// The window field as it stands on the wire.
        public var window: UInt16
        /// Bytes of payload.
        public var length: Int
        /// Options in short, the most telling first: "mss 1460", "sackOK".
        public var options: [String]
        /// What the payload says, in a few words: "GET / HTTP/1.1".
        public var payload: String

        public init(
            _ flags: Flags, seq: SequenceNumber, ack: SequenceNumber = SequenceNumber(0), window: UInt16 = 0,
            length: Int = 0, options: [String] = [], payload: String = ""
        ) {
            self.flags = flags
            self.seq = seq
            self.ack = ack
            self.window = window
            self.length = length
            self.options = options
            self.payload = payload
        }

        /// Sequence numbers that it takes: payload, SYN and FIN (RFC 9293, 3.4: SEG.LEN).
        public var sequenceLength: Int {
            length + (flags.contains(.syn) ? 1 : 0) + (flags.contains(.fin) ? 1 : 0)
        }
    }
}
