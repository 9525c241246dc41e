import ArgumentParser

/// A probability on the command line: `0.1` or `10%`.
struct ProbabilityArgument: Hashable, Sendable {
    /// 0...1.
    let value: Double

    init(_ value: Double) { self.value = value }

    init(parsing text: String) throws {
        let isPercentage = text.hasSuffix("%")
        let digits = isPercentage ? text.dropLast() : text[...]
        guard
            digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits),
            number <= (isPercentage ? 100 : 1)
        else {
            throw ValidationError("A probability is a number from 0 to 1 or a percentage, such as 0.1 or 10%.")
        }
        value = isPercentage ? number / 100 : number
    }
}
