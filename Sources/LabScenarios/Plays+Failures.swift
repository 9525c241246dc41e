import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

// MARK: - Connections that do not come about

extension Play {
    static func refused(_ path: Path) -> Play {
        let expectations: [Expectation] = [
            .failed(.left, "refused", at: path.roundTrip), .sent(.right, [.rst, .ack], at: [path.there]), .emptied,
        ]
        return Play(expectations) { lab throws(StackError) in
            lab.server.remark("no listener")
            try lab.request()
        }
    }

    /// Every packet is lost, by accident.
    static func timeout(_ timers: OpeningTimers) -> Play {
        silence(timers) { lab throws(StackError) in
            try lab.serve()
            lab.link.forward.rules = [.drop(.any)]
            try lab.request()
        }
    }

    /// A firewall before the server lets nothing through to its port.
    static func filtered(_ timers: OpeningTimers) -> Play {
        var play = silence(timers) { lab throws(StackError) in
            try lab.serve()
            lab.link.forward.rules = [PacketRule(.port(Play.port), then: .drop(.filtered))]
            try lab.request()
        }
        play.remarks = { _, conversation in
            let syns = conversation.packets.count
            return [
                "To the client this looks like loss: a firewall that drops says nothing. What tells them apart is how "
                    + "much was lost. A link that loses one packet in ten would swallow all of \(syns) SYNs once in "
                    + "10^\(syns) attempts; a rule does it every time.",
                "A firewall that rejects would have said so, with RST (refused) or with ICMP (unreachable). Another "
                    + "port of the same host that answers proves that the host is there and that a rule stands before "
                    + "this port.",
            ]
        }
        return play
    }

    /// Nothing comes back, whatever the settings are.
    private static func silence(
        _ timers: OpeningTimers, stage: @escaping (Laboratory) throws(StackError) -> Void
    ) -> Play {
        var play = Play(
            [.sent(.left, .syn, at: timers.syns), .failed(.left, "timedOut", at: timers.end), .emptied],
            stage: stage)
        play.isAlwaysExact = true
        return play
    }

    /// A router half-way knows no way further.
    static func unreachable(_ path: Path, _ settings: LabSettings) -> Play {
        let expectations: [Expectation] = [
            .sent(.left, .syn, at: [.zero]), .failed(.left, "unreachable", at: path.there), .emptied,
        ]
        var play = Play(expectations) { lab throws(StackError) in
            // RFC 792: host unreachable. RFC 4443: address unreachable.
            let code: UInt8 = lab.settings.usesIPv6 ? 3 : 1
            lab.link.forward.rules = [PacketRule(.any, then: .reject(.unreachable(code: code)))]
            try lab.serve()
            try lab.request()
        }
        play.remarks = { _, _ in
            [
                "The message quotes the SYN. The client believed it because the ports and the sequence number in the "
                    + "quote are those of a SYN under way (RFC 5927), and ended the attempt at once (RFC 5461)."
            ]
        }
        return play
    }
}

// MARK: - The server's queues

extension Play {
    /// The accept queue has one place, and another client's connection is in it until accept() is called at last.
    static func acceptQueueFull(_ path: Path, _ timers: OpeningTimers) -> Play {
        let calm: Interval = .seconds(5)
        // The first SYN to arrive after that gets through.
        let lucky = timers.syns.first { $0 + path.there > calm } ?? .zero
        let expectations: [Expectation] = [
            .established(.left, at: lucky + path.roundTrip), .accepted(at: calm), .exchanged,
        ]
        var play = Play(expectations) { lab throws(StackError) in
            let bystander = lab.addBystander()
            try lab.server.listen(Play.port, backlog: 0)
            lab.server.remark("another client")
            try bystander.connect(to: lab.server, port: Play.port)
            // The bystander's link takes no time: its connection is in the queue before the clock moves.
            try? lab.simulation.run(until: lab.simulation.now)
            lab.server.application = { [responder = lab.responder] host, event in
                if case .acceptable = event, host.now < .zero + calm { return }
                responder.take(event, at: host)
            }
            lab.at(calm) { _ = lab.server.accept() }
            try lab.request()
        }
        play.remarks = { lab, _ in
            [
                "The accept queue takes backlog + 1 connections, here one, and another client's was in it until the "
                    + "server called accept() at \(calm.readable). Until then SYNs were dropped without a word (nstat: "
                    + "TcpExtListenOverflows \(lab.server.overflows)): the client cannot tell this from loss, and its "
                    + "next SYN may find room."
            ]
        }
        return play
    }

    /// The client sends a SYN and is never heard of again.
    static func halfOpen(_ path: Path) -> Play {
        let sendings = [0, 1, 3, 7, 15, 31].map { path.there + .seconds($0) }
        let expectations: [Expectation] = [
            .sent(.right, [.syn, .ack], at: sendings), .entered(.right, "SYN-RECEIVED"),
            .left(.right, "SYN-RECEIVED", at: path.there + .seconds(63)),
        ]
        var play = Play(expectations) { lab throws(StackError) in
            try lab.serve()
            try lab.request()
            lab.simulation.onStep = { [unowned lab] node in
                guard node === lab.server, lab.client.isOn, lab.server.tables.halfOpen > 0 else { return }
                lab.client.isOn = false
                lab.client.remark("switched off")
                // Between two retransmissions.
                lab.simulation.schedule(after: .seconds(10)) { lab.exhibitHalfOpen() }
            }
        }
        play.remarks = { lab, _ in
            [
                "After the last of them the server waited once more, then forgot the entry: nobody had told it "
                    + "anything, and it told nobody.",
                "An entry is small and lives for about a minute, and a listener keeps at most backlog + 1 of them: "
                    + "whoever sends SYNs and never answers takes no more than that.",
            ]
        }
        return play
    }
}
