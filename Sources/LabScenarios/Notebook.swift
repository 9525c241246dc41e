import ConnectionAnalysis
import NetPrimitives
import NetworkSimulation

/// What is not on the wire, written down as it happens: calls, states, queues.
///
/// Each note remembers how many packets had been sent or had arrived by then, which is its place among those of the
/// same instant: a state belongs between the packet that brought it about and the packets that follow from it.
final class Notebook {
    struct Note {
        /// ``Trace/moments`` that came before.
        let place: Int
        let at: Instant
        let event: Conversation.Event
    }

    private(set) var notes: [Note] = []
    private unowned let simulation: Simulation

    init(_ simulation: Simulation) { self.simulation = simulation }

    func note(_ event: Conversation.Event) {
        notes.append(Note(place: simulation.trace.moments.count, at: simulation.now, event: event))
    }
}
