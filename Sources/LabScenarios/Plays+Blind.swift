import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import WireFormats

/// A connection that stays open between two questions, and somebody who sees nothing of it but knows its ends.
private final class BlindAttack {
    /// The server's connection.
    var victim: ConnectionID?
    /// What the client has read.
    var read = 0
    /// When the first forged segment was sent.
    var begunAt = Instant.zero
    /// Forged segments of each kind, and how far from RCV.NXT the one was that met the window.
    var sent: [Int] = []
    var miss: UInt32 = 0
    /// Numbers that the server takes, and the most that it was ever told to send.
    var window: UInt32 = 1
    var largest: UInt32 = 1

    /// How many segments it takes to have one in each window of so many numbers.
    static func sweep(_ window: UInt32) -> Int { Int((UInt64(1) << 32 + UInt64(window) - 1) / UInt64(window)) }
}

extension Laboratory {
    /// Opens the connection, asks and is answered; then each of `steps` is taken a second after the answer before it.
    fileprivate func converse(_ attack: BlindAttack, _ steps: [(ConnectionID) -> Void]) throws(StackError) {
        server.application = { [responder] host, event in
            if case .acceptable = event { attack.victim = host.accept() } else { responder.take(event, at: host) }
        }
        client.application = { [unowned self] host, event in
            switch event {
            case .established(let id): host.write(id, Exchange.request)
            case .readable(let id):
                attack.read += host.read(id).count
                let (answers, rest) = attack.read.quotientAndRemainder(dividingBy: Exchange.answer.count)
                guard rest == 0, (1...steps.count).contains(answers) else { return }
                simulation.schedule(after: .seconds(1)) { steps[answers - 1](id) }
            case .readClosed(let id): host.close(id)
            case .closed(let id): host.bury(id)
            case .acceptable, .writable, .reported, .requested, .withdrawn: break
            }
        }
        try server.listen(Play.port, backlog: 128)
        try client.connect(to: server, port: Play.port)
    }

    /// What the server holds of the connection, which the attacker can only guess.
    fileprivate func secrets(of attack: BlindAttack) -> ConnectionInfo? {
        let info = attack.victim.flatMap { server.info($0) }
        // As they are when the attack begins.
        if let info, attack.sent.isEmpty {
            (attack.window, attack.largest) = (max(info.rcv.wnd, 1), max(info.snd.maxWnd, 1))
        }
        return info
    }

    /// A word at the server when what is sent now arrives.
    fileprivate func announce(_ text: String) {
        simulation.schedule(after: link.forward.conditions.latency) { [server] in server.remark(text) }
    }

    /// The challenge ACKs that the server has sent since the attack began.
    fileprivate func challenges(_ attack: BlindAttack, _ conversation: Conversation) -> Int {
        conversation.packets.filter {
            $0.from == .right && $0.sentAt >= attack.begunAt && $0.segment?.flags == .ack && $0.segment?.length == 0
        }.count
    }
}

// MARK: - RSTs

extension Play {
    /// RFC 5961, 3.2.
    static func blindReset() -> Play {
        let attack = BlindAttack()
        var play = Play([
            .holds("the connection did not survive what was not exact") { lab, _ in
                attack.read == 2 * Exchange.answer.count && lab.responder.request == Exchange.request + Exchange.request
            },
            .holds("it was not the exact number that ended it") { lab, _ in
                lab.server.counters.establishedResets == 1 && attack.sent.count == 3
            },
            .emptied,
        ]) { lab throws(StackError) in
            try lab.converse(
                attack,
                [
                    { [unowned lab] id in
                        let end = lab.sweepWithResets(attack)
                        lab.simulation.schedule(after: end + .seconds(1)) { lab.insistWithResets(attack) }
                        lab.simulation.schedule(after: end + .seconds(2)) { lab.client.write(id, Exchange.request) }
                    },
                    { [unowned lab] id in
                        if let info = lab.secrets(of: attack) {
                            lab.inject(.forged(.rst, seq: info.rcv.nxt), to: .right, from: "attacker")
                            attack.sent.append(1)
                        }
                        lab.simulation.schedule(after: .seconds(1)) { lab.client.write(id, Exchange.request) }
                    },
                ])
        }
        play.remarks = { resetWords(attack, $0, $1) }
        return play
    }

