import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// Limits of answers: one for each prefix, none for all.
@Suite("Limits of answers")
struct AnswerLimitTests {
    /// Address `host` of prefix `number`: a /24, a /56.
    private static func address(_ family: Family, prefix: UInt32, host: UInt32 = 1) -> IPAddress {
        family == .ipv4
            ? .v4(IPv4Address(10 << 24 | prefix << 8 | host & 255))
            : .v6(IPv6Address(high: 0x2001_0DB8 << 32 | UInt64(prefix) << 8, low: UInt64(host)))
    }

    private static func station(_ family: Family, seed: UInt64 = 1) throws -> Station {
        try Station(
            family,
            Configuration().with {
                $0.resetsPerSecond = 10
                $0.icmpErrorsPerSecond = 7
            }, seed: seed)
    }

    /// What answers a SYN to a closed port, and UDP to nobody.
    private static func probe(_ station: inout Station, from source: IPAddress) -> (reset: Int, error: Int) {
        let reset = station.receive(.syn(), from: Endpoint(source, 4_000)).count
        let error = station.receive(Wire.udp(from: Endpoint(source, 53), to: station.own)).count
        return (reset, error)
    }

    private static func count(_ station: inout Station, _ times: Int, from source: IPAddress) -> [Int] {
        var sum = [0, 0]
        for _ in 0..<times {
            let (reset, error) = probe(&station, from: source)
            sum[0] += reset
            sum[1] += error
        }
        return sum
    }

    @Test(
        "a /24 or a /56 has so many RSTs and so many errors a second, another has its own", arguments: Family.allCases)
    func perPrefix(_ family: Family) throws {
        var station = try Self.station(family)
        for host in 1...5 as ClosedRange<UInt32> {
            let expected = host <= 2 ? [5, host == 1 ? 5 : 2] : [0, 0]
            #expect(Self.count(&station, 5, from: Self.address(family, prefix: 1, host: host)) == expected)
        }
        #expect(Self.count(&station, 20, from: Self.address(family, prefix: 2)) == [10, 7])
        #expect(station.stack.counters.resetsLimited == 25 && station.stack.counters.icmpRateLimited == 31)
        station.wait(until: 999)
        #expect(Self.count(&station, 1, from: Self.address(family, prefix: 1)) == [0, 0])
        station.wait(until: 1_000)
        #expect(Self.count(&station, 20, from: Self.address(family, prefix: 1)) == [10, 7])
        #expect(Self.count(&station, 20, from: Self.address(family, prefix: 2)) == [10, 7])
    }

    @Test("0 is no answer at all, 65,535 and more is no limit")
    func extremes() throws {
        for (rate, expected) in [(0, 0), (1, 1), (65_534, 65_534), (65_535, 70_000), (.max, 70_000)]
            as [(UInt32, Int)]
        {
            var limits = AnswerLimits(key: SipKey(1, 2))
            let address = Self.address(.ipv4, prefix: 1)
            var taken = 0
            for _ in 0..<70_000 where limits.take(.reset, to: address, perSecond: rate, at: .zero) { taken += 1 }
            #expect(taken == expected)
        }
    }

    /// CVE-2016-5696 lived on a limit that all shared: by what was left of it one saw what others had been told.
    @Test(
        "what an attacker is told does not depend on what other prefixes are told", arguments: Family.allCases,
        1...3 as ClosedRange<UInt64>)
    func noSideChannel(_ family: Family, _ seed: UInt64) throws {
        func answers(victims: ClosedRange<UInt32>?) throws -> [String] {
            var station = try Self.station(family, seed: seed)
            let attacker = Self.address(family, prefix: 9_000)
            var told: [String] = []
            for millisecond in 0..<3_000 as Range<Int64> {
                station.wait(until: millisecond)
                // Forged in the victims' names, or their own: either way it is they who are answered.
                for victim in victims.map(Array.init) ?? [] where (Int64(victim) + millisecond) % 5 == 0 {
                    _ = Self.probe(&station, from: Self.address(family, prefix: victim))
                }
                guard millisecond % 10 == 0 else { continue }
                let (reset, error) = Self.probe(&station, from: attacker)
                told.append("\(millisecond): \(reset) \(error)")
            }
            return told
        }
        let alone = try answers(victims: nil)
        #expect(alone.count { $0.hasSuffix(": 1 1") } == 3 * 7)
        #expect(try answers(victims: 1...1) == alone)
        #expect(try answers(victims: 1...3) == alone)
    }

    @Test("prefixes that share an allowance are others each second")
    func drawnAnew() throws {
        var limits = AnswerLimits(key: SipKey(1, 2))
        // In each second one prefix uses up what it has; of 40,960 others about ten find nothing left.
        var neighbours: [Set<UInt32>] = []
        for second in 0..<4 as Range<Int64> {
            let now = Instant.zero + .seconds(second)
            _ = limits.take(.reset, to: Self.address(.ipv4, prefix: 65_535), perSecond: 1, at: now)
            neighbours.append([])
            for prefix in 0..<UInt32(40_960) {
                var copy = limits.copy()
                if !copy.take(.reset, to: Self.address(.ipv4, prefix: prefix), perSecond: 1, at: now) {
                    neighbours[Int(second)].insert(prefix)
                }
            }
            #expect((1..<40).contains(neighbours[Int(second)].count))
        }
        for (before, after) in zip(neighbours, neighbours.dropFirst()) {
            #expect(before.isDisjoint(with: after))
        }
    }

    @Test("the RST that ends a connection of ours is no answer, and has no limit")
    func ownResets() throws {
        var station = try Station(.ipv4, .numbered.with { $0.resetsPerSecond = 0 })
        let id = try station.accepted()
        try station.stack.abort(id, at: station.now)
        #expect(station.sent() == ["R. 1001 ack 5001"])
        #expect(station.receive(.syn(), to: Endpoint(station.own.address, 81)) == [])
        #expect(station.stack.counters.resetsLimited == 1)
    }

    @Test("the digest tells what is left in this second, and only in this one")
    func digest() throws {
        var station = try Self.station(.ipv4)
        let twin = station.stack.fork()
        _ = Self.probe(&station, from: Self.address(.ipv4, prefix: 1))
        #expect(station.stack.digest(at: .zero) != twin.digest(at: .zero))
        let fork = station.stack.fork()
        #expect(station.stack.digest(at: .zero) == fork.digest(at: .zero))
        #expect(station.stack.digest(at: .zero + .seconds(1)) == twin.digest(at: .zero + .seconds(1)))
    }
}
