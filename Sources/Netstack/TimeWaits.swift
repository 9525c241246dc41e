import NetPrimitives
import TCPStateMachine
import WireFormats

extension NetworkStack {
    /// A connection has reached TIME-WAIT: what must be remembered moves to a small entry under its key.
    mutating func beginTimeWait(_ connection: Slot, at now: Instant) {
        let tuple = flows.tuple(flows.connections[connection].key)
        detach(connection)
        if timeWaitList.count >= max(min(configuration.timeWaitLimit, plan.timeWaits), 1) {
            counters.timeWaitOverflows &+= 1
            removeTimeWait(timeWaitList.first)
        }
        counters.timeWaits &+= 1
        let value = TimeWait(flows.connections[connection].tcb, configuration: configuration.tcp, at: now)
        let slot = flows.timeWaits.insert(
            TimeWaitEntry(timeWait: value, link: .none, key: flows.makeKey(tuple), neighbours: SlotLinks()))
        flows.add(.timeWait(slot))
        flows.timeWaits.append(slot, to: &timeWaitList)
    }

    mutating func removeTimeWait(_ slot: Slot) {
        flows.timeWaits.remove(slot, from: &timeWaitList)
        flows.remove(.timeWait(slot))
        flows.release(flows.timeWaits[slot].key)
        flows.timeWaits.remove(slot)
    }

    mutating func timeWaitsExpire(at now: Instant) {
        while !timeWaitList.isEmpty, flows.timeWaits[timeWaitList.first].timeWait.expiresAt <= now {
            removeTimeWait(timeWaitList.first)
        }
    }

    /// A segment for what is left of a connection.
    mutating func segmentArrives(
        _ seg: Segment, timeWait slot: Slot, tuple: FourTuple, interface: InterfaceID, answers: inout PacketBatch,
        at now: Instant
    ) {
        switch flows.timeWaits[slot].timeWait.segmentArrives(seg) {
        case .ignore:
            break
        case .acknowledge:
            strayArrives(seg, timeWait: slot, tuple, by: interface, into: &answers, at: now)
        case .acknowledgeAndRestart:
            flows.timeWaits[slot].timeWait.restart(configuration: configuration.tcp, at: now)
            flows.timeWaits.remove(slot, from: &timeWaitList)
            flows.timeWaits.append(slot, to: &timeWaitList)
            acknowledge(timeWait: slot, tuple, by: interface, into: &answers, at: now)
        case .drop:
            removeTimeWait(slot)
        case .connectionRequest:
            guard let listener = listeners.find(tuple), mayReopen(slot, tuple, listener: listener, at: now) else {
                return strayArrives(seg, timeWait: slot, tuple, by: interface, into: &answers, at: now)
            }
            // RFC 9293, 3.6.1 (MAY-2): a number larger than any of the old connection.
            let iss = flows.timeWaits[slot].timeWait.sndNxt + 65_537
            removeTimeWait(slot)
            synArrives(seg, tuple, listener: listener, interface: interface, answers: &answers, iss: iss, at: now)
        }
    }

    private mutating func strayArrives(
        _ seg: Segment, timeWait slot: Slot, _ tuple: FourTuple, by interface: InterfaceID,
        into answers: inout PacketBatch, at now: Instant
    ) {
        guard flows.timeWaits[slot].timeWait.mayAcknowledge(seg, configuration: configuration.tcp, at: now) else {
            return
        }
        acknowledge(timeWait: slot, tuple, by: interface, into: &answers, at: now)
    }

    private mutating func acknowledge(
        timeWait slot: Slot, _ tuple: FourTuple, by interface: InterfaceID, into answers: inout PacketBatch,
        at now: Instant
    ) {
        let answer = flows.timeWaits[slot].timeWait.acknowledgement(at: now)
        emit(answer, tuple, by: interface, into: &answers)
    }
}
