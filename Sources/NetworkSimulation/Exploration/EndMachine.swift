internal import NetPrimitives
internal import Netstack
internal import TCPStateMachine

/// What happens to an end.
enum EndInput: Hashable {
    case packet(UInt16)
    case choice(UInt8)
    /// The next timer of this end fires, however much time that takes.
    case timer
    /// Time passes.
    case pass(Interval)
}

/// The batches that every end is driven with, and what left the end that was driven last.
struct EndWire: ~Copyable {
    var incoming = PacketBatch(byteCapacity: 65_535, packetCapacity: 1)
    var outgoing = PacketBatch(byteCapacity: 1 << 16, packetCapacity: 64)
    var sent: [[UInt8]] = []
}

/// A stack, the program above it and their clock, taken from one quiet moment to the next.
struct EndMachine<Program: ExploredProgram>: ~Copyable {
    var stack: NetworkStack
    var program: Program
    var now: Instant

    init(_ stack: consuming NetworkStack, _ program: Program, at now: Instant = .zero) {
        self.stack = stack
        self.program = program
        self.now = now
    }

    func fork() -> EndMachine { EndMachine(stack.fork(), program, at: now) }

    /// A number for all that decides what this end does next. Where that depends on what the clock shows, and not only
    /// on how much time has passed, the clock counts too: timestamps, cookies, and initial numbers that are not fixed.
    func digest(at now: Instant) -> UInt64 {
        let configuration = stack.configuration
        let showsClock =
            configuration.tcp.offersTimestamps || configuration.synCookies != .off
            || configuration.fixedInitialSequence == nil
        var sink = SipHash(key: SipKey(0, 0))
        sink.combine(stack.digest(at: now))
        sink.combine(showsClock ? UInt64(bitPattern: now.nanoseconds) : 0)
        program.encode(into: &sink)
        return sink.finish()
    }

    // MARK: What happens

    mutating func begin(_ wire: inout EndWire) {
        program.begin(&stack, at: now)
        settle(&wire)
    }

    mutating func receive(_ packet: [UInt8], _ wire: inout EndWire) {
        for packet in program.arriving(packet, at: stack) {
            wire.incoming.removeAll()
            wire.incoming.append(packet.span, interface: InterfaceID(0))
            stack.receive(wire.incoming, answers: &wire.outgoing, at: now)
            takeSent(&wire)
            transmit(&wire)
        }
        settle(&wire)
    }

    mutating func perform(_ choice: UInt8, _ wire: inout EndWire) {
        program.perform(choice, &stack, at: now)
        settle(&wire)
    }

    /// Goes on to the next deadline and past it.
    /// - Returns: whether there was one. A stack may ask to be woken when nothing is due any more: then nothing
    ///   changes, and the deadline after that counts.
    mutating func fireTimer(_ wire: inout EndWire) -> Bool {
        while let deadline = stack.nextDeadline() {
            now = max(now, deadline)
            let before = stack.digest(at: now)
            stack.timersFired(at: now)
            guard stack.digest(at: now) == before else {
                settle(&wire)
                return true
            }
        }
        return false
    }

    mutating func pass(_ time: Interval, _ wire: inout EndWire) {
        let end = now + time
        while let deadline = stack.nextDeadline(), deadline <= end {
            now = max(now, deadline)
            stack.timersFired(at: now)
            settle(&wire)
        }
        now = end
    }

    // MARK: What follows from it

    /// What the stack has to send leaves, then the program is told, what it says leaves, until both are silent. So the
    /// last packet of a handshake leaves before anyone acts on it.
    private mutating func settle(_ wire: inout EndWire) {
        var isTold: Bool
        repeat {
            transmit(&wire)
            isTold = false
            while let event = stack.nextEvent() {
                isTold = true
                program.handle(event, &stack, at: now)
            }
        } while isTold
        // What is due at once, such as the end of a TIME-WAIT that takes no time.
        guard let deadline = stack.nextDeadline(), deadline <= now else { return }
        let before = stack.digest(at: now)
        stack.timersFired(at: now)
        if stack.digest(at: now) != before { settle(&wire) }
    }

    private mutating func transmit(_ wire: inout EndWire) {
        repeat { stack.transmit(into: &wire.outgoing, at: now) } while takeSent(&wire)
    }

    /// - Returns: whether there was anything.
    @discardableResult
    private mutating func takeSent(_ wire: inout EndWire) -> Bool {
        for index in 0..<wire.outgoing.count {
            let bytes = wire.outgoing.bytes(of: index)
            wire.sent += program.leaving(bytes.indices.map { bytes[$0] }, from: stack)
        }
        defer { wire.outgoing.removeAll() }
        return !wire.outgoing.isEmpty
    }
}
