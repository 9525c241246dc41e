import NetPrimitives
import TCPStateMachine

/// Where requests stand: each in one of these, all threaded through their entries in the SYN queue, which is all that a
/// request holds.
struct RequestLists: BitwiseCopyable, Sendable {
    /// Undecided and ignored ones by the half seconds that they wait for another SYN: each list is in the order of its
    /// deadlines by itself.
    private var waiting = [128 of SlotList](repeating: SlotList())
    /// How many there are in those.
    var waitingCount = 0
    /// Those that the application has to be told of, first come first.
    var untold = SlotList()
    /// Decided ones whose answer goes out with the next ``NetworkStack/transmit(into:at:)``.
    var decided = SlotList()
    /// Those whose end the application has to be told of.
    var withdrawn = SlotList()

    static let count = 128

    @inline(__always) subscript(patience: UInt8) -> SlotList {
        get { waiting[Int(patience & 127)] }
        set { waiting[Int(patience & 127)] = newValue }
    }
}

// MARK: - Ends

extension NetworkStack {
    /// A request is over without a decision. The application is told if it knows of it.
    mutating func withdraw(_ slot: Slot, _ reason: Withdrawal, at now: Instant) {
        switch reason {
        case .reset: counters.requestsReset &+= 1
        case .silent: counters.requestsSilent &+= 1
        case .overdue: counters.requestsOverdue &+= 1
        case .listenerClosed: counters.requestsClosed &+= 1
        }
        if reason == .overdue {
            record(defaultDecision(for: slot), on: slot, at: now)
        } else {
            tell(requestAttempt(slot, .withdrawn, at: now), of: slot)
        }
        guard flows.halfOpens[slot].halfOpen.stage == .undecided else { return removeHalfOpen(slot) }
        delistRequest(slot)
        flows.halfOpens[slot].halfOpen.stage = .withdrawn
        flows.halfOpens[slot].withdrawal = reason
        flows.halfOpens.append(slot, to: &requestLists.withdrawn)
    }

    private func defaultDecision(for slot: Slot) -> RequestDecision {
        let listener = flows.halfOpens[slot].listener
        guard listener != ConnectionEntry.noListener,
            case .requests(let undecided) = listeners.entries[Slot(UInt32(listener))].mode
        else { return .ignore }
        return undecided
    }

    /// Takes a request out of the list that it stands in.
    mutating func delistRequest(_ slot: Slot) {
        switch flows.halfOpens[slot].halfOpen.stage {
        case .answered, .answerDue: break
        case .untold: flows.halfOpens.remove(slot, from: &requestLists.untold)
        case .undecided, .ignored:
            flows.halfOpens.remove(slot, from: &requestLists[flows.halfOpens[slot].patience])
            requestLists.waitingCount &-= 1
        case .acceptDue, .refuseDue, .rejectDue: flows.halfOpens.remove(slot, from: &requestLists.decided)
        case .withdrawn: flows.halfOpens.remove(slot, from: &requestLists.withdrawn)
        }
    }

    /// An entry is about to go without having become a connection. Whoever accepted its request may be waiting.
    mutating func tellEndOfAccepted(_ slot: Slot) {
        let entry = flows.halfOpens[slot]
        let isAccepted = !entry.halfOpen.stage.isRequest || entry.halfOpen.stage == .acceptDue
        guard isAccepted, entry.listener != ConnectionEntry.noListener else { return }
        let listener = Slot(UInt32(entry.listener))
        if listeners.entries[listener].mode != .immediate { markReady(listener: listener) }
    }

    /// The listener is closed.
    mutating func dropRequests(of listener: Slot, at now: Instant) {
        for patience in 0..<UInt8(RequestLists.count) {
            dropRequests(of: listener, from: requestLists[patience].first, at: now)
        }
        dropRequests(of: listener, from: requestLists.untold.first, at: now)
        dropRequests(of: listener, from: requestLists.decided.first, at: now)
        dropRequests(of: listener, from: requestLists.withdrawn.first, at: now)
    }

    private mutating func dropRequests(of listener: Slot, from first: Slot, at now: Instant) {
        var slot = first
        while !slot.isNone {
            let next = flows.halfOpens[slot].neighbours.next
            if UInt32(flows.halfOpens[slot].listener) == listener.rawValue { closeRequest(slot, at: now) }
            slot = next
        }
    }

    /// What is still to be told goes on without its listener.
    private mutating func closeRequest(_ slot: Slot, at now: Instant) {
        switch flows.halfOpens[slot].halfOpen.stage {
        case .untold, .undecided: withdraw(slot, .listenerClosed, at: now)
        case .withdrawn:
            if flows.halfOpens[slot].withdrawal == .overdue { flows.halfOpens[slot].withdrawal = .listenerClosed }
        default: return removeHalfOpen(slot)
        }
        guard flows.halfOpens[slot].halfOpen.stage == .withdrawn else { return }
        flows.halfOpens[slot].listener = ConnectionEntry.noListener
    }
}

