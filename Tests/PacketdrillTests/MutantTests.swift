import Foundation
import Testing

@testable import Packetdrill

/// The runner and the scripts judged: each fault is noticed by its script, for the sake of which the fault is there.
@Suite("Deliberate faults")
struct MutantTests {
    static let all =
        SendingMutants.segments + SendingMutants.timing + SendingMutants.settings + ReceivingMutants.handshake
        + ReceivingMutants.connection

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Drill")

    private func script(_ path: String) throws -> Script {
        try Script(
            parsing: try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8), name: path,
            definitions: DrillRunner.usualDefinitions(for: .ipv4))
    }

    /// What our own scripts must not do: fail, or leave packets that nobody expected.
    private func notices(_ report: DrillReport) -> Bool {
        if case .failed = report.outcome { return true }
        return !report.warnings.isEmpty
    }

    /// Scripts that would notice, for whoever has to find another one.
    private func killers(of mutant: Mutant) throws -> [String] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: Self.folder.path).filter {
            $0.hasSuffix(".pkt")
        }
        return try paths.sorted().filter { path in
            let script = try script(path)
            guard case .passed = DrillRunner.run(script, DrillOptions(), match: .strict).outcome else { return false }
            return notices(DrillRunner.run(script, DrillOptions(), match: .strict, tampering: mutant.make()))
        }
    }

    @Test func everyFaultIsNoticed() throws {
        #expect(Self.all.count >= 40)
        for mutant in Self.all {
            let script = try script(mutant.killer)
            let honest = DrillRunner.run(script, DrillOptions(), match: .strict)
            #expect(honest.outcome == .passed(.strict), "\(mutant.killer): \(honest.outcome)")
            let report = DrillRunner.run(script, DrillOptions(), match: .strict, tampering: mutant.make())
            guard notices(report) else {
                Issue.record(
                    "\(mutant.killer) does not notice: \(mutant.label); \(try killers(of: mutant)) do"
                )
                continue
            }
        }
    }

    @Test func everyFaultHasANameOfItsOwn() {
        #expect(Set(Self.all.map(\.label)).count == Self.all.count)
    }
}
