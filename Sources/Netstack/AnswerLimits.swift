import NetPrimitives

/// How many answers to packets without a connection each prefix has had in this second: RSTs and ICMP errors.
///
/// Such a packet may be forged, so what it makes us send is bounded; but one bound for all would be a side channel: an
/// attacker counts how many answers are left to it, and knows what the stack has answered to others (CVE-2016-5696). So
/// the unit is the sender's prefix (/24, /56), and nothing else is counted.
///
/// The table has a fixed size and no names: a keyed hash of prefix, kind and second leads to a count. Prefixes that
/// share one share its allowance, which costs an answer at worst, never a connection. Who shares is drawn anew each
/// second, so nobody can look for a neighbour and then watch it: an attacker with one prefix shares its count with a
/// given other one in a second out of 4,096, and does not learn when. One that sends from thousands of prefixes at once
/// always has some neighbour, and learns from it no more than that somebody in 1 of 4,096 parts of the Internet had an
/// answer.
struct AnswerLimits: ~Copyable, Sendable {
    /// What is limited, each kind by itself.
    enum Kind: UInt64 {
        case reset
        case icmpError
    }

    private static let size = 4096
    static var bytes: Int { size * MemoryLayout<UInt16>.stride }

    private let key: SipKey
    /// The second that is counted in.
    private var second: Int64 = .min
    /// What was taken in it, each stopping at 65,535. No places before the first answer.
    private var taken: PlainList<UInt16>

    init(key: SipKey) { self.init(key: key, second: .min, taken: PlainList(segmentSize: Self.size, filler: 0)) }

    private init(key: SipKey, second: Int64, taken: consuming PlainList<UInt16>) {
        self.key = key
        self.second = second
        self.taken = taken
    }

    func copy() -> AnswerLimits { AnswerLimits(key: key, second: second, taken: taken.copy()) }

    var allocatedBytes: Int { taken.allocatedBytes }

    /// Whether one more answer may go to an address in this second; if so it is counted.
    /// - Parameter rate: the most for its prefix; 65,535 and above is no limit.
    mutating func take(_ kind: Kind, to address: IPAddress, perSecond rate: UInt32, at now: Instant) -> Bool {
        if rate >= UInt16.max { return true }
        if now.seconds != second { begin(now.seconds) }
        let place = Int(truncatingIfNeeded: hash(kind, address)) & (Self.size - 1)
        guard taken[place] < rate else { return false }
        taken[place] &+= 1
        return true
    }

    private mutating func begin(_ second: Int64) {
        self.second = second
        for place in 0..<taken.count { taken[place] = 0 }
        while taken.count < Self.size { taken.append(0) }
    }

    /// SipHash-1-3, as for the demultiplexer: what it gives is not sent.
    private func hash(_ kind: Kind, _ address: IPAddress) -> UInt64 {
        var state = SipHash(key: key, compressionRounds: 1, finalizationRounds: 3)
        state.combine(address.network)
        state.combine(UInt64(bitPattern: second))
        return state.finish(tail: kind.rawValue << 1 | (address.isIPv6 ? 1 : 0), count: 1)
    }

    /// The key, and what this second has left of its allowances.
    func encode(into sink: inout SipHash, at now: Instant) {
        key.encode(into: &sink)
        guard second == now.seconds else { return }
        for place in 0..<taken.count where taken[place] > 0 {
            sink.combine(UInt64(place) << 16 | UInt64(taken[place]))
        }
    }
}
