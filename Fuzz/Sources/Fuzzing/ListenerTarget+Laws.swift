import NetPrimitives
import Netstack
import TCPStateMachine
import WireFormats

/// The way in, the way out, and what holds whatever came.
extension ListenerTarget {
    /// A segment of a peer arrives.
    mutating func send(_ seg: Segment, payload: [UInt8], from number: Int) {
        let tuple = Self.tuple(number)
        let door = here.doors[Self.isIPv6(number) ? 1 : 0]
        let isStrange = here.stack.state(of: tuple) == .closed
        let (opened, before) = (here.stack.tables.connections, here.stack.counters)
        receive(Packets.tcp(seg, payload: payload, from: tuple.remote, to: tuple.local))
        let isBelieved = here.stack.counters.cookiesReceived > before.cookiesReceived
        let isRefused = here.stack.counters.cookiesFailed > before.cookiesFailed
        let mayOpen = seg.flags.contains(.ack) && seg.flags.isDisjoint(with: [.syn, .rst])
        if door.undecided != nil {
            check(!isBelieved && !isRefused, "cookies are not for requests")
        } else if door.codec == .fleet {
            if isStrange, mayOpen { check(isBelieved || isRefused, "a fleet's listener looks at every ACK") }
            let isGood = here.isVouchedFor(seg, of: tuple, at: now)
            if isBelieved { check(isGood, "a number that no machine with our keys has given") }
            if isRefused { check(!isGood, "whatever machine has given a number, it is good") }
        }
        guard here.stack.tables.connections > opened else { return }
        check(mayOpen, "an ACK opens, and nothing else")
        // Whoever finds the number of a cookie by chance has been told it as far as the stack can know.
        let isTold = here.numbers[number].contains { seg.ack == $0 + 1 }
        check(isTold || isBelieved, "only who was told our number can open")
    }

    /// A packet comes in; what is answered goes to the peers.
    mutating func receive(_ packet: [UInt8], checksum: ChecksumState = .inPacket) {
        incoming.removeAll()
        answers.removeAll()
        guard incoming.append(packet.span, interface: InterfaceID(0), checksum: checksum) else { return }
        let requesting = here.requesting()
        let (before, bytes) = (here.stack.tables, here.stack.allocatedBytes)
        let cookies = here.stack.counters.cookiesSent
        here.stack.receive(incoming, answers: &answers, at: now)
        check(answers.count <= 1, "one packet has one answer at most")
        if here.stack.counters.cookiesSent > cookies {
            check(here.stack.tables == before, "a cookie stores nothing")
            check(here.stack.allocatedBytes == bytes, "a cookie allocates nothing")
        }
        guard !answers.isEmpty else { return }
        let silent = requesting.union(here.requesting())
        for answer in Packets.copies(answers) {
            if let peer = note(answer) { check(!silent.contains(peer), "nothing that comes answers a request") }
        }
    }

    /// What the stack sends by itself.
    mutating func transmit() {
        for _ in 0..<1_000 {
            outgoing.removeAll()
            let silent = here.requesting().subtracting(here.decided)
            here.stack.transmit(into: &outgoing, at: now)
            for packet in Packets.copies(outgoing) {
                guard let peer = note(packet), silent.contains(peer) else { continue }
                // The RST of a connection that its application has given up may still be due; its number is not 0.
                let sent = Packets.segment(packet)?.segment
                check(
                    sent?.flags.contains(.rst) ?? false && sent?.seq != SequenceNumber(0),
                    "an undecided request is never answered")
            }
            if outgoing.isEmpty { break }
        }
        check(outgoing.isEmpty, "a stack stops sending")
        here.decided.removeAll()
        hear()
        while here.stack.nextAttempt() != nil {}
        while here.stack.nextSummary() != nil {}
        while here.stack.nextFlood() != nil {}
    }

    /// The application is told what there is to tell.
    private mutating func hear() {
        var told = 0
        let most = 8 * (here.stack.tables.connections + 5) + 2 * here.stack.tables.halfOpen
        while let event = here.stack.nextEvent() {
            told += 1
            switch event {
            case .requested(let id): hear(id)
            case .withdrawn(let id, let reason): hear(id, reason)
            default: break
            }
        }
        check(told <= most, "there is no end of events")
        for asked in here.asked {
            check((try? here.stack.request(asked.id)) != nil, "who is asked can decide until told otherwise")
        }
    }

