public import NetPrimitives

/// A packet: `<` to inject, `>` to expect.
public struct PacketSyntax: Hashable, Sendable {
    /// From the peer into the stack, or out of it.
    public enum Direction: Hashable, Sendable {
        case inbound
        case outbound
    }

    /// `sport > dport`.
    public struct Ports: Hashable, Sendable {
        public var source: UInt16
        public var destination: UInt16

        public init(source: UInt16, destination: UInt16) {
            self.source = source
            self.destination = destination
        }
    }

    /// What the innermost IP header carries.
    public enum Body: Hashable, Sendable {
        case tcp(TCPSyntax)
        /// Its payload in bytes.
        case udp(length: UInt16)
        case icmp(ICMPSyntax)
    }

    /// Where its `<` or `>` stands.
    public var position: SourcePosition
    public var direction: Direction
    public var ip: IPInformation
    /// From the outside to the inside; empty for all but tunnels.
    public var encapsulations: [Encapsulation]
    /// The `spi` of `encap psp spi N`.
    public var securityParameterIndex: UInt32?
    /// For TCP and UDP.
    public var ports: Ports?
    public var body: Body

    public init(
        position: SourcePosition, direction: Direction, ip: IPInformation = IPInformation(),
        encapsulations: [Encapsulation] = [], securityParameterIndex: UInt32? = nil, ports: Ports? = nil, body: Body
    ) {
        self.position = position
        self.direction = direction
        self.ip = ip
        self.encapsulations = encapsulations
        self.securityParameterIndex = securityParameterIndex
        self.ports = ports
        self.body = body
    }
}

/// What stands in `()` or `[]` before a packet.
public struct IPInformation: Hashable, Sendable {
    /// The traffic class: its ECN bits alone, or all of it.
    public enum TrafficClass: Hashable, Sendable {
        /// `noecn`: 00.
        case notECNCapable
        /// `ect0`: 10.
        case ect0
        /// `ect1`: 01.
        case ect1
        /// `ce`: 11.
        case congestionExperienced
        /// `ect01`: either, of outbound packets only.
        case ect0or1
        /// `tos 0xNN`: the whole byte.
        case whole(UInt8)
    }

    /// `nil`: not looked at, and 0 when injected.
    public var trafficClass: TrafficClass?
    /// `flowlabel 0xNNNNN`, of IPv6.
    public var flowLabel: UInt32?
    /// `ttl N`: the time to live or hop limit.
    public var hopLimit: UInt8?

    public init(trafficClass: TrafficClass? = nil, flowLabel: UInt32? = nil, hopLimit: UInt8? = nil) {
        self.trafficClass = trafficClass
        self.flowLabel = flowLabel
        self.hopLimit = hopLimit
    }
}

/// A header around the packet, which ends in `:`.
public enum Encapsulation: Hashable, Sendable {
    /// `ipv4 A > B:` and `ipv6 A > B:`.
    case ip(source: IPAddress, destination: IPAddress)
    /// `gre` and its words as they are written.
    case gre([String])
    /// `mpls (label N, tc N, [S], ttl N) ...`, the words of each entry.
    case mpls([[String]])
}

/// A TCP segment as a script writes it: numbers before any mapping.
public struct TCPSyntax: Hashable, Sendable {
    /// What stands between `<` and `>` behind the segment.
    public enum Options: Hashable, Sendable {
        /// Nothing at all: no options are sent, or expected.
        case none
        /// `<...>`: outbound, not looked at.
        case any
        /// In their order, `nop` and `eol` included. They fill a multiple of 4 bytes, at most 40.
        case list([TCPOptionSyntax])
    }

    /// The word that the segment begins with.
    public var flags: TCPFlagsSyntax
    /// `start:end(length)`, with end = start + length modulo 2^32.
    public var sequence: UInt32
    public var length: UInt16
    public var acknowledgment: UInt32?
    /// The raw field. Inbound segments always have one.
    public var window: UInt16?
    public var urgentPointer: UInt16?
    public var options: Options

    public init(
        flags: TCPFlagsSyntax, sequence: UInt32, length: UInt16, acknowledgment: UInt32? = nil, window: UInt16? = nil,
        urgentPointer: UInt16? = nil, options: Options = .none
    ) {
        self.flags = flags
        self.sequence = sequence
        self.length = length
        self.acknowledgment = acknowledgment
        self.window = window
        self.urgentPointer = urgentPointer
        self.options = options
    }

    /// The number behind the colon.
    public var end: UInt32 { sequence &+ UInt32(length) }
}

