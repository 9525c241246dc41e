import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import WireFormats

/// Two hosts on a link, and a notebook: where a scenario is played.
final class Laboratory {
    let settings: LabSettings
    let simulation: Simulation
    let client: LabHost
    let server: LabHost
    /// From the client to the server, or to what stands before it.
    let link: Link
    /// What stands before the server, where the server is several machines. Its first interface leads to the client,
    /// its second to the server in the picture.
    let balancer: Balancer?
    let addresses: LabAddresses
    let requester = Requester()
    let responder = Responder()
    private let notebook: Notebook
    /// Packets that somebody else put into the network, by their number in the trace: who it was, if they are drawn.
    private var origins: [Int: String?] = [:]
    /// Sentences of the scenario's own, for below the picture.
    var remarks: [String] = []
    var showsAbsoluteNumbers = false
    /// What a tool on one of the hosts would have printed.
    var exhibits: [Conversation.Exhibit] = []

    /// - Parameters:
    ///   - isBalanced: the server is several machines.
    ///   - serverBudget: the memory that the server has, in bytes, if it is to be short.
    init(_ settings: LabSettings, isBalanced: Bool = false, serverBudget: Int? = nil) {
        self.settings = settings
        addresses = LabAddresses(isIPv6: settings.usesIPv6)
        simulation = Simulation(seed: settings.seed)
        notebook = Notebook(simulation)
        client = LabHost(
            "client", addresses.client, side: .left,
            configuration: Configuration(settings.profile, isn: settings.clientISN), in: simulation, notebook)
        var configuration = Configuration(settings.profile, isn: settings.serverISN)
        if let serverBudget { configuration.budget = serverBudget }
        server = LabHost(
            "server", addresses.server, side: .right, configuration: configuration, in: simulation, notebook)
        simulation.add(client)
        simulation.add(server)
        let there = Interval(nanoseconds: settings.roundTrip.nanoseconds / 2)
        let forward = LinkConditions(latency: there, loss: settings.loss)
        let backward = LinkConditions(latency: settings.roundTrip - there, loss: settings.loss)
        balancer = isBalanced ? Balancer() : nil
        guard let balancer else {
            link = simulation.link(client, server, forward: forward, backward: backward)
            return
        }
        simulation.add(balancer)
        link = simulation.link(client, balancer, forward: forward, backward: backward)
        balancer.addRoute(to: client.address, by: link.interfaces.second)
        simulation.link(balancer, server)
    }

    /// One more host with a link of its own to the server, out of the picture. Nothing is lost on that link, and it
    /// takes no time.
    func addBystander() -> LabHost {
        let host = makeHost("bystander", addresses.bystander)
        simulation.add(host)
        server.nextRoute = IPPrefix(host: host.address)
        simulation.link(host, server)
        return host
    }

    /// A host out of the picture.
    func makeHost(_ name: String, _ address: IPAddress) -> LabHost {
        LabHost(
            name, address, side: nil, configuration: Configuration(settings.profile, isn: nil), in: simulation, notebook
        )
    }

    /// Has a segment appear on its way to a host, in the other's name: between the ends of the watched conversation.
    /// - Parameters:
    ///   - text: its data.
    ///   - origin: who sends it; `nil` for one of so many that no picture shows it.
    func inject(_ seg: Segment, text: String = "", to side: Conversation.Side, from origin: String?) {
        guard let tuple = client.watched else { return }
        let packet =
            side == .right
            ? Forgery.packet(seg, text: text, from: tuple.local, to: tuple.remote)
            : Forgery.packet(seg, text: text, from: tuple.remote, to: tuple.local)
        origins[simulation.trace.count] = .some(origin)
        simulation.inject(packet, on: link, towards: side == .right ? .second : .first)
    }

    /// Has something done when the clock shows a time.
    func at(_ interval: Interval, _ action: @escaping () -> Void) {
        simulation.schedule(at: .zero + interval, action)
    }

    /// Lets everything happen that will.
    func run() throws(SimulationError) { try simulation.runUntilIdle(by: .zero + .seconds(7 * 24 * 3600)) }

