import NetPrimitives
import Netstack
import TCPStateMachine
import WireFormats

/// The way in, the way out, and what holds whatever came.
extension ListenerTarget {
    /// A segment of a peer arrives.
    mutating func send(_ seg: Segment, payload: [UInt8], from number: Int) {
        let isIPv6 = number >= Self.peerCount
        let opened = stack.tables.connections
        let believed = stack.counters.cookiesReceived
        receive(
            Packets.tcp(
                seg, payload: payload, from: Self.endpoint(number), to: Endpoint(Wires.own(isIPv6: isIPv6), 80)))
        guard stack.tables.connections > opened else { return }
        check(seg.flags.contains(.ack) && seg.flags.isDisjoint(with: [.syn, .rst]), "an ACK opens, and nothing else")
        // Whoever finds the number of a cookie by chance has been told it as far as the stack can know.
        let isKnown = peers[number].numbers.contains { seg.ack == $0 + 1 }
        check(isKnown || stack.counters.cookiesReceived > believed, "only who was told our number can open")
    }

    /// A packet comes in; what is answered goes to the peers.
    mutating func receive(_ packet: [UInt8], checksum: ChecksumState = .inPacket) {
        incoming.removeAll()
        answers.removeAll()
        guard incoming.append(packet.span, interface: InterfaceID(0), checksum: checksum) else { return }
        let (before, bytes, cookies) = (stack.tables, stack.allocatedBytes, stack.counters.cookiesSent)
        stack.receive(incoming, answers: &answers, at: now)
        check(answers.count <= 1, "one packet has one answer at most")
        if stack.counters.cookiesSent > cookies {
            check(stack.tables == before, "a cookie stores nothing")
            check(stack.allocatedBytes == bytes, "a cookie allocates nothing")
        }
        for answer in Packets.copies(answers) { note(answer) }
    }

    /// What the stack sends by itself.
    mutating func transmit() {
        for _ in 0..<1_000 {
            outgoing.removeAll()
            stack.transmit(into: &outgoing, at: now)
            for packet in Packets.copies(outgoing) { note(packet) }
            if outgoing.isEmpty { break }
        }
        check(outgoing.isEmpty, "a stack stops sending")
        var told = 0
        while stack.nextEvent() != nil { told += 1 }
        check(told <= 8 * (stack.tables.connections + 5), "there is no end of events")
        while stack.nextAttempt() != nil {}
        while stack.nextSummary() != nil {}
        while stack.nextFlood() != nil {}
    }

    private mutating func note(_ packet: [UInt8]) {
        guard let sent = Packets.segment(packet) else { return }
        check(sent.source.port != 0 && sent.destination.port != 0 || sent.segment.flags.contains(.rst), "ports")
        for number in 0..<peers.count where Self.endpoint(number) == sent.destination {
            peers[number].packet = packet
            guard sent.segment.flags.contains([.syn, .ack]) else { continue }
            peers[number].answer = sent.segment
            if !peers[number].numbers.contains(sent.segment.seq) { peers[number].numbers.append(sent.segment.seq) }
        }
    }

    /// After every step.
    func judge() {
        let tables = stack.tables
        check(tables.halfOpen <= limit, "\(tables.halfOpen) half-open entries, \(limit) may be")
        check(tables.timeWaits <= stack.configuration.timeWaitLimit, "TIME-WAITs are bounded")
        check(tables.listeners == 2, "two listeners")
        check(tables.chunksReserved == 2 * tables.connections, "two chunks for each connection")
        check(stack.allocatedBytes <= stack.configuration.budget, "the budget is kept")
        check(tables.attempts <= 256 + tables.connections, "records are bounded")
        guard let listener, let info = try? stack.info(of: listener) else { return check(false, "a listener is there") }
        check(info.synQueueLength <= largestBacklog + 1, "the SYN queue holds backlog + 1")
        check(info.acceptQueueLength <= largestBacklog + 1, "the accept queue holds backlog + 1")
        check(
            info.synQueueLength <= tables.halfOpen && info.acceptQueueLength <= tables.connections,
            "queues are of tables")
    }

    /// Everybody goes, and nothing stays.
    mutating func end() {
        for id in [listener, second] { if let id { try? stack.close(id, at: now) } }
        stack.abortAll(at: now)
        for id in held { try? stack.close(id, at: now) }
        transmit()
        var fired = 0
        while let deadline = stack.nextDeadline() {
            wait(deadline - now)
            transmit()
            fired += 1
            check(fired < 4_000, "all deadlines pass")
        }
        let tables = stack.tables
        check(tables.isEmpty, "nothing stays: \(tables)")
    }
}
