/// What a stack has counted since it was made. A counter never decides anything.
public struct Counters: Hashable, Sendable, BitwiseCopyable {
    // MARK: IP

    /// Packets that `receive` was given, and that `transmit` and the answers gave.
    public var packetsIn: UInt64 = 0
    public var packetsOut: UInt64 = 0
    /// Dropped: malformed IP headers.
    public var ipHeaderErrors: UInt64 = 0
    /// Dropped: not for an address of ours.
    public var notForUs: UInt64 = 0
    /// Dropped: sources that no honest packet has (multicast, broadcast, one of our own addresses).
    public var martians: UInt64 = 0
    /// Fragments that came, packets that they made, and what was thrown away of them.
    public var fragmentsIn: UInt64 = 0
    public var reassembled: UInt64 = 0
    public var fragmentsDropped: UInt64 = 0
    /// Packets that never became whole: their time was over, or they had to give way to younger ones.
    public var reassemblyTimeouts: UInt64 = 0
    public var reassemblyEvictions: UInt64 = 0
    /// Protocols that the stack does not speak.
    public var unknownProtocol: UInt64 = 0
    /// Answers that found no room in their batch.
    public var answersDropped: UInt64 = 0

    // MARK: TCP (the SNMP names of RFC 4022, as nstat prints them)

    /// Segments in and out, those with errors included: TcpInSegs, TcpOutSegs.
    public var segmentsIn: UInt64 = 0
    public var segmentsOut: UInt64 = 0
    /// TcpRetransSegs.
    public var segmentsRetransmitted: UInt64 = 0
    /// Malformed segments, and those with a wrong checksum: TcpInErrs, TcpInCsumErrors.
    public var segmentErrors: UInt64 = 0
    public var checksumErrors: UInt64 = 0
    /// Segments that came in the quiet time, and were dropped.
    public var quietDrops: UInt64 = 0
    /// RSTs: TcpOutRsts, and those that came.
    public var resetsOut: UInt64 = 0
    public var resetsIn: UInt64 = 0
    /// RSTs that were no answer because of the limit of the sender's prefix.
    public var resetsLimited: UInt64 = 0
    /// TcpActiveOpens, TcpPassiveOpens (at completion), TcpAttemptFails, TcpEstabResets.
    public var activeOpens: UInt64 = 0
    public var passiveOpens: UInt64 = 0
    public var attemptFails: UInt64 = 0
    public var establishedResets: UInt64 = 0
    /// TcpExtListenOverflows: SYNs and final ACKs that met a full accept queue. TcpExtListenDrops: all a listener
    /// dropped.
    public var listenOverflows: UInt64 = 0
    public var listenDrops: UInt64 = 0
    /// SYNs dropped because a listener's SYN queue was full (TcpExtTCPReqQFullDrop), and because the table that all
    /// listeners share was.
    public var synQueueDrops: UInt64 = 0
    public var synTableDrops: UInt64 = 0
    /// TcpExtTCPReqQFullDoCookies: SYNs that met a full SYN queue and were answered with a cookie.
    public var synQueueCookies: UInt64 = 0
    /// TcpExtSyncookiesSent, SyncookiesRecv, SyncookiesFailed.
    public var cookiesSent: UInt64 = 0
    public var cookiesReceived: UInt64 = 0
    public var cookiesFailed: UInt64 = 0
    /// SYNs that asked the application, and what it decided.
    public var requests: UInt64 = 0
    public var requestsAccepted: UInt64 = 0
    public var requestsRefused: UInt64 = 0
    public var requestsRejected: UInt64 = 0
    public var requestsIgnored: UInt64 = 0
    /// Requests that were undecided when a RST came, when the client had gone silent, when their time was up (what is
    /// done then counts as a decision too) and when their listener was closed.
    public var requestsReset: UInt64 = 0
    public var requestsSilent: UInt64 = 0
    public var requestsOverdue: UInt64 = 0
    public var requestsClosed: UInt64 = 0
    /// TcpExtTCPSynRetrans: SYNs and SYN-ACKs sent again.
    public var synRetransmits: UInt64 = 0
    /// TcpExtTCPTimeouts: retransmission timers of connections that fired, their SYNs' included.
    public var timeouts: UInt64 = 0
    /// Connections that ended because nobody answered (TcpExtTCPAbortOnTimeout), with a RST because data was unread
    /// when they were closed (TCPAbortOnClose), because data came after that, or because the application wanted it
    /// (TCPAbortOnData).
    public var abortsOnTimeout: UInt64 = 0
    public var abortsOnClose: UInt64 = 0
    public var abortsOnData: UInt64 = 0
    /// TcpExtEmbryonicRsts: half-open entries that a RST ended.
    public var embryonicResets: UInt64 = 0
    /// Challenge ACKs sent and held back, and SYNs that asked for one: TcpExtTCPChallengeACK, TCPACKSkippedChallenge,
    /// TCPSYNChallenge.
    public var challengeAcks: UInt64 = 0
    public var challengeAcksHeld: UInt64 = 0
    public var synChallenges: UInt64 = 0
    /// Repeated SYNs, and segments that SYN-RECEIVED does not accept, that were not answered so soon after the last:
    /// TcpExtTCPACKSkippedSynRecv.
    public var synAcksHeld: UInt64 = 0
    /// Segments refused for their timestamps: old ones (TcpExtPAWSEstab), and echoes of what was never sent, in
    /// SYN-SENT (TcpExtPAWSActive) and in SYN-RECEIVED (TcpExtTSEcrRejected).
    public var outdatedSegments: UInt64 = 0
    public var openingEchoesRefused: UInt64 = 0
    public var echoesRefused: UInt64 = 0
    /// Half-open entries that were given up.
    public var halfOpenTimeouts: UInt64 = 0
    /// TcpExtTW: TIME-WAITs begun, and those that gave way early.
    public var timeWaits: UInt64 = 0
    public var timeWaitOverflows: UInt64 = 0

