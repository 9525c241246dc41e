/// What came of many scripts, counted.
public struct ScoreSheet: Hashable, Sendable {
    public var strict = 0
    /// Those that passed only when compared leniently.
    public var lenient = 0
    public var failed = 0
    public var skipped = 0
    /// How many scripts wanted what is missing, by what it is: `command: ip route`.
    public private(set) var reasons: [String: Int] = [:]

    public init() {}

    /// All scripts.
    public var total: Int { strict + lenient + failed + skipped }

    /// Whether every script passed, and there was one.
    public var isPerfect: Bool { total > 0 && failed == 0 && skipped == 0 }

    /// Counts one more.
    public mutating func count(_ outcome: DrillReport.Outcome) {
        switch outcome {
        case .passed(.strict): strict += 1
        case .passed(.lenient): lenient += 1
        case .failed: failed += 1
        case .skipped(let skip):
            skipped += 1
            reasons[skip.description, default: 0] += 1
        }
    }

    /// The sheet, and a line for each reason to skip, the most frequent first.
    public var lines: [String] {
        let sorted = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return ["total \(total), strict \(strict), lenient \(lenient), failed \(failed), skipped \(skipped)"]
            + sorted.map { "  skipped \($0.value): \($0.key)" }
    }
}

extension DrillSkip: CustomStringConvertible {
    public var description: String { "\(kind.rawValue): \(what)" }
}
