public import NetPrimitives
import TCPStateMachine

extension NetworkStack {
    /// What the application has to know next, or `nil`. One call tells one thing; a connection takes one place in the
    /// queue however much there is to tell, so the queue is never longer than there are connections, requests and
    /// listeners.
    public mutating func nextEvent() -> StackEvent? {
        if hasReported {
            hasReported = false
            return .reported
        }
        if let event = nextRequestEvent() { return event }
        if let slot = listeners.entries.popFirst(from: &readyListeners) {
            listeners.entries[slot].isReady = false
            return .acceptable(ListenerID(slot: slot, generation: listeners.entries[slot].generation))
        }
        let slot = readyConnections.first
        guard !slot.isNone else { return nil }
        let id = ConnectionID(slot: slot, generation: flows.connections[slot].generation)
        let event = takeEvent(slot, id)
        if flows.connections[slot].readiness.isEmpty {
            flows.connections[slot].flags.remove(.ready)
            flows.connections.remove(slot, from: &readyConnections, links: ConnectionEntry.readyLinks)
        }
        return event
    }

    /// Of all there is to tell, in the order in which it makes sense.
    private mutating func takeEvent(_ slot: Slot, _ id: ConnectionID) -> StackEvent {
        let readiness = flows.connections[slot].readiness
        func take(_ bit: Readiness) -> Bool { readiness.contains(bit) }
        if take(.established) {
            flows.connections[slot].readiness.remove(.established)
            return .established(id)
        }
        if take(.readable) {
            flows.connections[slot].readiness.remove(.readable)
            return .readable(id)
        }
        if take(.writable) {
            flows.connections[slot].readiness.remove(.writable)
            return .writable(id)
        }
        if take(.readClosed) {
            flows.connections[slot].readiness.remove(.readClosed)
            return .readClosed(id)
        }
        flows.connections[slot].readiness = []
        return .closed(id)
    }

    mutating func markReady(_ slot: Slot) {
        guard !flows.connections[slot].flags.contains(.ready) else { return }
        flows.connections[slot].flags.insert(.ready)
        flows.connections.append(slot, to: &readyConnections, links: ConnectionEntry.readyLinks)
    }

    mutating func markReady(listener slot: Slot) {
        guard !listeners.entries[slot].isReady else { return }
        listeners.entries[slot].isReady = true
        listeners.entries.append(slot, to: &readyListeners)
    }

    // MARK: Time

    /// When ``timersFired(at:)`` should be called next; it may turn out to be too early, never too late.
    public func nextDeadline() -> Instant? {
        var first = timers.earliest ?? .distantFuture
        if let halfOpen = nextHalfOpenDeadline { first = min(first, halfOpen) }
        if let request = nextRequestDeadline { first = min(first, request) }
        if !timeWaitList.isEmpty {
            first = min(first, flows.timeWaits[timeWaitList.first].timeWait.expiresAt)
        }
        if !output.isEmpty, let end = quiet.end { first = min(first, end) }
        if let fragments = nextFragmentDeadline { first = min(first, fragments) }
        if let summary = summaries.deadline { first = min(first, summary) }
        if let flood = floods.deadline { first = min(first, flood) }
        return first == .distantFuture ? nil : first
    }

    /// Time has passed. Does nothing when no deadline has come.
    /// - Parameter now: the time; never earlier than that of any call before.
    public mutating func timersFired(at now: Instant) {
        halfOpenTimersFired(at: now)
        requestTimersFired(at: now)
        timeWaitsExpire(at: now)
        fragmentsExpire(at: now)
        if let deadline = summaries.deadline, deadline <= now { closeSummaries() }
        floodsTick(at: now)
        while let slot = timers.popFired(at: now) {
            guard let deadline = flows.connections[slot].tcb.nextDeadline else { continue }
            if deadline > now {
                timers.arm(slot, at: deadline)
                continue
            }
            openAccount(of: slot)
            let disposition = flows.connections[slot].tcb.timersFired(
                memory: &memory, configuration: configuration.tcp, at: now)
            closeAccount(of: slot)
            if disposition.effects.contains(.timeout) { counters.timeouts &+= 1 }
            perform(disposition, on: slot, at: now)
        }
    }
}
