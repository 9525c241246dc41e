public import NetPrimitives

/// A script as it is written: nothing in it is resolved, checked against the stack or dependent on the IP version.
public struct Script: Hashable, Sendable {
    /// What messages call the script: its path.
    public var name: String
    /// The whole text, so that a failure can show its line.
    public var text: String
    /// The `--name=value` lines at the beginning, in their order. `--define` is here too, though the parser heeded it.
    public var options: [ScriptOption]
    /// The untimed command before the first event.
    public var initCommand: ScriptCommand?
    /// At least one.
    public var events: [ScriptEvent]
    /// The untimed command after the last event, to be run whether the script passes or not, if the first one ran.
    public var cleanupCommand: ScriptCommand?

    public init(
        name: String, text: String, options: [ScriptOption] = [], initCommand: ScriptCommand? = nil,
        events: [ScriptEvent], cleanupCommand: ScriptCommand? = nil
    ) {
        self.name = name
        self.text = text
        self.options = options
        self.initCommand = initCommand
        self.events = events
        self.cleanupCommand = cleanupCommand
    }

    /// The text of a line, counted from 1, without its end; empty beyond the text.
    public func line(_ number: Int) -> Substring {
        guard number > 0 else { return "" }
        var rest = text.utf8[...]
        for _ in 1..<number {
            guard let end = rest.firstIndex(of: 10) else { return "" }
            rest = rest[rest.index(after: end)...]
        }
        return Substring(rest[..<(rest.firstIndex(of: 10) ?? rest.endIndex)])
    }
}

/// A place in a script. Lines and columns count from 1; a column is a byte of UTF-8.
public struct SourcePosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public var description: String { "\(line):\(column)" }

    public static func < (a: SourcePosition, b: SourcePosition) -> Bool {
        (a.line, a.column) < (b.line, b.column)
    }
}

/// `--name` or `--name=value`.
public struct ScriptOption: Hashable, Sendable {
    /// What stands behind the `=`. Words, numbers and addresses are kept as text, so that `1.2.3.4/24`, `0x70403` and
    /// `ipv4` look alike: whoever knows the option knows how to read it.
    public enum Value: Hashable, Sendable {
        /// The text of a number, a word or an address.
        case text(String)
        /// What was in double quotes, without them.
        case string(String)
        /// `--define=NAME=value`: the value's text, without its quotes.
        case definition(name: String, value: Definition)
    }

    /// Where its `--` stands; line 0 for an option of the command line.
    public var position: SourcePosition
    /// Without the dashes: `ip_version`.
    public var name: String
    /// `nil` for an option that is only a name.
    public var value: Value?

    public init(position: SourcePosition = SourcePosition(line: 0, column: 0), name: String, value: Value?) {
        self.position = position
        self.name = name
        self.value = value
    }

    /// The value as text, whatever its form; `nil` without one and for a definition.
    public var text: String? {
        switch value {
        case .text(let text), .string(let text): text
        case .definition, nil: nil
        }
    }
}

/// What a defined word stands for.
public enum Definition: Hashable, Sendable {
    /// `NAME="text"`.
    case string(String)
    /// `` NAME=`text` ``.
    case command(String)
    /// `NAME=0123`: the digits as they are written, since they may be a cookie's.
    case integer(String)
    /// `NAME=word`.
    case word(String)

    /// Reads what stands behind the `=` of `-D NAME=value`: a value in quotes, a number, else a word.
    public init(parsing text: String) {
        if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") {
            self = .string(String(text.dropFirst().dropLast()))
        } else if text.count >= 2, text.hasPrefix("`"), text.hasSuffix("`") {
            self = .command(String(text.dropFirst().dropLast()))
        } else if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) {
            self = .integer(text)
        } else {
            self = .word(text)
        }
    }
}

/// What stands in back quotes: text for a shell, which is never given to one.
public struct ScriptCommand: Hashable, Sendable {
    /// Where the opening quote stands.
    public var position: SourcePosition
    public var text: String

    public init(position: SourcePosition, text: String) {
        self.position = position
        self.text = text
    }
}

/// What stands between `%{` and `}%`, without blanks at both ends.
public struct ScriptCode: Hashable, Sendable {
    /// Where the first character of the text stands.
    public var position: SourcePosition
    public var text: String

    public init(position: SourcePosition, text: String) {
        self.position = position
        self.text = text
    }
}

/// Something that happens, and when.
public struct ScriptEvent: Hashable, Sendable {
    /// Where its time begins.
    public var position: SourcePosition
    public var time: EventTime
    public var action: EventAction
    /// The line that its last token ends in.
    public var lastLine: Int

    public init(position: SourcePosition, time: EventTime, action: EventAction, lastLine: Int) {
        self.position = position
        self.time = time
        self.action = action
        self.lastLine = lastLine
    }
}

/// When an event happens. Ranges and `any` occur with outbound packets only; nothing is negative; a range's second end
/// is not before its first.
public enum EventTime: Hashable, Sendable {
    /// `T`: after the script's beginning.
    case absolute(Interval)
    /// `+T`: after the base that the timing rules give.
    case relative(Interval)
    /// `*`.
    case any
    /// `T1~T2`.
    case absoluteRange(Interval, Interval)
    /// `+T1~+T2`, both from the same base.
    case relativeRange(Interval, Interval)
}

extension EventTime {
    /// The time or the beginning of the range; `nil` for any time.
    public var start: Interval? {
        switch self {
        case .absolute(let time), .relative(let time), .absoluteRange(let time, _), .relativeRange(let time, _): time
        case .any: nil
        }
    }

    /// Whether it counts from the script's beginning.
    public var isAbsolute: Bool {
        switch self {
        case .absolute, .absoluteRange: true
        case .any, .relative, .relativeRange: false
        }
    }
}

/// What happens.
public enum EventAction: Hashable, Sendable {
    case packet(PacketSyntax)
    case call(CallSyntax)
    case command(ScriptCommand)
    case code(ScriptCode)
}
