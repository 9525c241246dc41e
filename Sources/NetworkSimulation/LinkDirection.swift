public import NetPrimitives

/// One direction of a link: its conditions, its scripted faults, its queue, and what it has done so far.
public struct LinkDirection {
    public var conditions: LinkConditions
    /// Scripted faults, asked in order before the packet meets the link; the first that applies decides.
    public var rules: [PacketRule] = []
    /// Loses everything while false.
    public var isUp = true
    public private(set) var counters = LinkCounters()

    /// When the wire is free again.
    private var busyUntil = Instant.zero
    /// Packets that wait or are being sent: when each has left, and its length.
    private var waiting: [(leaves: Instant, length: Int)] = []
    // A stream for each kind of fault: switching one on leaves the others' draws as they were.
    private var lossDraws: RandomStream
    private var duplicationDraws: RandomStream
    private var reorderingDraws: RandomStream
    private var corruptionDraws: RandomStream

    /// - Parameter label: names this direction among all that draw from the seed.
    init(_ conditions: LinkConditions, seed: UInt64, label: String) {
        self.conditions = conditions
        lossDraws = RandomStream(seed: seed, label: label + " loss")
        duplicationDraws = RandomStream(seed: seed, label: label + " duplication")
        reorderingDraws = RandomStream(seed: seed, label: label + " reordering")
        corruptionDraws = RandomStream(seed: seed, label: label + " corruption")
    }

    /// Packets that wait for the wire or are being sent at a time.
    public func queueDepth(at now: Instant) -> (packets: Int, bytes: Int) {
        let queued = waiting.drop { $0.leaves <= now }
        return (queued.count, queued.reduce(0) { $0 + $1.length })
    }

    /// Takes a packet and decides everything that will happen to it.
    mutating func send(_ packet: [UInt8], at now: Instant) -> Passage {
        counters.offered += 1
        var packet = packet
        var delay = Interval.zero
        if !isUp { return lose(.linkDown) }
        let summary = rules.isEmpty ? nil : PacketSummary(packet)
        switch verdict(on: packet, summary) {
        case .pass: break
        case .drop(let reason): return lose(reason)
        case .delay(let interval): delay = interval
        case .rewrite(let transform): packet = transform(packet)
        case .reject(let answer): return lose(.rejected, answering: answer.packet(about: packet), at: now)
        }
        if packet.count > conditions.mtu {
            let report = RouterAnswer.packetTooBig(mtu: conditions.mtu)
            return lose(
                .oversize, answering: conditions.oversize == .reported ? report.packet(about: packet) : nil, at: now)
        }
        guard let leaves = enqueue(length: packet.count, at: now) else { return lose(.queueFull) }
        // Lost on the wire, that is after it has taken its time there.
        if lossDraws.chance(conditions.loss) { return lose(.random) }
        let copies = duplicationDraws.chance(conditions.duplication) ? 2 : 1
        let arrivals = (0..<copies).map { number in
            arrival(of: packet, at: leaves + conditions.latency + delay, isDuplicate: number > 0)
        }
        return Passage(arrivals: arrivals)
    }

    private mutating func verdict(on packet: [UInt8], _ summary: PacketSummary?) -> PacketRule.Verdict {
        var decided: PacketRule.Verdict?
        // Every rule counts its matches, also behind one that has decided: "the third SYN" means the third that was
        // sent.
        for index in rules.indices {
            let verdict = rules[index].judge(packet, summary)
            decided = decided ?? verdict
        }
        return decided ?? .pass
    }

    /// - Returns: when the packet has left onto the wire, or `nil` when the queue is full.
    private mutating func enqueue(length: Int, at now: Instant) -> Instant? {
        guard let bandwidth = conditions.bandwidth else { return max(now, busyUntil) }
        waiting.removeFirst(waiting.prefix { $0.leaves <= now }.count)
        switch conditions.queue {
        case .unlimited: break
        case .packets(let limit): if waiting.count >= limit { return nil }
        case .bytes(let limit): if queueDepth(at: now).bytes + length > limit { return nil }
        }
        precondition(bandwidth > 0, "a bandwidth is positive; a link that is down has isUp == false")
        let nanoseconds = (Double(length) * 8e9 / Double(bandwidth)).rounded(.up)
        busyUntil = max(now, busyUntil) + .nanoseconds(Int64(nanoseconds))
        waiting.append((busyUntil, length))
        return busyUntil
    }

    private mutating func arrival(of packet: [UInt8], at time: Instant, isDuplicate: Bool) -> Arrival {
        var arrival = Arrival(time: time, bytes: packet, isDuplicate: isDuplicate)
        if isDuplicate { counters.duplicated += 1 }
        if reorderingDraws.chance(conditions.reordering), conditions.reorderingDelay > .zero {
            let draw = reorderingDraws.below(Int(conditions.reorderingDelay.nanoseconds)) + 1
            arrival.heldUp = .nanoseconds(Int64(draw))
            arrival.time = time + arrival.heldUp
            counters.reordered += 1
        }
        if corruptionDraws.chance(conditions.corruption) {
            arrival.corruption = conditions.corruptionMode.apply(to: &arrival.bytes, random: &corruptionDraws)
            if let corruption = arrival.corruption {
                counters.corrupted += 1
                if !corruption.isCaught { counters.corruptedUncaught += 1 }
            }
        }
        return arrival
    }

    private mutating func lose(
        _ reason: LossReason, answering answer: [UInt8]? = nil, at now: Instant = .zero
    ) -> Passage {
        counters.lost += 1
        guard let answer else { return Passage(loss: reason) }
        // The router stands half-way: half the latency there, half of it back.
        return Passage(loss: reason, answer: Arrival(time: now + conditions.latency, bytes: answer))
    }
}

/// What a direction of a link has done so far.
public struct LinkCounters: Hashable, Sendable {
    /// Packets that were given to it.
    public internal(set) var offered = 0
    /// Packets of which no copy arrives, for whatever reason.
    public internal(set) var lost = 0
    public internal(set) var duplicated = 0
    public internal(set) var reordered = 0
    public internal(set) var corrupted = 0
    /// Damaged copies that no checksum and no length contradicts; always 0 outside the burst mode.
    public internal(set) var corruptedUncaught = 0
}

/// All that will happen to one packet on its way.
struct Passage {
    var arrivals: [Arrival] = []
    var loss: LossReason?
    /// What a router sends back to the sender.
    var answer: Arrival?
}

/// One copy of a packet that reaches the other end.
public struct Arrival: Hashable, Sendable {
    public internal(set) var time: Instant
    /// The bytes as they arrive.
    public internal(set) var bytes: [UInt8]
    /// A second copy that the link made.
    public internal(set) var isDuplicate = false
    /// How long it was held up to be overtaken; zero as a rule.
    public internal(set) var heldUp = Interval.zero
    /// What was done to the bits, if anything.
    public internal(set) var corruption: Corruption?
}
