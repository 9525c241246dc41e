import NetPrimitives
import Netstack
import Testing
import WireFormats

/// Two ends that disagree must not answer each other's answers for ever (RFC 5961, 7).
@Suite("Answers to answers")
struct AckLoopTests {
    /// What a station says to a segment, for each of these times in milliseconds.
    private static func answers(_ station: inout Station, _ seg: Segment, at times: [Int64]) -> [Int] {
        times.map { station.receive(seg, at: $0).count }
    }

    @Test(
        "SYN-RECEIVED tells a stray where it stands at once, then twice a second; text always",
        arguments: [
            ("an ACK", Segment.ack(7, seq: 90_000), [1, 0, 0, 1, 0]),
            ("a SYN-ACK", .synAck(7, seq: 90_000), [1, 0, 0, 1, 0]),
            ("a SYN elsewhere", .syn(90_000), [1, 0, 0, 1, 0]),
            ("an inexact RST", .rst(seq: 5_002), [1, 0, 0, 1, 0]),
            ("text", .text(1, seq: 90_000), [1, 1, 1, 1, 1]), ("a FIN", .fin(seq: 90_000), [1, 1, 1, 1, 1]),
        ] as [(String, Segment, [Int])], Family.allCases)
    func synReceived(_ row: (String, Segment, [Int]), _ family: Family) throws {
        var station = try Station(family)
        _ = try station.stack.listen(on: station.own, backlog: 8)
        station.receive(.syn())
        #expect(Self.answers(&station, row.1, at: [0, 0, 499, 600, 700]) == row.2, "\(row.0)")
    }

    @Test("in SYN-RECEIVED strays and repeated SYNs share their pace, but for the first SYN that is repeated")
    func shared() throws {
        var station = try Station()
        _ = try station.stack.listen(on: station.own, backlog: 8)
        station.receive(.syn())
        #expect(station.receive(.ack(7, seq: 90_000), at: 100) == [". 1001 ack 5001"])
        #expect(station.receive(.syn()) == ["S. 1000 ack 5001"])
        #expect(station.receive(.syn(), at: 400) == [])
        #expect(station.receive(.ack(7, seq: 90_000), at: 400) == [])
        #expect(station.receive(.syn(), at: 800) == ["S. 1000 ack 5001"])
        // After the timer the first stray has its answer again.
        #expect(station.wait(until: 1_100) == ["1000: S. 1000 ack 5001"])
        #expect(station.receive(.ack(7, seq: 90_000)) == [". 1001 ack 5001"])
    }

    @Test(
        "TIME-WAIT tells a stray where it stands twice a second; text and a FIN always",
        arguments: [
            ("an ACK", Segment.ack(7, seq: 90_000), [1, 0, 0, 1, 0, 1]),
            ("a SYN-ACK", .synAck(7, seq: 90_000), [1, 0, 0, 1, 0, 1]),
            ("an old SYN", .syn(4_000), [1, 0, 0, 1, 0, 1]),
            ("text", .text(1, seq: 90_000), [1, 1, 1, 1, 1, 1]),
            ("the FIN", .fin(ack: 1_002), [1, 1, 1, 1, 1, 1]),
        ] as [(String, Segment, [Int])], Family.allCases)
    func timeWait(_ row: (String, Segment, [Int]), _ family: Family) throws {
        var station = try TimeWaitTests.station(family)
        #expect(Self.answers(&station, row.1, at: [0, 0, 499, 600, 1_000, 59_000]) == row.2, "\(row.0)")
    }
}
