public import NetPrimitives

/// A scripted fault of one direction of a link: which packets, which of those, and what becomes of them.
///
///     link.forward.rules = [.drop(.syn, .first(1))]                 // the first SYN is lost
///     link.forward.rules = [PacketRule(.any, then: .drop(.filtered))]   // a firewall
public struct PacketRule: Sendable {
    /// Which packets the rule is about.
    public var pattern: PacketPattern
    /// Which of the packets that match: the first one, every one from the third on, and so on.
    public var occurrence: Occurrence
    public var verdict: Verdict
    /// How many packets have matched the pattern so far.
    public internal(set) var matches = 0

    public init(_ pattern: PacketPattern, _ occurrence: Occurrence = .all, then verdict: Verdict) {
        self.pattern = pattern
        self.occurrence = occurrence
        self.verdict = verdict
    }

    /// Loses the packets by an accident of the wire.
    public static func drop(_ pattern: PacketPattern, _ occurrence: Occurrence = .all) -> PacketRule {
        PacketRule(pattern, occurrence, then: .drop(.scripted))
    }

    /// - Returns: the verdict, when the rule applies to this packet; counts it if it matches.
    mutating func judge(_ packet: [UInt8], _ summary: PacketSummary?) -> Verdict? {
        guard pattern.matches(packet, summary) else { return nil }
        matches += 1
        return occurrence.includes(matches) ? verdict : nil
    }

    /// What becomes of a packet.
    public enum Verdict: Sendable {
        /// It passes, and no later rule is asked.
        case pass
        case drop(LossReason)
        /// It arrives this much later than it would have.
        case delay(Interval)
        /// Other bytes arrive in its place.
        case rewrite(@Sendable (_ packet: [UInt8]) -> [UInt8])
        /// A router half-way drops it and answers the sender.
        case reject(RouterAnswer)
    }

    /// Which of the packets that match a pattern a rule is about, counted from 1.
    public enum Occurrence: Hashable, Sendable {
        case all
        /// The first so many.
        case first(Int)
        /// Just this one: 1 is the first.
        case only(Int)
        /// This one and all that follow.
        case from(Int)

        func includes(_ number: Int) -> Bool {
            switch self {
            case .all: true
            case .first(let count): number <= count
            case .only(let wanted): number == wanted
            case .from(let start): number >= start
            }
        }
    }
}

/// Which packets a rule is about.
public struct PacketPattern: Sendable {
    /// Called with the bytes, and their summary unless they are not an IP packet.
    let matches: @Sendable (_ packet: [UInt8], _ summary: PacketSummary?) -> Bool

    public init(_ matches: @escaping @Sendable (_ packet: [UInt8], _ summary: PacketSummary?) -> Bool) {
        self.matches = matches
    }

    /// TCP segments that fulfil a condition.
    public static func tcp(where condition: @escaping @Sendable (TCPSummary) -> Bool) -> PacketPattern {
        PacketPattern { _, summary in summary?.tcp.map(condition) ?? false }
    }

    /// TCP segments with all of these flags and none of those.
    public static func flags(_ set: TCPFlags, without clear: TCPFlags = []) -> PacketPattern {
        tcp { $0.flags.isSuperset(of: set) && $0.flags.isDisjoint(with: clear) }
    }

    /// Every packet.
    public static var any: PacketPattern { PacketPattern { _, _ in true } }
    /// The first packet of a handshake.
    public static var syn: PacketPattern { flags(.syn, without: .ack) }
    /// The second packet of a handshake.
    public static var synAck: PacketPattern { flags([.syn, .ack]) }
    /// An acknowledgment that carries nothing else.
    public static var bareAck: PacketPattern {
        tcp { $0.flags.contains(.ack) && $0.flags.isDisjoint(with: [.syn, .fin, .rst]) && $0.payloadLength == 0 }
    }
    public static var fin: PacketPattern { flags(.fin) }
    public static var rst: PacketPattern { flags(.rst) }
    /// TCP segments that carry data.
    public static var data: PacketPattern { tcp { $0.payloadLength > 0 } }
    public static var icmp: PacketPattern {
        PacketPattern { _, summary in
            if case .icmp = summary?.transport { true } else { false }
        }
    }
    /// TCP segments to or from a port.
    public static func port(_ port: UInt16) -> PacketPattern {
        tcp { $0.sourcePort == port || $0.destinationPort == port }
    }

    public static func && (a: PacketPattern, b: PacketPattern) -> PacketPattern {
        PacketPattern { a.matches($0, $1) && b.matches($0, $1) }
    }
}