    /// What the client's end of the link saw.
    var capture: [CapturedPacket] { simulation.trace.capture(on: link, at: .first) }
}

// MARK: - The conversation

extension Laboratory {
    /// Packets and notes as one story.
    var conversation: Conversation {
        let tuple = client.watched
        func host(_ name: String, _ endpoint: Endpoint?, _ address: IPAddress) -> Conversation.Host {
            Conversation.Host(name: name, address: endpoint?.description ?? address.description)
        }
        var conversation = Conversation(
            left: host("client", tuple?.local, client.address), right: host("server", tuple?.remote, server.address))
        var notes = notebook.notes[...]
        var indices: [Int: Int] = [:]
        for (place, moment) in simulation.trace.moments.enumerated() {
            while let note = notes.first, note.place <= place {
                conversation.record(note.event, at: note.at)
                notes.removeFirst()
            }
            guard let packet = simulation.trace[moment.packet], packet.link == link.number else { continue }
            if case .some(nil) = origins[moment.packet] { continue }
            if moment.arrival != nil {
                // Of two copies the first one is drawn.
                if let index = indices.removeValue(forKey: moment.packet) {
                    conversation.arrive(index, at: moment.time)
                }
            } else {
                indices[moment.packet] = record(packet, in: &conversation)
            }
        }
        for note in notes { conversation.record(note.event, at: note.at) }
        conversation.remarks = remarks
        conversation.showsAbsoluteNumbers = showsAbsoluteNumbers
        conversation.exhibits = exhibits
        return conversation
    }

    /// - Returns: the packet's index in the conversation.
    private func record(_ packet: TracedPacket, in conversation: inout Conversation) -> Int {
        let side: Conversation.Side = packet.side == .first ? .left : .right
        let router = origins[packet.number].flatMap { $0 } ?? "router \(addresses.router)"
        var sentAt = packet.sentAt
        if packet.isFromRouter, let arrival = packet.arrivals.first {
            // The router stands half-way.
            sentAt = sentAt + Interval(nanoseconds: (arrival.time - sentAt).nanoseconds / 2)
        }
        let index = conversation.send(
            Conversation.Packet(packet.bytes, from: side, router: packet.isFromRouter ? router : nil), at: sentAt)
        if let loss = packet.loss { conversation.lose(index, because: words(for: loss, router)) }
        return index
    }

    private func words(for loss: LossReason, _ router: String) -> String {
        switch loss {
        case .random, .scripted, .queueFull, .oversize, .linkDown: "lost"
        case .filtered: "dropped by a firewall"
        case .rejected: "stopped by \(router)"
        }
    }
}

/// The lab's addresses: of the blocks for documentation (RFC 5737, RFC 3849).
struct LabAddresses {
    let client: IPAddress
    let server: IPAddress
    let bystander: IPAddress
    /// Somebody of another network than the client's.
    let crowd: IPAddress
    let router: IPAddress

    init(isIPv6: Bool) {
        func v6(_ network: UInt64) -> IPAddress {
            .v6(IPv6Address(high: 0x2001_0DB8_0000_0000 | network << 16, low: 1))
        }
        client = isIPv6 ? v6(1) : .v4(IPv4Address(192, 0, 2, 1))
        server = isIPv6 ? v6(2) : .v4(IPv4Address(203, 0, 113, 1))
        bystander = isIPv6 ? v6(3) : .v4(IPv4Address(192, 0, 2, 7))
        crowd = isIPv6 ? v6(4) : .v4(IPv4Address(198, 51, 100, 7))
        router = isIPv6 ? .v6(RouterAnswer.ipv6Address) : .v4(RouterAnswer.ipv4Address)
    }

    /// The name of an address in the lab's hosts file.
    func name(of address: IPAddress) -> String? {
        switch address {
        case client: "client.example"
        case server: "server.example"
        case router: "router.example"
        default: nil
        }
    }
}

extension Configuration {
    init(_ profile: LabSettings.Profile, isn: SequenceNumber?) {
        self = profile == .linux ? .linux : Configuration()
        fixedInitialSequence = isn?.rawValue
    }
}
