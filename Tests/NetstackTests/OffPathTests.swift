import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// What somebody who sees no packets can find out or break by sending forged ones.
@Suite("Attackers off the path")
struct OffPathTests {
    private static let ports = UInt16(4_000)..<4_050

    /// Fifty connections of one peer, established.
    private static func fifty(_ family: Family) throws -> Station {
        var station = try Station(family)
        _ = try station.stack.listen(on: station.own, backlog: 64)
        for port in ports { station.open(from: port) }
        let count = station.stack.tables.connections
        try #require(count == 50)
        return station
    }

    /// When a connection answers a segment that comes every 20 ms for two seconds, while others get it too.
    private static func challenges(
        _ seg: Segment, at ports: Range<UInt16>, _ family: Family, watched: Range<UInt16>
    ) throws -> [UInt16: [Int64]] {
        var station = try fifty(family)
        var times: [UInt16: [Int64]] = [:]
        for millisecond in stride(from: 0, to: 2_000, by: 20) as StrideTo<Int64> {
            station.wait(until: 1_000 + millisecond)
            for port in ports {
                let said = station.receive(seg, from: Endpoint(family.peer, port))
                if watched.contains(port), said == [". 1001 ack 5001"] { times[port, default: []].append(millisecond) }
            }
        }
        let count = station.stack.tables.connections
        #expect(count == 50)
        return times
    }