    private static func resetWords(_ attack: BlindAttack, _ lab: Laboratory, _ conversation: Conversation) -> [String] {
        guard attack.sent.count == 3 else { return [] }
        let bytes = lab.settings.usesIPv6 ? 60 : 40
        let gigabytes = (UInt64(1) << 32) * UInt64(bytes) / 1_000_000_000
        return [
            "Attacked was a connection by somebody who knew its addresses and ports and saw none of "
                + "its packets. RFC 793 "
                + "took every RST in the window, here \(attack.window) numbers: \(attack.sent[0]) RSTs, one for each "
                + "such stretch of the 2^32 numbers, are sure to hit, and would have ended it.",
            "What held: RFC 5961, 3.2. The one that met the window was \(attack.miss) away from RCV.NXT: a challenge "
                + "ACK, and no more. The true peer, had it sent the RST, would now send one with the right number. Of "
                + "the next \(attack.sent[1]) in the window, all but one drew nothing.",
            "Only exactly RCV.NXT ends it, as the last RST shows, whose number the attacker could not know. That takes "
                + "2^32 RSTs to be sure, \(attack.window) times as many: \(gigabytes) GB of packets for each port that "
                + "the client might have.",
            "What it cost: \(lab.challenges(attack, conversation)) challenge ACKs, which the client took for "
                + "duplicates. A connection sends one in 500 ms. There is no limit for all together: that could be "
                + "used up and watched by another, which is how CVE-2016-5696 guessed numbers.",
        ]
    }
}

extension Laboratory {
    /// One RST for each window of numbers there is, ten in a millisecond.
    /// - Returns: how long that takes.
    fileprivate func sweepWithResets(_ attack: BlindAttack) -> Interval {
        guard let info = secrets(of: attack) else { return .zero }
        var random = simulation.randomStream("attacker")
        let start = SequenceNumber(UInt32(truncatingIfNeeded: random.below(Int(attack.window))))
        let (count, window) = (BlindAttack.sweep(attack.window), attack.window)
        attack.begunAt = simulation.now
        attack.sent.append(count)
        announce("\(count) RSTs from somewhere")
        let gap = Interval.microseconds(100)
        for number in 0..<count {
            let seq = start + UInt32(truncatingIfNeeded: number) &* window
            let isInside = seq - info.rcv.nxt < window
            if isInside { attack.miss = seq - info.rcv.nxt }
            simulation.schedule(after: gap * Int64(number)) { [unowned self] in
                inject(.forged(.rst, seq: seq), to: .right, from: isInside ? "attacker" : nil)
            }
        }
        return gap * Int64(count)
    }

    /// A hundred RSTs in the window, in as many milliseconds.
    fileprivate func insistWithResets(_ attack: BlindAttack) {
        guard let info = secrets(of: attack) else { return }
        attack.sent.append(100)
        announce("100 more in the window")
        for number in 0..<100 {
            let seq = info.rcv.nxt + UInt32(1 + number * 600)
            simulation.schedule(after: .milliseconds(Int64(number))) { [unowned self] in
                inject(.forged(.rst, seq: seq), to: .right, from: number == 0 ? "attacker" : nil)
            }
        }
    }
}

// MARK: - Data

