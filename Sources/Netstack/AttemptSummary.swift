public import NetPrimitives
import TCPStateMachine
import WireFormats

/// What became of the attempts of one second at one listener that no record tells of singly, for there were too many.
public struct AttemptSummary: Hashable, Sendable, BitwiseCopyable {
    /// The listener's address and port.
    public var listener: Endpoint
    /// How all of them ended.
    public var verdict: Verdict
    public var count: UInt32 = 0
    /// When the first and the last of them ended.
    public var first: Instant
    public var last: Instant
    /// The networks that most came from.
    public var top = TopPrefixes()
    private var samples: [4 of FourTuple]
    private var sampleCount: UInt8 = 0

    init(listener: Endpoint, verdict: Verdict, at now: Instant) {
        self.listener = listener
        self.verdict = verdict
        first = now
        last = now
        samples = [4 of FourTuple](repeating: AttemptEntry.vacant.attempt.tuple)
    }

    /// The first few of them, in order; `nil` beyond the fourth.
    public func sample(_ index: Int) -> FourTuple? {
        index >= 0 && index < Int(sampleCount) ? samples[index] : nil
    }

    mutating func note(_ tuple: FourTuple, at now: Instant) {
        count = count == .max ? .max : count + 1
        last = now
        top.note(tuple)
        guard Int(sampleCount) < 4 else { return }
        samples[Int(sampleCount)] = tuple
        sampleCount += 1
    }

    public static func == (a: AttemptSummary, b: AttemptSummary) -> Bool {
        for index in 0..<4 where a.sample(index) != b.sample(index) { return false }
        return a.listener == b.listener && a.verdict == b.verdict && a.count == b.count && a.first == b.first
            && a.last == b.last && a.top == b.top
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(listener)
        hasher.combine(first)
    }
}

/// Summaries under way and those that wait to be asked for, both of a fixed number.
struct SummaryBoard: ~Copyable, Sendable {
    private struct Place: BitwiseCopyable, Sendable {
        var summary: AttemptSummary
        var isOpen: Bool
    }

    /// Summaries under way at a time, and kept until they are asked for.
    static let openLimit = 8
    static let readyLimit = 32
    static var bytes: Int { (openLimit + readyLimit) * MemoryLayout<Place>.stride }

    /// The open ones, then a ring of those that are ready.
    private var places: SegmentedArray<Place>
    private var first = 0
    private var ready = 0
    /// When the second of the open ones is over.
    private(set) var deadline: Instant?

    init() {
        let nobody = AttemptSummary(listener: Endpoint(.v4(.any), 0), verdict: .pending, at: .zero)
        places = SegmentedArray(segmentSize: 8, filler: Place(summary: nobody, isOpen: false))
        while places.count < Self.openLimit + Self.readyLimit { places.grow() }
    }

    private init(_ places: consuming SegmentedArray<Place>, first: Int, ready: Int, deadline: Instant?) {
        self.places = places
        self.first = first
        self.ready = ready
        self.deadline = deadline
    }

    func copy() -> SummaryBoard { SummaryBoard(places.copy(), first: first, ready: ready, deadline: deadline) }

    /// Bytes held from the allocator.
    var allocatedBytes: Int { places.allocatedBytes }

    /// One more attempt has ended.
    /// - Returns: false when it finds no place.
    mutating func note(_ tuple: FourTuple, at listener: Endpoint, _ verdict: Verdict, at now: Instant) -> Bool {
        var free: Int?
        for index in 0..<Self.openLimit {
            guard places[index].isOpen else {
                free = index
                continue
            }
            if places[index].summary.verdict == verdict, places[index].summary.listener == listener {
                places[index].summary.note(tuple, at: now)
                return true
            }
        }
        guard let free else { return false }
        var summary = AttemptSummary(listener: listener, verdict: verdict, at: now)
        summary.note(tuple, at: now)
        places[free] = Place(summary: summary, isOpen: true)
        if deadline == nil { deadline = .zero + .seconds(now.seconds + 1) }
        return true
    }

    /// The second is over: what is open is ready.
    /// - Returns: how many found no room.
    mutating func close() -> Int {
        deadline = nil
        var lost = 0
        for index in 0..<Self.openLimit where places[index].isOpen {
            places[index].isOpen = false
            guard ready < Self.readyLimit else {
                lost += 1
                continue
            }
            places[Self.openLimit + (first + ready) % Self.readyLimit] = places[index]
            ready += 1
        }
        return lost
    }

    mutating func popReady() -> AttemptSummary? {
        guard ready > 0 else { return nil }
        defer {
            first = (first + 1) % Self.readyLimit
            ready -= 1
        }
        return places[Self.openLimit + first].summary
    }
}

extension NetworkStack {
    /// Attempts that never completed and are told singly, per listener and second.
    static var toldSingly: UInt32 { 8 }

    /// The next summary of attempts that never completed, or `nil`. Kept are 32; those beyond are counted in
    /// ``Counters/attemptsLost``.
    public mutating func nextSummary() -> AttemptSummary? { summaries.popReady() }

    /// A half-open entry has ended without becoming a connection.
    mutating func attemptFailed(_ slot: Slot, _ verdict: Verdict, at now: Instant) {
        let entry = flows.halfOpens[slot]
        let listener = Slot(UInt32(entry.listener))
        let tuple = flows.tuple(entry.key)
        guard isToldSingly(listener, at: now) else { return summarize(tuple, listener, verdict, at: now) }
        var attempt = passiveAttempt(entry.halfOpen, tuple, listener: listener, at: now)
        attempt.verdict = verdict
        report(attempt)
    }

    /// A SYN was dropped: there was no room for an entry.
    mutating func synDropped(_ seg: Segment, _ tuple: FourTuple, _ listener: Slot, at now: Instant) {
        guard isToldSingly(listener, at: now) else { return summarize(tuple, listener, .dropped, at: now) }
        var attempt = ConnectionAttempt(
            tuple: tuple, isActive: false, iss: SequenceNumber(0), irs: seg.seq, at: now)
        attempt.verdict = .dropped
        attempt.synCount = 1
        attempt.synQueueDepth = listeners.entries[listener].halfOpen
        attempt.acceptQueueDepth = UInt32(truncatingIfNeeded: listeners.entries[listener].acceptQueue.count)
        report(attempt)
    }

    /// An attempt has ended, as its record says, without becoming a connection.
    mutating func attemptEnded(_ attempt: ConnectionAttempt, listener: Slot, at now: Instant) {
        guard isToldSingly(listener, at: now) else {
            return summarize(attempt.tuple, listener, attempt.verdict, at: now)
        }
        report(attempt)
    }

    private mutating func summarize(_ tuple: FourTuple, _ listener: Slot, _ verdict: Verdict, at now: Instant) {
        if let deadline = summaries.deadline, deadline <= now { closeSummaries() }
        if !summaries.note(tuple, at: listeners.entries[listener].local, verdict, at: now) {
            counters.attemptsLost &+= 1
        }
    }

    mutating func closeSummaries() {
        counters.attemptsLost &+= UInt64(summaries.close())
        hasReported = true
    }

    private mutating func isToldSingly(_ listener: Slot, at now: Instant) -> Bool {
        listeners.entries[listener].failed.next(at: now) <= Self.toldSingly
    }
}
