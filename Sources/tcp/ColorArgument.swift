import ArgumentParser

/// When to use colours.
enum ColorArgument: String, CaseIterable, ExpressibleByArgument, Sendable {
    case auto
    case always
    case never

    /// Whether to use them on standard output. `auto` asks for a terminal that can, and honours NO_COLOR.
    func isWanted(in environment: TerminalEnvironment) -> Bool {
        switch self {
        case .always: true
        case .never: false
        case .auto: environment.isTerminal && !environment.refusesColor && environment.terminal != "dumb"
        }
    }
}
