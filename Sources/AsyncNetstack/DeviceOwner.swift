#if os(Linux)
    import NetPrimitives
    import NetworkDevices
    import Netstack
    import NetworkSimulation
    import TCPStateMachine

    /// A stack on a TUN device, on the machine's clock.
    final class DeviceOwner: StackOwner {
        private var stack: NetworkStack
        /// `nil` once it is let go of.
        private var device: TUNDevice?
        private let interface: InterfaceID
        private let observer: PacketObserver?
        private var incoming = PacketBatch(byteCapacity: 1 << 19, packetCapacity: 256)
        private var answers = PacketBatch(byteCapacity: 1 << 17, packetCapacity: 1024)
        private var outgoing = PacketBatch(byteCapacity: 1 << 19, packetCapacity: 256)
        private var calendar = EventQueue<() -> Void>()
        private(set) var deviceRefusals: UInt64 = 0

        /// Batches that are sent before the device is read again: what comes in must not wait for all that goes out.
        private static let batchesPerTurn = 4

        init(
            _ stack: consuming NetworkStack, on device: consuming TUNDevice, as interface: InterfaceID,
            observer: PacketObserver?
        ) {
            self.stack = stack
            self.device = consume device
            self.interface = interface
            self.observer = observer
        }

        // MARK: Turns

        func turn(_ tell: (StackEvent) -> Void) throws(DeviceError) -> Interval? {
            do throws(DeviceError) {
                try receive()
                let now = self.now
                // The program's patience first: what it gives up sends nothing more.
                while let time = calendar.nextTime, time <= now { calendar.popFirst()?.event() }
                if let deadline = stack.nextDeadline(), deadline <= now { stack.timersFired(at: now) }
                // What answers the wire goes out before the program is told: the last packet of a handshake first.
                let isDone = try transmit()
                while let event = stack.nextEvent() { tell(event) }
                guard isDone else { return .zero }
                return nextDeadline.map { max($0 - self.now, .zero) }
            } catch {
                device = nil
                throw error
            }
        }

        private var nextDeadline: Instant? {
            guard let first = stack.nextDeadline() else { return calendar.nextTime }
            return min(first, calendar.nextTime ?? first)
        }

        private func receive() throws(DeviceError) {
            incoming.removeAll()
            try device?.receive(into: &incoming, interface: interface)
            if incoming.isEmpty { return }
            let now = self.now
            observe(incoming, isOutgoing: false, at: now)
            answers.removeAll()
            stack.receive(incoming, answers: &answers, at: now)
            try send(answers, at: now)
        }

        /// - Returns: whether everything was sent that may be.
        @discardableResult
        private func transmit() throws(DeviceError) -> Bool {
            for _ in 0..<Self.batchesPerTurn {
                let now = self.now
                outgoing.removeAll()
                stack.transmit(into: &outgoing, at: now)
                if outgoing.isEmpty { return true }
                try send(outgoing, at: now)
            }
            return false
        }

        private func send(_ batch: borrowing PacketBatch, at now: Instant) throws(DeviceError) {
            if batch.isEmpty { return }
            observe(batch, isOutgoing: true, at: now)
            deviceRefusals &+= UInt64(try device?.send(batch) ?? 0)
        }

        private func observe(_ batch: borrowing PacketBatch, isOutgoing: Bool, at now: Instant) {
            guard let observer else { return }
            observer(
                (0..<batch.count).map { index in
                    let bytes = batch.bytes(of: index)
                    return ObservedPacket(
                        bytes: unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
                            for position in bytes.indices { unsafe buffer[position] = bytes[position] }
                            count = bytes.count
                        }, isOutgoing: isOutgoing, time: now)
                })
        }

        func finish() {
            while (try? transmit()) == false {}
            device = nil
        }

        // MARK: The stack's calls

        var now: Instant { MonotonicClock.now }
        var tables: TableCounts { stack.tables }
        var counters: Counters { stack.counters }
        var allocatedBytes: Int { stack.allocatedBytes }
        func nextReport() -> StackReport? { StackReport(next: &stack) }

        func schedule(after interval: Interval, _ action: @escaping () -> Void) {
            calendar.add(action, at: now + interval)
        }
        func connect(to remote: Endpoint, from local: Endpoint?) throws(StackError) -> ConnectionID {
            try stack.connect(to: remote, from: local, at: now)
        }
        func listen(on local: Endpoint, backlog: Int, mode: ListenerMode) throws(StackError) -> ListenerID {
            try stack.listen(on: local, backlog: backlog, mode: mode)
        }
        func setBacklog(_ backlog: Int, of listener: ListenerID) throws(StackError) {
            try stack.setBacklog(backlog, of: listener)
        }
        func info(of listener: ListenerID) throws(StackError) -> ListenerInfo { try stack.info(of: listener) }
        func setCookieCodec(_ codec: CookieCodec, of listener: ListenerID) throws(StackError) {
            try stack.setCookieCodec(codec, of: listener)
        }
        func setCookieKeys(_ keys: CookieKeyPair) {
            stack.configuration.cookieEpoch = MonotonicClock.sinceEpoch
            stack.setCookieKeys(current: keys.current, previous: keys.previous)
        }
        func accept(_ listener: ListenerID) throws(StackError) -> ConnectionID { try stack.accept(listener) }
        func request(_ request: RequestID) throws(StackError) -> ConnectionRequest { try stack.request(request) }
        func decide(_ request: RequestID, _ decision: RequestDecision) throws(StackError) {
            try stack.decide(request, decision, at: now)
        }
        func state(of tuple: FourTuple) -> ConnectionState { stack.state(of: tuple) }
        func close(_ listener: ListenerID) throws(StackError) { try stack.close(listener, at: now) }

        func read(_ connection: ConnectionID, limit: Int) throws(StackError) -> [UInt8] {
            // No more room than there are bytes, but some: the end and a failure are told to a reader with room only.
            let room = min(max(try stack.info(of: connection).readableBytes, 1), limit)
            var failure: StackError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                var target = unsafe MutableSpan(_unsafeElements: buffer)
                do throws(StackError) {
                    count = try stack.read(connection, into: &target)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            return bytes
        }

        func write(_ connection: ConnectionID, _ bytes: [UInt8], from start: Int) throws(StackError) -> Int {
            do {
                return try stack.write(connection, bytes.span.extracting(start..<bytes.count))
            } catch .wouldBlock {
                return 0
            }
        }

        func setNoDelay(_ noDelay: Bool, of connection: ConnectionID) throws(StackError) {
            try stack.setNoDelay(noDelay, of: connection)
        }
        func shutdown(_ connection: ConnectionID) throws(StackError) { try stack.shutdown(connection, at: now) }
        func close(_ connection: ConnectionID) throws(StackError) { try stack.close(connection, at: now) }
        func abort(_ connection: ConnectionID) throws(StackError) { try stack.abort(connection, at: now) }
        func abortAll() { stack.abortAll(at: now) }
        func info(of connection: ConnectionID) throws(StackError) -> ConnectionInfo { try stack.info(of: connection) }
        func failure(of connection: ConnectionID) throws(StackError) -> ConnectionFailure? {
            try stack.failure(of: connection)
        }
        func attempt(of connection: ConnectionID) throws(StackError) -> ConnectionAttempt? {
            try stack.attempt(of: connection)
        }
    }
#endif
