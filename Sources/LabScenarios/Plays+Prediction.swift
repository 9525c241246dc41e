import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import WireFormats

/// What the attacker found out and tried, the first time against numbers that only count.
private final class Prediction {
    /// The number that the attacker's SYN begins with.
    static let irs = SequenceNumber(7_000)
    static let words = "pay mallory 100\n"
    /// The port of a client that is trusted: below 1024.
    static let port: UInt16 = 1023
    /// A port of the server's that anybody may connect to.
    static let probed: UInt16 = 25

    struct Attempt {
        /// The number that the server gave to a connection of the attacker's own, and when.
        var learned: (iss: SequenceNumber, at: Instant)?
        var guess = SequenceNumber(0)
        /// When its SYN was to arrive.
        var arrival = Instant.zero
    }

    var attempts: [Attempt] = []
    /// What the server's application read.
    var taken = ""

    /// What a clock of 4 us shows later, if it is nothing but a clock.
    func predict(at arrival: Instant) {
        guard let learned = attempts.last?.learned else { return }
        attempts[attempts.count - 1].arrival = arrival
        attempts[attempts.count - 1].guess = learned.iss + UInt32(clamping: (arrival - learned.at).nanoseconds / 4_000)
    }
}

// MARK: - A connection in another's name

extension Play {
    /// RFC 6528, 1: the attack that R. Morris described in 1985.
    static func isnPrediction(_ path: Path) -> Play {
        let story = Prediction()
        let second = Interval.seconds(4) + path.roundTrip * 2
        var play = Play([
            .holds("the numbers that count were not guessed") { _, _ in story.taken == Prediction.words },
            .holds("the guess against RFC 6528 was no different") { lab, conversation in
                lab.server.counters.passiveOpens == 3
                    && conversation.packets.contains { $0.from == .right && $0.segment?.flags == .rst }
            },
            .holds("a half-open entry stayed") { lab, _ in lab.server.tables.halfOpen == 0 },
        ]) { lab throws(StackError) in
            let attacker = lab.addBystander()
            attacker.application = { host, event in
                guard case .established(let id) = event, let info = host.info(id) else { return }
                story.attempts.append(Prediction.Attempt(learned: (info.irs, host.now)))
                host.close(id)
            }
            lab.server.countsISNs = true
            lab.server.application = { host, event in
                if case .acceptable = event { while host.accept() != nil {} }
                if case .closed(let id) = event { host.bury(id) }
                if case .readable(let id) = event { story.taken += String(decoding: host.read(id), as: UTF8.self) }
            }
            try lab.server.listen(Prediction.probed, backlog: 128, isWatched: false)
            try lab.server.listen(Play.port, backlog: 128)
            lab.client.isOn = false
            lab.client.remark("switched off")
            lab.watch(clientPort: Prediction.port)
            for begin in [.seconds(1), second] {
                lab.at(begin) { [unowned lab] in
                    _ = try? attacker.connect(to: lab.server, port: Prediction.probed)
                }
                lab.at(begin + .seconds(1)) { [unowned lab] in lab.attack(story, path) }
            }
            lab.at(second - .seconds(1)) { [unowned lab] in
                // It knows the numbers by now, and clears up.
                let end = Prediction.irs + 1 + UInt32(Prediction.words.utf8.count)
                lab.inject(.forged(.rst, seq: end), to: .right, from: "attacker")
                lab.server.countsISNs = false
                lab.server.configuration.fixedInitialSequence = lab.settings.serverISN?.rawValue
                lab.server.remark("from now on RFC 6528")
            }
            lab.at(second + .milliseconds(1_500) + path.roundTrip) { [unowned lab] in
                lab.client.isOn = true
                lab.client.remark("switched on")
                lab.simulation.service(lab.client)
            }
        }
        play.showsAbsoluteNumbers = true
        play.remarks = { words(story, $1) }
        return play
    }

    private static func words(_ story: Prediction, _ conversation: Conversation) -> [String] {
        guard let first = story.attempts.first, let last = story.attempts.last, let learned = first.learned,
            let other = last.learned
        else { return [] }
        let numbers = conversation.packets.compactMap(\.segment).filter { $0.flags == [.syn, .ack] }.map(\.seq)
        return [
            "Attacked was the server's trust in an address: a host that sees no packet between the two opened a "
                + "connection in the client's name. It needed one number, the server's, which went to the client. The "
                + "client was switched off, else its RST would have ended it (old-duplicate-syn).",
            "At first the server's numbers only counted, every 4 us, as in RFC 793. To the attacker's own connection, "
                + "to port \(Prediction.probed), at \(learned.at.readable) it gave \(learned.iss.rawValue); "
                + "so it would "
                + "give \(first.guess.rawValue) at \(first.arrival.readable). The ACK of \(first.guess.rawValue &+ 1) "
                + "was right, and the application read '\(Prediction.words.dropLast())' from the client.",
            "What held: RFC 6528 adds to the clock a keyed hash of both ends. The attacker's own number, "
                + "\(other.iss.rawValue), says nothing of the client's, \(numbers.last?.rawValue ?? 0): its guess, "
                + "\(last.guess.rawValue), drew a RST (RFC 9293, 3.10.7.4), and the entry waited for better ones.",
            "What it cost: a SipHash for each connection. A guess is right once in 2^32; an entry lives for 63 s at "
                + "most, so with a million guesses a second the attacker wins once in "
                + "\((UInt64(1) << 32) / 63_000_000) entries.",
        ]
    }
}

extension Laboratory {
    /// A SYN in the client's name, and as soon as it is answered the third packet of a handshake that the attacker has
    /// not seen, with data.
    fileprivate func attack(_ story: Prediction, _ path: Path) {
        story.predict(at: simulation.now + path.there)
        guard let guess = story.attempts.last?.guess else { return }
        let irs = Prediction.irs
        inject(.forged(.syn, seq: irs), to: .right, from: "attacker")
        simulation.schedule(after: .milliseconds(10)) { [unowned self] in
            inject(
                .forged([.ack, .psh], seq: irs + 1, ack: guess + 1), text: Prediction.words, to: .right,
                from: "attacker")
        }
    }
}
