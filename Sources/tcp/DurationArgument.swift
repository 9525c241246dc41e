import ArgumentParser
import NetPrimitives

/// A length of time on the command line: `100ms`, `1.5s`, `20us`.
struct DurationArgument: Hashable, Sendable {
    let interval: Interval

    /// The longest one that is accepted.
    static let longest = Interval.seconds(3_600)
    private static let units: [(suffix: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9),
    ]

    init(_ interval: Interval) { self.interval = interval }

    init(parsing text: String) throws {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let suffix = text.dropFirst(digits.count).drop { $0 == " " }
        guard
            let unit = Self.units.first(where: { $0.suffix == suffix }), let number = Double(digits),
            number * unit.nanoseconds <= Double(Self.longest.nanoseconds)
        else {
            throw ValidationError(
                "A duration is a number with a unit (ns, us, ms, s or min), such as 100ms, 1.5s or 20us, "
                    + "from 0s to 60min.")
        }
        interval = Interval(nanoseconds: Int64((number * unit.nanoseconds).rounded()))
    }

    /// As `init(parsing:)`, and a number alone is seconds, as netcat, ping and curl have it.
    static func seconds(parsing text: String) throws -> DurationArgument {
        let isNumber = !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        return try DurationArgument(parsing: isNumber ? text + "s" : text)
    }
}
