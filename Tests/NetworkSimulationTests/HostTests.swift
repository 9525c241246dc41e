import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import Testing

@Suite("Hosts")
struct HostTests {
    @Test("connect, request, answer, both closes: each packet when it should be", arguments: [false, true])
    func conversation(ipv6: Bool) throws {
        let simulation = Simulation(seed: 1)
        let network = simulation.twoHosts(LinkConditions(latency: .milliseconds(50)), records: true)
        let place = Endpoint(TwoHosts.serverAddress(ipv6: ipv6), 80)
        let listener = try network.server.listen(on: place)
        var told: [String] = []
        network.client.application = { event, host, now in
            switch event {
            case .established(let id):
                told.append("\(now.milliseconds) established")
                _ = try? host.write(id, Array("request".utf8))
            case .readable(let id):
                told.append("\(now.milliseconds) \((try? host.read(id).count) ?? -1) bytes")
            case .readClosed(let id):
                told.append("\(now.milliseconds) end")
                try? host.close(id)
            default: break
            }
        }
        network.server.application = { event, host, now in
            switch event {
            case .acceptable(let listener): _ = try? host.accept(listener)
            case .readable(let id):
                guard let request = try? host.read(id) else { return }
                told.append("\(now.milliseconds) \(String(decoding: request, as: UTF8.self))")
                _ = try? host.write(id, Array("answer".utf8))
                try? host.close(id)
            default: break
            }
        }
        _ = try network.client.connect(to: place)
        try simulation.runUntilIdle()
        #expect(told == ["100 established", "150 request", "200 6 bytes", "200 end"])
        // The third packet leaves before the request, the SYN-ACK at once.
        let sent = simulation.trace.packets.compactMap { packet in
            PacketSummary(packet.bytes)?.tcp.map {
                "\(packet.sentAt.milliseconds) \($0.flags.rawValue) \($0.payloadLength)"
            }
        }
        #expect(sent.prefix(4) == ["0 2 0", "50 18 0", "100 16 0", "100 24 7"])
        #expect(try network.server.info(of: listener).acceptQueueLength == 0)
        for host in [network.client, network.server] {
            #expect(host.inspect { $0.tables.isEmpty })
        }
        // TIME-WAIT was the server's, which closed first.
        #expect(simulation.now.seconds == 60)
    }

    @Test("an observer sees every state and queue in between")
    func observer() throws {
        let simulation = Simulation(seed: 1)
        let network = simulation.twoHosts(LinkConditions(latency: .milliseconds(50)))
        let place = Endpoint(TwoHosts.serverAddress(ipv6: false), 80)
        let listener = try network.server.listen(on: place)
        var depths: [[Int]] = []
        network.server.onInput = { input, _, host in
            guard let info = try? host.info(of: listener) else { return }
            let now = [Int(host.now.milliseconds), info.synQueueLength, info.acceptQueueLength]
            if depths.last?.dropFirst() != now.dropFirst() { depths.append(now) }
        }
        network.server.application = { event, host, _ in
            if case .acceptable(let listener) = event { _ = try? host.accept(listener) }
        }
        _ = try network.client.connect(to: place)
        try simulation.run(until: .zero + .seconds(1))
        #expect(depths == [[0, 0, 0], [50, 1, 0], [150, 0, 1], [150, 0, 0]])
    }
}
