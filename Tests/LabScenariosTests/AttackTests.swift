import ConnectionAnalysis
import LabScenarios
import NetPrimitives
import Testing

/// What the scenarios about attackers and old segments show, packet by packet.
@Suite("The lab's attacks")
struct AttackTests {
    /// Who sends a packet, its flags and numbers, and what became of it: "A SYN 100", "B SYN-ACK 300 91".
    private static func lines(_ conversation: Conversation) -> [String] {
        conversation.packets.compactMap { packet in
            guard let segment = packet.segment else { return nil }
            let host = packet.router ?? (packet.from == .left ? "A" : "B")
            let ack = segment.flags.contains(.ack) ? " \(segment.ack.rawValue)" : ""
            return "\(host) \(segment.flags.name) \(segment.seq.rawValue)\(ack)"
        }
    }

    /// When the packets of a kind were sent, in milliseconds.
    private static func times(_ conversation: Conversation, _ line: String) -> [Int64] {
        zip(lines(conversation), conversation.packets).filter { $0.0 == line }.map { $0.1.sentAt.milliseconds }
    }

    @Test("old-duplicate-syn has the numbers of figures 11 and 8", arguments: ScenarioTests.settings)
    func oldDuplicateSyn(settings: LabSettings) {
        let conversation = Scenario.oldDuplicateSyn.run(settings).conversation
        #expect(
            Self.lines(conversation) == [
                "an old connection SYN 90", "B SYN-ACK 200 91", "A RST 91", "A SYN 100", "an old connection SYN 90",
                "B SYN-ACK 300 91", "A RST 91", "B SYN-ACK 400 101", "A ACK 101 401",
            ])
    }

    @Test("half-open-recovery has the numbers of figures 9 and 10", arguments: ScenarioTests.settings)
    func halfOpenRecovery(settings: LabSettings) {
        let conversation = Scenario.halfOpenRecovery.run(settings).conversation
        #expect(
            Self.lines(conversation) == [
                "A SYN 99", "B SYN-ACK 299 100", "A ACK 100 300", "A SYN 400", "B ACK 300 100", "A RST 100",
                "A SYN 400", "B SYN-ACK 699 401", "A ACK 401 700", "B PSH|ACK 700 401", "A RST 401",
            ])
        let whys = Meaning(conversation).sentences.filter { $0.contains("error reset") }
        #expect(whys.map { $0.hasSuffix("seq 100.") } == [true, false])
        #expect(whys.map { $0.hasSuffix("seq 401.") } == [false, true])
    }

    @Test("isn-prediction: one guess is right, the other is reset", arguments: ScenarioTests.settings)
    func isnPrediction(settings: LabSettings) throws {
        let conversation = Scenario.isnPrediction.run(settings).conversation
        let lines = Self.lines(conversation)
        // 250,000 steps of 4 us each second: 2.05 s after the clock's beginning.
        #expect(lines.contains("B SYN-ACK 512500 7001") && lines.contains("attacker PSH|ACK 7001 512501"))
        #expect(conversation.moments.filter { $0.event == .called(.right, "read() = 16") }.count == 1)
        let guesses = lines.filter { $0.hasPrefix("attacker PSH|ACK 7001 ") }
        let guess = try #require(guesses.last?.split(separator: " ").last)
        #expect(guesses.count == 2)
        #expect(lines.contains("B RST \(guess)"))
        #expect(!lines.contains("B ACK \(guess) 7017"))
    }

    @Test(
        "blind-reset: two challenge ACKs for 4,196 RSTs, and the exact one ends it", arguments: ScenarioTests.settings)
    func blindReset(settings: LabSettings) throws {
        let run = Scenario.blindReset.run(settings)
        let conversation = run.conversation
        let forged = conversation.packets.filter { $0.router == "attacker" }
        #expect(forged.count == 3)
        let reset = try #require(conversation.moments.first { $0.event == .failed(.right, .reset) })
        #expect(forged.last?.arrivedAt == reset.at)
        let begin = try #require(forged.first?.sentAt)
        let challenges = conversation.packets.filter {
            $0.from == .right && $0.sentAt > begin && $0.segment?.flags == .ack && $0.segment?.length == 0
        }
        #expect(challenges.count == 2)
        #expect(conversation.remarks.contains { $0.contains("4096 RSTs") })
        #expect(conversation.remarks.contains { $0.contains("2 challenge ACKs") })
        // What goes to the server is no business of the client's capture.
        #expect(run.packets.count < 40)
    }

    @Test("blind-data: challenged twice, read never", arguments: ScenarioTests.settings)
    func blindData(settings: LabSettings) {
        let conversation = Scenario.blindData.run(settings).conversation
        let forged = conversation.packets.filter { $0.router == "attacker" }
        #expect(forged.map { $0.segment?.length } == [30, 30])
        let reads = conversation.moments.map(\.event).filter {
            if case .called(.right, let call) = $0 { call.hasPrefix("read()") && call != "read() = 0" } else { false }
        }
        #expect(reads == [.called(.right, "read() = 40"), .called(.right, "read() = 40")])
        // Both that met the window were challenged together once; each of the others drew an ACK.
        #expect(conversation.remarks.contains { $0.contains("8192 segments drew 8191 ACKs") })
        #expect(conversation.remarks.contains { $0.contains("16777216 instead of 8192") })
    }

    @Test("stale-after-crash: the late answer is refused with an ACK", arguments: ScenarioTests.settings)
    func staleAfterCrash(settings: LabSettings) throws {
        let conversation = Scenario.staleAfterCrash.run(settings).conversation
        let server = conversation.packets.filter { $0.from == .right }
        let late = try #require(server.firstIndex { $0.segment?.length == 14 })
        let arrival = try #require(server[late].arrivedAt)
        #expect(arrival - server[late].sentAt == .milliseconds(30_050))
        let replies = conversation.packets.filter { $0.from == .left && $0.sentAt == arrival }
        #expect(replies.map { $0.segment?.flags } == [.ack])
        #expect(!conversation.moments.contains { $0.event == .called(.left, "read() = 14") })
        #expect(conversation.moments.contains { $0.event == .called(.left, "read() = 12") })
        #expect(conversation.remarks.contains { $0.contains("read 'alice has 100'") })
    }

    @Test(
        "each says what was attacked, what held and what it cost",
        arguments: [
            Scenario.synFlood, .synCookies, .cookieFleet, .cookieLostAck, .isnPrediction, .staleAfterCrash,
            .oldDuplicateSyn, .halfOpenRecovery, .blindReset, .blindData, .slowDecision, .budget,
        ])
    func closingLines(scenario: Scenario) {
        let remarks = scenario.run().conversation.remarks.joined(separator: " ")
        #expect(remarks.contains("Attacked"))
        #expect(remarks.contains("What held"))
        #expect(remarks.lowercased().contains("what it cost"))
    }

    @Test(
        "go as they should with every seed, but for the one chance in thousands",
        arguments: 1...8 as ClosedRange<UInt64>)
    func seeds(seed: UInt64) {
        var settings = LabSettings()
        settings.seed = seed
        for scenario in [Scenario.isnPrediction, .blindReset, .blindData, .staleAfterCrash] {
            #expect(scenario.run(settings).problems == [], "\(scenario.rawValue), seed \(seed)")
        }
    }
}
