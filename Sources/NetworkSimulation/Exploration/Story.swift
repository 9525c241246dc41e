internal import NetPrimitives

/// Steps of a search as events that somebody can read.
struct Story {
    private(set) var events: [ExplorationEvent]
    private let search: Search

    /// - Parameter start: the state in which both programs have begun, and sent what ``Search/sentLast`` has.
    init(_ search: Search, _ start: NetworkState) {
        self.search = search
        events = []
        events.append(event(.began, start))
    }

    /// Adds the step that was taken last.
    mutating func note(_ step: Step, from state: NetworkState, to next: NetworkState) {
        events.append(event(kind(step, state), next))
    }

    private func event(_ kind: ExplorationEvent.Kind, _ state: NetworkState) -> ExplorationEvent {
        ExplorationEvent(
            kind: kind, sent: search.sentLast.map { search.packets[$0] },
            left: search.left.facts[Int(state.left)].caption, right: search.right.facts[Int(state.right)].caption)
    }

    private func kind(_ step: Step, _ state: NetworkState) -> ExplorationEvent.Kind {
        switch step.kind {
        case .deliver: return .delivered(search.packets[step.argument])
        case .lose: return .lost(search.packets[step.argument])
        case .duplicate: return .doubled(search.packets[step.argument])
        case .timer:
            return .timer(step.side, after: search[step.side].follow(state[step.side], .timer).elapsed)
        case .choose:
            let choices = search[step.side].facts[Int(state[step.side])].choices
            return .chose(step.side, choices.first { UInt16($0.number) == step.argument }?.name ?? "")
        case .inject:
            let injection = search.injections[Int(step.argument)]
            return .injected(injection.packet, injection.name)
        case .wait: return .waited(search.deadline(state) ?? .zero)
        }
    }
}
