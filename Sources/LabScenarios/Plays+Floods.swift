import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

// MARK: - SYNs that nobody stands behind

extension Play {
    /// A thousand SYNs fill the queue; the client's own is answered all the same.
    static func synFlood(_ path: Path) -> Play {
        let (backlog, count) = (2, 1_000)
        var play = attacked(path, count: count, backlog: backlog, words: "\(count) SYNs")
        play.remarks = { lab, _ in
            let counters = lab.server.counters
            return [
                "Attacked was the SYN queue: \(count) SYNs from one host that never answered. The queue took backlog + "
                    + "1 of them, here \(backlog + 1), for a minute.",
                "What held: \(counters.cookiesSent) SYNs, the client's among them, were answered with cookies, of "
                    + "which the server kept nothing (nstat: TcpExtTCPReqQFullDoCookies \(counters.synQueueCookies), "
                    + "TcpExtSyncookiesSent \(counters.cookiesSent)). The one that came back "
                    + "(TcpExtSyncookiesRecv \(counters.cookiesReceived)) became a connection.",
                "What it cost the client: nothing; a cookie is a SYN-ACK like any other. What it cost the server: a "
                    + "keyed hash and a packet for each SYN.",
            ]
        }
        return play
    }

    /// One half-open entry is all that the listener has room for.
    static func synCookies(_ path: Path) -> Play {
        var play = attacked(path, count: 1, backlog: 0, words: "another client's SYN")
        play.remarks = { lab, conversation in
            let answer = conversation.packets.compactMap(\.segment).first { $0.flags == [.syn, .ack] }
            let scale = lab.server.accepted.map { "\($0.sendScale.rawValue)" } ?? "?"
            return [
                "Attacked was the SYN queue: it has room for backlog + 1 entries, here one, and a client that went "
                    + "silent has it. So the server answered with a cookie: its initial sequence number"
                    + (answer.map { ", \($0.seq.rawValue)," } ?? "")
                    + " is a keyed hash of both ends, the client's number and the minute, with the maximum segment "
                    + "size in its low bits. Nothing was stored: the server's state stayed LISTEN.",
                "What held: the third packet brought the number back, plus one. The server computed it again, found "
                    + "it its own, and rebuilt what it would have kept; SACK and the window scale, \(scale), came back "
                    + "in the timestamp's low six bits.",
                "What it cost: two hashes for the SYN and two for the ACK. With a cookie the maximum segment size is "
                    + "rounded down to one of four, without timestamps SACK and the window scale are lost, and the "
                    + "SYN-ACK is never sent again (cookie-lost-ack).",
            ]
        }
        return play
    }

    /// The third packet is lost. Nothing was kept, so nothing is sent again.
    static func cookieLostAck(_ path: Path) -> Play {
        let patience: Interval = .seconds(30)
        let spoken = path.roundTrip + patience
        var play = Play([
            .established(.left, at: path.roundTrip), .established(.right, at: spoken + path.there), .exchanged,
        ]) { lab throws(StackError) in
            try lab.occupySynQueue(count: 1, backlog: 0, words: "another client's SYN")
            lab.link.forward.rules = [.drop(.bareAck, .first(1))]
            try lab.request()
            lab.client.application = { [requester = lab.requester, simulation = lab.simulation] host, event in
                guard case .established(let id) = event else { return requester.take(event, at: host) }
                host.remark("waits to be greeted")
                simulation.schedule(after: patience) { host.write(id, Exchange.request) }
            }
        }
        play.remarks = { _, _ in
            [
                "Attacked was the SYN queue, so the SYN-ACK was a cookie; then the path lost the client's ACK. The "
                    + "client was ESTABLISHED, and the server knew nothing of it.",
                "What held: where the client speaks first nobody notices, for its first segment carries the same ACK "
                    + "(lost-ack). Here it spoke after \(patience.readable), and that completed the handshake. A "
                    + "cookie is good for one to two minutes.",
                "What it cost: with an entry the server would have sent its SYN-ACK again after 1 s, and the client "
                    + "its ACK. A cookie is never sent again: where the server speaks first, as in SMTP and SSH, the "
                    + "client waits until it has had enough.",
            ]
        }
        return play
    }

    /// An ordinary connection to a server whose SYN queue is full of entries that nobody will complete.
    private static func attacked(_ path: Path, count: Int, backlog: Int, words: String) -> Play {
        let (client, server) = (path.roundTrip, path.roundTrip + path.there)
        let expectations: [Expectation] = [
            .established(.left, at: client), .established(.right, at: server), .exchanged, .entered(.left, "TIME-WAIT"),
            .emptied,
        ]
        return Play(expectations) { lab throws(StackError) in
            try lab.occupySynQueue(count: count, backlog: backlog, words: words)
            try lab.request()
        }
    }
}

extension Laboratory {
    /// The server listens; a bystander sends SYNs, and is switched off before it hears an answer.
    fileprivate func occupySynQueue(count: Int, backlog: Int, words: String) throws(StackError) {
        let bystander = addBystander()
        try serve(backlog: backlog)
        server.remark(words)
        try bystander.flood(server, port: Play.port, count: count)
        simulation.onStep = { [unowned self] node in
            if node === server, server.tables.halfOpen > 0 { bystander.isOn = false }
        }
        // Its link takes no time: the queue is full before the clock moves.
        try? simulation.run(until: simulation.now)
    }
}
