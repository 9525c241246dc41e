import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import WireFormats

// MARK: - Segments of earlier connections, with the numbers of the RFC's figures

extension Play {
    /// The client's port where a connection comes again between the same ends.
    static let clientPort: UInt16 = 4000

    /// RFC 9293, 3.5, figure 11 and then figure 8.
    static func oldDuplicateSyn(_ path: Path, _ settings: LabSettings) -> Play {
        let isn = (client: settings.clientISN ?? SequenceNumber(100), server: settings.serverISN ?? SequenceNumber(300))
        let old = Segment.forged(.syn, seq: isn.client - 10)
        let begin = .seconds(1) + path.roundTrip * 2
        // The SYN is overtaken by the old one, by its answer and by the RST that answers that.
        let late = path.roundTrip + Interval(nanoseconds: path.roundTrip.nanoseconds / 4)
        let longest = Interval.milliseconds(400)
        let expectations: [Expectation] = [
            .sent(.left, .rst, at: [path.roundTrip, begin + path.roundTrip]),
            .sent(.right, [.syn, .ack], at: [path.there, begin + path.there, begin + late + path.there]),
            .established(.left, at: begin + late + path.roundTrip),
            .established(.right, at: begin + late + path.roundTrip + path.there),
            .holds("the old SYNs left something behind") { lab, _ in lab.server.tables.halfOpen == 0 },
        ]
        var play = Play(expectations) { lab throws(StackError) in
            lab.client.configuration.fixedInitialSequence = isn.client.rawValue
            // The figures are the RFC's: its client waits for its timer after a wrong acknowledgement, Linux's 10 ms.
            lab.client.configuration.tcp.opensLikeLinux = false
            lab.server.configuration.fixedInitialSequence = isn.server.rawValue &- 100
            try lab.serve()
            try lab.client.listen(Play.clientPort, backlog: 1)
            lab.watch(clientPort: Play.clientPort)
            lab.inject(old, to: .right, from: "an old connection")
            lab.at(begin) { [unowned lab] in
                lab.server.configuration.fixedInitialSequence = isn.server.rawValue
                lab.link.forward.rules = [PacketRule(.syn, .first(1), then: .delay(late))]
                // One that is sent again before the RST has come meets the old one's entry, as no figure has it.
                if path.roundTrip >= longest { lab.link.forward.rules.append(.drop(.syn, .from(2))) }
                _ = try? lab.client.connect(to: lab.server, port: Play.port, from: Play.clientPort)
                lab.simulation.schedule(after: .zero) { lab.inject(old, to: .right, from: "an old connection") }
            }
            lab.at(begin + path.roundTrip) { [unowned lab] in
                lab.server.configuration.fixedInitialSequence = isn.server.rawValue &+ 100
            }
        }
        play.longestRoundTrip = longest
        play.showsAbsoluteNumbers = true
        play.remarks = { _, _ in
            [
                "Attacked by the network itself, which had kept a SYN of an earlier connection (RFC 9293, 3.5). At "
                    + "first nobody was connecting: figure 11. Then the client was, and its SYN came second: figure 8.",
                "What held: a SYN-ACK says whose SYN it answers. The client had not sent \(old.seq.rawValue), so it "
                    + "answered ack \(old.seq.rawValue &+ 1) with a RST of exactly that number, which is all that a "
                    + "half-open entry believes (RFC 5961, 3.2). The server went back to LISTEN, and the true SYN "
                    + "found a new entry there.",
                "What it cost: a half-open entry for one round trip, and two packets, each time. That is what the "
                    + "third packet is for: with two, the server would have been ESTABLISHED with nobody.",
            ]
        }
        return play
    }

    /// RFC 9293, 3.5, figure 9 and then figure 10.
    static func halfOpenRecovery(_ path: Path, _ settings: LabSettings) -> Play {
        let isn = (client: settings.clientISN ?? SequenceNumber(99), server: settings.serverISN ?? SequenceNumber(299))
        let news = Array("good news\n".utf8)
        let back = path.roundTrip + path.there + .seconds(2)
        let again = back + .seconds(1) + path.roundTrip
        let told = again + path.there + .seconds(3)
        let expectations: [Expectation] = [
            .sent(.left, .syn, at: [.zero, back, back + .seconds(1)]),
            .sent(.left, .rst, at: [back + path.roundTrip, told + path.back]),
            .failed(.right, "reset", at: back + path.roundTrip + path.there),
            .holds("the server's two connections were not both reset") { lab, _ in
                lab.server.counters.establishedResets == 2
            },
            .emptied,
        ]
        var play = Play(expectations) { lab throws(StackError) in
            lab.client.configuration.fixedInitialSequence = isn.client.rawValue
            // The figures are the RFC's: its client waits for its timer after a wrong acknowledgement, Linux's 10 ms.
            lab.client.configuration.tcp.opensLikeLinux = false
            lab.server.configuration.fixedInitialSequence = isn.server.rawValue
            var lives = 0
            lab.server.application = { [unowned lab] host, event in
                guard case .acceptable = event, let id = host.accept() else {
                    return lab.responder.take(event, at: host)
                }
                lives += 1
                let hasConnectedAgain = lives == 2
                lab.simulation.schedule(after: .seconds(1)) { lab.client.crash() }
                lab.simulation.schedule(after: .seconds(2)) {
                    lab.client.start()
                    if hasConnectedAgain { return }
                    lab.client.configuration.fixedInitialSequence = isn.client.rawValue &+ 301
                    lab.server.configuration.fixedInitialSequence = isn.server.rawValue &+ 400
                    _ = try? lab.client.connect(to: lab.server, port: Play.port, from: Play.clientPort)
                }
                if hasConnectedAgain { lab.simulation.schedule(after: .seconds(3)) { host.write(id, news) } }
            }
            try lab.server.listen(Play.port, backlog: 128)
            try lab.client.connect(to: lab.server, port: Play.port, from: Play.clientPort)
        }
        play.showsAbsoluteNumbers = true
        play.remarks = { _, _ in
            [
                "Attacked was the agreement of the two ends: the client crashed and forgot, the server did not know. "
                    + "Such a connection is half-open (RFC 9293, 3.5.1); nothing is sent on it, so it can stay for "
                    + "ever.",
                "What held, figure 9, the end that forgot speaks first: its SYN is no reason to end a connection "
                    + "(RFC 5961, 4.2), for anybody could send one. The server says where it stands; the client, which "
                    + "has sent nothing like that, says so with a RST of exactly that number. Its next SYN finds the "
                    + "port free.",
                "What held, figure 10, the other end speaks first: the client knows of no connection, and its RST "
                    + "takes its number from the ACK of what came.",
                "What it cost: a challenge ACK, a RST and the second until the client's SYN went out again. A "
                    + "stranger's SYN in the client's name draws the same ACK, but it goes to a client that finds it "
                    + "in order and says nothing.",
            ]
        }
        return play
    }
}

extension Laboratory {
    /// Has the states of a conversation noted that the client has not begun.
    func watch(clientPort: UInt16) {
        let tuple = FourTuple(
            local: client.address, localPort: clientPort, remote: server.address, remotePort: Play.port,
            interface: InterfaceID(0))
        client.watch(tuple)
        server.watch(tuple.reversed)
    }
}
