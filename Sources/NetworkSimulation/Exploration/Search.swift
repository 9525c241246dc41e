internal import NetPrimitives

/// The search itself: over states of the network, breadth first.
final class Search {
    enum Law {
        case always, atRest, atEnd
    }

    /// What a law says of a pair of states.
    typealias Check = (Law, _ left: UInt32, _ right: UInt32, _ isDisturbed: Bool) -> String?

    /// How a state was reached first.
    private struct Trail {
        var parent: UInt32
        var step: Step
    }

    let left: EndAutomaton
    let right: EndAutomaton
    let packets = PacketTable()
    let bounds: ExplorationBounds
    let injections: [Injection]
    let check: Check
    /// What the step that was taken last sent.
    var sentLast: [UInt16] = []
    /// The numbers of the packets of ``injections``.
    private(set) var injected: [UInt16] = []
    private var counts = ExplorationCounts()
    private var table = SituationTable()
    /// Pairs of states that satisfy the law for every state.
    private var lawful: Set<UInt64> = []
    private var trails: [Trail] = []

    init(
        _ left: any EndRunner, _ right: any EndRunner, _ bounds: ExplorationBounds, _ injections: [Injection],
        _ check: @escaping Check
    ) {
        self.left = EndAutomaton(.left, left, packets)
        self.right = EndAutomaton(.right, right, packets)
        self.bounds = bounds
        self.injections = injections
        self.check = check
    }

    subscript(side: ExploredSide) -> EndAutomaton { side == .left ? left : right }

    func run(limit: Int) -> ExplorationResult {
        let beginnings = (left.begin(), right.begin())
        var start = NetworkState(left: beginnings.0.target, right: beginnings.1.target)
        sentLast = Array(left.packets(of: beginnings.0)) + right.packets(of: beginnings.1)
        for packet in sentLast { _ = start.flight.insert(packet) }
        injected = injections.map { packets.number(of: $0.packet) }
        var story = Story(self, start)
        if bounds.beginsConnected {
            while let step = promptStep(start), let next = take(step, in: start, room: Flight.capacity) {
                story.note(step, from: start, to: next)
                start = next
            }
        }
        let found = explore(from: start, story, limit: limit)
        return ExplorationResult(
            counts: finalCounts(), counterexample: found, isCutShort: found == nil && counts.states >= limit)
    }

    private func finalCounts() -> ExplorationCounts {
        var counts = counts
        counts.situations = table.met
        counts.healed = table.healthy
        counts.packets = packets.count
        (counts.leftStates, counts.rightStates) = (left.facts.count, right.facts.count)
        counts.runs = left.runs + right.runs
        counts.comparisons = left.comparisons + right.comparisons
        return counts
    }

    // MARK: Breadth first

    private func explore(from start: NetworkState, _ story: Story, limit: Int) -> Counterexample? {
        trails = [Trail(parent: .max, step: Step(.wait))]
        var frontier = [(state: start, node: UInt32(0))]
        var next: [(state: NetworkState, node: UInt32)] = []
        var steps: [Step] = []
        _ = table.visit(digest(start), for: start.spent)
        counts.states = 1
        if let verdict = verdict(start) { return tell(story, verdict, at: 0, start) }
        while !frontier.isEmpty {
            for (state, node) in frontier {
                steps.removeAll(keepingCapacity: true)
                collectSteps(from: state, into: &steps)
                for step in steps {
                    guard let successor = take(step, in: state, room: bounds.inFlight) else {
                        counts.cut += 1
                        continue
                    }
                    counts.transitions += 1
                    let visit = table.visit(digest(successor), for: successor.spent)
                    if visit == .known { continue }
                    counts.states += 1
                    trails.append(Trail(parent: node, step: step))
                    let place = UInt32(trails.count - 1)
                    if visit == .new, let verdict = verdict(successor) { return tell(story, verdict, at: place, start) }
                    if counts.states >= limit { return nil }
                    next.append((successor, place))
                }
            }
            swap(&frontier, &next)
            next.removeAll(keepingCapacity: true)
            if !frontier.isEmpty { counts.depth += 1 }
        }
        return nil
    }

    /// All that decides what can happen from here on, but for what the bounds still allow.
    private func digest(_ state: NetworkState) -> UInt64 {
        var sum = Self.mixed(left.facts[Int(state.left)].digest ^ 0x9E37_79B9_7F4A_7C15)
        sum &+= Self.mixed(right.facts[Int(state.right)].digest ^ 0xC2B2_AE3D_27D4_EB4F)
        for index in 0..<state.flight.count { sum &+= Self.mixed(packets.digests[Int(state.flight[index])]) }
        return state.isDisturbed ? Self.mixed(sum) : sum
    }

    /// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): every bit depends on every bit.
    private static func mixed(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    // MARK: Laws

    /// What is wrong with a state or with what a healed network makes of it.
    private func verdict(_ state: NetworkState) -> String? {
        if let difference = left.difference ?? right.difference { return difference }
        return unlawful(state) ?? heal(state)
    }

    private func unlawful(_ state: NetworkState) -> String? {
        let pair = UInt64(state.left) << 33 | UInt64(state.right) << 1 | (state.isDisturbed ? 1 : 0)
        if lawful.contains(pair) { return nil }
        if let verdict = check(.always, state.left, state.right, state.isDisturbed) { return verdict }
        lawful.insert(pair)
        return nil
    }

    /// Lets the network do all it should until all is quiet.
    private func heal(_ start: NetworkState, noting story: (Step, NetworkState, NetworkState) -> Void = { _, _, _ in })
        -> String?
    {
        var state = start
        var path: [UInt64] = []
        for _ in 0..<1000 {
            let digest = digest(state)
            if table.isHealthy(digest) {
                for digest in path { table.markHealthy(digest) }
                return nil
            }
            path.append(digest)
            if let verdict = unlawful(state) { return verdict }
            var step = promptStep(state) ?? (deadline(state) == nil ? nil : Step(.wait))
            if step == nil {
                if let verdict = check(.atRest, state.left, state.right, state.isDisturbed) { return verdict }
                step = lastStep(state)
            }
            guard let step else {
                if let verdict = check(.atEnd, state.left, state.right, state.isDisturbed) { return verdict }
                for digest in path { table.markHealthy(digest) }
                return nil
            }
            guard let next = take(step, in: state, room: Flight.capacity) else {
                return "a healed network fills with packets"
            }
            story(step, state, next)
            state = next
        }
        return "a healed network never comes to rest"
    }

    // MARK: Telling

    /// The events that lead to a node, and on through the healed network when that is where the trouble lies.
    private func tell(_ story: Story, _ verdict: String, at node: UInt32, _ start: NetworkState) -> Counterexample {
        var story = story
        var steps: [Step] = []
        var place = node
        while place != 0 {
            steps.append(trails[Int(place)].step)
            place = trails[Int(place)].parent
        }
        var state = start
        for step in steps.reversed() {
            guard let next = take(step, in: state, room: Flight.capacity) else { break }
            story.note(step, from: state, to: next)
            state = next
        }
        var counterexample = Counterexample(verdict: verdict, events: story.events, healedAfter: nil)
        guard unlawful(state) == nil else { return counterexample }
        counterexample.healedAfter = story.events.count
        _ = heal(state) { story.note($0, from: $1, to: $2) }
        counterexample.events = story.events
        return counterexample
    }
}
