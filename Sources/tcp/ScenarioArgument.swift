import ArgumentParser
import LabScenarios

/// A scenario's name on the command line.
struct ScenarioArgument: Hashable, Sendable {
    let scenario: Scenario

    init(_ scenario: Scenario) { self.scenario = scenario }

    init(parsing text: String) throws {
        guard let scenario = Scenario(rawValue: text) else {
            throw ValidationError("There is no scenario '\(text)'. The lab knows these:\n\(Self.list)")
        }
        self.scenario = scenario
    }

    /// All names.
    static var all: [String] { Scenario.allCases.map(\.rawValue) }

    /// All of them, a line each.
    static var list: String {
        let width = Scenario.allCases.map(\.rawValue.count).max() ?? 0
        return Scenario.allCases.map { scenario in
            "  " + scenario.rawValue + String(repeating: " ", count: width - scenario.rawValue.count + 2)
                + scenario.summary
        }.joined(separator: "\n")
    }
}