// MARK: - Time

extension NetworkStack {
    private static var leastPatience: Interval { .seconds(3) }
    private static var patienceUnit: Interval { .milliseconds(500) }

    /// How long an attempt may take: as long as a SYN-ACK that nobody answers is repeated (63 s), and at most what
    /// ``HalfOpenEntry/patience`` can say.
    private var requestTimeLimit: Interval {
        let doublings = Int64(min(configuration.tcp.synAckRetries, 15)) + 1
        return min(configuration.tcp.initialRTO * ((1 << doublings) - 1), Self.patienceUnit * 127)
    }

    /// How long to wait for another SYN, in half seconds, rounded up: two and a half times the last gap, but at least 3
    /// s, and no longer than the attempt may take. A client's SYNs come at twice the distance each, so half as much
    /// again is room for one that is late.
    func patience(gap: Interval, age: Interval) -> UInt8 {
        let quiet = max(Interval(nanoseconds: (gap * 5).nanoseconds / 2), Self.leastPatience)
        let wait = min(quiet, requestTimeLimit - age)
        let unit = Self.patienceUnit.nanoseconds
        return UInt8(min(max((wait.nanoseconds &+ unit &- 1) / unit, 1), 127))
    }

    private func deadline(_ entry: HalfOpenEntry) -> Instant {
        entry.lastSYN + Self.patienceUnit * Int64(entry.patience)
    }

    /// Nobody has decided, and no SYN has come.
    mutating func requestTimersFired(at now: Instant) {
        guard requestLists.waitingCount > 0 else { return }
        for patience in 0..<UInt8(RequestLists.count) {
            while case let slot = requestLists[patience].first, !slot.isNone, deadline(flows.halfOpens[slot]) <= now {
                let entry = flows.halfOpens[slot]
                if entry.halfOpen.stage == .ignored {
                    removeHalfOpen(slot)
                } else {
                    let isOverdue = now - entry.lastSYN + entry.age >= requestTimeLimit
                    withdraw(slot, isOverdue ? .overdue : .silent, at: now)
                }
            }
        }
    }

    var nextRequestDeadline: Instant? {
        guard requestLists.waitingCount > 0 else { return nil }
        var first: Instant?
        for patience in 0..<UInt8(RequestLists.count) {
            let slot = requestLists[patience].first
            if slot.isNone { continue }
            let deadline = deadline(flows.halfOpens[slot])
            if first.map({ deadline < $0 }) ?? true { first = deadline }
        }
        return first
    }
}

// MARK: - What the application is told

extension NetworkStack {
    /// What there is to tell of requests: ends before beginnings, so that who decides stops first.
    mutating func nextRequestEvent() -> StackEvent? {
        if case let slot = requestLists.withdrawn.first, !slot.isNone {
            let entry = flows.halfOpens[slot]
            carryOut(entry.withdrawal == .overdue ? defaultDecision(for: slot) : .ignore, on: slot)
            return .withdrawn(requestID(slot, entry), entry.withdrawal)
        }
        guard let slot = flows.halfOpens.popFirst(from: &requestLists.untold) else { return nil }
        flows.halfOpens[slot].halfOpen.stage = .undecided
        requestLists.waitingCount &+= 1
        let entry = flows.halfOpens[slot]
        // Its deadline counts from its last SYN. Told later than that, it stands behind later ones, and waits for them.
        flows.halfOpens.append(slot, to: &requestLists[entry.patience])
        return .requested(requestID(slot, entry))
    }

    private func requestID(_ slot: Slot, _ entry: HalfOpenEntry) -> RequestID {
        RequestID(slot: slot, serial: entry.serial, irs: entry.halfOpen.irs)
    }

    /// Each list in its order. Which number a request has been given decides nothing.
    func encodeRequests(into sink: inout SipHash, at now: Instant) {
        for patience in 0..<UInt8(RequestLists.count) { encode(requestLists[patience], into: &sink, at: now) }
        encode(requestLists.untold, into: &sink, at: now)
        encode(requestLists.decided, into: &sink, at: now)
        encode(requestLists.withdrawn, into: &sink, at: now)
    }

    private func encode(_ list: SlotList, into sink: inout SipHash, at now: Instant) {
        var slot = list.first
        sink.combine(UInt64(truncatingIfNeeded: list.count))
        while !slot.isNone {
            var entry = flows.halfOpens[slot]
            entry.serial = 0
            sink.combine(flows.tuple(entry.key).hash(Self.newSink))
            entry.halfOpen.encode(into: &sink, at: now)
            slot = entry.neighbours.next
        }
    }
}
