import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

// MARK: - A server that asks before it answers

extension Play {
    /// The gateway looks for the way first. Its client asks again meanwhile; another one does not wait so long.
    static func slowDecision(_ path: Path) -> Play {
        let thinking: Interval = .milliseconds(4_500)
        let (client, server) = (path.roundTrip + thinking, path.roundTrip + path.there + thinking)
        let expectations: [Expectation] = [
            .sent(.right, [.syn, .ack], at: [path.there + thinking]), .established(.left, at: client),
            .established(.right, at: server), .exchanged, .entered(.left, "TIME-WAIT"), .emptied,
        ]
        let dials = Dials()
        var play = Play(expectations) { lab throws(StackError) in
            lab.server.application = { [unowned lab] in dials.take($1, at: $0, in: lab, thinking) }
            try lab.server.listen(Play.port, backlog: 128, mode: .requests())
            let bystander = lab.addBystander()
            try bystander.connect(to: lab.server, port: Play.port, for: .milliseconds(1_500))
            try lab.request()
        }
        play.remarks = { lab, _ in
            [
                "A gateway knows only after its own dial whether the port is open. So it asked its application, and "
                    + "answered nothing before it knew: the client was established when the way was there, and would "
                    + "have been refused had it been refused itself. \(dials.synCount) of its SYNs came meanwhile; "
                    + "each was counted, none answered.",
                "Attacked was the gateway's work: another client asked, and went after 1.5 s without a word, as a "
                    + "program that is killed does. What held: its SYNs had come 1 s apart and then no more, so the "
                    + "request was withdrawn at \(dials.withdrawnAt?.readable ?? "no time at all"), 3 s after the "
                    + "last, and the dial for it stopped (withdrawn \(lab.server.counters.requestsSilent), of "
                    + "\(lab.server.counters.requests) requests).",
                "What it cost: an undecided request is an entry in the SYN queue, 60 bytes, and no packet. The client "
                    + "waited \(thinking.readable) longer, and took the silence for loss.",
            ]
        }
        return play
    }
}

/// The gateway's application: it dials for whoever asks, and lets the lab's client in when that is done.
private final class Dials {
    private(set) var synCount = 0
    private(set) var withdrawnAt: Interval?

    func take(_ event: StackEvent, at host: LabHost, in lab: Laboratory, _ thinking: Interval) {
        switch event {
        case .requested(let id):
            let isBystander = host.request(id)?.tuple.remoteAddress == lab.addresses.bystander
            host.remark(isBystander ? "another client" : "asked: dials")
            lab.simulation.schedule(after: thinking) { [unowned host] in
                guard let request = host.request(id) else { return }
                self.synCount = request.synCount
                try? host.decide(id, .accept)
            }
        case .withdrawn:
            withdrawnAt = host.now - .zero
            host.remark("the other one is gone")
        default:
            lab.responder.take(event, at: host)
        }
    }
}
