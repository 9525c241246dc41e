import ArgumentParser
import LabScenarios

/// Whose behaviour the stacks show where the RFCs leave a choice.
enum ProfileArgument: String, CaseIterable, ExpressibleByArgument, Sendable {
    case `default`
    case linux

    var profile: LabSettings.Profile {
        switch self {
        case .default: .standard
        case .linux: .linux
        }
    }
}
