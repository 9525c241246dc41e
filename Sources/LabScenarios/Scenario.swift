/// What the lab can show. The raw value is the name on the command line.
public enum Scenario: String, CaseIterable, Hashable, Sendable {
    case handshake
    case refused
    case timeout
    case filtered
    case unreachable
    case lostSyn = "lost-syn"
    case lostSynAck = "lost-syn-ack"
    case lostAck = "lost-ack"
    case simultaneousOpen = "simultaneous-open"
    case simultaneousClose = "simultaneous-close"
    case acceptQueueFull = "accept-queue-full"
    case halfOpen = "half-open"
    case synFlood = "syn-flood"
    case synCookies = "syn-cookies"
    case cookieLostAck = "cookie-lost-ack"
    case cookieFleet = "cookie-fleet"
    case slowDecision = "slow-decision"
    case budget
    case isnPrediction = "isn-prediction"
    case blindReset = "blind-reset"
    case blindData = "blind-data"
    case oldDuplicateSyn = "old-duplicate-syn"
    case halfOpenRecovery = "half-open-recovery"
    case staleAfterCrash = "stale-after-crash"

    /// A line about it.
    public var summary: String {
        switch self {
        case .handshake: "Three packets, a request and its answer, both closes"
        case .refused: "Nothing listens: RST|ACK, refused after one round trip"
        case .timeout: "Every packet is lost: SYN after SYN until time is up"
        case .filtered: "A firewall drops the SYNs and says nothing"
        case .unreachable: "A router knows no way further and says so by ICMP"
        case .lostSyn: "The first SYN is lost, the second one gets through"
        case .lostSynAck: "The first SYN-ACK is lost: timers run at both ends"
        case .lostAck: "The third packet is lost; what follows makes up for it"
        case .simultaneousOpen: "Both ends connect to each other, and nobody listens"
        case .simultaneousClose: "Both ends close at once: CLOSING, TIME-WAIT for both"
        case .acceptQueueFull: "Nobody calls accept(), and new SYNs go unanswered"
        case .halfOpen: "The client never answers: an entry in SYN-RECEIVED"
        case .synFlood: "A thousand SYNs that nobody stands behind, and a client"
        case .synCookies: "The SYN queue is full: the server keeps nothing"
        case .cookieLostAck: "What cookies cost: the third packet is lost, all wait"
        case .cookieFleet: "One machine answers the SYN, another gets the ACK"
        case .slowDecision: "A gateway finds out first what it may answer"
        case .budget: "One network wants all of the memory, and gets half"
        case .isnPrediction: "A connection in another's name, by guessing a number"
        case .blindReset: "RSTs by the thousand, and only the exact number counts"
        case .blindData: "Data in another's name: its ACK has to be guessed too"
        case .oldDuplicateSyn: "A SYN of an earlier connection comes late, and first"
        case .halfOpenRecovery: "One end crashed and forgot: whoever speaks finds out"
        case .staleAfterCrash: "The server crashed; its old answer is still under way"
        }
    }
}