    @Test(
        "challenge ACKs: each of 50 connections has one in 500 ms, whatever the others get (RFC 5961, 7)",
        arguments: Family.allCases,
        [
            ("a RST in the window", Segment.rst(seq: 5_101)), ("a SYN in the window", .syn(5_101)),
            ("an ACK of what was never sent", .ack(0x8000_0000)),
        ])
    func challenges(_ family: Family, _ row: (name: String, seg: Segment)) throws {
        let first = Self.ports.lowerBound..<Self.ports.lowerBound + 1
        let alone = try Self.challenges(row.seg, at: first, family, watched: first)
        #expect(alone == [4_000: [0, 500, 1_000, 1_500]])
        let together = try Self.challenges(row.seg, at: Self.ports, family, watched: Self.ports)
        #expect(together.count == 50)
        for (port, times) in together { #expect(times == [0, 500, 1_000, 1_500], "\(port)") }
    }

    @Test("ICMP counts only about what is in flight: ten numbers of 2^32 (RFC 5927, 4.1)", arguments: Family.allCases)
    func icmp(_ family: Family) throws {
        var station = try Station(family)
        let id = try station.accepted()
        _ = try station.write(id, 10)
        _ = station.sent()
        let isV4 = family == .ipv4
        let mss = try station.stack.info(of: id).mss
        var random = Generator(seed: Seed(3))
        let numbers =
            Array(900...1_000) + Array(1_011...1_100)
            + (0..<2_000).map { _ in UInt32(truncatingIfNeeded: random.next()) | 0x0001_0000 }
        for seq in numbers as [UInt32] {
            let unreachable = ICMPTests.error(station, station.own, type: isV4 ? 3 : 1, code: isV4 ? 3 : 4, seq: seq)
            #expect(station.receive(unreachable) == [])
            let tooBig = ICMPTests.error(
                station, station.own, type: isV4 ? 3 : 2, code: isV4 ? 4 : 0, rest: 1_280, seq: seq)
            #expect(station.receive(tooBig) == [])
        }
        #expect(station.stack.counters.icmpOutOfWindow == UInt64(2 * numbers.count))
        #expect(try station.stack.info(of: id).mss == mss && station.stack.info(of: id).icmpType == 0)
        for seq in 1_001...1_010 as ClosedRange<UInt32> {
            station.receive(ICMPTests.error(station, station.own, type: isV4 ? 3 : 1, code: 1, seq: seq))
        }
        #expect(station.stack.counters.icmpOutOfWindow == UInt64(2 * numbers.count))
        #expect(try station.stack.info(of: id).state == .established)
    }

    @Test("no packet of IPv4 has a number: it is 0 and may not be fragmented (RFC 6864, 4.1)")
    func identification() throws {
        var station = try Station(.ipv4, Configuration().with { $0.synCookies = .always })
        _ = try station.stack.listen(on: station.own, backlog: 8)
        var packets: [[UInt8]] = []
        func exchange(_ packet: [UInt8]) {
            var batch = PacketBatch(byteCapacity: 1 << 12, packetCapacity: 1)
            batch.append(packet.span, interface: InterfaceID(0))
            var answers = PacketBatch(byteCapacity: 1 << 14, packetCapacity: 16)
            station.stack.receive(batch, answers: &answers, at: station.now)
            packets += (0..<answers.count).map { Wire.copy(answers, $0) } + station.packets()
        }
        // A cookie, a queued entry's SYN-ACK, a connection's segments, RSTs, an ICMP error, an echo.
        exchange(Wire.packet(.syn(), from: station.peer, to: station.own))
        station.stack.configuration.synCookies = .off
        exchange(Wire.packet(.syn(), from: station.peer, to: station.own))
        let iss = try #require(packets.last.flatMap(Wire.segment)).seq
        exchange(Wire.packet(.text(9, ack: (iss + 1).rawValue), from: station.peer, to: station.own))
        exchange(Wire.packet(.rst(seq: 5_100), from: station.peer, to: station.own))
        while let event = station.stack.nextEvent() {
            guard case .acceptable(let listener) = event else { continue }
            let id = try station.stack.accept(listener)
            _ = try station.read(id)
            _ = try station.write(id, 5_000)
            try station.stack.close(id, at: station.now)
        }
        exchange(Wire.packet(.syn(), from: station.peer, to: Endpoint(station.own.address, 81)))
        exchange(Wire.packet(.ack(7), from: Endpoint(station.peer.address, 9), to: station.own))
        exchange(Wire.udp(from: station.peer, to: station.own))
        exchange(Wire.icmp(.ipv4, type: 8, code: 0, rest: 1, body: [1, 2, 3]))
        _ = try station.stack.connect(to: station.peer, at: station.now)
        packets += station.packets()
        let lines = Set(packets.map { Wire.line($0).prefix { $0 != " " } })
        #expect(lines.isSuperset(of: ["S.", "S", ".", "FP.", "R", "R.", "icmp"]), "\(lines)")
        #expect(packets.count >= 11)
        for packet in packets {
            #expect(packet[4] == 0 && packet[5] == 0 && packet[6] == 0x40 && packet[7] == 0, "\(Wire.line(packet))")
        }
    }

    /// TSval of the SYN-ACK for a client's port.
    private static func timestamp(_ station: inout Station, from port: UInt16) throws -> UInt32 {
        var syn = Segment.syn()
        syn.options.timestamps = TCPTimestamps(value: 1, echoReply: 0)
        var batch = PacketBatch(byteCapacity: 1 << 12, packetCapacity: 1)
        batch.append(
            Wire.packet(syn, from: Endpoint(station.family.peer, port), to: station.own).span,
            interface: InterfaceID(0))
        var answers = PacketBatch(byteCapacity: 1 << 12, packetCapacity: 4)
        station.stack.receive(batch, answers: &answers, at: station.now)
        let seg = answers.isEmpty ? nil : Wire.segment(Wire.copy(answers, 0))
        return try #require(seg?.options.timestamps).value
    }

    @Test("timestamps begin anywhere, for each 4-tuple elsewhere, and tell no uptime (RFC 7323, 5.4)")
    func timestamps() throws {
        func all(seed: UInt64, keys: SipKey? = nil) throws -> [UInt32] {
            var station = try Station(.ipv4, Configuration().with { $0.halfOpenLimit = 5_000 }, seed: seed)
            if let keys { station.stack.setCookieKeys(current: keys) }
            _ = try station.stack.listen(on: station.own, backlog: 4_096)
            return try (0..<2_000).map { try Self.timestamp(&station, from: 10_000 + $0) }
        }
        let values = try all(seed: 1)
        #expect(Set(values).count == values.count)
        // Even: in each of 16 parts of the circle about 125; 60 away is five and a half sigma.
        for part in 0..<UInt32(16) {
            let count = values.count { $0 >> 28 == part }
            #expect((65...185).contains(count), "\(part): \(count)")
        }
        #expect(zip(values, try all(seed: 2)).allSatisfy { $0 != $1 })
        // Under a key of their own: that of cookies does not move them.
        #expect(try all(seed: 1, keys: SipKey(7, 7)) == values)
    }
}
