public import NetPrimitives
public import WireFormats

/// When a connection tells congestion by marks instead of losses (RFC 3168). The values are those of Linux's `tcp_ecn`.
public enum ECNUse: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
    /// Never.
    case off = 0
    /// Our SYNs ask for it, and who asks us gets it.
    case always = 1
    /// Who asks us gets it.
    case whenAsked = 2
}

/// How the machine behaves where the RFCs leave a choice, or where Linux chose otherwise.
public struct TCPConfiguration: Hashable, Sendable, BitwiseCopyable {
    // MARK: Opening

    /// The first retransmission timeout, before any measurement. RFC 6298, 2.1: 1 s.
    public var initialRTO: Interval = .seconds(1)
    /// How many SYN timeouts stay at the first value before doubling begins. RFC 6298: 0; Linux: 4.
    public var synLinearTimeouts: UInt8 = 0
    /// Retransmissions of a SYN after which the next timeout gives up; `nil` leaves it to ``synTimeLimit``.
    public var synRetries: UInt8?
    /// How long a connection may take to open. RFC 9293, 3.8.3, MUST-23: at least 3 minutes for a SYN.
    public var synTimeLimit: Interval = .seconds(180)
    /// Retransmissions of a SYN-ACK, after which the next timeout drops the half-open entry.
    public var synAckRetries: UInt8 = 5
    /// How soon a repeated SYN is answered again after the last answer to one. Linux: 500 ms.
    public var synAckMinimumGap: Interval = .milliseconds(500)
    /// Treat ICMP's unreachable as advice in SYN-SENT too (RFC 9293, 3.9.2.2, MUST-56) instead of ending the attempt
    /// at once, as RFC 5461 describes and this stack does by default.
    public var treatsUnreachableAsSoftError: Bool = false

    /// While a connection opens, do what Linux does and RFC 9293 does not ask for: send the SYN again 10 ms after the
    /// first acknowledgement that is none of it; refuse echoes of timestamps that were never sent; take neither text
    /// nor FIN from a SYN-ACK; challenge the SYN of a simultaneous open when it comes again; as a server, cut segments
    /// to half the window that the client begins with.
    public var opensLikeLinux: Bool = false

    // MARK: Options offered

    /// Offer and accept selective acknowledgements (RFC 2018).
    public var offersSACK: Bool = true
    /// Offer and accept timestamps (RFC 7323).
    public var offersTimestamps: Bool = true
    /// Offer and accept window scaling (RFC 7323).
    public var offersWindowScale: Bool = true
    /// Tell of data that came twice (RFC 2883), where SACK is agreed.
    public var reportsDuplicates: Bool = true
    /// Explicit congestion notification (RFC 3168). Linux: when asked.
    public var ecn: ECNUse = .whenAsked
    /// The order of the options of a SYN and their padding.
    public var optionLayout: TCPOptionLayout = .linux
    /// The shift to offer; `nil` takes the smallest that covers ``receiveBuffer``.
    public var windowScale: UInt8?
    /// The window field of a SYN, in bytes; `nil` takes what the receive buffer allows.
    public var synWindow: UInt16?
    /// The most that a segment carries in either direction, whatever the interface could: what our SYN tells of (Linux:
    /// TCP_MAXSEG). RFC 9293, 3.7.1, MUST-14.
    public var maximumSegment: UInt16?

    // MARK: Buffers and windows

    /// The most bytes that wait for the application. At most 4 MiB less 4 KiB.
    public var receiveBuffer: UInt32 = 1 << 20
    /// The most bytes that wait to be acknowledged or sent. At most 4 MiB less 4 KiB.
    public var sendBuffer: UInt32 = 1 << 20
    /// The initial congestion window, in segments. RFC 6928: 10.
    public var initialWindow: UInt8 = 10
    /// The most segments by which one acknowledgement lets the window grow in slow start, RFC 3465's L; `nil` for as
    /// many as it acknowledges. RFC 3465, 2.1: 2; Linux: no limit.
    public var slowStartLimit: UInt8? = 2
    /// Hold back small segments while data is unacknowledged (RFC 9293, 3.7.4).
    public var usesNagle: Bool = true
    /// Hold back small segments only while a small one is unacknowledged, not while anything is: Minshall's variant,
    /// which Linux has. The end of a large write then goes out at once.
    public var holdsBehindSmallOnly: Bool = false

