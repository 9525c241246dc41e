import NetPrimitives

/// How many answers to packets without a connection each prefix has had in this second: RSTs and ICMP errors.
///
/// Such a packet may be forged, so what it makes us send is bounded; but one bound for all would be a side channel: an
/// attacker counts how many answers are left to it, and knows what the stack has answered to others (CVE-2016-5696). So
/// the unit is the sender's prefix (/24, /56), and nothing else is counted.
///
/// The table has a fixed size and no names: a keyed hash of prefix, kind and the number of the drawing leads to a
/// count. Prefixes that share one share its allowance, which costs an answer at worst, never a connection. Who finds
/// nothing left may have found a neighbour by it, so who shares is drawn anew when that second is over, and nobody can
/// look for a neighbour and then watch it: an attacker with one prefix shares its count with a given other one at a
/// chance of 1 in 4,096, and by the time that it learns so it is over. One that sends from thousands of prefixes at
/// once always has some neighbour, and learns from it no more than that somebody in 1 of 4,096 parts of the Internet
/// had an answer.
///
/// The seconds are the clock's own. Did one begin with the first answer in it, then everybody could see by the end of
/// theirs when somebody else had had that.
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
    /// How often who shares was drawn anew, and whether it is to be again: in this second somebody found nothing left.
    private var drawing: UInt64 = 0
    private var isSpent = false
    /// What was taken in it, each stopping at 65,535. No places before the first answer.
    private var taken: PlainList<UInt16>

    init(key: SipKey) {
        self.key = key
        taken = PlainList(segmentSize: Self.size, filler: 0)
    }

    func copy() -> AnswerLimits {
        var twin = AnswerLimits(key: key)
        (twin.second, twin.drawing, twin.isSpent) = (second, drawing, isSpent)
        twin.taken = taken.copy()
        return twin
    }

    var allocatedBytes: Int { taken.allocatedBytes }

    /// Whether one more answer may go to an address in this second; if so it is counted.
    /// - Parameter rate: the most for its prefix; 65,535 and above is no limit.
    mutating func take(_ kind: Kind, to address: IPAddress, perSecond rate: UInt32, at now: Instant) -> Bool {
        if rate >= UInt16.max { return true }
        if now.seconds != second { begin(now.seconds) }
        let place = Int(truncatingIfNeeded: hash(kind, address)) & (Self.size - 1)
        guard taken[place] < rate else {
            isSpent = true
            return false
        }
        taken[place] &+= 1
        return true
    }

    private mutating func begin(_ second: Int64) {
        self.second = second
        if isSpent { drawing &+= 1 }
        isSpent = false
        for place in 0..<taken.count { taken[place] = 0 }
        while taken.count < Self.size { taken.append(0) }
    }

    /// SipHash-1-3, as for the demultiplexer: what it gives is not sent.
    private func hash(_ kind: Kind, _ address: IPAddress) -> UInt64 {
        var state = SipHash(key: key, compressionRounds: 1, finalizationRounds: 3)
        state.combine(address.network)
        state.combine(drawing)
        return state.finish(tail: kind.rawValue << 1 | (address.isIPv6 ? 1 : 0), count: 1)
    }

    /// What decides who shares, and while the second lasts that was counted in, how long it does and what is left of
    /// it: nothing of when that is.
    func encode(into sink: inout SipHash, at now: Instant) {
        key.encode(into: &sink)
        guard second == now.seconds else { return sink.combine(isSpent ? drawing &+ 1 : drawing) }
        sink.combine(drawing)
        sink.combine(UInt64(bitPattern: now.nanoseconds % 1_000_000_000) << 1 | (isSpent ? 1 : 0))
        for place in 0..<taken.count where taken[place] > 0 {
            sink.combine(UInt64(place) << 16 | UInt64(taken[place]))
        }
    }
}
