internal import Netstack

/// The counters of `nstat` that the stack keeps, by the names that `nstat` has for them.
enum CounterNames {
    static func knows(_ name: String) -> Bool { value(of: name, Counters()) != nil }

    /// What was counted since; `nil` for a name that is not known.
    static func count(_ name: String, _ now: Counters, since then: Counters) -> UInt64? {
        guard let now = value(of: name, now), let then = value(of: name, then) else { return nil }
        return now &- then
    }

    private static func value(of name: String, _ counters: Counters) -> UInt64? {
        switch name {
        case "TcpInSegs": counters.segmentsIn
        case "TcpOutSegs": counters.segmentsOut &- counters.segmentsRetransmitted &- counters.resetsOut
        case "TcpRetransSegs": counters.segmentsRetransmitted
        case "TcpInErrs": counters.segmentErrors
        case "TcpInCsumErrors": counters.checksumErrors
        case "TcpOutRsts": counters.resetsOut
        case "TcpActiveOpens": counters.activeOpens
        case "TcpPassiveOpens": counters.passiveOpens
        case "TcpAttemptFails": counters.attemptFails
        case "TcpEstabResets": counters.establishedResets
        case "TcpExtListenOverflows": counters.listenOverflows
        case "TcpExtListenDrops": counters.listenDrops
        case "TcpExtTCPReqQFullDrop": counters.synQueueDrops
        case "TcpExtTCPReqQFullDoCookies": counters.synQueueCookies
        case "TcpExtSyncookiesSent": counters.cookiesSent
        case "TcpExtSyncookiesRecv": counters.cookiesReceived
        case "TcpExtSyncookiesFailed": counters.cookiesFailed
        case "TcpExtTCPSynRetrans": counters.synRetransmits
        case "TcpExtEmbryonicRsts": counters.embryonicResets
        case "TcpExtTCPChallengeACK": counters.challengeAcks
        case "TcpExtTCPACKSkippedChallenge": counters.challengeAcksHeld
        case "TcpExtTCPSYNChallenge": counters.synChallenges
        case "TcpExtTCPACKSkippedSynRecv": counters.synAcksHeld
        case "TcpExtPAWSEstab": counters.outdatedSegments
        case "TcpExtPAWSActive": counters.openingEchoesRefused
        case "TcpExtTSEcrRejected": counters.echoesRefused
        case "TcpExtTW": counters.timeWaits
        case "TcpExtTCPTimeWaitOverflow": counters.timeWaitOverflows
        case "TcpExtOutOfWindowIcmps": counters.icmpOutOfWindow
        case "IcmpInMsgs": counters.icmpIn
        case "IcmpInErrors": counters.icmpErrors
        default: nil
        }
    }
}