    // MARK: Timers

    /// RFC 6298, 2.4: 1 s. Linux: 200 ms.
    public var minimumRTO: Interval = .seconds(1)
    /// The least timeout is a least margin above SRTT, as in Linux, not a floor of the sum (RFC 6298, 2.4).
    public var minimumRTOIsMargin: Bool = false
    /// RFC 6298, 2.5: at least 60 s.
    public var maximumRTO: Interval = .seconds(120)
    /// Timeouts in a row after which an open connection is given up. RFC 9293, 3.8.3: at least 100 s.
    public var dataRetries: UInt8 = 15
    /// How long an acknowledgement may wait for company. RFC 9293, 3.8.6.3, MUST-58: below 500 ms.
    public var delayedAck: Interval = .milliseconds(40)
    /// How many segments with data are acknowledged at once, one by one, when data begins to come, after a pause longer
    /// than the retransmission timeout and after a loss, as long as the connection is not a dialogue. Helps the slow
    /// start of the peer. Linux: 16.
    public var quickAcks: UInt8 = 0
    /// How long TIME-WAIT lasts. Linux: 60 s; RFC 9293, 3.4.2 would have twice 2 minutes.
    public var timeWait: Interval = .seconds(60)
    /// How long an end that nobody holds any more waits in FIN-WAIT-2 for the peer's FIN.
    public var finWait2: Interval = .seconds(60)
    /// The least time between two challenge ACKs of a connection (RFC 5961, 7). Linux: 500 ms.
    public var challengeAckGap: Interval = .milliseconds(500)

    /// What the RFCs say.
    public init() {}

    /// What Linux 6.18 does.
    public static var linux: TCPConfiguration {
        var linux = TCPConfiguration()
        linux.synLinearTimeouts = 4
        linux.synRetries = 10
        linux.synTimeLimit = .seconds(24 * 3600)
        linux.opensLikeLinux = true
        linux.windowScale = 10
        linux.synWindow = 64240
        linux.minimumRTO = .milliseconds(200)
        return linux
    }

    /// The shift that a SYN of ours offers.
    @inlinable public var offeredScale: WindowScale {
        windowScale.map { WindowScale($0) } ?? .covering(receiveBuffer)
    }
}

extension TCPConfiguration {
    /// Every field, in the order of its declaration, for a digest.
    public func encode(into sink: inout SipHash) {
        for interval in [initialRTO, synTimeLimit, synAckMinimumGap, minimumRTO, maximumRTO, delayedAck, timeWait] {
            sink.combine(UInt64(bitPattern: interval.nanoseconds))
        }
        sink.combine(UInt64(bitPattern: finWait2.nanoseconds))
        sink.combine(UInt64(bitPattern: challengeAckGap.nanoseconds))
        sink.combine(UInt64(synLinearTimeouts) << 16 | UInt64(synAckRetries) << 8 | UInt64(dataRetries))
        sink.combine(synRetries.map { UInt64($0) } ?? .max)
        sink.combine(windowScale.map { UInt64($0) } ?? .max)
        sink.combine(synWindow.map { UInt64($0) } ?? .max)
        sink.combine(UInt64(ecn.rawValue) << 16 | UInt64(optionLayout.rawValue) << 8 | UInt64(quickAcks))
        sink.combine(slowStartLimit.map { UInt64($0) } ?? .max)
        sink.combine(maximumSegment.map { UInt64($0) } ?? .max)
        sink.combine(UInt64(receiveBuffer) << 32 | UInt64(sendBuffer))
        var switches = UInt64(initialWindow)
        for (bit, isOn) in [
            treatsUnreachableAsSoftError, offersSACK, offersTimestamps, offersWindowScale, usesNagle,
            holdsBehindSmallOnly, minimumRTOIsMargin, opensLikeLinux, reportsDuplicates,
        ].enumerated() where isOn {
            switches |= 1 << UInt64(8 + bit)
        }
        sink.combine(switches)
    }
}
