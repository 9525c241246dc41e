internal import NetPrimitives

/// Runs scripts against a stack of their own in virtual time.
public enum DrillRunner {
    /// Runs a script to its end or its first failure. Compared leniently, it is run strictly first, and once more when
    /// that fails.
    public static func run(_ script: Script, options: DrillOptions = DrillOptions()) -> DrillReport {
        let strict = run(script, options, match: .strict)
        guard options.match == .lenient, case .failed = strict.outcome else { return strict }
        let lenient = run(script, options, match: .lenient)
        if case .passed = lenient.outcome { return lenient }
        return strict
    }

    /// One run, with one way to compare.
    static func run(
        _ script: Script, _ options: DrillOptions, match: DrillMatch, tampering: Tampering? = nil
    ) -> DrillReport {
        var report = DrillReport(
            name: script.name, version: options.version ?? .ipv4, outcome: .passed(match))
        do throws(RunEnd) {
            let run = try ScriptRun(script, options, match: match, tampering: tampering)
            do throws(RunEnd) { try run.run() } catch { report.outcome = outcome(of: error) }
            report.version = run.settings.version
            report.warnings = run.warnings
            report.trace = run.trace
            report.duration = run.layer.now - .zero
        } catch {
            report.outcome = outcome(of: error)
        }
        return report
    }

    private static func outcome(of end: RunEnd) -> DrillReport.Outcome {
        switch end {
        case .failed(let failure): .failed(failure)
        case .skipped(let skip): .skipped(skip)
        }
    }
}
