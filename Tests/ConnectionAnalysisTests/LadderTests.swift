import ConnectionAnalysis
import NetPrimitives
import Testing

@Suite("The ladder")
struct LadderTests {
    /// Random conversations, awkward on purpose: many packets under way, long names, long times, losses.
    static func awkward(seed: UInt64) -> Conversation {
        var state = seed
        func draw(_ bound: Int64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(state >> 33) % bound
        }
        let name = String(repeating: "2001:db8:\u{7}", count: Int(draw(9)) + 1)
        var c = Conversation(left: .init(name: "left", address: name), right: .init(name: "right", address: name))
        var now: Int64 = 0
        var underWay: [Int] = []
        for _ in 0..<60 {
            now += draw(4) * draw(1 << Int64(draw(40) + 1))
            let at = Instant(nanoseconds: now)
            let side: Conversation.Side = draw(2) == 0 ? .left : .right
            switch draw(6) {
            case 0, 1:
                let segment = Conversation.Segment(
                    .init(rawValue: UInt8(draw(64))), seq: .init(UInt32(draw(1 << 31))),
                    ack: .init(UInt32(draw(1 << 31))),
                    length: Int(draw(1500)), payload: "\u{1B}[31mé\n")
                let index = c.send(.init(from: side, .tcp(segment)), at: at)
                if draw(4) == 0 {
                    c.lose(index, because: "dropped by the firewall of the house next door")
                } else {
                    underWay.append(index)
                }
            case 2, 3: if !underWay.isEmpty { c.arrive(underWay.remove(at: Int(draw(Int64(underWay.count)))), at: at) }
            case 4: c.record(.entered(side, draw(2) == 0 ? "ESTABLISHED" : "SYN-RECEIVED"), at: at)
            default: c.record(.noted(side, "a-word-that-is-longer-than-all-the-columns and others"), at: at)
            }
        }
        return c
    }

    @Test("fits 80 columns and holds no control characters, in both charsets", arguments: 0..<200 as Range<UInt64>)
    func fits(seed: UInt64) {
        for charset in [LadderCharset.unicode, .ascii] {
            for line in Ladder(charset: charset).lines(Self.awkward(seed: seed)) {
                #expect(line.count <= 80, "\(line)")
                #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
                if charset == .ascii { #expect(line.utf8.allSatisfy { $0 < 0x80 }) }
            }
        }
    }

    @Test("colours change no character of the picture")
    func colours() throws {
        let escape = try Regex("\u{1B}\\[[0-9;]*m")
        for conversation in [Conversation.handshake(), .refused(), .timeout(), .unreachable()] {
            let coloured = Ladder(coloured: true).lines(conversation)
            #expect(coloured.map { $0.replacing(escape, with: "") } == Ladder().lines(conversation))
            #expect(coloured.contains { $0.contains("\u{1B}[") })
        }
    }

    @Test("numbers are counted from the initial ones unless absolute ones are asked for")
    func numbers() {
        func holds(_ ladder: Ladder, _ words: String) -> Bool {
            ladder.picture(.handshake()).contains { $0.contains(words) }
        }
        #expect(holds(Ladder(), "seq 1:41 ack 1"))
        #expect(holds(Ladder(absoluteNumbers: true), "seq 1001:1041 ack 5001"))
        #expect(holds(Ladder(), "(2) SYN-ACK seq 5000 ack 1001"))
    }

    @Test("an empty conversation has a heading")
    func empty() {
        #expect(Ladder().picture(.between()).first?.contains("client") == true)
    }
}

@Suite("What a conversation meant")
struct MeaningTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let conversation: Conversation
        let sentence: String
    }

    @Test(
        "says",
        arguments: [
            Row(
                testDescription: "when each end was established", conversation: .handshake(),
                sentence: "The client was established after 100 ms (1 RTT), the server after 150 ms (1.5 RTT): "
                    + "ready to send data."),
            Row(
                testDescription: "how the entry went through the queues", conversation: .handshake(),
                sentence: "At 150 ms the server moved the entry from the SYN queue to the accept queue; accept() took "
                    + "it at 150 ms."),
            Row(
                testDescription: "when the request arrived", conversation: .handshake(),
                sentence: "The request (40 bytes) arrived at 150 ms (1.5 RTT)."),
            Row(
                testDescription: "that all went well", conversation: .handshake(),
                sentence: "Nothing was lost, and nothing was sent twice."),
            Row(
                testDescription: "what was sent again", conversation: .timeout(),
                sentence: "The client sent its SYN 8 times, at 0, 1, 3, 7, 15, 31, 63 and 127 s, with gaps of "
                    + "1, 2, 4, 8, 16, 32 and 64 s."),
            Row(
                testDescription: "what came of packets", conversation: .timeout("dropped by the firewall"),
                sentence: "8 packets were dropped by the firewall."),
            Row(
                testDescription: "why it timed out", conversation: .timeout(),
                sentence: "connect() of the client failed after 180 s with the error timedOut: no answer of any kind "
                    + "to 8 SYNs."),
            Row(
                testDescription: "who refused", conversation: .refused(),
                sentence: "connect() of the client failed after 100 ms (1 RTT) with the error refused: "
                    + "198.51.100.1:80 answered with RST|ACK, seq 0, ack 1001. The host is there, but nothing listens "
                    + "on that port."),
            Row(
                testDescription: "who said unreachable", conversation: .unreachable(),
                sentence: "connect() of the client failed after 50 ms with the error unreachable: host unreachable, "
                    + "said by router 203.0.113.1."),
        ])
    func says(_ row: Row) {
        #expect(Meaning(row.conversation).sentences.contains(row.sentence))
    }

    @Test("remarks come last")
    func remarks() {
        var conversation = Conversation.refused()
        conversation.remarks = ["As it should be."]
        #expect(Meaning(conversation).sentences.last == "As it should be.")
    }
}

@Suite("Readable times")
struct ReadableTimeTests {
    @Test(
        "are short and have one unit up to ten minutes",
        arguments: [
            (0, "0 ms"), (1, "1 ns"), (999, "999 ns"), (20_000, "20 us"), (1_500, "1.5 us"), (999_999, "1 ms"),
            (1_000_000, "1 ms"), (50_000_000, "50 ms"), (100_050_000, "100.05 ms"), (100_004_999, "100 ms"),
            (1_500_000_000, "1.5 s"), (1_063_000_000, "1.063 s"), (180_000_000_000, "180 s"),
            (127_050_000_000, "127.05 s"), (600_000_000_000, "10 min 0 s"), (7_200_000_000_000, "2 h 0 min"),
            (-50_000_000, "-50 ms"), (Int64.min, "-2562047 h 47 min"),
        ] as [(Int64, String)])
    func readable(nanoseconds: Int64, text: String) {
        #expect(Interval(nanoseconds: nanoseconds).readable == text)
    }
}
