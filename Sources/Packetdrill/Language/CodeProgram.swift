/// All code of a script as one program.
public struct CodeProgram: Sendable {
    /// What `print` wrote, a line each.
    public private(set) var printed: [String] = []

    public init() {}

    /// Runs pieces in their order; what one assigns the next ones see, unless their snapshot has the same name.
    public mutating func run(_ pieces: [CodeSnapshot]) throws(CodeError) {
    }
}
