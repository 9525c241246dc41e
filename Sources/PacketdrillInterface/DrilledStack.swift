#if os(Linux)
    import CPacketdrillInterface
    import Dispatch
    import Glibc
    import NetPrimitives
    import Netstack
    import Packetdrill
    import Synchronization

    /// A stack in virtual time behind packetdrill's calls, which may come from several threads.
    ///
    /// The thread that made it, packetdrill's main one, moves the clock: it goes on when that thread waits, for a time,
    /// for a packet or in a call that blocks. A call that blocks on another thread waits until the first has come that
    /// far.
    final class DrilledStack: Sendable {
        /// The descriptors by the numbers that the caller knows: real ones of the process, held open as long as the
        /// socket is, for packetdrill closes by itself what a script has left open.
        struct Numbers {
            fileprivate var table: [Int32: Int] = [:]

            /// The socket layer's number; one that is never open for a stranger's.
            subscript(number: Int32) -> Int { table[number] ?? -1 }
        }

        /// A thread that waits for its call.
        private final class Waiter: Sendable {
            let done = DispatchSemaphore(value: 0)
            let result = Mutex<(result: CallResult, at: Instant)?>(nil)
        }

        private struct State {
            let layer: SocketLayer
            var numbers = Numbers()
            var waiting: [(call: OngoingCall, waiter: Waiter)] = []
            /// When the last blocking call of a thread was over, until that thread looks at the clock.
            var returnedAt: [UInt: Instant] = [:]
            var addresses: [IPAddress]
        }

        private enum Outcome {
            case over(CallResult)
            case waits(Waiter)
        }

        private let state: Mutex<State>
        private let mover = UInt(pthread_self())

        init(_ flags: InterfaceFlags) throws(StackError) {
            let layer = try SocketLayer(
                NetworkStack(configuration: flags.configuration, seed: Seed(1)),
                addresses: flags.addresses.map { IPPrefix(host: $0) }, mtu: flags.mtu)
            state = Mutex(State(layer: layer, addresses: flags.addresses))
        }

        // MARK: Calls

        /// Does a call, and waits for it where it blocks.
        /// - Returns: `EDEADLK` when the thread that moves the clock would wait for ever.
        func call(_ make: (Numbers) -> SystemCall) -> CallResult {
            let thread = UInt(pthread_self())
            let outcome: Outcome = state.withLock { state in
                state.returnedAt[thread] = nil
                return begin(make(state.numbers), byMover: thread == mover, &state)
            }
            switch outcome {
            case .over(let result):
                return result
            case .waits(let waiter):
                waiter.done.wait()
                guard let end = waiter.result.withLock({ $0 }) else { return .failed(.eintr) }
                state.withLock { $0.returnedAt[thread] = end.at }
                return end.result
            }
        }

        private func begin(_ call: SystemCall, byMover: Bool, _ state: inout State) -> Outcome {
            let ongoing = state.layer.begin(call)
            if byMover, ongoing.result == nil {
                Self.advance(&state, to: state.layer.now + Self.longestWait, onlyToEvents: true) {
                    ongoing.result != nil
                }
            }
            Self.wake(&state)
            if let result = ongoing.result { return .over(Self.opened(call, result, &state)) }
            guard byMover else {
                let waiter = Waiter()
                state.waiting.append((ongoing, waiter))
                return .waits(waiter)
            }
            state.layer.cancel(ongoing)
            return .over(.failed(LinuxError(rawValue: EDEADLK)))
        }

        /// Lets those go whose calls are over.
        private static func wake(_ state: inout State) {
            for (call, waiter) in state.waiting {
                guard let result = call.result else { continue }
                let end = (opened(call.call, result, &state), call.finishedAt ?? state.layer.now)
                waiter.result.withLock { $0 = end }
                waiter.done.signal()
            }
            state.waiting.removeAll { $0.call.result != nil }
        }

        /// A descriptor that a call has opened gets its number.
        private static func opened(_ call: SystemCall, _ result: CallResult, _ state: inout State) -> CallResult {
            switch call {
            case .socket, .accept, .epollCreate: break
            default: return result
            }
            guard result.error == nil else { return result }
            let number = stcp_reserve_descriptor()
            guard number >= 0 else {
                state.layer.perform(.close(result.value))
                return .failed(.emfile)
            }
            state.numbers.table[number] = result.value
            return .done(Int(number))
        }

        /// close(), which gives the number back too.
        func close(_ number: Int32) -> CallResult {
            let result = call { .close($0[number]) }
            let wasOurs = state.withLock { state in
                result.error == nil && state.numbers.table.removeValue(forKey: number) != nil
            }
            if wasOurs { Glibc.close(number) }
            return result
        }

        /// The other end of a connection.
        func peer(of number: Int32) -> Endpoint? {
            state.withLock { state in state.layer.peer(of: state.numbers[number]) }
        }

        // MARK: Addresses

        /// What a script binds to is ours, whichever address its run has drawn.
        func own(_ address: IPAddress) {
            guard address.isUnicast else { return }
            state.withLock { state in
                if !state.addresses.contains(address), state.layer.addAddress(address) {
                    state.addresses.append(address)
                }
            }
        }

        /// The stack needs an address of the family: `address` will do when it has none.
        func ownSome(_ address: IPAddress) {
            let hasOne = state.withLock { state in
                state.addresses.contains { $0.isIPv6 == address.isIPv6 }
            }
            if !hasOne { own(address) }
        }

        // MARK: Packets and time

        /// An IP packet reaches the stack.
        func receive(_ packet: [UInt8]) {
            if let destination = IPAddress(destinationOf: packet) { ownSome(destination) }
            state.withLock { state in
                state.layer.receive(packet)
                Self.wake(&state)
            }
        }

        /// The next packet that leaves the stack, time going on until then; `nil` when nothing would ever come.
        func nextPacket() -> SentPacket? {
            state.withLock { state in
                if state.layer.sent.isEmpty {
                    let layer = state.layer
                    Self.advance(&state, to: layer.now + Self.longestWait, onlyToEvents: true) {
                        !layer.sent.isEmpty
                    }
                }
                return state.layer.sent.isEmpty ? nil : state.layer.sent.removeFirst()
            }
        }

        /// Lets time pass.
        func pause(_ duration: Interval) {
            state.withLock { state in Self.advance(&state, to: state.layer.now + duration) { false } }
        }

        /// The time since the beginning. For a thread whose call has just blocked it is when the call was over, as it
        /// would have been had time not gone on without it. Looking takes a microsecond, so that whoever looks again
        /// and again until a time has come gets there.
        func look() -> Instant {
            let thread = UInt(pthread_self())
            return state.withLock { state in
                if let time = state.returnedAt.removeValue(forKey: thread) { return time }
                if thread == mover { Self.advance(&state, to: state.layer.now + .microseconds(1)) { false } }
                return state.layer.now
            }
        }

        /// No timer of TCP's is longer.
        private static let longestWait = Interval.seconds(86_400)

        /// - Parameter onlyToEvents: where `stop` never came true, time stays at the last thing that happened.
        private static func advance(
            _ state: inout State, to end: Instant, onlyToEvents: Bool = false, until stop: () -> Bool
        ) {
            var turns = 0
            while let deadline = state.layer.nextDeadline, deadline <= end, !stop(), turns < 100_000 {
                turns += 1
                state.layer.advance(to: max(deadline, state.layer.now), until: { true })
                wake(&state)
            }
            if !onlyToEvents, !stop() { state.layer.advance(to: end) }
        }
    }

    extension IPAddress {
        /// Where an IP packet goes; `nil` for what is none.
        init?(destinationOf packet: [UInt8]) {
            switch packet.first.map({ $0 >> 4 }) {
            case 4 where packet.count >= 20: self = .v4(IPv4Address(UInt32(truncatingIfNeeded: packet[16..<20].number)))
            case 6 where packet.count >= 40:
                self = .v6(IPv6Address(high: packet[24..<32].number, low: packet[32..<40].number))
            default: return nil
            }
        }
    }
#endif
