import NetPrimitives
import Netstack
import TCPStateMachine

/// Two ends and the time.
struct StackWorld: ~Copyable {
    private var left: StackEnd
    private var right: StackEnd
    private(set) var now = Instant.zero
    /// Somebody has changed or forged packets: what is read then is whatever passes a sum of sixteen bits.
    private var isForged = false
    private var nextPort: UInt16 = 1_000
    private(set) var sent: [[UInt8]] = []

    init(_ input: inout Input) {
        var configuration = Configuration()
        let first = input.byte()
        configuration.synCookies = [.whenFull, .always, .off][Int(first & 3) % 3]
        configuration.abortsOnOverflow = first & 4 != 0
        configuration.halfOpenLimit = first & 8 == 0 ? 64 : 1
        configuration.timeWaitLimit = first & 16 == 0 ? 64 : 1
        configuration.budget = first & 32 == 0 ? 8 << 20 : 640 << 10
        configuration.prefixShare = first & 64 == 0 ? 100 : 50
        configuration.tcp = .drawn(&input)
        left = StackEnd(configuration, isLeft: true, seed: 1)
        right = StackEnd(configuration, isLeft: false, seed: 2)
    }

    private init(copying other: borrowing StackWorld) {
        left = other.left.fork()
        right = other.right.fork()
        now = other.now
        isForged = other.isForged
        nextPort = other.nextPort
    }

    func fork() -> StackWorld { StackWorld(copying: self) }

    /// Of both stacks, and how much is on its way.
    var digests: [UInt64] {
        [left.stack.digest(at: now), right.stack.digest(at: now), UInt64(left.wire.count), UInt64(right.wire.count)]
    }

    private mutating func with<Result>(_ isLeft: Bool, _ body: (inout StackEnd) -> Result) -> Result {
        isLeft ? body(&left) : body(&right)
    }

    // MARK: Steps

    mutating func take(_ step: StackStep) {
        Telling.say("\(step.isLeft ? "left" : "right") \(step.call) \(step.place) \(step.amount)")
        switch step.call {
        case .deliver, .deliverAll, .drop, .duplicate, .rotate, .damage, .forge: network(step)
        case .wait: pass(.milliseconds(1 << Int64(step.amount % 18)))
        case .fire: if let deadline = nextDeadline { pass(deadline - now) }
        case .fork: break
        default: application(step)
        }
        if !step.isSilent { settle() }
        lookForStrangers()
        left.judge()
        right.judge()
    }

    private mutating func application(_ step: StackStep) {
        let time = now
        let streams = isForged ? nil : with(!step.isLeft) { $0.streams }
        let port = nextPort
        if step.call == .simultaneous {
            nextPort += 1
            connect(isLeft: true, isIPv6: step.amount & 1 != 0, port: port, from: port)
            return connect(isLeft: false, isIPv6: step.amount & 1 != 0, port: port, from: port)
        }
        if step.call == .connect {
            return connect(
                isLeft: step.isLeft, isIPv6: step.amount & 1 != 0, port: 80 + UInt16(step.amount >> 1 & 1), from: 0)
        }
        with(step.isLeft) { end in
            let count = end.conversations.count
            let place = count == 0 ? 0 : step.place % count
            switch step.call {
            case .listen:
                let any: IPAddress = step.amount & 1 == 0 ? .v4(.any) : .v6(.any)
                let local = Endpoint(any, 80 + UInt16(step.amount >> 1 & 1))
                if let id = try? end.stack.listen(on: local, backlog: step.amount >> 2 & 3) { end.listeners.append(id) }
            case .closeListener where !end.listeners.isEmpty:
                let id = end.listeners.remove(at: step.place % end.listeners.count)
                try? end.stack.close(id, at: time)
            case .accept where !end.listeners.isEmpty:
                end.accept(end.listeners[step.place % end.listeners.count])
            case .write where count > 0: end.write(place, step.amount)
            case .read where count > 0: end.read(place, step.amount, writtenBy: streams)
            case .shutdown where count > 0: end.shutdown(place, at: time)
            case .close where count > 0: end.close(place, at: time)
            case .abort where count > 0: end.abort(place, at: time)
            case .noDelay where count > 0:
                try? end.stack.setNoDelay(step.amount & 0x80 != 0, of: end.conversations[place].id)
            default: break
            }
        }
    }

    private mutating func connect(isLeft: Bool, isIPv6: Bool, port: UInt16, from own: UInt16) {
        let time = now
        let remote = Endpoint(StackEnd.address(isLeft: !isLeft, isIPv6: isIPv6), port)
        let local = Endpoint(StackEnd.address(isLeft: isLeft, isIPv6: isIPv6), own)
        with(isLeft) { end in
            guard end.conversations.count < 32 else { return }
            if let id = try? end.stack.connect(to: remote, from: local, at: time) { end.note(id) }
        }
    }

