import NetPrimitives
import TCPStateMachine

/// Records that nobody has asked for yet. Bounded: one more than fits is counted and dropped.
struct AttemptQueue: ~Copyable, Sendable {
    static let capacity = 256
    private var records = SegmentedArray<ConnectionAttempt>(
        segmentSize: AttemptQueue.capacity, filler: AttemptEntry.vacant.attempt)
    private var first = 0
    private var used = 0

    init() { records.grow() }

    /// Bytes held from the allocator.
    var allocatedBytes: Int { records.allocatedBytes }

    func copy() -> AttemptQueue {
        var twin = AttemptQueue()
        for index in 0..<Self.capacity { twin.records[index] = records[index] }
        twin.first = first
        twin.used = used
        return twin
    }

    mutating func append(_ attempt: ConnectionAttempt) -> Bool {
        guard used < Self.capacity else { return false }
        records[(first + used) % Self.capacity] = attempt
        used += 1
        return true
    }

    mutating func popFirst() -> ConnectionAttempt? {
        guard used > 0 else { return nil }
        defer {
            first = (first + 1) % Self.capacity
            used -= 1
        }
        return records[first]
    }
}

extension NetworkStack {
    /// The next record of an attempt to open a connection that was decided, or `nil`. Kept for up to 256 attempts;
    /// those beyond are counted in ``Counters/attemptsLost``.
    public mutating func nextAttempt() -> ConnectionAttempt? { attemptQueue.popFirst() }

    mutating func report(_ attempt: ConnectionAttempt) {
        if !attemptQueue.append(attempt) { counters.attemptsLost &+= 1 }
    }

    /// The record of a handshake that a listener has just completed.
    func passiveAttempt(_ halfOpen: HalfOpen, _ tuple: FourTuple, listener: Slot, at now: Instant) -> ConnectionAttempt
    {
        var attempt = ConnectionAttempt(
            tuple: tuple, isActive: false, iss: halfOpen.iss, irs: halfOpen.irs,
            at: halfOpen.begunAt(configuration: configuration.tcp))
        attempt.verdict = .established
        attempt.synCount = halfOpen.synCount
        attempt.answerCount = halfOpen.retransmissions &+ 1
        attempt.endedAt = now
        attempt.synQueueDepth = listeners.entries[listener].halfOpen
        attempt.acceptQueueDepth = UInt32(truncatingIfNeeded: listeners.entries[listener].acceptQueue.count)
        return attempt
    }

    /// An active attempt is decided.
    /// - Returns: whether there was one to decide.
    @discardableResult
    mutating func concludeAttempt(of slot: Slot, _ verdict: Verdict, at now: Instant) -> Bool {
        let record = flows.connections[slot].attempt
        guard !record.isNone, attempts[record].attempt.verdict == .pending else { return false }
        attempts[record].attempt.verdict = verdict
        attempts[record].attempt.endedAt = now
        attempts[record].attempt.irs = flows.connections[slot].tcb.irs
        report(attempts[record].attempt)
        if verdict == .established {
            attempts.remove(record)
            flows.connections[slot].attempt = .none
        }
        return true
    }

    /// The record of an opening of ours that is under way or has failed; `nil` for a connection that is open, and for
    /// one that a listener took.
    public func attempt(of id: ConnectionID) throws(StackError) -> ConnectionAttempt? {
        let record = flows.connections[try check(id)].attempt
        return record.isNone ? nil : attempts[record].attempt
    }

    /// Why a connection is over, with the evidence; `nil` while it is not, or when it ended well.
    public func failure(of id: ConnectionID) throws(StackError) -> ConnectionFailure? { failure(try check(id)) }

    func failure(_ slot: Slot) -> ConnectionFailure? {
        guard let end = flows.connections[slot].end, end != .closed else { return nil }
        let record = flows.connections[slot].attempt
        guard !record.isNone else {
            switch end {
            case .timedOut: return .peerSilent
            case .aborted: return .aborted
            default: return .reset
            }
        }
        let attempt = attempts[record].attempt
        switch end {
        case .refused: return .refused(attempt)
        case .timedOut: return .timedOut(attempt)
        case .unreachable: return attempt.icmp.map { .unreachable($0, attempt) } ?? .timedOut(attempt)
        case .reset: return .reset
        default: return .aborted
        }
    }
}