    private mutating func hear(_ id: RequestID) {
        guard let request = try? here.stack.request(id) else { return check(false, "a request is there to be decided") }
        let door = here.doors[request.tuple.isIPv6 ? 1 : 0]
        check(request.listener == door.id && door.undecided != nil, "whose listener asks")
        check(request.synCount >= 1 && request.since <= now, "a SYN has come")
        check(!here.asked.contains { $0.id == id }, "a request is told of once")
        here.asked.append(
            ListeningMachine.Asked(id: id, peer: peers.indices.first { Self.endpoint($0) == request.tuple.remote }))
    }

    private mutating func hear(_ id: RequestID, _ reason: Withdrawal) {
        check((try? here.stack.request(id)) == nil, "what is withdrawn cannot be decided")
        guard let place = here.asked.firstIndex(where: { $0.id == id }) else {
            return check(false, "what is withdrawn was asked and not decided")
        }
        let asked = here.asked.remove(at: place)
        guard reason == .overdue else { return }
        guard let peer = asked.peer, let undecided = here.doors[Self.isIPv6(peer) ? 1 : 0].undecided else { return }
        if undecided != .ignore { here.decided.insert(peer) }
    }

    /// - Returns: the peer whom a packet is for; of an ICMP error the one whose segment it quotes.
    private mutating func note(_ packet: [UInt8]) -> Int? {
        guard let sent = Packets.segment(packet) else {
            let client = Packets.quotedClient(packet)
            return peers.indices.first { Self.endpoint($0) == client }
        }
        check(sent.source.port != 0 || sent.segment.flags.contains(.rst), "nobody listens at port 0")
        guard let number = peers.indices.first(where: { Self.endpoint($0) == sent.destination }) else { return nil }
        peers[number].packet = packet
        guard sent.segment.flags.contains([.syn, .ack]) else { return number }
        peers[number].answer = sent.segment
        peers[number].first = peers[number].first ?? sent.segment.seq
        if !here.numbers[number].contains(sent.segment.seq) { here.numbers[number].append(sent.segment.seq) }
        return number
    }

    /// After every step.
    func judge() {
        let (tables, configuration) = (here.stack.tables, here.stack.configuration)
        check(tables.halfOpen <= configuration.halfOpenLimit, "\(tables.halfOpen) half-open entries are too many")
        check(tables.timeWaits <= configuration.timeWaitLimit, "TIME-WAITs are bounded")
        check(tables.listeners == 2, "two listeners")
        check(tables.chunksReserved == 2 * tables.connections, "two chunks for each connection")
        check(here.stack.allocatedBytes <= configuration.budget, "the budget is kept")
        check(tables.attempts <= 256 + tables.connections, "records are bounded")
        var (halfOpen, waiting) = (0, 0)
        for door in here.doors {
            guard let id = door.id, let info = try? here.stack.info(of: id) else {
                return check(false, "a listener is there")
            }
            let most = door.undecided == nil ? door.largestBacklog + 1 : configuration.requestLimit
            check(info.synQueueLength <= most, "the SYN queue holds backlog + 1, or so many requests")
            check(info.acceptQueueLength <= door.largestBacklog + 1, "the accept queue holds backlog + 1")
            halfOpen += info.synQueueLength
            waiting += info.acceptQueueLength
        }
        check(halfOpen <= tables.halfOpen && waiting <= tables.connections, "queues are of tables")
    }

    /// Everybody goes, and nothing stays.
    mutating func end() {
        for door in here.doors { if let id = door.id { try? here.stack.close(id, at: now) } }
        here.stack.abortAll(at: now)
        for id in here.held { try? here.stack.close(id, at: now) }
        transmit()
        check(here.asked.isEmpty, "whoever is asked is told when there is nothing more to decide")
        var fired = 0
        while let deadline = here.stack.nextDeadline() {
            wait(deadline - now)
            transmit()
            fired += 1
            check(fired < 4_000, "all deadlines pass")
        }
        let tables = here.stack.tables
        check(tables.isEmpty, "nothing stays: \(tables)")
    }
}
