import NetPrimitives
import Netstack
import NetworkSimulation
import Synchronization
import Testing

@testable import AsyncNetstack

@Suite("Programs that fail")
struct FailureTests {
    /// What an attempt to connect says.
    private func words(
        _ address: String, timeout: Duration? = nil, conditions: LinkConditions = slow,
        configuration: Configuration = Configuration()
    ) async throws -> String {
        try await SimulatedNetwork.run(conditions: conditions, configuration: configuration) { client, _ in
            do {
                _ = try await client.connect(to: address, timeout: timeout)
                return "connected"
            } catch {
                return "\(error)"
            }
        }
    }

    @Test("say their evidence")
    func evidence() async throws {
        let silent = LinkConditions(latency: .milliseconds(50), loss: 1)
        #expect(try await words("server:81") == "refused by 192.0.2.2 after 100 ms (RST)")
        #expect(
            try await words("192.0.2.2:80", timeout: .seconds(3), conditions: silent, configuration: .linux)
                == "timed out after 3 s: 3 SYNs at 0, 1.0 and 2.0 s, no answer of any kind")
        #expect(
            try await words("192.0.2.2:80", timeout: .milliseconds(500), conditions: silent)
                == "timed out after 500 ms: 1 SYN, no answer of any kind")
        #expect(
            try await words("192.0.2.2:80", conditions: silent)
                == "timed out after 180 s: 8 SYNs at 0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0 and 127.0 s, "
                + "no answer of any kind")
        #expect(try await words("nobody:80") == "no address for nobody: unknown")
        #expect(try await words("no port").hasPrefix("'no port' is no HOST:PORT"))
        #expect(
            try await words("224.0.0.1:80") == "a connection cannot go there: not the address of one host, or port 0")
    }

    @Test("a broken address costs 250 ms, and the other family is taken (RFC 8305)")
    func happyEyeballs() async throws {
        let broken = try #require(IPAddress("2001:db8::dead"))
        try await SimulatedNetwork.run(
            conditions: slow, names: ["both": [broken, TwoHosts.serverAddress(ipv6: false)]]
        ) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let connection = try await client.connect(to: "both:80")
            #expect(!connection.remote.address.isIPv6)
            #expect(await client.now == .zero + .milliseconds(350))
            #expect(await client.tables.connections == 1, "the broken attempt is given up")
            await connection.close()
            await listener.close()
        }
    }

    @Test("a refusal by one address goes on to the next at once, and by all is a refusal")
    func refusals() async throws {
        let both = [true, false].map(TwoHosts.serverAddress)
        try await SimulatedNetwork.run(conditions: slow, names: ["both": both]) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let connection = try await client.connect(to: "both:80")
            #expect(await client.now == .zero + .milliseconds(200))
            await connection.close()
            await listener.close()
            let error = await #expect(throws: NetstackError.self) { _ = try await client.connect(to: "both:81") }
            #expect(error?.description.hasPrefix("refused by 2001:db8::2") == true)
        }
    }

    @Test("addresses of two families take turns")
    func order() throws {
        let v4 = try ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map { try #require(IPAddress($0)) }
        let v6 = try ["2001:db8::1", "2001:db8::2"].map { try #require(IPAddress($0)) }
        #expect(HappyEyeballs.order(v6 + v4) == [v6[0], v4[0], v6[1], v4[1], v4[2]])
        #expect(HappyEyeballs.order(v4) == v4)
        #expect(HappyEyeballs.order([]) == [])
    }

    @Test("a task that is cancelled while it waits for a connection takes it along")
    func cancellation() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let connection = try await client.connect(to: "server:80")
            let accepted = try #require(try await listener.accept())
            let reading = Task(executorPreference: client.executor) { try await connection.read() }
            try await client.pause(for: .seconds(1))
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
            await #expect(throws: NetstackError.connection(.reset, peer: connection.local)) {
                while true { _ = try await accepted.read() }
            }
            await #expect(throws: NetstackError.closed) { try await connection.read() }
            await accepted.close()
            #expect(await client.tables.connections == 0)
        }
    }

    @Test("an attempt that is cancelled leaves nothing")
    func cancelledAttempt() async throws {
        try await SimulatedNetwork.run(conditions: LinkConditions(loss: 1)) { client, _ in
            let attempt = Task(executorPreference: client.executor) { try await client.connect(to: "192.0.2.2:80") }
            try await client.pause(for: .seconds(1))
            #expect(await client.tables.connections == 1)
            attempt.cancel()
            await #expect(throws: CancellationError.self) { _ = try await attempt.value }
            #expect(await client.tables.isEmpty)
        }
    }

    @Test("a listener ends with its task, or when it is closed, and its port is free again")
    func listenerEnds() async throws {
        try await SimulatedNetwork.run { _, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            #expect(throws: NetstackError.call(.addressInUse)) { _ = try server.listen(on: "0.0.0.0:80") }
            let accepting = Task(executorPreference: server.executor) { try await listener.accept() == nil }
            try await server.pause(for: .seconds(1))
            accepting.cancel()
            #expect(try await accepting.value)
            let again = Task(executorPreference: server.executor) { try await listener.accept() == nil }
            try await server.pause(for: .seconds(1))
            await listener.close()
            #expect(try await again.value)
            await (try server.listen(on: "0.0.0.0:80")).close()
        }
    }

    @Test("a connection that is dropped closes, and is told of")
    func dropped() async throws {
        let complaints = Mutex<[String]>([])
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            await client.engine.onComplaint { text in complaints.withLock { $0.append(text) } }
            let listener = try server.listen(on: "0.0.0.0:80")
            var connection: TCPConnection? = try await client.connect(to: "server:80")
            #expect(connection != nil)
            let accepted = try #require(try await listener.accept())
            connection = nil
            #expect(try await accepted.read().isEmpty, "a FIN, not a RST")
            await accepted.close()
            try await server.pause(for: .seconds(1))
            #expect(await client.tables.connections == 0)
        }
        #expect(
            complaints.withLock { $0 } == [
                "the connection to 192.0.2.2:80 was dropped without close(): closed now"
            ])
    }

    @Test("writing after closeWrite() is refused, reading goes on")
    func halfClose() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let connection = try await client.connect(to: "server:80")
            let accepted = try #require(try await listener.accept())
            try await connection.closeWrite()
            await #expect(throws: NetstackError.call(.sideClosed)) { try await connection.write("more") }
            #expect(try await accepted.read().isEmpty)
            try await accepted.write("late")
            #expect(try await connection.read() == Array("late".utf8))
            await accepted.close()
            await connection.close()
        }
    }
}
