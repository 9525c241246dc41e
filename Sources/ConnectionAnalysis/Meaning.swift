import NetPrimitives

/// What a conversation meant, in sentences: when each end was established, which queues the entry went through, when
/// data arrived, what was sent again, and how it ended.
public struct Meaning: Hashable, Sendable {
    public private(set) var sentences: [String] = []

    private let conversation: Conversation
    private let readings: [PacketReading]
    /// Who sent the first SYN.
    private let opener: Conversation.Side
    /// When the attempt began.
    private let start: Instant
    private let roundTrip: Interval?

    public init(_ conversation: Conversation) {
        self.conversation = conversation
        readings = conversation.readings()
        // A SYN of the host's own, if there is one, not of another in its name.
        let first =
            conversation.packets.first { $0.router == nil && $0.segment?.flags == .syn }
            ?? conversation.packets.first { $0.segment?.flags.contains(.syn) == true }
        opener = first?.from ?? .left
        start = first?.sentAt ?? .zero
        roundTrip = conversation.roundTrip
        tellEstablishment()
        tellQueues()
        tellData()
        tellRepetitions()
        tellClosing()
        tellFailures()
        sentences += conversation.remarks
    }
}

// MARK: - The way up

extension Meaning {
    private mutating func tellEstablishment() {
        let ends = [opener, opener.opposite].compactMap { side in
            time(of: .entered(side, "ESTABLISHED")).map { (side, $0) }
        }
        guard let (side, instant) = ends.first else { return }
        var text = "The \(name(side)) was established after \(since(instant))"
        if ends.count == 2 {
            text += ", the \(name(ends[1].0)) after \(since(ends[1].1)): ready to send data."
        } else {
            text += ", the \(name(side.opposite)) never."
        }
        sentences.append(text)
    }

    private mutating func tellQueues() {
        var moved: Instant?
        var left: Instant?
        for moment in conversation.chronicle {
            guard case .queued(let side, let queue, let from, let to) = moment.event else { continue }
            switch queue {
            case .syn:
                if to < from { left = moment.at }
            case .accept where to > from:
                moved = moment.at
                // With a SYN cookie there was no entry.
                sentences.append(
                    "At \(moment.at.readable) the \(name(side)) "
                        + (left == moment.at
                            ? "moved the entry from the SYN queue to the accept queue."
                            : "put the connection into the accept queue, with no entry in the SYN queue before."))
            case .accept:
                guard moved != nil, !sentences.isEmpty else { continue }
                sentences[sentences.count - 1].removeLast()
                sentences[sentences.count - 1] += "; accept() took it at \(moment.at.readable)."
                moved = nil
            }
        }
        if moved != nil { sentences.append("No accept() took it.") }
    }

    private mutating func tellData() {
        func firstArrival(from side: Conversation.Side) -> (length: Int, at: Instant)? {
            conversation.packets.lazy
                .compactMap { packet -> (length: Int, at: Instant)? in
                    guard packet.from == side, packet.router == nil, let segment = packet.segment, segment.length > 0
                    else { return nil }
                    return packet.arrivedAt.map { (segment.length, $0) }
                }
                .min { $0.at < $1.at }
        }
        if let request = firstArrival(from: opener) {
            sentences.append("The request (\(request.length) bytes) arrived at \(sinceStart(request.at)).")
        }
        if let answer = firstArrival(from: opener.opposite) {
            sentences.append("The answer (\(answer.length) bytes) arrived at \(sinceStart(answer.at)).")
        }
    }
}

// MARK: - Trouble on the way

extension Meaning {
    private mutating func tellRepetitions() {
        let originals = Set(readings.compactMap(\.repeats)).sorted()
        for original in originals {
            let packet = conversation.packets[original]
            let sendings = readings.indices.filter { $0 == original || readings[$0].repeats == original }
                .map { conversation.packets[$0].sentAt }
            let gaps = zip(sendings.dropFirst(), sendings).map { $0 - $1 }
            sentences.append(
                "The \(name(packet.from)) sent its \(what(packet)) "
                    + (sendings.count == 2 ? "twice" : "\(sendings.count) times") + ", at "
                    + "\(Self.list(sendings.map { $0 - Instant.zero })), with "
                    + (gaps.count == 1 ? "a gap of " : "gaps of ") + "\(Self.list(gaps)).")
        }
        var reasons: [String: Int] = [:]
        for case .lost(let reason) in conversation.packets.map(\.fate) { reasons[reason, default: 0] += 1 }
        for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) {
            sentences.append("\(count) packet\(count == 1 ? " was" : "s were") \(reason).")
        }
        if originals.isEmpty, reasons.isEmpty, time(of: .entered(opener, "ESTABLISHED")) != nil {
            sentences.append("Nothing was lost, and nothing was sent twice.")
        }
    }

    /// What a packet carries, for a sentence.
    private func what(_ packet: Conversation.Packet) -> String {
        guard let segment = packet.segment else { return "packet" }
        if segment.length > 0 { return "\(segment.length) bytes of data" }
        if segment.flags.contains(.syn) { return segment.flags.name }
        return segment.flags.contains(.fin) ? "FIN" : segment.flags.name
    }
}

