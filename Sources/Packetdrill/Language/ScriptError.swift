/// A text that is no script: where, what was expected and what stands there instead.
public struct ScriptError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The script's name.
    public var name: String
    public var position: SourcePosition
    /// What would have been right: `a time`, `')' after the arguments`.
    public var expected: String
    /// What is there: `'foo'`, `the end of the script`; `nil` when what is there was of the right kind and yet wrong,
    /// which ``expected`` then says.
    public var found: String?

    public init(name: String, position: SourcePosition, expected: String, found: String? = nil) {
        self.name = name
        self.position = position
        self.expected = expected
        self.found = found
    }

    public var description: String {
        "\(name):\(position): expected \(expected)" + (found.map { ", found \($0)" } ?? "")
    }
}
