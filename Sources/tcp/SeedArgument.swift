import ArgumentParser

/// The seed of everything random, on the command line.
struct SeedArgument: Hashable, Sendable {
    let value: UInt64

    init(_ value: UInt64) { self.value = value }

    init(parsing text: String) throws {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let value = UInt64(text) else {
            throw ValidationError("A seed is a whole number from 0 to 18446744073709551615.")
        }
        self.value = value
    }
}
