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

    /// Who finds nothing left when prefix 65,535 has used up what it has.
    private static func neighbours(_ limits: inout AnswerLimits, second: Int64) -> Set<UInt32> {
        let now = Instant.zero + .seconds(second)
        _ = limits.take(.reset, to: address(.ipv4, prefix: 65_535), perSecond: 1, at: now)
        return Set(
            (0..<40_960 as Range<UInt32>).filter { prefix in
                var copy = limits.copy()
                return !copy.take(.reset, to: address(.ipv4, prefix: prefix), perSecond: 1, at: now)
            })
    }

    @Test("prefixes that share an allowance are others as soon as one of them has learned of it")
    func drawnAnew() throws {
        var limits = AnswerLimits(key: SipKey(1, 2))
        // In each second one prefix uses up what it has; of 40,960 others about ten find nothing left.
        var before = Self.neighbours(&limits, second: 0)
        for second in 1..<5 as Range<Int64> {
            #expect((1..<40).contains(before.count))
            // Only copies have asked: nobody has learned anything, nothing changes.
            #expect(Self.neighbours(&limits, second: 2 * second - 1) == before)
            let one = try #require(before.min())
            let isAnswered = limits.take(
                .reset, to: Self.address(.ipv4, prefix: one), perSecond: 1, at: .zero + .seconds(2 * second - 1))
            #expect(!isAnswered)
            let now = Self.neighbours(&limits, second: 2 * second)
            #expect(now.isDisjoint(with: before))
            before = now
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
        // How long the second lasts counts as well.
        #expect(station.stack.digest(at: .zero) != station.stack.digest(at: .zero + .milliseconds(500)))
    }

    @Test("two stacks in the same situation at different times have the same digest, and answer alike")
    func digestAtAnotherTime() throws {
        /// Digests while four prefixes ask for more than there is, after it, and who is answered then.
        func life(from seconds: Int64) throws -> (digests: [UInt64], told: [Int]) {
            var station = try Self.station(.ipv4)
            var digests: [UInt64] = []
            for step in 0..<12 as Range<Int64> {
                station.wait(until: 1_000 * seconds + 250 * step)
                if step < 8 {
                    _ = Self.count(&station, 4, from: Self.address(.ipv4, prefix: UInt32(step & 3)))
                    if step & 1 == 0 { _ = Self.count(&station, 12, from: Self.address(.ipv4, prefix: 9)) }
                }
                digests.append(station.stack.digest(at: station.now))
            }
            // Who shares what with whom: of 2,000 prefixes those that find nothing left where each may have one.
            station.stack.configuration.resetsPerSecond = 1
            let told = (0..<2_000 as Range<UInt32>).flatMap {
                Self.count(&station, 1, from: Self.address(.ipv4, prefix: 100 + $0))
            }
            digests.append(station.stack.digest(at: station.now))
            return (digests, told)
        }
        let first = try life(from: 0)
        #expect(first.told.contains(0))
        for seconds in [1, 59, 86_400, 1_900_000_000] as [Int64] {
            let other = try life(from: seconds)
            #expect(other.digests == first.digests && other.told == first.told, "\(seconds) s later")
        }
    }

    @Test("who has refused answers is another than who has not, for it draws anew")
    func digestOfDrawing() throws {
        var station = try Self.station(.ipv4)
        let source = Self.address(.ipv4, prefix: 1)
        _ = Self.count(&station, 7, from: source)
        let twin = station.stack.fork()
        let quiet = twin.digest(at: .zero + .seconds(1))
        #expect(Self.count(&station, 7, from: source) == [3, 0])
        #expect(station.stack.digest(at: .zero) != twin.digest(at: .zero))
        #expect(station.stack.digest(at: .zero + .seconds(1)) != quiet)
        // It is drawn when the next answer goes out, which is not to be seen before.
        let due = station.stack.digest(at: .zero + .seconds(5))
        #expect(station.stack.digest(at: .zero + .seconds(1)) == due)
    }
}
