import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

// MARK: - More than there is room for

extension Play {
    /// One network opens connection after connection and fills each; the server's memory is one number.
    static func budget(_ path: Path) -> Play {
        let (client, server) = (path.roundTrip, path.roundTrip + path.there)
        let (budget, count, text) = (1 << 20, 200, 40_000)
        var play = Play([
            .established(.left, at: client), .established(.right, at: server), .exchanged,
            .entered(.left, "TIME-WAIT"),
            .holds("the server should hold no more than its budget") { lab, _ in
                lab.server.mostBytes <= budget
            },
            .holds("the crowd's network should have been refused beyond its share") { lab, _ in
                lab.server.counters.prefixRefusals > 0
            },
        ]) { lab throws(StackError) in
            try lab.crowd(count: count, text: text)
            try lab.serve()
            try lab.request()
        }
        play.serverBudget = budget
        play.remarks = { lab, _ in
            let (tables, counters) = (lab.server.tables, lab.server.counters)
            return [
                "Attacked was the server's memory, all of it \(budget >> 20) MiB: one network asked for \(count) "
                    + "connections and sent \(text) bytes on each, which nobody read.",
                "What held: no network of peers may have more than half. \(tables.connections) connections were let in "
                    + "with all that they could fill, then \(counters.prefixRefusals) times one was refused for the "
                    + "share of its network; segments beyond were not acknowledged (\(counters.inOrderRefused)). The "
                    + "stack never held more than \(lab.server.mostBytes) bytes, and the client, from another network, "
                    + "noticed nothing.",
                "What it cost: half of the memory, as long as the crowd stays. What was acknowledged is kept, however "
                    + "long nobody reads it.",
            ]
        }
        return play
    }
}

extension Laboratory {
    /// Connections from one network to a port where nobody accepts, each with text.
    fileprivate func crowd(count: Int, text: Int) throws(StackError) {
        let crowd = makeHost("crowd", addresses.crowd)
        simulation.add(crowd)
        server.nextRoute = IPPrefix(host: crowd.address)
        simulation.link(crowd, server)
        try server.listen(Play.port + 1, backlog: count, isWatched: false)
        let bytes = [UInt8](repeating: 0x2E, count: text)
        crowd.application = { host, event in
            if case .established(let id) = event { host.write(id, bytes) }
        }
        try crowd.flood(server, port: Play.port + 1, count: count)
        try? simulation.run(until: simulation.now)
        // Who nobody reads from would ask for ever.
        at(.seconds(10)) { crowd.isOn = false }
    }
}
