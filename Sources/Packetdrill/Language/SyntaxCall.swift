public import NetPrimitives

/// `name(arguments) = result ERRNO (text)`.
public struct CallSyntax: Hashable, Sendable {
    /// Where its name stands.
    public var position: SourcePosition
    public var name: String
    public var arguments: [ExpressionSyntax]
    /// An integer for nearly every call; `...` where nobody looks.
    public var result: ExpressionSyntax
    /// The symbol behind the result: `EAGAIN`.
    public var errno: ErrnoSyntax?
    /// The `T1` of `+T0...T1`: the call blocks until then, counted from the same base as its event's time. Never before
    /// that time.
    public var blockingEnd: Interval?
    /// What stands in parentheses at the end. Nobody looks at it.
    public var note: String?

    public init(
        position: SourcePosition, name: String, arguments: [ExpressionSyntax], result: ExpressionSyntax,
        errno: ErrnoSyntax? = nil, blockingEnd: Interval? = nil, note: String? = nil
    ) {
        self.position = position
        self.name = name
        self.arguments = arguments
        self.result = result
        self.errno = errno
        self.blockingEnd = blockingEnd
        self.note = note
    }
}

/// The name of an error number.
public struct ErrnoSyntax: Hashable, Sendable {
    public var position: SourcePosition
    public var name: String

    public init(position: SourcePosition, name: String) {
        self.position = position
        self.name = name
    }
}

/// An argument or a result, or a part of one.
public struct ExpressionSyntax: Hashable, Sendable {
    /// Where its first token stands.
    public var position: SourcePosition
    public var form: Form

    public init(position: SourcePosition, form: Form) {
        self.position = position
        self.form = form
    }

    /// What an expression can be.
    public indirect enum Form: Hashable, Sendable {
        /// `5`, `-1`, `0xff`. A hexadecimal number above the signed range keeps its 64 bits.
        case integer(Int64)
        /// A word, resolved by whoever knows the call: `SOL_SOCKET`, `ECONNRESET`, or a defined word.
        case symbol(String)
        /// The bytes between the quotes, adjacent strings joined.
        case string([UInt8])
        /// An address without quotes.
        case address(IPAddress)
        /// `...`.
        case ellipsis
        /// `A|B|C`: two or more.
        case union([ExpressionSyntax])
        /// `[a, b]`, possibly empty.
        case list([ExpressionSyntax])
        /// `{a, b}`, possibly empty: fields are assignments, what an iovec holds is not.
        case structure([ExpressionSyntax])
        /// `name(arguments)`: `htons(8080)`, `inet_addr("192.0.2.1")`.
        case call(name: String, arguments: [ExpressionSyntax])
        /// `name=value`, and `name(arguments)=value` as in `msg_iov(1)=[...]`.
        case assignment(name: String, arguments: [ExpressionSyntax]?, value: ExpressionSyntax)
    }
}

extension ExpressionSyntax {
    /// What is assigned to `name` in a structure; `nil` when this is none or has no such field.
    public func field(_ name: String) -> ExpressionSyntax? {
        guard case .structure(let fields) = form else { return nil }
        for field in fields {
            if case .assignment(name, _, let value) = field.form { return value }
        }
        return nil
    }

    /// The parts of a list; `nil` when this is none.
    public var elements: [ExpressionSyntax]? {
        if case .list(let elements) = form { elements } else { nil }
    }

    /// The number that it is, if it is one.
    public var integer: Int64? {
        if case .integer(let value) = form { value } else { nil }
    }

    /// Whether it is `...`.
    public var isEllipsis: Bool { form == .ellipsis }
}
