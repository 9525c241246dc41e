import NetPrimitives
import NetworkSimulation
import TCPStateMachine

@testable import Netstack

/// ISS and IRS of a connection: who it is, among all that were between the same ports.
struct Incarnation: Hashable {
    var iss: SequenceNumber
    var irs: SequenceNumber

    /// As the other end has it.
    var mirrored: Incarnation { Incarnation(iss: irs, irs: iss) }
}

/// What a stack has of the conversation between the two ends of a model.
struct Insight {
    var state = ConnectionState.closed
    var incarnation = Incarnation(iss: SequenceNumber(0), irs: SequenceNumber(0))
    var snd: SendSequence?
    var rcv: ReceiveSequence?
    /// SYNs or SYN-ACKs that were sent, or asked for.
    var synCount = 0

    init(_ stack: borrowing NetworkStack, on side: ExploredSide) {
        let (own, peer) = (Model.endpoint(side), Model.endpoint(side.opposite))
        let tuple = FourTuple(
            local: own.address, localPort: own.port, remote: peer.address, remotePort: peer.port,
            interface: InterfaceID(0))
        state = stack.state(of: tuple)
        switch stack.flows.find(tuple) {
        case .connection(let slot):
            let info = stack.info(slot)
            incarnation = Incarnation(iss: info.iss, irs: info.irs)
            (snd, rcv) = (info.snd, info.rcv)
            let record = stack.flows.connections[slot].attempt
            if !record.isNone { synCount = Int(stack.attempts[record].attempt.synCount) }
        case .halfOpen(let slot):
            let entry = stack.flows.halfOpens[slot].halfOpen
            incarnation = Incarnation(iss: entry.iss, irs: entry.irs)
            synCount = Int(entry.retransmissions) + Int(entry.synCount)
        default:
            break
        }
    }

    /// An entry of the SYN queue.
    var isHalfOpen: Bool { state == .synReceived && snd == nil }
    /// A connection whose handshake is complete.
    var isOpen: Bool { snd != nil && state.isSynchronized }

    /// What waits in the accept queue of the one listener.
    static func acceptQueue(_ stack: borrowing NetworkStack) -> [Incarnation] {
        guard stack.listeners.entries.count > 0 else { return [] }
        var waiting: [Incarnation] = []
        var slot = stack.listeners.entries[Slot(0)].acceptQueue.first
        while !slot.isNone {
            let info = stack.info(slot)
            waiting.append(Incarnation(iss: info.iss, irs: info.irs))
            slot = stack.flows.connections[slot][links: ConnectionEntry.readyLinks].next
        }
        return waiting
    }
}
