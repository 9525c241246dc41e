import NetPrimitives

extension Connection {
    /// Remembers where the peer's FIN stands, so that it counts when everything before it has come.
    mutating func noteFin(at position: SequenceNumber) {
        // After the first FIN there is no other (CLOSE-WAIT and beyond: "remain in the state").
        guard state.canReceive, position.isAtOrAfter(rcv.nxt), position.isAtOrBefore(rcv.advertisedEdge) else {
            flags.insert(.ackNow)
            return
        }
        // RFC 5681, 4.2: what leaves a gap is answered at once, so that the peer fills it.
        if position != rcv.nxt { flags.insert(.ackNow) }
        flags.insert(.finSeen)
        finSequence = position
    }

    /// RFC 9293, 3.10.7.4, eighth step, once the FIN is next in line.
    mutating func finArrives(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant,
        into disposition: inout Disposition
    ) {
        guard finSequence == rcv.nxt, state.canReceive else { return }
        flags.remove(.finSeen)
        forgetOutOfOrder(memory: &memory)
        rcv.nxt = finSequence + 1
        rcv.advertisedEdge = .latest(rcv.advertisedEdge, rcv.nxt)
        disposition.effects.insert(.readClosed)
        switch state {
        case .established:
            state = .closeWait
        case .finWait1:
            // Our FIN is not yet acknowledged, or the fifth step had moved us to FIN-WAIT-2: both closed at once.
            state = .closing
        case .finWait2:
            enterTimeWait(memory: &memory, into: &disposition)
        default:
            break
        }
        flags.insert(.ackNow)
    }
}