// MARK: - The end

extension Meaning {
    private mutating func tellClosing() {
        let fins = conversation.packets.indices.filter { index in
            conversation.packets[index].segment?.flags.contains(.fin) == true && readings[index].repeats == nil
        }
        if let first = fins.first {
            let packet = conversation.packets[first]
            var text = "The \(name(packet.from)) closed its direction at \(packet.sentAt.readable)"
            if let second = fins.dropFirst().map({ conversation.packets[$0] }).first(where: { $0.from != packet.from })
            {
                text += ", the \(name(second.from)) at \(second.sentAt.readable)"
            }
            sentences.append(text + ".")
        }
        for side in Conversation.Side.allCases {
            guard let begin = time(of: .entered(side, "TIME-WAIT")) else { continue }
            var text = "The \(name(side)) kept the pair of addresses in TIME-WAIT from \(begin.readable)"
            if let end = conversation.chronicle.first(where: { $0.at > begin && $0.event == .entered(side, "CLOSED") })
            {
                text += " to \(end.at.readable)"
            }
            sentences.append(text + ".")
        }
    }

    private mutating func tellFailures() {
        for moment in conversation.chronicle {
            guard case .failed(let side, let failure) = moment.event else { continue }
            let opened = time(of: .entered(side, "ESTABLISHED")) != nil
            let subject = opened ? "The connection of the \(name(side)) ended" : "connect() of the \(name(side)) failed"
            sentences.append(
                "\(subject) after \(since(moment.at)) with the error \(failure.name): "
                    + why(failure, side, at: moment.at))
        }
    }

    /// The evidence for a failure.
    private func why(_ failure: Conversation.Failure, _ side: Conversation.Side, at moment: Instant) -> String {
        let arrived = conversation.packets.filter { packet in
            packet.from == side.opposite && packet.arrivedAt.map { $0 <= moment } == true
        }
        switch failure {
        case .refused, .reset:
            let packet = arrived.last { $0.segment?.flags.contains(.rst) == true }
            var text = packet?.router.map { "the \($0) sent" } ?? "\(conversation[side.opposite].address) answered"
            if let reset = packet?.segment {
                text += (packet?.router == nil ? " with " : " a ") + "\(reset.flags.name), seq \(reset.seq.rawValue)"
                if reset.flags.contains(.ack) { text += ", ack \(reset.ack.rawValue)" }
            }
            return failure == .refused ? text + ". The host is there, but nothing listens on that port." : text + "."
        case .timedOut:
            let syns = conversation.packets.filter { $0.from == side && $0.segment?.flags == .syn }.count
            if arrived.isEmpty {
                return "no answer of any kind to \(syns) SYN\(syns == 1 ? "" : "s")."
            }
            return "the last packet from \(conversation[side.opposite].address) arrived at "
                + "\((arrived.compactMap(\.arrivedAt).max() ?? .zero).readable)."
        case .unreachable(let reason):
            let router = arrived.last { $0.router != nil }?.router ?? conversation[side.opposite].address
            return "\(reason), said by \(router)."
        case .aborted:
            return "this end gave it up."
        }
    }
}

// MARK: - Words

extension Meaning {
    private func name(_ side: Conversation.Side) -> String { conversation[side].name }

    /// When an event happened first.
    private func time(of event: Conversation.Event) -> Instant? {
        conversation.chronicle.first { $0.event == event }?.at
    }

    /// The time since the attempt began: "150 ms (1.5 RTT)".
    private func since(_ instant: Instant) -> String {
        (instant - start).readable + roundTrips(instant - start)
    }

    /// The time on the clock, and how many round trips after the beginning that was.
    private func sinceStart(_ instant: Instant) -> String { instant.readable + roundTrips(instant - start) }

    /// " (1.5 RTT)", or nothing where the number would say nothing.
    private func roundTrips(_ interval: Interval) -> String {
        guard let roundTrip, roundTrip > .zero, interval > .zero, interval < roundTrip * 20 else { return "" }
        let tenths = (interval.nanoseconds * 10 + roundTrip.nanoseconds / 2) / roundTrip.nanoseconds
        return " (\(Interval.decimal(tenths * 100)) RTT)"
    }

    /// Times in a row, the unit said once where it is one: "0, 1, 3 and 7 s".
    static func list(_ intervals: [Interval]) -> String {
        let texts = intervals.map(\.readable)
        let units = Set(zip(intervals, texts).filter { $0.0 != .zero }.map { String($0.1.drop { $0 != " " }) })
        guard texts.count > 1, let last = texts.last else { return texts.first ?? "" }
        guard units.count == 1, let unit = units.first, texts.allSatisfy({ $0.filter { $0 == " " }.count == 1 }) else {
            return texts.dropLast().joined(separator: ", ") + " and " + last
        }
        let numbers = texts.map { String($0.prefix { $0 != " " }) }
        return numbers.dropLast().joined(separator: ", ") + " and " + (numbers.last ?? "") + unit
    }
}
