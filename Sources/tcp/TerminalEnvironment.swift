#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the environment says of the place where the output goes.
struct TerminalEnvironment: Hashable, Sendable {
    /// Standard output is a terminal.
    var isTerminal = false
    /// NO_COLOR is there and not empty (no-color.org).
    var refusesColor = false
    /// TERM.
    var terminal = ""
    /// The locale for characters: the first of LC_ALL, LC_CTYPE and LANG that is not empty (POSIX, 8.2).
    var locale = ""

    /// Characters beyond ASCII will be shown.
    var hasUTF8: Bool {
        let name = locale.lowercased()
        return name.contains("utf-8") || name.contains("utf8")
    }

    /// That of this process.
    static var current: TerminalEnvironment {
        TerminalEnvironment(
            isTerminal: isatty(STDOUT_FILENO) == 1,
            refusesColor: !variable("NO_COLOR").isEmpty,
            terminal: variable("TERM"),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).first { !$0.isEmpty } ?? "")
    }

    private static func variable(_ name: String) -> String {
        guard let value = unsafe getenv(name) else { return "" }
        return unsafe String(cString: value)
    }
}
