extension Script {
    /// Reads a script. `definitions` are those of the command line, which win over the script's own.
    public init(parsing text: String, name: String, definitions: [String: Definition] = [:]) throws(ScriptError) {
        throw ScriptError(name: name, position: SourcePosition(line: 1, column: 1), expected: "a parser")
    }
}
