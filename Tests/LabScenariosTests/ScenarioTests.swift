import LabScenarios
import Testing

@Suite("The lab's scenarios")
struct ScenarioTests {
    @Test("have a line each that fits a terminal", arguments: Scenario.allCases)
    func summary(scenario: Scenario) {
        #expect(!scenario.summary.isEmpty)
        #expect(2 + 18 + 2 + scenario.summary.count <= 80)
    }
}
