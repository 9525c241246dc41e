import AsyncNetstack
import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import Testing

@testable import greeting

/// 50 ms each way.
let slow = LinkConditions(latency: .milliseconds(50))

@Suite("Programs in virtual time")
struct ProgramTests {
    @Test("the example of the README greets, over both families", arguments: ["192.0.2.2:80", "[2001:db8::2]:80"])
    func example(address: String) async throws {
        let answer = try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: address, backlog: 128)
            async let _ = serve(listener)
            return try await greet("world", at: address, from: client)
        }
        #expect(answer == "hello, world")
    }

    @Test("a name is resolved, and connect() takes one round trip of virtual time")
    func roundTrip() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let connection = try await client.connect(to: "server:80")
            #expect(await client.now == .zero + .milliseconds(100))
            let accepted = try #require(try await listener.accept())
            #expect(accepted.remote == connection.local && accepted.local == connection.remote)
            #expect(try connection.info.state == .established)
            await accepted.close()
            await connection.close()
        }
    }

    @Test("an hour of waiting takes none")
    func pause() async throws {
        let now = try await SimulatedNetwork.run { client, _ in
            try await client.pause(for: .seconds(3600))
            return await client.now
        }
        #expect(now == .zero + .seconds(3600))
    }

    @Test("the same seed gives the same run, another seed another")
    func determinism() async throws {
        func run(_ seed: UInt64) async throws -> [Instant] {
            let rough = LinkConditions(latency: .milliseconds(10), loss: 0.1)
            return try await SimulatedNetwork.run(seed: seed, conditions: rough) { client, server in
                let listener = try server.listen(on: "192.0.2.2:80", backlog: 128)
                async let _ = serve(listener)
                var times: [Instant] = []
                for name in ["a", "b", "c"] {
                    _ = try await greet(name, at: "server:80", from: client)
                    times.append(await client.now)
                }
                return times
            }
        }
        let (first, again, other) = (try await run(1), try await run(1), try await run(2))
        #expect(first == again && first != other)
    }

    @Test("write waits for a reader, and nothing is lost")
    func backPressure() async throws {
        let sent = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let received = try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let connection = try await client.connect(to: "server:80")
            let accepted = try #require(try await listener.accept())
            let writing = Task(executorPreference: client.executor) {
                try await connection.write(sent)
                let finished = await client.now
                await connection.close()
                return finished
            }
            try await server.pause(for: .seconds(60))
            var received: [UInt8] = []
            while case let bytes = try await accepted.read(), !bytes.isEmpty { received += bytes }
            #expect(try await writing.value > .zero + .seconds(60))
            await accepted.close()
            return received
        }
        #expect(received == sent)
    }

    @Test("close() of a stack ends everything, and leaves nothing behind")
    func close() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let serving = Task(executorPreference: server.executor) {
                var count = 0
                for try await connection in listener {
                    count += 1
                    while !(try await connection.read()).isEmpty {}
                    await connection.close()
                }
                return count
            }
            let connection = try await client.connect(to: "server:80")
            await client.close(within: .seconds(5))
            #expect(await client.now < .zero + .seconds(1), "both sides have closed: no need to wait")
            await #expect(throws: NetstackError.closed) { try await connection.read() }
            await #expect(throws: NetstackError.closed) { _ = try await client.connect(to: "server:80") }
            await listener.close()
            #expect(try await serving.value == 1)
            #expect(await client.tables.connections == 0)
        }
    }

    @Test("a peer that never closes is reset when the time is up")
    func grace() async throws {
        try await SimulatedNetwork.run(conditions: slow) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            let connection = try await client.connect(to: "server:80")
            let accepted = try #require(try await listener.accept())
            await client.close(within: .seconds(5))
            #expect(await client.now >= .zero + .seconds(5))
            #expect(try await accepted.read().isEmpty)
            try await server.pause(for: .seconds(1))
            await #expect(throws: NetstackError.connection(.reset, peer: connection.local)) {
                try await accepted.write("still there?")
            }
            await accepted.close()
        }
    }
}