    private mutating func network(_ step: StackStep) {
        let count = with(step.isLeft) { $0.wire.count }
        switch step.call {
        case .deliver: for _ in 0..<min(count, 1 + step.amount % 8) { deliver(to: step.isLeft) }
        case .deliverAll: for _ in 0..<count { deliver(to: step.isLeft) }
        case .drop where count > 0: with(step.isLeft) { _ = $0.wire.remove(at: step.place % count) }
        case .duplicate where count > 0: with(step.isLeft) { $0.put([$0.wire[step.place % count]]) }
        case .rotate where count > 0: with(step.isLeft) { $0.wire.append($0.wire.remove(at: step.place % count)) }
        case .damage where count > 0:
            isForged = true
            with(step.isLeft) { end in
                let place = step.place % count
                guard !end.wire[place].isEmpty else { return }
                end.wire[place][step.amount % end.wire[place].count] ^= step.bytes[0]
            }
        case .forge:
            isForged = true
            var packet = step.bytes
            Packets.putHeaderChecksumRight(&packet)
            with(step.isLeft) { $0.put([packet]) }
        default: break
        }
    }

    /// The oldest packet for an end arrives; what it answers goes to the other.
    private mutating func deliver(to isLeft: Bool) {
        let time = now
        let answers = with(isLeft) { end -> [[UInt8]] in
            guard !end.wire.isEmpty else { return [] }
            let packet = end.wire.removeFirst()
            Telling.say(isLeft ? "  to left" : "  to right", packet, at: time)
            return end.receive(packet, at: time)
        }
        sent += answers
        with(!isLeft) { $0.put(answers) }
    }

    private mutating func pass(_ interval: Interval) {
        now = max(now, now + interval)
        left.stack.timersFired(at: now)
        right.stack.timersFired(at: now)
        if let deadline = nextDeadline { check(deadline > now, "a deadline that has come is dealt with") }
    }

    private var nextDeadline: Instant? {
        switch (left.stack.nextDeadline(), right.stack.nextDeadline()) {
        case (let first?, let second?): min(first, second)
        case (let first, let second): first ?? second
        }
    }

    /// Both say what they have to say.
    private mutating func settle() {
        let (toRight, toLeft) = (left.transmit(at: now), right.transmit(at: now))
        sent += toRight + toLeft
        right.put(toRight)
        left.put(toLeft)
        left.takeEvents()
        right.takeEvents()
    }

    /// A connection whose first number the other end never had: a cookie of Linux's kind has been completed by a
    /// segment that stands one to three numbers behind the first, where it says another MSS and is valid as well. What
    /// stood before is lost then, as with Linux.
    private mutating func lookForStrangers() {
        if left.hasStranger(to: right.streams) || right.hasStranger(to: left.streams) { isForged = true }
    }

    // MARK: The end

    /// The network loses nothing any more, and the applications read until the end and close. Two ends that forged
    /// packets have set at odds may wait for each other: they are aborted then.
    mutating func heal() {
        runOut()
        guard isForged else { return }
        for isLeft in [true, false] {
            let time = now
            with(isLeft) { end in
                for place in end.conversations.indices.reversed() { end.abort(place, at: time) }
            }
        }
        runOut()
    }

    private mutating func runOut() {
        var turns = 0
        var isBusy = true
        while isBusy {
            turns += 1
            check(turns < 20_000, "everything ends when the network heals")
            settle()
            for _ in 0..<left.wire.count { deliver(to: true) }
            for _ in 0..<right.wire.count { deliver(to: false) }
            finish(isLeft: true)
            finish(isLeft: false)
            settle()
            isBusy = !left.wire.isEmpty || !right.wire.isEmpty
            if isBusy { continue }
            if let deadline = nextDeadline {
                pass(deadline - now)
                isBusy = true
            } else {
                isBusy = leaveWaiting()
            }
        }
    }

    /// Nothing will happen any more. Whoever has ended its side and waits for the other's end (FIN-WAIT-2) waits in
    /// vain if the other has reset the connection and its RST was lost: TCP has no timer for that while somebody holds
    /// the connection.
    private mutating func leaveWaiting() -> Bool {
        let time = now
        var hasLeft = false
        for isLeft in [true, false] {
            let isInVain = isForged || with(!isLeft) { $0.stack.counters.resetsOut > 0 }
            with(isLeft) { end in
                for place in end.conversations.indices.reversed() {
                    let info = try? end.stack.info(of: end.conversations[place].id)
                    guard info?.state == .finWait2 else { continue }
                    check(isInVain, "who waits for the end of a peer that is there gets it")
                    end.close(place, at: time)
                    hasLeft = true
                }
            }
        }
        return hasLeft
    }

    /// An application that wants to be done with it: whatever waits is accepted, ended, read to its end and closed.
    private mutating func finish(isLeft: Bool) {
        let time = now
        with(isLeft) { end in
            for listener in end.listeners {
                while end.accept(listener) {}
            }
        }
        lookForStrangers()
        let streams = isForged ? nil : with(!isLeft) { $0.streams }
        with(isLeft) { end in
            for place in end.conversations.indices.reversed() {
                if !end.conversations[place].isShut { end.shutdown(place, at: time) }
                for _ in 0..<64 where !end.conversations[place].isAtEnd {
                    let before = end.conversations[place].bytesRead
                    end.read(place, 8_192, writtenBy: streams)
                    if end.conversations[place].bytesRead == before { break }
                }
                let info = try? end.stack.info(of: end.conversations[place].id)
                if end.conversations[place].isAtEnd || info?.state == .closed { end.close(place, at: time) }
            }
        }
    }

    /// Nothing is left but listeners.
    mutating func end() {
        for isLeft in [true, false] {
            let tables = with(isLeft) { $0.stack.tables }
            check(tables.isEmpty, "nothing stays: \(tables)")
        }
    }
}
