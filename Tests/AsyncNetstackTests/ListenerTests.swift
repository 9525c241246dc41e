import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import Testing

@testable import AsyncNetstack

@Suite("Listeners that are read and changed while they run")
struct ListenerTests {
    /// A queue that is full is full: no cookies.
    private static var plain: Configuration {
        var configuration = Configuration()
        configuration.synCookies = .off
        return configuration
    }

    /// Clients that come one after the other and try again after 1, 3 and 7 s. Each closes what it gets.
    private static func clients(_ count: Int, apart gap: Duration, from client: TCPStack) -> Task<Void, any Error> {
        Task(executorPreference: client.executor) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<count {
                    group.addTask {
                        try await client.pause(for: gap * index)
                        let connection = try? await client.connect(to: "server:80", timeout: .seconds(30))
                        await connection?.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a full listener's backlog is raised and lowered, and n + 1 goes with it")
    func acceptQueue() async throws {
        let near = LinkConditions(latency: .milliseconds(1))
        try await SimulatedNetwork.run(conditions: near, configuration: Self.plain) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", backlog: 1)
            func expect(_ waiting: Int, of backlog: Int, at milliseconds: Int64) async throws {
                let rest = Instant(nanoseconds: milliseconds * 1_000_000) - (await server.now)
                try await server.pause(for: .nanoseconds(rest.nanoseconds))
                let info = try listener.info
                #expect(
                    info.acceptQueueLength == waiting && info.backlog == backlog && info.synQueueLength == 0,
                    "\(info) at \(milliseconds) ms")
                #expect(info.local == listener.local)
            }
            try await expect(0, of: 1, at: 0)
            // SYNs at 0, 100, ... 500 ms; then 1, 3, 7 and 15 s later each.
            let opening = Self.clients(6, apart: .milliseconds(100), from: client)
            try await expect(2, of: 1, at: 900)
            try await listener.setBacklog(3)
            try await expect(2, of: 3, at: 1_000)
            try await expect(4, of: 3, at: 1_800)
            // Who waits stays.
            try await listener.setBacklog(0)
            try await expect(4, of: 0, at: 1_900)
            for _ in 0..<3 { await (try await listener.accept())?.close() }
            try await expect(1, of: 0, at: 3_800)
            await (try await listener.accept())?.close()
            try await expect(0, of: 0, at: 7_300)
            try await expect(1, of: 0, at: 7_800)
            await (try await listener.accept())?.close()
            try await expect(1, of: 0, at: 16_000)
            await (try await listener.accept())?.close()
            try await opening.value
            #expect(await server.counters.listenOverflows == 4 + 2 + 2 + 1)
            #expect(await server.counters.passiveOpens == 6)
            await listener.close()
        }
    }

    @Test("its half-open entries are told, and n + 1 of them go with the backlog")
    func synQueue() async throws {
        // A SYN comes after 600 ms, the ACK that completes it after 1,800.
        let far = LinkConditions(latency: .milliseconds(600))
        try await SimulatedNetwork.run(conditions: far, configuration: Self.plain) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", backlog: 0)
            let opening = Self.clients(3, apart: .milliseconds(10), from: client)
            try await server.pause(for: .milliseconds(900))
            #expect(try listener.info.synQueueLength == 1)
            try await listener.setBacklog(1)
            // The second SYNs came at 1.6 s.
            try await server.pause(for: .milliseconds(800))
            #expect(try listener.info.synQueueLength == 2 && listener.info.acceptQueueLength == 0)
            try await listener.setBacklog(0)
            try await server.pause(for: .milliseconds(50))
            #expect(try listener.info.synQueueLength == 2, "who has an entry keeps it")
            for _ in 0..<3 { await (try await listener.accept())?.close() }
            try await opening.value
            #expect(try listener.info.synQueueLength == 0 && listener.info.acceptQueueLength == 0)
            await listener.close()
        }
    }

    @Test("a backlog beyond its range counts as the nearest; a closed listener has none")
    func range() async throws {
        try await SimulatedNetwork.run { _, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            #expect(try listener.info.backlog == 128)
            for (given, taken) in [(-1, 0), (65_535, 65_535), (100_000, 65_535), (Int.max, 65_535), (Int.min, 0)] {
                try await listener.setBacklog(given)
                #expect(try listener.info.backlog == taken, "\(given)")
            }
            await listener.close()
            #expect(throws: NetstackError.closed) { _ = try listener.info }
            await #expect(throws: NetstackError.closed) { try await listener.setBacklog(1) }
        }
    }

    @Test("another codec is for the cookies to come", arguments: [true, false])
    func cookieCodec(_ goesBack: Bool) async throws {
        var configuration = Configuration()
        configuration.synCookies = .always
        configuration.tcp.offersTimestamps = false
        let hasScale = try await SimulatedNetwork.run(conditions: slow, configuration: configuration) {
            client, server in
            let listener = try server.listen(on: "0.0.0.0:80")
            try await listener.setCookieCodec(.fleet)
            if goesBack { try await listener.setCookieCodec(.classic) }
            let connection = try await client.connect(to: "server:80")
            let accepted = try #require(try await listener.accept())
            defer { accepted.abort() }
            await connection.close()
            return try accepted.info.hasWindowScaling
        }
        // Without timestamps only a fleet's cookie has a place for it.
        #expect(hasScale != goesBack)
    }

    @Test("a flood is reported when it begins and when it is over, and what failed beside it")
    func reports() async throws {
        var configuration = Self.plain
        configuration.floodThreshold = 10
        let reports = try await SimulatedNetwork.run(conditions: slow, configuration: configuration) { client, server in
            let listener = try server.listen(on: "0.0.0.0:80", backlog: 0)
            let crowd = Task(executorPreference: client.executor) {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<30 {
                        group.addTask {
                            let timeout = Duration.milliseconds(500)
                            let connection = try? await client.connect(to: "192.0.2.2:80", timeout: timeout)
                            await connection?.close()
                        }
                    }
                }
            }
            var reports: [(at: Instant, StackReport)] = []
            var isOver = false
            while !isOver {
                let report = try await server.nextReport()
                reports.append((await server.now, report))
                if case .flood(let flood) = report { isOver = flood.isOver }
            }
            await crowd.value
            await listener.close()
            return reports
        }
        let floods = reports.compactMap { report in
            if case .flood(let flood) = report.1 { (report.at, flood) } else { nil }
        }
        try #require(floods.count == 2)
        let (began, over) = (floods[0], floods[1])
        // The tenth that found no room began it; it is told when its first second is over.
        #expect(began.0 == .zero + .seconds(1) && began.1.began == .zero + .milliseconds(50))
        #expect(!began.1.isOver && began.1.syns == 20 && began.1.dropped == 20 && began.1.peakRate == 29)
        #expect(over.0 >= .zero + .seconds(3) && over.0 < .zero + .seconds(5))
        #expect(over.1.syns == 20 && over.1.dropped == 20 && over.1.peakRate == 29 && over.1.cookiesSent == 0)
        #expect(over.1.began == began.1.began && over.1.last == began.1.last)
        #expect(over.1.top[0]?.prefix.contains(TwoHosts.clientAddress(ipv6: false)) == true)
        let summaries = reports.compactMap { if case .attempts(let summary) = $0.1 { summary } else { nil } }
        // Eight of a second are told singly.
        #expect(summaries.map(\.count) == [21] && summaries.first?.verdict == .dropped)
    }
}