extension Play {
    /// RFC 5961, 5.2.
    static func blindData(_ settings: LabSettings) -> Play {
        let (attack, sweep) = (BlindAttack(), BlindAttack())
        var acks = 0
        var wasTaken = true
        var play = Play([
            .holds("the server's application read what the client had not written") { lab, _ in
                lab.responder.request == Exchange.request + Exchange.request && !wasTaken
            },
            .holds("the client was not answered") { _, _ in attack.read == 2 * Exchange.answer.count },
            .holds("the forged segments were not sent") { _, _ in attack.sent.count == 2 && sweep.sent.count == 1 },
            .emptied,
        ]) { lab throws(StackError) in
            let other = Laboratory(settings)
            try other.converse(sweep, [{ [unowned other] _ in other.sweepWithData(sweep) }])
            try? other.run()
            acks = other.challenges(sweep, other.conversation)
            wasTaken = other.responder.request != Exchange.request || other.server.tables.ranges > 0
            try lab.converse(
                attack,
                [
                    { [unowned lab] id in
                        attack.begunAt = lab.simulation.now
                        // Of the past, and of what was never sent: RFC 793 is content with the first.
                        lab.injectData(attack, ackOffset: 0 &- 1 << 30)
                        lab.simulation.schedule(after: .seconds(1)) { lab.injectData(attack, ackOffset: 1 << 30) }
                        lab.simulation.schedule(after: .seconds(2)) { lab.client.write(id, Exchange.request) }
                    },
                    { [unowned lab] id in lab.client.close(id) },
                ])
        }
        play.remarks = { dataWords(attack, sweep, acks: acks, $0, $1) }
        return play
    }

    private static func dataWords(
        _ attack: BlindAttack, _ sweep: BlindAttack, acks: Int, _ lab: Laboratory, _ conversation: Conversation
    ) -> [String] {
        guard let count = sweep.sent.first else { return [] }
        let ranges = BlindAttack.sweep(attack.largest)
        return [
            "Attacked was a connection by somebody who knew its addresses and ports and wanted to be read in the "
                + "client's name. RFC 793 took data with an ACK of anything in the past, which is half of all numbers: "
                + "two segments for each window of \(sweep.window) numbers, \(count) in all, are sure to be taken.",
            "What held: RFC 5961, 5.2. An ACK lies between SND.UNA - MAX.SND.WND and SND.NXT, here a range of "
                + "\(attack.largest) numbers. Both segments had the right sequence number, as if it had been guessed; "
                + "one ACK was 2^30 before that range, the other as far beyond. Each drew a challenge ACK "
                + "(\(lab.challenges(attack, conversation)) in all), and the application read nothing of either.",
            "So both numbers have to be guessed: one segment for each pair of a window and a range, "
                + "\(BlindAttack.sweep(sweep.window) * ranges) instead of \(count).",
            "What it cost: played out of sight, those \(count) segments drew \(acks) ACKs to the client, for text "
                + "outside the window is always acknowledged (RFC 9293, 3.10.7.4, first): one for one, and none with "
                + "data.",
        ]
    }
}

extension Laboratory {
    /// Data that begins exactly where the server waits for it.
    /// - Parameter ackOffset: how far its ACK is from SND.UNA.
    fileprivate func injectData(_ attack: BlindAttack, ackOffset: UInt32) {
        guard let info = secrets(of: attack) else { return }
        attack.sent.append(1)
        let seg = Segment.forged([.ack, .psh], seq: info.rcv.nxt, ack: info.snd.una + ackOffset)
        inject(seg, text: "GET /?pay=mallory HTTP/1.1\r\n\r\n", to: .right, from: "attacker")
    }

    /// Two segments for each window of numbers there is, their ACKs half of all numbers apart.
    fileprivate func sweepWithData(_ attack: BlindAttack) {
        guard secrets(of: attack) != nil else { return }
        attack.begunAt = simulation.now
        let count = 2 * BlindAttack.sweep(attack.window)
        attack.sent.append(count)
        for number in 0..<count {
            let seq = SequenceNumber(UInt32(truncatingIfNeeded: number / 2) &* attack.window)
            let ack = SequenceNumber(number % 2 == 0 ? 0 : 1 << 31)
            simulation.schedule(after: .microseconds(100) * Int64(number)) { [unowned self] in
                inject(.forged([.ack, .psh], seq: seq, ack: ack), text: "pay mallory", to: .right, from: nil)
            }
        }
    }
}
