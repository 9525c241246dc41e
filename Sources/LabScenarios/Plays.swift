import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

extension Scenario {
    /// How the scenario goes under these circumstances.
    func play(_ settings: LabSettings) -> Play {
        let path = Path(settings)
        let timers = OpeningTimers(settings.profile)
        return switch self {
        case .handshake: .opening(after: .zero, path)
        case .refused: .refused(path)
        case .timeout: .timeout(timers)
        case .filtered: .filtered(timers)
        case .unreachable: .unreachable(path, settings)
        case .lostSyn: .lostSyn(path)
        case .lostSynAck: .lostSynAck(path)
        case .lostAck: .lostAck(path)
        case .simultaneousOpen: .simultaneousOpen(path)
        case .simultaneousClose: .simultaneousClose(path)
        case .acceptQueueFull: .acceptQueueFull(path, timers)
        case .halfOpen: .halfOpen(path)
        case .synFlood: .synFlood(path)
        case .synCookies: .synCookies(path)
        case .cookieLostAck: .cookieLostAck(path)
        case .cookieFleet: .cookieFleet(path)
        case .slowDecision: .slowDecision(path)
        case .budget: .budget(path)
        case .isnPrediction: .isnPrediction(path)
        case .blindReset: .blindReset()
        case .blindData: .blindData(settings)
        case .oldDuplicateSyn: .oldDuplicateSyn(path, settings)
        case .halfOpenRecovery: .halfOpenRecovery(path, settings)
        case .staleAfterCrash: .staleAfterCrash(settings)
        }
    }
}

/// How long packets take.
struct Path {
    let roundTrip: Interval
    /// From the client to the server.
    let there: Interval

    init(_ settings: LabSettings) {
        roundTrip = settings.roundTrip
        there = Interval(nanoseconds: settings.roundTrip.nanoseconds / 2)
    }

    var back: Interval { roundTrip - there }
}

/// When a SYN that nobody answers goes out, and when it is given up.
struct OpeningTimers {
    let syns: [Interval]
    let end: Interval

    init(_ profile: LabSettings.Profile) {
        switch profile {
        case .standard:
            // RFC 6298: 1 s, doubled each time. RFC 9293, 3.8.3: three minutes at least.
            syns = [0, 1, 3, 7, 15, 31, 63, 127].map { .seconds($0) }
            end = .seconds(180)
        case .linux:
            // tcp_syn_linear_timeouts = 4, tcp_syn_retries = 6.
            syns = [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67].map { .seconds($0) }
            end = .seconds(131)
        }
    }
}

// MARK: - Connections that come about

extension Play {
    /// The whole of a connection that is opened at once or after some trouble.
    /// - Parameter delay: how much later than without trouble both ends are established.
    static func opening(after delay: Interval, _ path: Path) -> Play {
        let (client, server) = (delay + path.roundTrip, delay + path.roundTrip + path.there)
        let expectations: [Expectation] = [
            .established(.left, at: client), .established(.right, at: server), .accepted(at: server), .exchanged,
            .entered(.left, "TIME-WAIT"), .emptied,
        ]
        return Play(expectations) { lab throws(StackError) in
            try lab.serve()
            try lab.request()
        }
    }

    static func lostSyn(_ path: Path) -> Play {
        opening(after: .seconds(1), path).losing { $0.link.forward.rules = [.drop(.syn, .first(1))] }
    }

    static func lostSynAck(_ path: Path) -> Play {
        var play = opening(after: .seconds(1), path)
            .losing { $0.link.backward.rules = [.drop(.synAck, .first(1))] }
        play.remarks = { _, _ in
            [
                "Neither end knew which packet was lost, so each sent its own again after 1 s: the client because no "
                    + "SYN-ACK came, the server because no ACK came; and a SYN that comes again is answered again."
            ]
        }
        return play
    }

    /// Nothing is late: the request carries the same acknowledgement.
    static func lostAck(_ path: Path) -> Play {
        var play = opening(after: .zero, path)
            .losing { $0.link.forward.rules = [.drop(.bareAck, .first(1))] }
        play.remarks = { _, _ in
            [
                "Every segment of the client acknowledges the server's SYN. So the request did what the lost packet "
                    + "should have done, and nothing had to be sent again."
            ]
        }
        return play
    }

    /// The same with a fault of the link.
    private func losing(_ fault: @escaping (Laboratory) -> Void) -> Play {
        var play = self
        play.stage = { [stage] lab throws(StackError) in
            fault(lab)
            try stage(lab)
        }
        return play
    }
}

// MARK: - Both at once

extension Play {
    /// RFC 9293, 3.5, figure 7.
    static func simultaneousOpen(_ path: Path) -> Play {
        let expectations: [Expectation] = [
            .entered(.left, "SYN-RECEIVED"), .entered(.right, "SYN-RECEIVED"),
            .established(.left, at: path.roundTrip), .established(.right, at: path.roundTrip), .emptied,
        ]
        return Play(expectations) { lab throws(StackError) in
            let ports: (UInt16, UInt16) = (4000, 5000)
            lab.server.application = { [responder = lab.responder] in responder.take($1, at: $0) }
            lab.client.application = { [requester = lab.requester, simulation = lab.simulation] host, event in
                guard case .established(let id) = event else { return requester.take(event, at: host) }
                simulation.schedule(after: path.roundTrip) { host.close(id) }
            }
            try lab.client.connect(to: lab.server, port: ports.1, from: ports.0)
            try lab.server.connect(to: lab.client, port: ports.0, from: ports.1)
        }
    }

    /// RFC 9293, 3.6, figure 13.
    static func simultaneousClose(_ path: Path) -> Play {
        let expectations: [Expectation] = [
            .established(.left, at: path.roundTrip), .established(.right, at: path.roundTrip + path.there),
            .entered(.left, "CLOSING"), .entered(.right, "CLOSING"), .entered(.left, "TIME-WAIT"),
            .entered(.right, "TIME-WAIT"), .emptied,
        ]
        return Play(expectations) { lab throws(StackError) in
            // Three round trips after the first SYN, both.
            let waits = (client: path.roundTrip * 2, server: path.roundTrip * 2 - path.there)
            lab.client.application = { [requester = lab.requester, simulation = lab.simulation] host, event in
                guard case .established(let id) = event else { return requester.take(event, at: host) }
                simulation.schedule(after: waits.client) { host.close(id) }
            }
            lab.server.application = { [responder = lab.responder, simulation = lab.simulation] host, event in
                guard case .acceptable = event, let id = host.accept() else { return responder.take(event, at: host) }
                simulation.schedule(after: waits.server) { host.close(id) }
            }
            try lab.server.listen(Play.port, backlog: 128)
            try lab.client.connect(to: lab.server, port: Play.port)
        }
    }
}
