import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine

/// An answer that outlives its server: asked, answered late, and meanwhile asked something else.
private final class CrashStory {
    /// How a run differs from the one in the picture.
    enum Rules {
        case asTheyAre
        /// Every connection begins with the same number, and nobody has timestamps.
        case naive
        /// The server that has crashed is silent for a while.
        case quiet
    }

    static let questions = ["what has alice?\n", "what has carol?\n"]
    static let answers = ["alice has 100\n", "carol has 7\n"]
    /// How late the network delivers the first answer.
    static let lateness: Interval = .seconds(30)
    /// How long the server thinks about the second question.
    static let thought: Interval = .seconds(40)
    static let quietTime: Interval = .seconds(120)

    let rules: Rules
    /// What the client read in each of its connections.
    private(set) var read: [String] = []
    /// The numbers that each of them began with.
    private(set) var numbers: [(iss: SequenceNumber, irs: SequenceNumber)] = []
    /// When the server sent its first RST, after it had crashed.
    var resetAt: Instant?
    private var hasCrashed = false

    init(_ rules: Rules) { self.rules = rules }

    func takeAtClient(_ event: StackEvent, _ lab: Laboratory) {
        let client = lab.client
        switch event {
        case .established(let id):
            if let info = client.info(id) { numbers.append((info.iss, info.irs)) }
            client.write(id, Array(Self.questions[min(read.count, 1)].utf8))
            read.append("")
        case .readable(let id):
            read[read.count - 1] += String(decoding: client.read(id), as: UTF8.self)
            if read.last?.hasSuffix("\n") == true { client.close(id) }
        case .readClosed(let id): client.close(id)
        case .closed(let id):
            client.bury(id)
            if read == [""] { _ = try? client.connect(to: lab.server, port: Play.port, from: Play.clientPort) }
        case .acceptable, .writable, .reported, .requested, .withdrawn: break
        }
    }

    func takeAtServer(_ event: StackEvent, _ lab: Laboratory) {
        let server = lab.server
        switch event {
        case .acceptable: while server.accept() != nil {}
        case .readable(let id):
            _ = server.read(id)
            let answer = Array(Self.answers[hasCrashed ? 1 : 0].utf8)
            if hasCrashed {
                lab.simulation.schedule(after: Self.thought) { server.write(id, answer) }
            } else {
                server.write(id, answer)
                crash(lab)
            }
        case .readClosed(let id): server.close(id)
        case .closed(let id): server.bury(id)
        case .established, .writable, .reported, .requested, .withdrawn: break
        }
    }

    private func crash(_ lab: Laboratory) {
        hasCrashed = true
        let server = lab.server
        lab.simulation.schedule(after: .milliseconds(1)) { [rules] in
            if rules != .naive { server.configuration.fixedInitialSequence = nil }
            server.crash(quietTime: rules == .quiet ? Self.quietTime : .zero)
        }
        lab.simulation.schedule(after: .milliseconds(500)) {
            server.start()
            try? server.listen(Play.port, backlog: 128)
        }
    }
}

extension Play {
    static func staleAfterCrash(_ settings: LabSettings) -> Play {
        let (story, naive, quiet) = (CrashStory(.asTheyAre), CrashStory(.naive), CrashStory(.quiet))
        var play = Play([
            .holds("the second question was not answered by its own answer") { _, _ in
                story.read == ["", CrashStory.answers[1]]
            },
            .holds("the late answer was not taken for another where nothing protects from that") { _, _ in
                naive.read == ["", CrashStory.answers[0]]
            },
            .holds("a quiet time did not keep the late answer and new connections apart") { _, _ in
                quiet.read == [CrashStory.answers[0]] && quiet.resetAt.map { $0 > .zero + CrashStory.quietTime } == true
            },
            .emptied,
        ]) { lab throws(StackError) in
            for story in [naive, quiet] {
                let other = Laboratory(settings)
                try other.tell(story)
                try? other.run()
                story.resetAt = other.firstReset
            }
            try lab.tell(story)
        }
        play.remarks = { lab, _ in words(story, naive, quiet, lab) }
        return play
    }

    private static func words(
        _ story: CrashStory, _ naive: CrashStory, _ quiet: CrashStory, _ lab: Laboratory
    ) -> [String] {
        guard let first = story.numbers.first, let last = story.numbers.last else { return [] }
        let window = lab.client.configuration.tcp.receiveBuffer
        let distance = min(first.irs - last.irs, last.irs - first.irs)
        let ownNumbers =
            " The client had not crashed: its own numbers went on with the clock, from \(first.iss.rawValue) to "
            + "\(last.iss.rawValue), so that all it sent before was before the new connection's window."
        return [
            "Attacked by the network's memory: the answer about alice was \(CrashStory.lateness.readable) late. By "
                + "then its server had crashed and begun anew, and the same ports had another connection, with "
                + "another question open.",
            "What held: a server that starts draws a new secret, so its numbers have nothing to do with those before "
                + "(RFC 6528). The old answer's number was \(distance) away from the one that the client waited for, "
                + "outside of a window of \(window): it drew an ACK and was dropped."
                + (first.iss == last.iss ? "" : ownNumbers),
            "What would not have held, played out of sight: both ends beginning every connection with "
                + "the same number, without "
                + "timestamps. There the client asked what carol has, and read "
                + "'\(naive.read.last.map { String($0.dropLast()) } ?? "")'.",
            "By chance an old number meets the window after one crash in "
                + "\((UInt64(1) << 32) / UInt64(max(window, 1))), "
                + "and timestamps halve that. A quiet time (RFC 9293, 3.4.3; tcp serve --quiet-time) leaves nothing to "
                + "chance: played out of sight, with \(CrashStory.quietTime.readable) of it, the late answer came to "
                + "its own connection, and the server's first segment, a RST, went out at "
                + "\((quiet.resetAt ?? .zero).readable). So this is what it costs: nobody is served for as long.",
        ]
    }
}

extension Laboratory {
    /// When the server sent its first RST.
    fileprivate var firstReset: Instant? {
        for packet in conversation.packets where packet.from == .right && packet.segment?.flags == .rst {
            return packet.sentAt
        }
        return nil
    }

    fileprivate func tell(_ story: CrashStory) throws(StackError) {
        if story.rules == .naive {
            for host in [client, server] {
                host.configuration.fixedInitialSequence = 1_000
                host.configuration.tcp.offersTimestamps = false
            }
        }
        link.backward.rules = [PacketRule(.data, .first(1), then: .delay(CrashStory.lateness))]
        client.application = { [unowned self] in story.takeAtClient($1, self) }
        server.application = { [unowned self] in story.takeAtServer($1, self) }
        try server.listen(Play.port, backlog: 128)
        try client.connect(to: server, port: Play.port, from: Play.clientPort)
    }
}
