import NetPrimitives
import Testing
import WireFormats

@testable import Netstack

@Suite("RFC 9293, 3.4.3: the quiet time")
struct QuietTimeTests {
    static let quiet = Configuration.numbered.with { $0.quietTime = .seconds(120) }

    @Test("no segment is sent before its end, whatever comes", arguments: Family.allCases)
    func silent(_ family: Family) throws {
        var station = try Station(family, Self.quiet)
        _ = try station.stack.listen(on: station.own, backlog: 1)
        let strays = [Segment.syn(), .ack(77), .synAck(77), .text(9, ack: 77), .fin(ack: 77), .rst(seq: 5_000)]
        for (second, seg) in strays.enumerated() {
            #expect(station.receive(seg, at: Int64(second) * 1_000) == [])
            #expect(station.receive(seg, to: Endpoint(family.host, 81)) == [])
        }
        #expect(station.stack.counters.quietDrops == 12)
        #expect(station.stack.counters.segmentsOut == 0)
        #expect(station.stack.tables.halfOpen == 0)
        #expect(station.receive(.syn(), at: 119_999) == [])
        #expect(station.receive(.syn(), at: 120_000) == ["S. 1000 ack 5001"])
        #expect(station.receive(.ack(77), from: Endpoint(family.peer, 9), at: 120_000) == ["R 77"])
    }

    @Test("it begins with the first call that tells the time, and only once")
    func begins() throws {
        var station = try Station(.ipv4, Self.quiet)
        #expect(station.receive(.ack(77), at: 500_000) == [])
        #expect(station.receive(.ack(77), at: 619_999) == [])
        #expect(station.receive(.ack(77), at: 620_000) == ["R 77"])
        #expect(station.receive(.ack(77), at: 900_000) == ["R 77"])
        // What a stack was not made with does not silence it later.
        station.stack.configuration.quietTime = .seconds(1_000)
        #expect(station.receive(.ack(77), at: 900_001) == ["R 77"])
    }

    @Test("a connection attempt waits for its end, and has its whole time then (MUST-23)", arguments: Family.allCases)
    func connect(_ family: Family) throws {
        var station = try Station(family, Self.quiet)
        station.wait(until: 30_000)
        #expect(station.sent() == [])
        let id = try station.stack.connect(to: station.peer, from: station.own, at: station.now)
        #expect(station.sent() == [])
        // Neither an old SYN-ACK nor a RST of an earlier life touches it.
        for seg in [Segment.synAck(), Segment([.rst, .ack], seq: 0, ack: 1_001)] {
            #expect(station.receive(seg) == [])
        }
        let seconds: [Int64] = [0, 1, 3, 7, 15, 31, 63, 127]
        #expect(station.wait(until: 329_999) == seconds.map { "\(150_000 + $0 * 1_000): S 1000" })
        #expect(station.events() == [])
        station.wait(until: 330_000)
        #expect(station.events() == [.closed(id)])
    }

    @Test("a connection that opens after it is like any other")
    func opens() throws {
        var station = try Station(.ipv4, Self.quiet)
        #expect(station.sent() == [])
        let id = try station.stack.connect(to: station.peer, from: station.own, at: station.now)
        #expect(station.wait(until: 120_000) == ["120000: S 1000"])
        #expect(station.receive(.synAck(), at: 120_030) == [". 1001 ack 5001"])
        #expect(station.events() == [.established(id)])
        #expect(try station.stack.info(of: id).smoothedRoundTrip == 30_000)
        #expect(station.wait(until: 400_000) == [])
    }

    @Test("pings are answered, for they have no sequence numbers of TCP")
    func echo() throws {
        var station = try Station(.ipv4, Self.quiet)
        #expect(station.receive(Wire.icmp(.ipv4, type: 8, code: 0, body: [1, 2, 3])) == ["icmp 0/0"])
    }

    @Test("the digest tells how much of it is left, whenever it began")
    func digest() throws {
        func digest(_ configuration: Configuration, began: Int64, at milliseconds: Int64) throws -> UInt64 {
            var station = try Station(.ipv4, configuration)
            station.wait(until: began)
            _ = station.sent()
            station.wait(until: milliseconds)
            _ = station.sent()
            return station.stack.digest(at: station.now)
        }
        let early = try digest(Self.quiet, began: 0, at: 10_000)
        #expect(try digest(Self.quiet, began: 5_000, at: 15_000) == early)
        #expect(try digest(Self.quiet, began: 0, at: 10_001) != early)
        let over = try digest(Self.quiet, began: 0, at: 120_000)
        #expect(over != early)
        #expect(try digest(Self.quiet, began: 0, at: 500_000) == over)
        #expect(try digest(.numbered, began: 0, at: 0) != over)
    }
}
