import ConnectionAnalysis
import NetPrimitives
import Netstack

/// One thing that must have happened in a scenario. Each says what is wrong when it did not.
enum Expectation {
    /// An end was established, at this time after the beginning.
    case established(Conversation.Side, at: Interval)
    /// An end's attempt failed with this error, at this time.
    case failed(Conversation.Side, String, at: Interval)
    /// Segments with these flags left an end at these times, and none else.
    case sent(Conversation.Side, Conversation.Flags, at: [Interval])
    /// An end was in this state.
    case entered(Conversation.Side, String)
    /// Request and answer arrived, every byte right.
    case exchanged
    /// Both stacks let go of everything.
    case emptied
    /// The application took a connection out of the accept queue.
    case accepted(at: Interval)
    /// Anything else, in the words of what is wrong when it does not hold.
    case holds(String, (Laboratory, Conversation) -> Bool)
    /// What was in this state was in none any more.
    case left(Conversation.Side, String, at: Interval)

    /// What is wrong, or `nil`.
    /// - Parameter isExact: times count; else it is enough that it happened, which is all that can be said of a run
    ///   with random losses or with a round trip longer than the first timeout.
    func problem(in conversation: Conversation, _ laboratory: Laboratory, isExact: Bool) -> String? {
        switch self {
        case .established(let side, let interval):
            return missed(.entered(side, "ESTABLISHED"), interval, "established", side, conversation, isExact)
        case .failed(let side, let name, let interval):
            return failure(side, name, interval, conversation, isExact)
        case .sent(let side, let flags, let intervals):
            let times = conversation.packets.filter { $0.from == side && $0.segment?.flags == flags }
                .map { $0.sentAt - Instant.zero }
            if isExact ? times == intervals : !times.isEmpty { return nil }
            return "the \(conversation[side].name) sent its \(flags.name) at "
                + "[\(Self.list(times))], not at [\(Self.list(intervals))]"
        case .entered(let side, let state):
            if conversation.moments.contains(where: { $0.event == .entered(side, state) }) || !isExact { return nil }
            return "the \(conversation[side].name) was never in \(state)"
        case .exchanged:
            if laboratory.responder.request != Exchange.request {
                return "\(laboratory.responder.request.count) bytes of the request arrived, "
                    + "which is not what was sent"
            }
            if laboratory.requester.answer == Exchange.answer { return nil }
            return "\(laboratory.requester.answer.count) bytes of the answer arrived, which is not what was sent"
        case .emptied:
            return [laboratory.client, laboratory.server].first { !$0.tables.isEmpty }
                .map { "the \($0.name)'s stack still holds something: \($0.tables)" }
        case .accepted(let interval):
            let taken = Conversation.Event.queued(.right, .accept, from: 1, to: 0)
            return missed(taken, interval, "accepted", .right, conversation, isExact)
        case .holds(let words, let condition):
            return condition(laboratory, conversation) ? nil : words
        case .left(let side, let state, let interval):
            return missed(.entered(side, "CLOSED"), interval, "CLOSED after \(state)", side, conversation, isExact)
        }
    }

    private func missed(
        _ event: Conversation.Event, _ interval: Interval, _ what: String, _ side: Conversation.Side,
        _ conversation: Conversation, _ isExact: Bool
    ) -> String? {
        let name = conversation[side].name
        guard let moment = conversation.moments.first(where: { $0.event == event }) else {
            return "at the \(name) nothing was \(what)"
        }
        if !isExact || moment.at - Instant.zero == interval { return nil }
        return "at the \(name) it was \(what) at \(moment.at.readable), not at \(interval.readable)"
    }

    private func failure(
        _ side: Conversation.Side, _ expected: String, _ interval: Interval, _ conversation: Conversation,
        _ isExact: Bool
    ) -> String? {
        let name = conversation[side].name
        for moment in conversation.moments {
            guard case .failed(side, let failure) = moment.event else { continue }
            if failure.name != expected { return "the \(name)'s error is \(failure.name), not \(expected)" }
            if !isExact || moment.at - Instant.zero == interval { return nil }
            return "the \(name)'s error \(expected) came at \(moment.at.readable), not at \(interval.readable)"
        }
        return "the \(name) had no error, where it should have been \(expected)"
    }

    private static func list(_ intervals: [Interval]) -> String {
        intervals.map(\.readable).joined(separator: ", ")
    }
}
