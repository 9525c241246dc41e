public import NetPrimitives
public import TCPStateMachine

/// How a stack behaves. Every field has a default that suits a host on the Internet.
public struct Configuration: Hashable, Sendable, BitwiseCopyable {
    /// The protocol's own choices.
    public var tcp = TCPConfiguration()
    /// The most memory that the stack holds for everything, in bytes: tables, buffers, records. It is divided once,
    /// when the stack is made, and holds from then on, whatever comes. Each connection reserves 8 KiB of it. With less
    /// than half a megabyte there is no room for any connection.
    public var budget: Int = 256 << 20
    /// How much of the memory for connections those with one network of peers (a /24 of IPv4, a /56 of IPv6) may hold,
    /// in percent, 1...100. 100 suits a gateway whose clients are all in one network.
    public var prefixShare: UInt8 = 50
    /// When no connection more can be promised its memory, those are given up, with a RST, whose peers have been silent
    /// for so long and that hold nothing unread or unacknowledged; `nil` gives up none.
    public var evictIdle: Interval?
    /// The most memory for the data of fragments whose packet is not whole, in bytes, and the most such packets, as far
    /// as an eighth of the budget reaches; the oldest gives way. A stack holds to what it was made with.
    public var fragmentMemoryLimit: Int = 256 << 10
    public var fragmentedDatagramLimit: Int = 64
    /// The most half-open entries that wait for the third packet, of all listeners together, as far as a sixteenth of
    /// the budget reaches.
    public var halfOpenLimit: Int = 65_536
    /// The most half-open entries of a listener in request mode, undecided requests among them; in place of its backlog
    /// and one.
    public var requestLimit: Int = 4_096
    /// When SYNs are answered with cookies. Linux: when the SYN queue is full.
    public var synCookies: SynCookies = .whenFull
    /// Without cookies, SYNs are dropped once a listener has more half-open entries than three quarters of this;
    /// `nil` for no such rule. Linux: tcp_max_syn_backlog.
    public var synBacklogLimit: Int?
    /// What makes a flood, which is told when it begins and when it ends: so many SYNs of a listener in a second that
    /// found a queue full or were answered with a cookie that has not come back, and ACKs with no good cookie; 0 tells
    /// of none. With cookies always, handshakes under way count as well: rate times round trip.
    public var floodThreshold: UInt32 = 100
    /// How the cookies of listeners that are made from now on are made.
    public var cookieCodec: CookieCodec = .classic
    /// What is added to `now` for the clock that cookies count their minutes and slots in. Stacks that complete each
    /// other's handshakes need the same clock: give each what makes it the time since 1970.
    public var cookieEpoch: Interval = .zero
    /// Answer the third packet with a RST when the accept queue is full, instead of waiting for a place (Linux:
    /// tcp_abort_on_overflow).
    public var abortsOnOverflow: Bool = false
    /// The most TIME-WAITs, as far as a sixteenth of the budget reaches; the oldest gives way to one more.
    public var timeWaitLimit: Int = 65_536
    /// Ports that ``NetworkStack/connect(to:from:at:)`` chooses from. RFC 6335, 6: the dynamic ports.
    public var ephemeralPorts: ClosedRange16 = ClosedRange16(49152, 65535)
    /// IPv4's time to live, IPv6's hop limit.
    public var hopLimit: UInt8 = 64
    /// IPv4's type of service, IPv6's traffic class, of segments; its two ECN bits are 0.
    public var trafficClass: UInt8 = 0
    /// Answer ICMP echo requests (RFC 1122, 3.2.2.6, MUST).
    public var answersEcho: Bool = true
    /// ICMP errors and RSTs that answer packets of one prefix (/24, /56), in each second; 65,535 is no limit. Nothing
    /// is limited for all senders together, for then one could see by its own answers what others are told (RFC 1812,
    /// 4.3.2.8; RFC 4443, 2.4(f); CVE-2016-5696).
    public var icmpErrorsPerSecond: UInt32 = 1000
    public var resetsPerSecond: UInt32 = 1000
    /// How long a step of the initial sequence number's clock takes. RFC 9293, 3.4.1: 4 us. Linux: 64 ns.
    public var sequenceClock: Interval = .microseconds(4)
    /// How long the stack neither sends segments nor answers any after it was made, so that none of an earlier life can
    /// be taken for one of this (RFC 9293, 3.4.3, where it is an MSL, 2 minutes); zero for not at all. Attempts to
    /// connect wait for its end, and segments that come are dropped. A stack holds to what it was made with.
    public var quietTime: Interval = .zero
    /// A number for every connection to begin with. For pictures and tests only: whoever can guess it can take over a
    /// connection (RFC 6528).
    public var fixedInitialSequence: UInt32?

    /// What the RFCs say.
    public init() {}

    /// What Linux 6.18 does.
    public static var linux: Configuration {
        var linux = Configuration()
        linux.tcp = .linux
        linux.ephemeralPorts = ClosedRange16(32768, 60999)
        linux.sequenceClock = .nanoseconds(64)
        linux.synBacklogLimit = 2048
        return linux
    }
}

/// A range of ports, both ends included.
public struct ClosedRange16: Hashable, Sendable, BitwiseCopyable {
    public var first: UInt16
    public var last: UInt16

    /// Ends in the wrong order are put right.
    @inlinable public init(_ first: UInt16, _ last: UInt16) {
        self.first = min(first, last)
        self.last = max(first, last)
    }

    /// Ports in the range, 1...65536.
    @inlinable public var count: UInt32 { UInt32(last) &- UInt32(first) &+ 1 }
}
