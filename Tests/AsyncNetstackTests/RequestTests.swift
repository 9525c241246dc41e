import NetPrimitives
import Netstack
import NetworkSimulation
import Synchronization
import Testing

@testable import AsyncNetstack

@Suite("Requests: deciding before a client is answered")
struct RequestTests {
    private static let mode = ListenerMode.requests()

    /// The next request of a listener that must have one.
    private static func next(_ listener: TCPListener) async throws -> TCPRequest {
        var requests = listener.requests.makeAsyncIterator()
        return try #require(try await requests.next())
    }

    @Test("a program that takes long to decide keeps the client waiting", arguments: [false, true])
    func slowly(ipv6: Bool) async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let address = Endpoint(TwoHosts.serverAddress(ipv6: ipv6), 80)
            let listener = try server.listen(on: address, mode: Self.mode)
            async let opening = client.connect(to: address)
            let request = try await Self.next(listener)
            #expect(await server.now == .zero + .milliseconds(50))
            #expect(request.local == address && request.remote.address == TwoHosts.clientAddress(ipv6: ipv6))
            #expect(request.details.offersSACK && request.details.synCount == 1)
            let accepted = try await request.whileUndecided {
                try await server.pause(for: .seconds(5))
                #expect(try request.current.synCount == 3, "at 0, 1 and 3 s")
                return try await request.accept()
            }
            #expect(await server.now == .zero + .milliseconds(5_150))
            let connection = try await opening
            #expect(connection.local == accepted.remote && connection.remote == accepted.local)
            try await accepted.write("at last")
            #expect(try await connection.read() == Array("at last".utf8))
            await connection.close()
            await accepted.close()
            await listener.close()
        }
    }

    @Test(
        "what a client makes of the decisions",
        arguments: [
            (RequestDecision.refuse, "refused by 192.0.2.2 after 600 ms (RST)"),
            (.reject(.host), "unreachable after 600 ms: 192.0.2.2 says host unreachable (ICMP type 3 code 1)"),
            (
                .reject(.administrativelyProhibited),
                "unreachable after 600 ms: 192.0.2.2 says administratively prohibited (ICMP type 3 code 13)"
            ),
            (
                .ignore,
                "timed out after 131 s: 11 SYNs at 0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0, 19.0, 35.0 and 67.0 s, "
                    + "no answer of any kind"
            ),
        ] as [(RequestDecision, String)])
    func decisions(decision: RequestDecision, words: String) async throws {
        try await SimulatedNetwork.run(conditions: slow, configuration: .linux) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: Self.mode)
            let asked = Mutex(0)
            let deciding = Task(executorPreference: server.executor) {
                for try await request in listener.requests {
                    asked.withLock { $0 += 1 }
                    try await server.pause(for: .milliseconds(500))
                    switch decision {
                    case .accept: _ = try await request.accept()
                    case .refuse: try await request.refuse()
                    case .reject(let reason): try await request.reject(reason)
                    case .ignore: try await request.ignore()
                    }
                    await #expect(throws: NetstackError.closed, "decided once") { try await request.refuse() }
                }
            }
            let error = await #expect(throws: NetstackError.self) { _ = try await client.connect(to: "192.0.2.2:80") }
            // Linux goes on for longer than an attempt is remembered.
            #expect(error?.description == words && asked.withLock { $0 } == (decision == .ignore ? 2 : 1))
            await listener.close()
            try await deciding.value
        }
    }

    @Test("a client that gives up is withdrawn 2.5 gaps after its last SYN, and the dial is cancelled")
    func withdrawal() async throws {
        try await SimulatedNetwork.run(conditions: slow, configuration: .linux) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: Self.mode)
            let opening = Task(executorPreference: client.executor) {
                try await client.connect(to: "192.0.2.2:80", timeout: .seconds(2))
            }
            let request = try await Self.next(listener)
            let ended = Mutex<Instant?>(nil)
            await #expect(throws: NetstackError.withdrawn(.silent)) {
                try await request.whileUndecided {
                    do {
                        try await server.pause(for: .seconds(60))
                    } catch is CancellationError {
                        let now = await server.now
                        ended.withLock { $0 = now }
                        throw CancellationError()
                    }
                }
            }
            // SYNs came at 0.05 and 1.05 s.
            #expect(ended.withLock { $0 } == .zero + .milliseconds(4_050))
            for decide in [
                { try await request.refuse() }, { _ = try await request.accept() }, { _ = try request.current },
            ]
                as [@Sendable () async throws -> Void]
            {
                await #expect(throws: NetstackError.withdrawn(.silent)) { try await decide() }
            }
            await #expect(throws: NetstackError.self) { try await opening.value }
            #expect(await server.tables.isEmpty)
            await listener.close()
        }
    }

    @Test("one that gives up before anybody has looked is never seen")
    func unseen() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: Self.mode)
            await #expect(throws: NetstackError.self) {
                try await client.connect(to: "192.0.2.2:80", timeout: .seconds(1))
            }
            try await server.pause(for: .seconds(10))
            async let opening = client.connect(to: "192.0.2.2:80")
            let request = try await Self.next(listener)
            #expect(request.details.since == .zero + .milliseconds(11_050))
            let accepted = try await request.accept()
            await accepted.close()
            await (try opening).close()
            await listener.close()
        }
    }

    @Test("closing the listener ends its requests, its sequence and the dials")
    func closing() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: .requests(undecided: .refuse))
            let opening = Task(executorPreference: client.executor) { try await client.connect(to: "192.0.2.2:80") }
            let deciding = Task(executorPreference: server.executor) {
                for try await request in listener.requests {
                    try await request.whileUndecided { try await server.pause(for: .seconds(60)) }
                }
            }
            try await server.pause(for: .milliseconds(500))
            await listener.close()
            await #expect(throws: NetstackError.withdrawn(.listenerClosed)) { try await deciding.value }
            let now = await server.now
            #expect(now == .zero + .milliseconds(500))
            let error = await #expect(throws: NetstackError.self) { try await opening.value }
            #expect(error?.description == "refused by 192.0.2.2 after 1.1 s (RST)", "by the closed port")
        }
    }

    @Test("a client that has gone when it is accepted: the waiting ends, by its RST")
    func goneMeanwhile() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: Self.mode)
            let opening = Task(executorPreference: client.executor) {
                try await client.connect(to: "192.0.2.2:80", timeout: .seconds(2))
            }
            let request = try await Self.next(listener)
            try await server.pause(for: .seconds(3))
            await #expect(throws: NetstackError.notCompleted) { try await request.accept() }
            #expect(await server.now == .zero + .milliseconds(3_150))
            #expect(await server.tables.isEmpty)
            await #expect(throws: NetstackError.self) { try await opening.value }
            await listener.close()
        }
    }

    @Test("who is cancelled while it waits for what it accepted has the connection reset")
    func cancelled() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: Self.mode)
            async let opening = client.connect(to: "192.0.2.2:80")
            let request = try await Self.next(listener)
            let accepting = Task(executorPreference: server.executor) { try await request.accept() }
            try await server.pause(for: .milliseconds(10))
            accepting.cancel()
            await #expect(throws: CancellationError.self) { try await accepting.value }
            let connection = try await opening
            await #expect(throws: NetstackError.connection(.reset, peer: connection.remote)) {
                try await connection.read()
            }
            await connection.close()
            #expect(await server.tables.connections == 0)
            await listener.close()
        }
    }

    @Test("one that the program lets go of is decided at once, by the listener's word for the undecided")
    func dropped() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: .requests(undecided: .reject(.port)))
            async let first: Void = { _ = try await Self.next(listener) }()
            let error = await #expect(throws: NetstackError.self) { _ = try await client.connect(to: "192.0.2.2:80") }
            #expect(error?.description.contains("port unreachable") == true)
            try await first
            #expect(await client.now == .zero + .milliseconds(100))
            await listener.close()
        }
    }

    @Test("what the listener accepts by itself when the time is up comes by its own sequence")
    func acceptedByDefault() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", mode: .requests(undecided: .accept))
            async let opening = client.connect(to: "192.0.2.2:80")
            let request = try await Self.next(listener)
            let accepted = try #require(try await listener.accept())
            await #expect(throws: NetstackError.withdrawn(.overdue)) { try await request.refuse() }
            let connection = try await opening
            #expect(connection.remote == accepted.local && accepted.remote == request.remote)
            await accepted.close()
            await connection.close()
            await listener.close()
        }
    }

    @Test("a gateway of 10.0.0.0/8: any host, any port, and many at a time", arguments: [1, 2, 3] as [UInt64])
    func gateway(seed: UInt64) async throws {
        try await SimulatedNetwork.run(
            seed: seed,
            build: { simulation in
                let hosts = simulation.twoHosts(LinkConditions(latency: .milliseconds(50), loss: 0.05))
                if let network = IPPrefix("10.0.0.0/8") {
                    try? hosts.server.addGateway(of: network, on: InterfaceID(0))
                }
                return [hosts.client, hosts.server]
            },
            program: { stacks in
                let (client, server) = (stacks[0], stacks[1])
                let listener = try server.listen(on: Endpoint(.v4(.any), 0), mode: Self.mode)
                let serving = Task(executorPreference: server.executor) { try await Self.relay(listener, server) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number: UInt8 in 1...50 {
                        group.addTask { try await Self.greet(number, from: client) }
                    }
                    try await group.waitForAll()
                }
                await listener.close()
                try await serving.value
            })
    }

    /// Even hosts exist, after a moment's search, and say their address; the others do not.
    private static func relay(_ listener: TCPListener, _ server: TCPStack) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for try await request in listener.requests {
                group.addTask {
                    try await server.pause(for: .milliseconds(700))
                    guard request.local.port % 2 == 0 else { return try await request.reject(.host) }
                    let connection = try await request.accept()
                    #expect(connection.local == request.local)
                    try await connection.write("\(request.local)")
                    await connection.close()
                }
            }
            try await group.waitForAll()
        }
    }

    private static func greet(_ number: UInt8, from client: TCPStack) async throws {
        let far = Endpoint(.v4(IPv4Address(10, number, 2, 3)), 4_000 + UInt16(number))
        do {
            let connection = try await client.connect(to: far)
            var words: [UInt8] = []
            while case let bytes = try await connection.read(), !bytes.isEmpty { words += bytes }
            #expect(String(decoding: words, as: UTF8.self) == "\(far)" && number % 2 == 0)
            await connection.close()
        } catch NetstackError.connection(.unreachable(let icmp, _), _) {
            #expect(icmp.reporter == far.address && icmp.code == 1 && number % 2 == 1)
        }
    }
}
