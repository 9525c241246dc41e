import NetPrimitives
import NetworkSimulation
import TCPStateMachine

/// What must hold of two ends that talk.
enum Laws {
    static var all: ExplorationLaws<EndView> {
        ExplorationLaws(always: always, atRest: atRest, atEnd: atEnd)
    }

    // MARK: In every state

    private static let always: ExplorationLaws<EndView>.Law = { left, right, isDisturbed in
        disagreement(left, right)
            ?? delivery(from: left, to: right, "right", isDisturbed) ?? delivery(
                from: right, to: left, "left", isDisturbed)
            ?? queue(right, opener: left, "right") ?? queue(left, opener: right, "left")
            ?? (isDisturbed ? nil : failure(left, "left") ?? failure(right, "right"))
    }

    /// Two ends that are open speak of the same connection, and neither is ahead of the other.
    private static func disagreement(_ left: EndView, _ right: EndView) -> String? {
        guard left.insight.isOpen, right.insight.isOpen else { return nil }
        guard left.insight.incarnation == right.insight.incarnation.mirrored else {
            return "both ends are open, with initial numbers that differ"
        }
        return ahead(left, right, "left") ?? ahead(right, left, "right")
    }

    /// SND.UNA =< the peer's RCV.NXT =< SND.MAX.
    private static func ahead(_ sender: EndView, _ receiver: EndView, _ name: String) -> String? {
        guard let snd = sender.insight.snd, let rcv = receiver.insight.rcv else { return nil }
        if rcv.nxt.isBefore(snd.una) { return "the \(name) end takes for acknowledged what never arrived" }
        if rcv.nxt.isAfter(snd.max) { return "the other end has received what the \(name) end never sent" }
        return nil
    }

    /// What is delivered was sent, once and in order, and its end is told when all is there.
    private static func delivery(
        from sender: EndView, to receiver: EndView, _ name: String, _ isDisturbed: Bool
    ) -> String? {
        guard sender.conversation.written.starts(with: receiver.conversation.received) else {
            let text = String(decoding: receiver.conversation.received, as: UTF8.self)
            return "the \(name) end was given \"\(text)\", which is not what the other wrote"
        }
        guard receiver.conversation.sawEnd, !isDisturbed else { return nil }
        guard sender.conversation.hasClosed else { return "the \(name) end was told of an end that there is not" }
        guard sender.conversation.written == receiver.conversation.received else {
            return "the \(name) end was told of the end before all had come"
        }
        return nil
    }

    /// What waits in the accept queue, or was taken out of it, is established at the other end too, or has been.
    private static func queue(_ listener: EndView, opener: EndView, _ name: String) -> String? {
        for one in listener.queue + listener.memory.accepted
        where !opener.memory.established.contains(one.mirrored) {
            return "the accept queue of the \(name) end held a connection that did not complete"
        }
        return nil
    }

    /// Nothing that the network does makes a connection fail.
    private static func failure(_ end: EndView, _ name: String) -> String? {
        end.conversation.failure.isEmpty ? nil : "the connection of the \(name) end failed: \(end.conversation.failure)"
    }

    // MARK: When the network was healed

    private static let atRest: ExplorationLaws<EndView>.Law = { left, right, isDisturbed in
        guard !isDisturbed, !left.conversation.hasClosed, !right.conversation.hasClosed else { return nil }
        guard left.insight.state == .established, right.insight.state == .established else {
            return "the network is healed and at rest, and the ends are not established"
        }
        return complete(left, right)
    }

    private static let atEnd: ExplorationLaws<EndView>.Law = { left, right, isDisturbed in
        guard left.isEmpty, right.isEmpty else { return "all is over and at rest, and a stack still holds something" }
        guard !isDisturbed else { return nil }
        for (end, name) in [(left, "left"), (right, "right")] where !end.conversation.sawEnd {
            return "the connection is over, and the \(name) end never saw the other close"
        }
        return complete(left, right)
    }

    private static func complete(_ left: EndView, _ right: EndView) -> String? {
        guard left.conversation.written == right.conversation.received,
            right.conversation.written == left.conversation.received
        else {
            return "the network is healed and at rest, and not all that was written has come"
        }
        return nil
    }
}
