import ArgumentParser
import NetPrimitives

/// A sequence number on the command line.
struct SequenceNumberArgument: Hashable, Sendable {
    let number: SequenceNumber

    init(parsing text: String) throws {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let value = UInt32(text) else {
            throw ValidationError("A sequence number is a whole number from 0 to 4294967295.")
        }
        number = SequenceNumber(value)
    }
}
