internal import NetPrimitives
internal import Netstack

/// What the search has to know of a state of an end.
struct EndFacts {
    var digest: UInt64
    var choices: [ExploredChoice]
    var caption: String
    /// TIME-WAITs in the stack's table.
    var timeWaits: Int
}

/// What an input made of an end.
struct EndOutcome {
    var digest: UInt64
    var sent: [[UInt8]]
    /// How much time it took.
    var elapsed: Interval
}

/// Real stacks, one for each state that an end was seen in.
protocol EndRunner: AnyObject {
    /// What becomes of the end at its beginning.
    func begin() -> EndOutcome
    /// Lets something happen to a fork of the stack of a state; or, without a state, to the stack that the last run led
    /// to.
    /// - Parameter packet: the bytes when the input is a packet.
    /// - Returns: `nil` when no timer runs.
    func run(_ input: EndInput, packet: [UInt8], from state: Int?) -> EndOutcome?
    /// Keeps the stack that the last run led to, as the next state.
    func keep() -> EndFacts
}

/// The states of an end: a stack and a program each.
///
/// Only so many stacks are kept. One that is needed again is made again, as it was made first.
final class EndRoster<Program: ExploredProgram>: EndRunner {
    private final class State {
        /// `nil` when it is not kept.
        var machine: EndMachine<Program>?
        let view: Program.View
        /// What it was made of: an earlier state, and what happened to that.
        let parent: Int
        let input: EndInput
        let packet: [UInt8]

        init(_ machine: consuming EndMachine<Program>, of parent: Int, _ input: EndInput, _ packet: [UInt8]) {
            view = machine.program.view(machine.stack)
            self.machine = consume machine
            (self.parent, self.input, self.packet) = (parent, input, packet)
        }
    }

    /// How many stacks are kept.
    private static var room: Int { 1024 }

    private var states: [State] = []
    /// States whose stacks are kept, in the order in which they were made.
    private var kept: [Int] = []
    private var oldest = 0
    /// What the last run led to, and what it was.
    private var last: EndMachine<Program>?
    private var lastRun: (state: Int, input: EndInput, packet: [UInt8]) = (0, .timer, [])
    private var wire = EndWire()

    init(_ stack: consuming NetworkStack, _ program: Program) { last = EndMachine(stack, program) }

    func view(_ state: UInt32) -> Program.View { states[Int(state)].view }

    func begin() -> EndOutcome { happen { $0.begin(&$1) } }

    func run(_ input: EndInput, packet: [UInt8], from state: Int?) -> EndOutcome? {
        if let state {
            last = fork(state)
            lastRun = (state, input, packet)
        }
        var isRun = true
        let outcome = happen { machine, wire in isRun = Self.run(input, packet, on: &machine, &wire) }
        return isRun ? outcome : nil
    }

    private static func run(
        _ input: EndInput, _ packet: [UInt8], on machine: inout EndMachine<Program>, _ wire: inout EndWire
    ) -> Bool {
        switch input {
        case .packet: machine.receive(packet, &wire)
        case .choice(let number): machine.perform(number, &wire)
        case .timer: return machine.fireTimer(&wire)
        case .pass(let time): machine.pass(time, &wire)
        }
        return true
    }

    private func happen(_ something: (inout EndMachine<Program>, inout EndWire) -> Void) -> EndOutcome {
        guard var machine = last.take() else { preconditionFailure("a stack from the last run") }
        let began = machine.now
        wire.sent.removeAll()
        something(&machine, &wire)
        let digest = machine.digest(at: machine.now)
        let elapsed = machine.now - began
        last = consume machine
        return EndOutcome(digest: digest, sent: wire.sent, elapsed: elapsed)
    }

    func keep() -> EndFacts {
        guard let machine = last.take() else { preconditionFailure("a stack from the last run") }
        let facts = EndFacts(
            digest: machine.digest(at: machine.now), choices: machine.program.choices(machine.stack),
            caption: machine.program.caption(machine.stack), timeWaits: machine.stack.tables.timeWaits)
        states.append(State(machine, of: lastRun.state, lastRun.input, lastRun.packet))
        noteKept(states.count - 1)
        return facts
    }

    // MARK: Keeping stacks

    /// The first state is kept for ever: all others can be made from it.
    private func noteKept(_ state: Int) {
        guard state > 0 else { return }
        if kept.count < Self.room { return kept.append(state) }
        states[kept[oldest]].machine = nil
        kept[oldest] = state
        oldest = (oldest + 1) % Self.room
    }

    private func fork(_ state: Int) -> EndMachine<Program> {
        if let fork = states[state].machine?.fork() { return fork }
        let origin = states[state]
        var machine = fork(origin.parent)
        _ = Self.run(origin.input, origin.packet, on: &machine, &wire)
        origin.machine = machine.fork()
        noteKept(state)
        return machine
    }
}