    // MARK: The budget

    /// Connections refused because memory could not be promised: the stack's, and the share of the peer's network.
    public var memoryRefusals: UInt64 = 0
    public var prefixRefusals: UInt64 = 0
    /// Connections given up because they were idle; see ``Configuration/evictIdle``.
    public var idleEvictions: UInt64 = 0
    /// Half-open entries of the network that had most, which gave way to a newcomer.
    public var halfOpenEvictions: UInt64 = 0
    /// What gave way for lack of memory: segments out of order that the peer was not told of, those that it was,
    /// segments in order that were not acknowledged, and writes.
    public var outOfOrderRefused: UInt64 = 0
    public var outOfOrderDropped: UInt64 = 0
    public var inOrderRefused: UInt64 = 0
    public var writesRefused: UInt64 = 0
    /// Why, by calls and segments in which that happened: nothing was left of the budget, or of the share that one
    /// network may have.
    public var memoryShortages: UInt64 = 0
    public var prefixShortages: UInt64 = 0
    /// Listeners that found no room.
    public var listenersRefused: UInt64 = 0

    // MARK: ICMP and UDP

    /// ICMP messages for us; those that were malformed or had a wrong checksum.
    public var icmpIn: UInt64 = 0
    public var icmpErrors: UInt64 = 0
    /// Errors about a sequence number that is not in flight: TcpExtOutOfWindowIcmps.
    public var icmpOutOfWindow: UInt64 = 0
    public var echoReplies: UInt64 = 0
    public var icmpErrorsOut: UInt64 = 0
    /// Errors not sent because of the limit of the sender's prefix.
    public var icmpRateLimited: UInt64 = 0
    public var udpIn: UInt64 = 0

    // MARK: Reports

    /// Attempt records that found no room in the queue of ``NetworkStack/nextAttempt()``.
    public var attemptsLost: UInt64 = 0

    public init() {}
}
