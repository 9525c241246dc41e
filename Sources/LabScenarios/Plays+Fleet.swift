import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine

// MARK: - One handshake, two machines

extension Play {
    /// The SYN goes to one machine and all that follows to another, which shares the key; a third has another key.
    static func cookieFleet(_ path: Path) -> Play {
        let (client, server) = (path.roundTrip, path.roundTrip + path.there)
        let fleet = Fleet()
        var play = Play([
            .established(.left, at: client), .established(.right, at: server), .exchanged,
            .entered(.left, "TIME-WAIT"), .emptied,
            .holds("node A, which answered the SYN, should have kept nothing and heard nothing more") { _, _ in
                fleet.a?.counters.cookiesSent ?? 0 > 0 && fleet.a?.counters.cookiesReceived == 0
                    && fleet.a?.tables.isEmpty == true
            },
            .holds("node B should have read one cookie and sent none") { lab, _ in
                lab.server.counters.cookiesReceived == 1 && lab.server.counters.cookiesSent == 0
            },
            .holds("node B should know the client's window scale and SACK, without timestamps") { lab, _ in
                guard let info = lab.server.accepted else { return false }
                return info.hasSACK && info.hasWindowScaling && info.sendScale == info.receiveScale
                    && info.sendScale.rawValue > 0 && !info.hasTimestamps
            },
            .holds("node C should have refused and counted what the other key signed") { _, _ in
                fleet.c?.counters.cookiesFailed == 1 && fleet.c?.tables.connections == 0
                    && fleet.bystander?.failure.map { if case .reset = $0 { true } else { false } } == true
            },
        ]) { lab throws(StackError) in
            try fleet.assemble(lab)
            try lab.request()
        }
        play.isBalanced = true
        play.remarks = { lab, conversation in fleet.remarks(lab, conversation) }
        return play
    }
}

/// Three machines at the server's address. Node B is the one in the picture.
private final class Fleet {
    private(set) var a: LabHost?
    private(set) var c: LabHost?
    private(set) var bystander: LabHost?

    func assemble(_ lab: Laboratory) throws(StackError) {
        guard let balancer = lab.balancer else { return }
        let (a, toA) = lab.addMachine("node A", behind: balancer)
        let (c, toC) = lab.addMachine("node C", behind: balancer)
        let bystander = lab.addBystander(at: balancer)
        (self.a, self.c, self.bystander) = (a, c, bystander)
        var chance = lab.simulation.randomStream("cookie keys")
        let (shared, other) = (SipKey(chance.next(), chance.next()), SipKey(chance.next(), chance.next()))
        for host in [lab.client, lab.server, a, c, bystander] {
            host.configure {
                $0.tcp.offersTimestamps = false
                $0.cookieCodec = .fleet
                $0.synCookies = host === a ? .always : .whenFull
            }
        }
        for host in [lab.server, a] { host.setCookieKey(shared) }
        c.setCookieKey(other)
        try lab.serve()
        for host in [a, c] { try host.listen(Play.port, backlog: 128) }
        balancer.choose = { [server = lab.server, client = lab.client.address] packet in
            let isSyn = packet.tcp?.flags.contains(.syn) == true
            guard packet.source == client else { return isSyn ? toA : toC }
            if isSyn { server.remark("node A takes the SYN") }
            return isSyn ? toA : InterfaceID(1)
        }
        // Its link takes no time: it is refused before the clock moves.
        bystander.application = { host, event in
            if case .closed(let id) = event { host.bury(id) }
        }
        try bystander.connect(to: lab.server, port: Play.port)
        try? lab.simulation.run(until: lab.simulation.now)
    }

    func remarks(_ lab: Laboratory, _ conversation: Conversation) -> [String] {
        let answer = conversation.packets.compactMap(\.segment).first { $0.flags == [.syn, .ack] }
        let scale = lab.server.accepted.map { "\($0.sendScale.rawValue)" } ?? "?"
        return [
            "Attacked was a handshake in the middle, by no enemy: the server is three machines with one address, and "
                + "the SYN went to node A, all that followed to node B, as when a fleet changes while a client "
                + "connects. A second client's ACK went to node C, to whom it is a forgery: C has another key.",
            "What held: A kept nothing, and B had never heard of the client, but it has A's key. The number"
                + (answer.map { " \($0.seq.rawValue)" } ?? "")
                + " is 24 bits of a keyed hash and eight of options: B knew the size class, SACK and the window "
                + "scale, \(scale), without any timestamp to hide them in. C refused with a RST, and counted "
                + "(nstat at C: TcpExtSyncookiesFailed \(c?.counters.cookiesFailed ?? 0)).",
            "What it cost: a fleet's machine looks at every stray ACK, for it cannot know what the others sent, and "
                + "whoever forges one without a timestamp hits with 1 in 8 million; with Linux's cookies it is 1 in "
                + "537 million (docs/cookies.md).",
        ]
    }
}
