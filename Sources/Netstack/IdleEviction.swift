import NetPrimitives
import TCPStateMachine

/// No connection is given up for the sake of another, unless the configuration says after which silence it may be.
extension NetworkStack {
    /// A connection cannot be promised its memory. What idle ones give back is there for the next, as soon as their
    /// applications have let go of them: a client that was refused asks again.
    mutating func noteMemoryRefusal(at now: Instant) {
        counters.memoryRefusals &+= 1
        // All are looked at, so once in a second must do, however many are refused.
        guard let limit = configuration.evictIdle, nextEviction <= now else { return }
        nextEviction = now + .seconds(1)
        for index in 0..<flows.connections.capacityUsed {
            let slot = Slot(UInt32(truncatingIfNeeded: index))
            guard isIdle(slot), .seconds(Int64(silence(of: slot, at: now))) >= limit else { continue }
            counters.idleEvictions &+= 1
            abortConnection(slot, at: now)
        }
    }

    /// Seconds since the peer was last heard of.
    func silence(of slot: Slot, at now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.seconds) &- flows.connections[slot].heardAt
    }

    /// Nothing would be lost with it: neither what the application has not read, nor what the peer has not got. A free
    /// place is in no index, nor is a connection that is over.
    private func isIdle(_ slot: Slot) -> Bool {
        let entry = flows.connections[slot]
        return entry.flags.contains(.indexed) && !entry.flags.contains(.queued) && entry.tcb.state.isSynchronized
            && entry.tcb.readableBytes == 0 && entry.tcb.unacknowledgedBytes == 0
    }
}