/// The flags word.
public struct TCPFlagsSyntax: Hashable, Sendable {
    /// The flags as they stand in a header's 14th byte: FIN is 1, CWR 0x80.
    public var bits: UInt8
    /// The flag of RFC 9768 and RFC 3540 beside them, the lowest of the reserved bits: `A`.
    public var accurateECN: Bool
    /// The 3-bit counter of AccECN that a digit behind the dot gives: AE, CWR and ECE together. `nil` without a digit
    /// and for 0, which is compared like plain flags. When set, ``bits`` and ``accurateECN`` already contain it.
    public var counter: UInt8?

    public init(bits: UInt8, accurateECN: Bool = false, counter: UInt8? = nil) {
        self.bits = bits
        self.accurateECN = accurateECN
        self.counter = counter
    }

    /// The flags by the letters that scripts use, as bits of a header's 14th byte.
    public static let fin: UInt8 = 0x01
    public static let syn: UInt8 = 0x02
    public static let rst: UInt8 = 0x04
    public static let psh: UInt8 = 0x08
    public static let ack: UInt8 = 0x10
    public static let urg: UInt8 = 0x20
    public static let ece: UInt8 = 0x40
    public static let cwr: UInt8 = 0x80

    /// Whether all of `flags` are set.
    public func has(_ flags: UInt8) -> Bool { bits & flags == flags }
}

/// One TCP option.
public enum TCPOptionSyntax: Hashable, Sendable {
    /// Both ends of a stretch, relative like an acknowledgement.
    public struct Edges: Hashable, Sendable {
        public var left: UInt32
        public var right: UInt32

        public init(left: UInt32, right: UInt32) {
            self.left = left
            self.right = right
        }
    }

    /// `mss N`.
    case maximumSegmentSize(UInt16)
    /// `wscale N`.
    case windowScale(UInt8)
    /// `sackOK`.
    case sackPermitted
    /// `sack L:R L:R`, at least one.
    case sack([Edges])
    /// `TS val N ecr N`.
    case timestamps(value: UInt32, echo: UInt32)
    /// `nop`.
    case noOperation
    /// `eol`.
    case endOfList
    /// `FO [hex]`, kind 34: an empty cookie asks for one.
    case fastOpen(cookie: [UInt8])
    /// `FOEXP [hex]`, kind 254 with the magic number f989.
    case experimentalFastOpen(cookie: [UInt8])
    /// `md5 hex`: 16 bytes; none when the script does not care.
    case md5(digest: [UInt8])
    /// `ECN e0b N [ceb N [e1b N]]`, kind 172; `ECN e1b N [ceb N [e0b N]]`, kind 174: one to three counters of 24 bits
    /// in the order of the kind.
    case accurateECN(kind: UInt8, counters: [UInt32])
    /// What a packet of the stack may carry and scripts have no word for: any other kind with its bytes.
    case other(kind: UInt8, bytes: [UInt8])

    /// Bytes that it takes in the header.
    public var length: Int {
        switch self {
        case .maximumSegmentSize: 4
        case .windowScale: 3
        case .sackPermitted: 2
        case .sack(let edges): 2 + 8 * edges.count
        case .timestamps: 10
        case .noOperation, .endOfList: 1
        case .fastOpen(let cookie): 2 + cookie.count
        case .experimentalFastOpen(let cookie): 4 + cookie.count
        case .md5(let digest): 2 + digest.count
        case .accurateECN(_, let counters): 2 + 3 * counters.count
        case .other(_, let bytes): 2 + bytes.count
        }
    }
}

/// An ICMP or ICMPv6 message. What its words mean depends on the IP version: ``ICMPNames`` knows.
public struct ICMPSyntax: Hashable, Sendable {
    /// What it quotes of the packet that it answers.
    public enum Echoed: Hashable, Sendable {
        /// `[start:end(length)]`: our segment, its sequence relative to our initial number.
        case tcp(sequence: UInt32, length: UInt16)
        /// `[udp (length)]`.
        case udp(length: UInt16)
        /// `[raw (length)]`.
        case raw(length: UInt16)
    }

    /// `unreachable`, `packet_too_big`, `type_3`.
    public var type: String
    /// `host_unreachable`, `code_1`.
    public var code: String?
    /// `mtu N`, with frag_needed and packet_too_big only.
    public var mtu: UInt32?
    /// `id N`, of an echo.
    public var identifier: UInt16?
    public var echoed: Echoed?

    public init(
        type: String, code: String? = nil, mtu: UInt32? = nil, identifier: UInt16? = nil, echoed: Echoed? = nil
    ) {
        self.type = type
        self.code = code
        self.mtu = mtu
        self.identifier = identifier
        self.echoed = echoed
    }
}
