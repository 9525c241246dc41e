public import NetPrimitives
public import Netstack

/// What ICMP's errors mean.
public enum ICMPWords {
    /// What an error says, in a few words (RFC 792, 1122, 1812, 4443); by its numbers when it is a rare one.
    public static func meaning(type: UInt8, code: UInt8, isIPv6: Bool) -> String {
        switch (isIPv6, type, code) {
        case (false, 3, 0): "net unreachable"
        case (false, 3, 1): "host unreachable"
        case (false, 3, 2): "protocol unreachable"
        case (false, 3, 3), (true, 1, 4): "port unreachable"
        case (false, 3, 9), (false, 3, 10), (false, 3, 13), (true, 1, 1): "administratively prohibited"
        case (true, 1, 0): "no route to destination"
        case (true, 1, 3): "address unreachable"
        case (false, 3, 4), (true, 2, _): "packet too big"
        case (false, 11, _), (true, 3, _): "time exceeded"
        default: "type \(type) code \(code)"
        }
    }
}

extension ConnectionFailure {
    /// What happened and what it rests on, as a sentence without capital and full stop: "refused by 10.77.0.1 after
    /// 0.2 ms (RST)".
    /// - Parameter peer: the other end.
    public func evidence(peer: IPAddress) -> String {
        switch self {
        case .refused(let attempt):
            "refused by \(peer) after \(attempt.duration.brief) (RST)"
        case .timedOut(let attempt):
            "timed out after \(attempt.duration.brief): \(attempt.synEvidence)"
        case .unreachable(let icmp, let attempt):
            "unreachable after \(attempt.duration.brief): \(icmp.reporter) says \(icmp.meaning) (\(icmp.name))"
        case .reset: "reset by \(peer) (RST)"
        case .peerSilent: "timed out: \(peer) acknowledges nothing any more"
        case .aborted: "aborted by this end"
        }
    }
}

extension ConnectionAttempt {
    /// From the call to the decision.
    public var duration: Interval { endedAt - startedAt }

    /// How many SYNs went out and when, and whether anything at all came back: "3 SYNs at 0, 1.0 and 2.0 s, no answer
    /// of any kind".
    public var synEvidence: String {
        let count = Int(synCount)
        var text = count == 1 ? "1 SYN" : "\(count) SYNs"
        let times = (0..<count).compactMap(synTime).map(Self.seconds)
        if count > 1, let last = times.last {
            let listed = times.dropLast().joined(separator: ", ") + (times.count < count ? ", " : " and ") + last
            text += " at " + listed + (times.count < count ? " s and later" : " s")
        }
        guard let icmp else { return text + ", no answer of any kind" }
        return text + ", no answer but \(icmp.name) from \(icmp.reporter), \(icmp.meaning)"
    }

    /// "0" for the first, "1.0" and so on for those after it.
    private static func seconds(_ interval: Interval) -> String {
        let tenths = (interval.milliseconds + 50) / 100
        return tenths == 0 ? "0" : "\(tenths / 10).\(tenths % 10)"
    }
}

extension ICMPEvidence {
    /// What the message says, in a few words.
    public var meaning: String { ICMPWords.meaning(type: type, code: code, isIPv6: reporter.isIPv6) }
    /// Its numbers: "ICMP type 3 code 1".
    public var name: String { "\(reporter.isIPv6 ? "ICMPv6" : "ICMP") type \(type) code \(code)" }
}

extension Withdrawal {
    /// What the client did or did not do, as a sentence without capital and full stop.
    public var evidence: String {
        switch self {
        case .reset: "the client sent a RST"
        case .silent: "no SYN came any more"
        case .overdue: "undecided until its time was up"
        case .listenerClosed: "the listener was closed"
        }
    }
}

extension StackError {
    /// Why a call could not be carried out, as a sentence without capital and full stop.
    public var reason: String {
        switch self {
        case .staleHandle: "the connection is closed already"
        case .addressInUse: "the address and port are in use"
        case .addressNotAvailable: "this stack has no such address"
        case .addressNotUsable: "a connection cannot go there: not the address of one host, or port 0"
        case .noRoute: "this stack has no route to it"
        case .noPorts: "every local port is in use for that peer"
        case .outOfMemory: "no memory can be promised to one more connection"
        case .wouldBlock: "nothing to be done at the moment"
        case .sideClosed: "this side of the connection is closed"
        case .connectionOver: "the connection is over"
        case .limitReached: "a table is full"
        }
    }
}

extension Interval {
    /// Milliseconds with a decimal below a second ("0.2 ms", "12.5 ms"), else ``readable``.
    public var brief: String {
        guard nanoseconds >= 50_000, nanoseconds < 999_950_000 else { return readable }
        let tenths = (nanoseconds + 50_000) / 100_000
        return tenths % 10 == 0 && tenths >= 100 ? "\(tenths / 10) ms" : "\(tenths / 10).\(tenths % 10) ms"
    }
}
