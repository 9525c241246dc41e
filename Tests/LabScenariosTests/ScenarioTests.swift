import ConnectionAnalysis
import LabScenarios
import NetPrimitives
import PacketCapture
import PacketPrinting
import Testing

@Suite("The lab's scenarios")
struct ScenarioTests {
    static let settings: [LabSettings] = [false, true].flatMap { usesIPv6 in
        [LabSettings.Profile.standard, .linux].map { profile in
            var settings = LabSettings()
            (settings.usesIPv6, settings.profile) = (usesIPv6, profile)
            return settings
        }
    }

    @Test("have a line each that fits a terminal", arguments: Scenario.allCases)
    func summary(scenario: Scenario) {
        #expect(!scenario.summary.isEmpty)
        #expect(2 + 18 + 2 + scenario.summary.count <= 80)
    }

    @Test("go as they should, in both families and with both profiles", arguments: Scenario.allCases, settings)
    func succeeds(scenario: Scenario, settings: LabSettings) {
        let run = scenario.run(settings)
        #expect(run.problems == [])
        #expect(!run.packets.isEmpty)
        for charset in [LadderCharset.unicode, .ascii] {
            for line in Ladder(charset: charset).lines(run.conversation) { #expect(line.count <= 80, "\(line)") }
        }
    }

    @Test(
        "go as they should whatever the round trip", arguments: Scenario.allCases,
        [Interval.zero, .nanoseconds(7), .microseconds(20), .milliseconds(999), .seconds(3)])
    func anyRoundTrip(scenario: Scenario, roundTrip: Interval) {
        var settings = LabSettings()
        settings.roundTrip = roundTrip
        #expect(scenario.run(settings).problems == [])
    }

    @Test("survive losses: with 10 % a connection comes about", arguments: 1...40 as ClosedRange<UInt64>)
    func losses(seed: UInt64) {
        var settings = LabSettings()
        (settings.loss, settings.seed) = (0.1, seed)
        for scenario in [Scenario.handshake, .lostSyn, .lostSynAck, .lostAck, .simultaneousClose, .halfOpen] {
            #expect(scenario.run(settings).problems == [], "\(scenario.rawValue), seed \(seed)")
        }
    }

    @Test("say what went wrong when they do not go as they should")
    func failure() {
        var settings = LabSettings()
        settings.loss = 1
        let run = Scenario.handshake.run(settings)
        #expect(run.problems.contains { $0.contains("nothing was established") })
    }

    @Test("give the same bytes for the same seed and other ISNs for each seed", arguments: settings)
    func seeds(settings: LabSettings) throws {
        var numbers: [UInt32] = []
        for seed: UInt64 in 1...10 {
            var settings = settings
            settings.seed = seed
            let run = Scenario.handshake.run(settings)
            #expect(run.pcap() == Scenario.handshake.run(settings).pcap())
            numbers.append(try #require(run.conversation.packets.first?.segment?.seq.rawValue))
        }
        // Unrelated: no two within a millionth of the circle of each other (by chance once in 10,000 sets).
        numbers.sort()
        for (a, b) in zip(numbers, numbers.dropFirst()) { #expect(b - a > 4_000, "\(numbers)") }
    }
}

@Suite("The lab's numbers")
struct ScenarioNumberTests {
    static func fixed() -> LabSettings {
        var settings = LabSettings()
        (settings.clientISN, settings.serverISN) = (SequenceNumber(1000), SequenceNumber(5000))
        return settings
    }

    @Test("The handshake as tcpdump prints it")
    func handshakeLines() throws {
        var options = PacketPrinter.Options()
        (options.absoluteSequence, options.time) = (true, .none)
        let lines = Scenario.handshake.run(Self.fixed()).lines(options)
        let expected = [
            "Flags [S], seq 1000,", "Flags [S.], seq 5000, ack 1001,", "Flags [.], ack 5001,",
            "Flags [P.], seq 1001:1041, ack 5001,",
        ]
        try #require(lines.count == 8)
        for (line, part) in zip(lines, expected) { #expect(line.contains(part)) }
        #expect(lines[0].hasPrefix("IP client.example."))
        #expect(lines[0].contains(" > server.example.http: "))
    }

    @Test("The handshake in words")
    func handshakeMeaning() {
        let run = Scenario.handshake.run(Self.fixed())
        let meaning = Meaning(run.conversation).sentences
        #expect(
            meaning.prefix(3) == [
                "The client was established after 100 ms (1 RTT), the server after 150 ms (1.5 RTT): "
                    + "ready to send data.",
                "At 150 ms the server moved the entry from the SYN queue to the accept queue; "
                    + "accept() took it at 150 ms.",
                "The request (40 bytes) arrived at 150 ms (1.5 RTT).",
            ])
    }

    @Test("What happens at the server at 150 ms, in its order")
    func serverAt150() {
        let run = Scenario.handshake.run(Self.fixed())
        let events = run.conversation.moments.filter { $0.at == .zero + .milliseconds(150) }.map(\.event)
        #expect(
            events == [
                .arrived(2), .entered(.right, "ESTABLISHED"), .queued(.right, .syn, from: 1, to: 0),
                .queued(.right, .accept, from: 0, to: 1), .called(.right, "accept()"),
                .queued(.right, .accept, from: 1, to: 0), .arrived(3), .called(.right, "read() = 40"),
                .called(.right, "write(53)"), .sent(4),
            ])
    }

    @Test(
        "SYNs that nobody answers",
        arguments: [
            (LabSettings.Profile.standard, [0, 1, 3, 7, 15, 31, 63, 127], 180),
            (.linux, [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67], 131),
        ] as [(LabSettings.Profile, [Int64], Int64)])
    func timeout(profile: LabSettings.Profile, seconds: [Int64], end: Int64) throws {
        for scenario in [Scenario.timeout, .filtered] {
            var settings = LabSettings()
            settings.profile = profile
            let conversation = scenario.run(settings).conversation
            #expect(conversation.packets.map(\.sentAt) == seconds.map { .zero + .seconds($0) })
            let last = try #require(conversation.moments.last)
            #expect(last.event == .failed(.left, .timedOut))
            #expect(last.at == .zero + .seconds(end))
        }
    }

    @Test("A refusal")
    func refused() throws {
        let conversation = Scenario.refused.run(Self.fixed()).conversation
        let reset = try #require(conversation.packets.last?.segment)
        #expect(reset.flags == [.rst, .ack])
        #expect(reset.seq == SequenceNumber(0) && reset.ack == SequenceNumber(1001))
        let last = try #require(conversation.moments.last)
        #expect(last.event == .failed(.left, .refused))
        #expect(last.at == .zero + .milliseconds(100))
    }

    @Test("The entry in SYN-RECEIVED as ss shows it")
    func halfOpen() throws {
        let conversation = Scenario.halfOpen.run(Self.fixed()).conversation
        let exhibit = try #require(conversation.exhibits.first)
        #expect(exhibit.title.contains("SYN_RECV"))
        #expect(exhibit.lines.last?.hasPrefix("SYN-RECV 0      0      203.0.113.1:80 192.0.2.1:") == true)
        #expect(exhibit.lines.last?.hasSuffix("timer:(on,5sec,3)") == true)
    }

    @Test("Loopback on a clock of its own", arguments: ScenarioTests.settings)
    func loopback(settings: LabSettings) throws {
        var loopback = try Loopback(settings)
        var ticks: Int64 = 0
        for _ in 0..<1000 {
            let took = try loopback.connect {
                ticks += 1
                return .zero + .microseconds(ticks)
            }
            #expect(took == .microseconds(3))
        }
        let isEmpty = loopback.isEmpty
        #expect(isEmpty)
    }
}
