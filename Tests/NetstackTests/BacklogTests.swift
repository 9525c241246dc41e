import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// What a listener lets in, and what Linux does while a connection opens: parts 2.3, 2.5, 2.6 and 2.8 of the checklist,
/// where a script cannot say it.
@Suite("Backlogs, and opening as Linux does")
struct BacklogTests {
    @Test("listen(n): n + 1 wait to be accepted, n + 1 are half open, not one more", arguments: [0, 1, 2, 5, 64])
    func backlog(_ backlog: Int) throws {
        var station = try Station(.ipv4, .numbered.with { $0.synCookies = .off })
        let listener = try station.stack.listen(on: station.own, backlog: backlog)
        for port in 0..<UInt16(backlog + 3) {
            station.receive(.syn(), from: Endpoint(station.family.peer, 5_000 + port))
        }
        #expect(try station.stack.info(of: listener).synQueueLength == backlog + 1)
        #expect(station.stack.counters.synQueueDrops == 2)
        for port in 0..<UInt16(backlog + 1) {
            station.receive(.ack(1_001), from: Endpoint(station.family.peer, 5_000 + port))
        }
        let info = try station.stack.info(of: listener)
        #expect(info.acceptQueueLength == backlog + 1 && info.synQueueLength == 0 && info.backlog == backlog)
        #expect(station.receive(.syn(), from: Endpoint(station.family.peer, 9_000)) == [])
        #expect(station.stack.counters.listenOverflows == 1)
    }

    @Test("without cookies 3/4 of synBacklogLimit: of 64, SYN number 50 is dropped (2.3)")
    func threeQuarters() throws {
        for cookies in [SynCookies.off, .whenFull] {
            var station = try Station(
                .ipv4,
                .numbered.with {
                    $0.synCookies = cookies
                    $0.synBacklogLimit = 64
                })
            _ = try station.stack.listen(on: station.own, backlog: 200)
            for port in 0..<UInt16(50) { station.receive(.syn(), from: Endpoint(station.family.peer, 5_000 + port)) }
            #expect(station.stack.tables.halfOpen == (cookies == .off ? 49 : 50))
            #expect(station.stack.counters.listenDrops == (cookies == .off ? 1 : 0))
        }
    }

    /// Timestamps alone, as Linux opens.
    private static var timestamped: Configuration {
        Configuration.numbered.with {
            $0.tcp.offersTimestamps = true
            $0.tcp.opensLikeLinux = true
        }
    }

    @Test("a SYN-ACK that echoes what was never sent gets a RST, and the attempt lives on (2.6)")
    func echoInSynSent() throws {
        var station = try Station(.ipv4, Self.timestamped)
        _ = try station.stack.connect(to: station.peer, from: station.own, at: station.now)
        let syn = try #require(Wire.segment(station.packets()[0]))
        let value = try #require(syn.options.timestamps).value
        var answer = Segment.synAck()
        answer.options.timestamps = TCPTimestamps(value: 7, echoReply: value &- 1)
        #expect(station.receive(answer) == ["R 1001"])
        #expect(station.stack.counters.openingEchoesRefused == 1)
        answer.options.timestamps = TCPTimestamps(value: 7, echoReply: value)
        #expect(station.receive(answer) == [". 1001 ack 5001"])
    }

    @Test("an ACK that echoes what was never sent gets an ACK, and the entry stays (2.6)")
    func echoInSynReceived() throws {
        var station = try Station(.ipv4, Self.timestamped)
        _ = try station.stack.listen(on: station.own, backlog: 1)
        var syn = Segment.syn()
        syn.options.timestamps = TCPTimestamps(value: 7, echoReply: 0)
        station.receive(syn)
        var ack = Segment.ack(1_001)
        let wrong = timestampOfNobody
        ack.options.timestamps = TCPTimestamps(value: 8, echoReply: wrong)
        #expect(station.receive(ack) == [". 1001 ack 5001"])
        #expect(station.stack.counters.echoesRefused == 1 && station.stack.tables.halfOpen == 1)
        ack.options.timestamps = TCPTimestamps(value: 8, echoReply: 0)
        station.receive(ack)
        #expect(station.stack.tables.connections == 1)
    }

    /// Far from anything that a station says in its first second, as long as the seed is the same.
    private var timestampOfNobody: UInt32 { 1 }

    @Test("what is written into a closed window is asked about (RFC 9293, 3.8.6.1, MUST-36)")
    func persist() throws {
        var station = try Station()
        let id = try station.stack.connect(to: station.peer, from: station.own, at: station.now)
        _ = station.sent()
        var answer = Segment.synAck()
        answer.window = 0
        station.receive(answer)
        #expect(try station.write(id, 10) == 10)
        #expect(station.sent() == [])
        let said = station.wait(until: 5_000)
        #expect(said.first?.hasSuffix(": . 1000 ack 5001") == true, "\(said)")
    }

    @Test("100 SYNs at 20 ms on an open connection: 4 challenge ACKs, 96 held back (2.8)")
    func challengeRate() throws {
        var station = try Station()
        _ = try station.accepted()
        for index in 1...100 { station.receive(.syn(5_000), at: Int64(index) * 20) }
        #expect(station.stack.counters.challengeAcks == 4)
        #expect(station.stack.counters.challengeAcksHeld == 96 && station.stack.counters.synChallenges == 100)
    }

    @Test("no limit is shared: a SYN on each of 50 connections gets 50 challenge ACKs (2.8; CVE-2016-5696)")
    func challengesOfMany() throws {
        var station = try Station()
        _ = try station.stack.listen(on: station.own, backlog: 64)
        for port in 0..<UInt16(50) { station.open(from: 6_000 + port) }
        for port in 0..<UInt16(50) { station.receive(.syn(5_000), from: Endpoint(station.family.peer, 6_000 + port)) }
        #expect(station.stack.counters.challengeAcks == 50)
    }
}
