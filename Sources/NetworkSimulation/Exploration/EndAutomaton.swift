internal import NetPrimitives

/// What an input makes of a state of an end.
struct EndTransition {
    /// The number of the state that follows; ``none`` when the input was the next timer, and none runs.
    var target: UInt32
    /// The packets that leave, as a range of ``EndAutomaton/sent``.
    var sentFrom: UInt32
    var sentCount: UInt32
    /// How much time it took.
    var elapsed: Interval

    static let none = UInt32.max
}

/// One end as an automaton that is found out while the network is explored.
///
/// What an end does depends on its own state and on what happens to it, on nothing else. So each state, told from
/// others by its digest, meets each input once, on a fork of its stack, however many states of the network that
/// happens in.
///
/// All this rests on the digest. So where an input leads to a state that is known, every 16th time the two stacks,
/// which came there on different ways, are given the same inputs, and must do the same.
final class EndAutomaton {
    private(set) var facts: [EndFacts] = []
    /// Packets by number, transition after transition.
    private(set) var sent: [UInt16] = []
    /// Inputs that were run on a stack, and states that were compared with another of the same digest.
    private(set) var runs = 0
    private(set) var comparisons = 0
    /// What two stacks with the same digest did differently, if that happened.
    private(set) var difference: String?
    private let side: ExploredSide
    private let runner: any EndRunner
    private let packets: PacketTable
    private var numbers: [UInt64: UInt32] = [:]
    private var transitions: [EndTransition] = []
    /// One more than the place in ``transitions``, for each state and each input by its code; 0 for what was not run
    /// yet.
    private var places: [UInt32] = []
    /// The codes that a row of ``places`` has room for.
    private var rowLength = 64
    /// The inputs that each state has met.
    private var inputs: [[EndInput]] = []
    private var passes: [Interval] = []
    private var arrivals = 0

    init(_ side: ExploredSide, _ runner: any EndRunner, _ packets: PacketTable) {
        self.side = side
        self.runner = runner
        self.packets = packets
    }

    /// The first state, and what the end sends there.
    func begin() -> EndTransition {
        let outcome = runner.begin()
        return transition(outcome, to: number(of: outcome))
    }

    func packets(of transition: EndTransition) -> ArraySlice<UInt16> {
        let start = Int(transition.sentFrom)
        return sent[start..<start + Int(transition.sentCount)]
    }

    /// What `input` makes of a state.
    func follow(_ state: UInt32, _ input: EndInput) -> EndTransition {
        let code = code(input)
        if code >= rowLength { widen(beyond: code) }
        let place = Int(state) * rowLength + code
        if places[place] > 0 { return transitions[Int(places[place]) - 1] }
        runs += 1
        var found = EndTransition(target: EndTransition.none, sentFrom: 0, sentCount: 0, elapsed: .zero)
        if let outcome = runner.run(input, packet: bytes(input), from: Int(state)) {
            found = transition(outcome, to: number(of: outcome))
        }
        transitions.append(found)
        places[Int(state) * rowLength + code] = UInt32(transitions.count)
        inputs[Int(state)].append(input)
        return found
    }

    /// Makes the rows of ``places`` longer.
    private func widen(beyond code: Int) {
        var length = rowLength
        while length <= code { length *= 2 }
        var wider = [UInt32](repeating: 0, count: facts.count * length)
        for state in facts.indices {
            for column in 0..<rowLength { wider[state * length + column] = places[state * rowLength + column] }
        }
        (places, rowLength) = (wider, length)
    }

    private func bytes(_ input: EndInput) -> [UInt8] {
        if case .packet(let number) = input { packets[number].bytes } else { [] }
    }

    /// A small number for an input: the timer, eight choices, then packets and lengths of time in turn.
    private func code(_ input: EndInput) -> Int {
        switch input {
        case .timer: return 0
        case .choice(let number): return 1 + Int(number & 7)
        case .packet(let number): return 10 + 2 * Int(number)
        case .pass(let time):
            if let place = passes.firstIndex(of: time) { return 11 + 2 * place }
            passes.append(time)
            return 9 + 2 * passes.count
        }
    }

    private func transition(_ outcome: EndOutcome, to target: UInt32) -> EndTransition {
        let start = UInt32(sent.count)
        for bytes in outcome.sent { sent.append(packets.number(of: ExploredPacket(bytes, to: side.opposite))) }
        return EndTransition(
            target: target, sentFrom: start, sentCount: UInt32(outcome.sent.count), elapsed: outcome.elapsed)
    }

    /// The state that the last run led to.
    private func number(of outcome: EndOutcome) -> UInt32 {
        if let known = numbers[outcome.digest] {
            arrivals += 1
            if arrivals % 16 == 0 { compare(with: known) }
            return known
        }
        let number = UInt32(facts.count)
        numbers[outcome.digest] = number
        facts.append(runner.keep())
        inputs.append([])
        places += repeatElement(0, count: rowLength)
        return number
    }

    /// Lets the stack of the last run meet something that `state`, which has the same digest, has met.
    private func compare(with state: UInt32) {
        guard difference == nil, let input = inputs[Int(state)].last else { return }
        comparisons += 1
        let expected = follow(state, input)
        let outcome = runner.run(input, packet: bytes(input), from: nil)
        let isSame: Bool
        if let outcome {
            let sent = packets(of: expected).map { packets[$0].bytes }
            isSame =
                numbers[outcome.digest] == expected.target && sent == outcome.sent
                && outcome.elapsed == expected.elapsed
        } else {
            isSame = expected.target == EndTransition.none
        }
        if !isSame { difference = "two stacks with one digest differ at the \(side) end after \(input)" }
    }
}
