internal import NetPrimitives

/// Which steps there are, and what they make of a state.
extension Search {
    /// Every step that the network may take from a state.
    func collectSteps(from state: NetworkState, into steps: inout [Step]) {
        let mayLose = state.spent[.losses] < bounds.losses
        let mayDouble = state.spent[.duplicates] < bounds.duplicates
        for index in 0..<state.flight.count {
            let packet = state.flight[index]
            // Of two that are the same it does not matter which.
            if index > 0, state.flight[index - 1] == packet { continue }
            steps.append(Step(.deliver, .left, packet))
            if mayLose { steps.append(Step(.lose, .left, packet)) }
            if mayDouble { steps.append(Step(.duplicate, .left, packet)) }
        }
        for side in ExploredSide.allCases {
            if mayFire(side, state) { steps.append(Step(.timer, side)) }
            for choice in self[side].facts[Int(state[side])].choices where choice.moment != .atRest {
                steps.append(Step(.choose, side, UInt16(choice.number)))
            }
        }
        guard state.spent[.injections] < bounds.injections else { return }
        for index in injections.indices { steps.append(Step(.inject, .left, UInt16(index))) }
    }

    private func mayFire(_ side: ExploredSide, _ state: NetworkState) -> Bool {
        guard state.spent[side == .left ? .leftTimers : .rightTimers] < bounds.timers else { return false }
        switch timer(side, state) {
        case .none: return false
        case .other: return true
        case .timeWait:
            let other = timer(side.opposite, state)
            return state.flight.count == 0 && other != .other
        }
    }

    private enum Timer {
        case none, timeWait, other
    }

    /// What the next timer of an end is for.
    private func timer(_ side: ExploredSide, _ state: NetworkState) -> Timer {
        let end = self[side]
        let transition = end.follow(state[side], .timer)
        guard transition.target != EndTransition.none else { return .none }
        let (before, after) = (end.facts[Int(state[side])], end.facts[Int(transition.target)])
        return after.timeWaits < before.timeWaits ? .timeWait : .other
    }

    // MARK: Steps of a healed network

    /// What is done before time passes: what programs do promptly, then the packet in flight that was first sent.
    func promptStep(_ state: NetworkState) -> Step? {
        for side in ExploredSide.allCases {
            let choices = self[side].facts[Int(state[side])].choices
            if let choice = choices.first(where: { $0.moment == .prompt }) {
                return Step(.choose, side, UInt16(choice.number))
            }
        }
        return state.flight.count > 0 ? Step(.deliver, .left, state.flight[0]) : nil
    }

    /// What is done when all is quiet.
    func lastStep(_ state: NetworkState) -> Step? {
        for side in ExploredSide.allCases {
            if let choice = self[side].facts[Int(state[side])].choices.first {
                return Step(.choose, side, UInt16(choice.number))
            }
        }
        return nil
    }

    /// How long it takes until a timer fires at one end or the other.
    func deadline(_ state: NetworkState) -> Interval? {
        ExploredSide.allCases.compactMap { side in
            let transition = self[side].follow(state[side], .timer)
            return transition.target == EndTransition.none ? nil : transition.elapsed
        }.min()
    }

    // MARK: What they make of a state

    /// - Parameter room: the most packets in flight.
    /// - Returns: `nil` when there would be more.
    func take(_ step: Step, in state: NetworkState, room: Int) -> NetworkState? {
        var next = state
        sentLast.removeAll(keepingCapacity: true)
        switch step.kind {
        case .deliver:
            remove(step.argument, from: &next)
            let side = packets[step.argument].destination
            guard follow(side, .packet(step.argument), &next) else { return nil }
        case .lose:
            remove(step.argument, from: &next)
            next.spent.spend(.losses)
        case .duplicate:
            guard next.flight.insert(step.argument) else { return nil }
            next.spent.spend(.duplicates)
        case .timer:
            next.spent.spend(step.side == .left ? .leftTimers : .rightTimers)
            guard follow(step.side, .timer, &next) else { return nil }
        case .choose:
            guard follow(step.side, .choice(UInt8(truncatingIfNeeded: step.argument)), &next) else { return nil }
        case .inject:
            let injection = injections[Int(step.argument)]
            next.spent.spend(.injections)
            if injection.disturbs { next.isDisturbed = true }
            guard follow(injection.packet.destination, .packet(injected[Int(step.argument)]), &next) else { return nil }
        case .wait:
            guard let time = deadline(state) else { return nil }
            for side in ExploredSide.allCases {
                let isDue = self[side].follow(state[side], .timer)
                let fires = isDue.target != EndTransition.none && isDue.elapsed == time
                guard follow(side, fires ? .timer : .pass(time), &next) else { return nil }
            }
        }
        return next.flight.count <= room ? next : nil
    }

    /// Lets something happen to an end, and puts what it sends into flight.
    /// - Returns: whether there was room.
    private func follow(_ side: ExploredSide, _ input: EndInput, _ state: inout NetworkState) -> Bool {
        let transition = self[side].follow(state[side], input)
        state[side] = transition.target
        for packet in self[side].packets(of: transition) {
            sentLast.append(packet)
            guard state.flight.insert(packet) else { return false }
        }
        return true
    }

    private func remove(_ packet: UInt16, from state: inout NetworkState) {
        for index in 0..<state.flight.count where state.flight[index] == packet {
            state.flight.remove(at: index)
            return
        }
    }
}
