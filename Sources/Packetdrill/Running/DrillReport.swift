public import NetPrimitives

/// What came of a script.
public struct DrillReport: Hashable, Sendable {
    /// How it ended.
    public enum Outcome: Hashable, Sendable {
        /// Every packet and result was as expected: strictly, or only when compared leniently.
        case passed(DrillMatch)
        case failed(DrillFailure)
        /// The script wants what we do not have.
        case skipped(DrillSkip)
    }

    /// The script's name.
    public var name: String
    /// What it ran over.
    public var version: DrillVersion
    public var outcome: Outcome
    /// What is odd without being wrong: packets that nobody asked for after the last expectation.
    public var warnings: [String]
    /// A line for each packet and call up to the end, with its virtual time.
    public var trace: [String]
    /// How much virtual time passed.
    public var duration: Interval

    public init(
        name: String, version: DrillVersion, outcome: Outcome, warnings: [String] = [], trace: [String] = [],
        duration: Interval = .zero
    ) {
        self.name = name
        self.version = version
        self.outcome = outcome
        self.warnings = warnings
        self.trace = trace
        self.duration = duration
    }
}

/// Why and where a script failed.
public struct DrillFailure: Hashable, Sendable, Error {
    /// A field that differs.
    public struct Difference: Hashable, Sendable {
        /// `seq`, `win`, `option 2`.
        public var field: String
        public var expected: String
        public var actual: String

        public init(field: String, expected: String, actual: String) {
            self.field = field
            self.expected = expected
            self.actual = actual
        }
    }

    /// The event, packet, call or argument that was not met.
    public var position: SourcePosition
    /// One sentence: `the packet came 0.2 s too early`.
    public var message: String
    /// The packet or result that was expected, and the one that came, in the language's words and numbers.
    public var expected: String?
    public var actual: String?
    public var differences: [Difference]

    public init(
        position: SourcePosition, message: String, expected: String? = nil, actual: String? = nil,
        differences: [Difference] = []
    ) {
        self.position = position
        self.message = message
        self.expected = expected
        self.actual = actual
        self.differences = differences
    }
}

/// Why a script was not run to its end: something that it wants is missing here, which is no fault of the stack's.
public struct DrillSkip: Hashable, Sendable, Error {
    /// What is missing. The score sheet counts by this and the feature.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A back-quoted text that the table does not know.
        case command
        /// A system call, or a form of one.
        case call
        /// A socket option or another symbol.
        case symbol
        /// A script option.
        case option
        /// A kind of packet, such as a tunnel.
        case packet
        /// Something that code wants to know.
        case code
        /// A feature of the stack, such as fast open.
        case feature
    }

    /// What sort of thing is missing.
    public var kind: Kind
    /// What it is, short and the same for all scripts that want it: `TCP_FASTOPEN`.
    public var what: String
    public var position: SourcePosition

    public init(kind: Kind, what: String, position: SourcePosition) {
        self.kind = kind
        self.what = what
        self.position = position
    }
}
