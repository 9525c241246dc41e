import NetPrimitives

/// The sequence numbers that each TCP conversation's relative numbers count from.
///
/// Both directions share an entry. The table holds at most `limit` of them; then the one that was made first goes.
struct ConversationTable: Sendable {
    /// Where the two directions of a conversation begin: the end that sorts first, and the other.
    struct Base: Sendable {
        var first: SequenceNumber
        var second: SequenceNumber
    }

    private struct Pair: Hashable, Sendable {
        let first: Endpoint
        let second: Endpoint
    }

    private let limit: Int
    private var bases: [Pair: Base] = [:]
    /// The pairs in order of arrival, from `oldest` on, around the end of the array once it is full.
    private var arrivals: [Pair] = []
    private var oldest = 0

    init(limit: Int) {
        precondition(limit > 0, "room for a conversation")
        self.limit = limit
    }

    /// What a segment's numbers count from.
    struct Reference {
        /// What to take off the segment's own number and off its acknowledgment; zero where they are absolute.
        let sequence: SequenceNumber
        let acknowledgment: SequenceNumber
        /// What to take off the edges of its SACK blocks, which are numbers of the other direction.
        let sack: SequenceNumber
    }

    /// Finds the conversation of a segment that carries an ACK, and begins it when it is new or the segment has a SYN;
    /// such a segment itself is printed with absolute numbers.
    mutating func reference(
        from source: Endpoint, to destination: Endpoint, seq: SequenceNumber, ack: SequenceNumber, syn: Bool
    ) -> Reference {
        let reversed = destination.sortsBefore(source)
        let pair = reversed ? Pair(first: destination, second: source) : Pair(first: source, second: destination)
        if !syn, let base = bases[pair] {
            return reversed
                ? Reference(sequence: base.second, acknowledgment: base.first, sack: base.first)
                : Reference(sequence: base.first, acknowledgment: base.second, sack: base.second)
        }
        // The first byte that an acknowledgment counts comes after the SYN, so that the first acknowledgment reads 1.
        let acknowledged = ack - 1
        let base =
            reversed ? Base(first: acknowledged, second: seq) : Base(first: seq, second: acknowledged)
        if bases.updateValue(base, forKey: pair) == nil { noteArrival(of: pair) }
        return Reference(sequence: SequenceNumber(0), acknowledgment: SequenceNumber(0), sack: acknowledged)
    }

    private mutating func noteArrival(of pair: Pair) {
        if arrivals.count < limit {
            arrivals.append(pair)
            return
        }
        bases.removeValue(forKey: arrivals[oldest])
        arrivals[oldest] = pair
        oldest = oldest + 1 == limit ? 0 : oldest + 1
    }
}

extension Endpoint {
    /// An arbitrary order of the two ends of a conversation: by port, then by address.
    fileprivate func sortsBefore(_ other: Endpoint) -> Bool {
        if port != other.port { return port < other.port }
        switch (address, other.address) {
        case (.v4(let a), .v4(let b)): return a.rawValue < b.rawValue
        case (.v6(let a), .v6(let b)): return (a.high, a.low) < (b.high, b.low)
        default: return !address.isIPv6
        }
    }
}
