import NetPrimitives
import Testing

@testable import Netstack

/// Initial sequence numbers as somebody off the path sees them (RFC 6528): with the clock taken away they are even over
/// all their values, and those that were seen do not tell the next.
@Suite("Initial sequence numbers")
struct SequenceQualityTests {
    /// What makes numbers: a stack, or something worse for comparison.
    typealias Source = (FourTuple, Instant) -> UInt32

    /// M of RFC 9293, 3.4.1.
    private static func clock(_ now: Instant) -> UInt32 { UInt32(truncatingIfNeeded: now.nanoseconds / 4_000) }

    private static func source(_ configuration: Configuration = Configuration(), seed: UInt64 = 6528) -> Source {
        let stack = NetworkStack(configuration: configuration, seed: Seed(seed))
        return { stack.initialSequence(for: $0, at: $1).rawValue }
    }

    /// Peer number `index` of so many that differ in little: one port after the other, then the next address.
    private static func tuple(_ index: Int, _ family: Family) -> FourTuple {
        let (host, port) = (UInt64(index / 50_000), UInt16(10_000 + index % 50_000))
        let remote: IPAddress =
            family == .ipv4
            ? .v4(IPv4Address(0x0A4D_0002 + UInt32(host)))
            : .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x100 + host))
        return FourTuple(
            local: family.host, localPort: 80, remote: remote, remotePort: port, interface: InterfaceID(0))
    }

    // MARK: Evenness

    /// Pearson's chi-square of each byte over a million 4-tuples: 255 degrees of freedom.
    private static func chiSquares(_ family: Family, _ source: Source) -> [Double] {
        let (count, now) = (1_000_000, Instant.zero + .seconds(86_400))
        var bins = [[Int]](repeating: [Int](repeating: 0, count: 256), count: 4)
        for index in 0..<count {
            let number = source(tuple(index, family), now) &- clock(now)
            for byte in 0..<4 { bins[byte][Int(number >> UInt32(8 * byte) & 0xFF)] += 1 }
        }
        let expected = Double(count) / 256
        return bins.map { $0.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected } }
    }

    /// Chi-square with 255 degrees of freedom is larger than this one time in a thousand.
    private static let oneInAThousand = 330.52

    @Test("of a million 4-tuples under one key each byte passes chi-square (p > 0.001)", arguments: Family.allCases)
    func even(_ family: Family) {
        for (byte, chiSquare) in Self.chiSquares(family, Self.source()).enumerated() {
            #expect(chiSquare < Self.oneInAThousand, "byte \(byte)")
        }
    }

    @Test("a clock alone, and a sum of what the 4-tuple says, do not pass")
    func uneven() {
        let clock = Self.chiSquares(.ipv4) { Self.clock($1) }
        #expect(clock.allSatisfy { $0 > Self.oneInAThousand })
        let sum = Self.chiSquares(.ipv4) { tuple, now in Self.clock(now) &+ UInt32(tuple.remotePort) &* 0x0101_0101 }
        #expect(sum.contains { $0 > Self.oneInAThousand })
    }

    // MARK: Guessing

    /// What is guessed from the last 16 numbers, the oldest first, and the ticks of the clock between one and the next.
    private static let guesses: [(String, @Sendable ([UInt32], UInt32) -> UInt32)] = [
        (
            "the last, and the mean step",
            { seen, _ in
                let sum = (1..<seen.count).reduce(Int64(0)) { $0 + Int64(Int32(bitPattern: seen[$1] &- seen[$1 - 1])) }
                return seen[seen.count - 1] &+ UInt32(truncatingIfNeeded: sum / Int64(seen.count - 1))
            }
        ),
        (
            "the last, and the last step",
            { seen, _ in seen[seen.count - 1] &+ (seen[seen.count - 1] &- seen[seen.count - 2]) }
        ),
        (
            "the last, and the step changed as it changed last",
            { seen, _ in
                let (a, b, c) = (seen[seen.count - 3], seen[seen.count - 2], seen[seen.count - 1])
                return c &+ (c &- b) &+ ((c &- b) &- (b &- a))
            }
        ),
        (
            "the last with the bits that changed last",
            { seen, _ in
                seen[seen.count - 1] ^ (seen[seen.count - 1] ^ seen[seen.count - 2])
            }
        ),
        ("the last, and what the clock has gone on", { seen, ticks in seen[seen.count - 1] &+ ticks }),
        ("a straight line through all", { seen, _ in line(seen) }),
    ]

    /// The least squares of steps, which go round the circle, at the next place.
    private static func line(_ seen: [UInt32]) -> UInt32 {
        let n = Double(seen.count)
        var (y, sum, weighted) = (0.0, 0.0, 0.0)
        for index in 1..<seen.count {
            y += Double(Int32(bitPattern: seen[index] &- seen[index - 1]))
            sum += y
            weighted += y * Double(index)
        }
        let slope = (12 * weighted - 6 * (n - 1) * sum) / (n * (n * n - 1))
        let next = sum / n + slope * (n + 1) / 2
        return seen[0] &+ UInt32(truncatingIfNeeded: Int64(next.rounded()))
    }

    /// How often each way to guess comes within 65,535 of the next number, of a million connections that one peer opens
    /// every millisecond from one port after the other.
    private static func successes(_ source: Source) -> [(way: String, count: Int)] {
        let step = Interval.milliseconds(1)
        var seen: [UInt32] = []
        var counts = [Int](repeating: 0, count: guesses.count)
        for index in 0..<trials + 16 {
            let next = source(tuple(index, .ipv4), .zero + step * Int64(index))
            if index >= 16 {
                for (way, guess) in guesses.enumerated() {
                    let error = Int32(bitPattern: next &- guess.1(seen, UInt32(step.microseconds / 4)))
                    if error.magnitude <= 65_535 { counts[way] += 1 }
                }
                seen.removeFirst()
            }
            seen.append(next)
        }
        return zip(guesses, counts).map { ($0.0.0, $0.1) }
    }

    private static let trials = 1_000_000

    /// 2^-15 of all, and five times the deviation of such a count.
    private static let chance = { (mean: Double) in Int(mean + 5 * mean.squareRoot()) }(Double(trials) / 32_768)

    @Test("the last 16 do not tell the next: guesses within 65,535 succeed as often as chance has it")
    func unpredictable() {
        #expect(Self.chance == 58)
        for (way, count) in Self.successes(Self.source()) { #expect(count <= Self.chance, "\(way)") }
    }

    @Test("the guesses are good enough: fixed numbers, a clock and a counter are found out every time")
    func predictable() {
        let fixed = Self.successes(Self.source(Configuration().with { $0.fixedInitialSequence = 1_000 }))
        #expect(fixed.filter { $0.count == Self.trials }.count >= 5)
        let clock = Self.successes { Self.clock($1) }
        #expect(clock.filter { $0.count == Self.trials }.count >= 5)
        var counter: UInt32 = 0
        let counting = Self.successes { _, _ in
            // 4.2BSD: 64,000 for each connection.
            counter &+= 64_000
            return counter
        }
        #expect(counting.filter { $0.count == Self.trials }.count >= 4)
    }

    // MARK: Slope

    @Test(
        "the clock of the same 4-tuple: 4 us a step (RFC 9293, 3.4.1), 64 ns as in Linux",
        arguments: [(Configuration(), 4_000), (Configuration.linux, 64)] as [(Configuration, Int64)])
    func slope(_ configuration: Configuration, _ step: Int64) throws {
        var station = try Station(.ipv4, configuration)
        let local = Endpoint(station.family.host, 4_321)
        /// ISS of a connection that is opened and given up.
        func iss(at nanoseconds: Int64) throws -> UInt32 {
            let now = Instant(nanoseconds: nanoseconds)
            let id = try station.stack.connect(to: station.peer, from: local, at: now)
            defer { try? station.stack.abort(id, at: now) }
            return try station.stack.info(of: id).iss.rawValue
        }
        let begin: Int64 = 7 * step
        let first = try iss(at: begin)
        for (elapsed, steps) in [
            (0, 0), (step - 1, 0), (step, 1), (250_000 * step, 250_000), (step << 32, 0), (step << 32 + step, 1),
        ] as [(Int64, UInt32)] {
            #expect(try iss(at: begin + elapsed) &- first == steps, "after \(elapsed) ns")
        }
    }
}
