/// What was used up of an exploration's bounds on the way to a state, in three bits each.
struct Spent: Hashable {
    private var bits: UInt16

    enum Budget: UInt16, CaseIterable {
        case losses = 0
        case duplicates = 3
        case leftTimers = 6
        case rightTimers = 9
        case injections = 12
    }

    /// Nothing.
    init() { bits = 0 }

    /// More than any bound allows.
    static var all: Spent { Spent(bits: 0x7FFF) }
    /// The most that a bound may be.
    static let limit: UInt8 = 6

    fileprivate init(bits: UInt16) { self.bits = bits }

    subscript(budget: Budget) -> UInt8 { UInt8(bits >> budget.rawValue & 7) }

    /// One more of something.
    mutating func spend(_ budget: Budget) { bits += 1 << budget.rawValue }

    /// Whether nothing was used more often than in `other`.
    func isWithin(_ other: Spent) -> Bool {
        Budget.allCases.allSatisfy { self[$0] <= other[$0] }
    }

    fileprivate var word: UInt64 { UInt64(bits) }
}

/// Every situation that was met: both ends and what is in flight, by digest; how cheaply it was reached; and whether a
/// healed network comes to a good end from it.
///
/// What can follow from a situation can follow from it all the more when less was spent on the way. So a state counts
/// as known when the same situation was reached for no more of anything.
///
/// A linear probing table of two words an entry: digest, and two bits with up to four incomparable costs.
struct SituationTable {
    enum Visit {
        /// The situation was never met before.
        case new
        /// It was, but not for so little.
        case cheaper
        case known
    }

    private var digests: [UInt64]
    private var values: [UInt64]
    private var used = 0
    /// Situations met by the search, and those from which a healed network comes to a good end.
    private(set) var met = 0
    private(set) var healthy = 0
    /// Costs that found no place in their entry.
    private var more: [UInt64: [Spent]] = [:]

    private static let isMet: UInt64 = 1
    private static let isHealthy: UInt64 = 2
    /// No costs.
    private static let blank: UInt64 =
        (Spent.all.word << 2) | (Spent.all.word << 17) | (Spent.all.word << 32)
        | (Spent.all.word << 47)

    init() {
        digests = [UInt64](repeating: 0, count: 1 << 10)
        values = [UInt64](repeating: 0, count: 1 << 10)
    }

    /// Notes that a situation was reached for so much.
    mutating func visit(_ digest: UInt64, for spent: Spent) -> Visit {
        let place = place(of: digest)
        var costs = values[place] & ~3
        var free: UInt64?
        for shift: UInt64 in [2, 17, 32, 47] {
            let other = Spent(bits: UInt16(costs >> shift & 0x7FFF))
            if other.isWithin(spent) { return .known }
            // Empty, or of no use any more.
            guard spent.isWithin(other) else { continue }
            costs |= Spent.all.word << shift
            free = free ?? shift
        }
        if let others = more[digest] {
            if others.contains(where: { $0.isWithin(spent) }) { return .known }
        }
        if let free {
            costs = costs & ~(Spent.all.word << free) | spent.word << free
        } else {
            more[digest, default: []].append(spent)
        }
        let isNew = values[place] & Self.isMet == 0
        if isNew { met += 1 }
        values[place] = costs | values[place] & 3 | Self.isMet
        return isNew ? .new : .cheaper
    }

    mutating func isHealthy(_ digest: UInt64) -> Bool { values[place(of: digest)] & Self.isHealthy != 0 }

    mutating func markHealthy(_ digest: UInt64) {
        let place = place(of: digest)
        if values[place] & Self.isHealthy == 0 { healthy += 1 }
        values[place] |= Self.isHealthy
    }

    /// The place of a digest, which is put there if it is new.
    private mutating func place(of digest: UInt64) -> Int {
        let digest = digest == 0 ? 1 : digest
        var place = Int(truncatingIfNeeded: digest) & (digests.count - 1)
        while digests[place] != digest {
            if digests[place] == 0 {
                if used >= digests.count / 4 * 3 {
                    grow()
                    return self.place(of: digest)
                }
                used += 1
                digests[place] = digest
                values[place] = Self.blank
                return place
            }
            place = (place + 1) & (digests.count - 1)
        }
        return place
    }

    private mutating func grow() {
        let (oldDigests, oldValues) = (digests, values)
        digests = [UInt64](repeating: 0, count: oldDigests.count * 2)
        values = [UInt64](repeating: 0, count: oldDigests.count * 2)
        for (digest, value) in zip(oldDigests, oldValues) where digest != 0 {
            var place = Int(truncatingIfNeeded: digest) & (digests.count - 1)
            while digests[place] != 0 { place = (place + 1) & (digests.count - 1) }
            digests[place] = digest
            values[place] = value
        }
    }
}
