/// A value in `%{ }%`.
public enum CodeValue: Hashable, Sendable {
    case integer(Int64)
    case string(String)
    case boolean(Bool)
}

/// A piece of code with what could be known when its time had come. Pieces run together after the last event.
public struct CodeSnapshot: Hashable, Sendable {
    public var code: ScriptCode
    /// `tcpi_*`, `SK_MEMINFO_*` and what else the runner knows.
    public var variables: [String: CodeValue]

    public init(code: ScriptCode, variables: [String: CodeValue]) {
        self.code = code
        self.variables = variables
    }
}

/// Why code did not run to its end.
public struct CodeError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Reason: Error, Hashable, Sendable {
        /// `assert` saw something false: the message that the script gives, and the comparison with its values.
        case assertion(message: String?, comparison: String)
        /// A name that neither the code nor the runner has defined: the script wants what we do not have.
        case unknownName(String)
        /// It is no code that is understood here, or its types do not fit: what was expected.
        case malformed(String)
    }

    /// Where the statement begins, or what cannot be read stands.
    public var position: SourcePosition
    public var reason: Reason

    public init(position: SourcePosition, reason: Reason) {
        self.position = position
        self.reason = reason
    }

    /// The reason as a sentence.
    public var message: String {
        switch reason {
        case .assertion(let message?, let comparison): "\(message): assert \(comparison)"
        case .assertion(nil, let comparison): "assert \(comparison)"
        case .unknownName(let name): "nobody knows \(name)"
        case .malformed(let expected): "expected \(expected)"
        }
    }
}
