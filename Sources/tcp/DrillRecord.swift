import NetPrimitives
import Packetdrill

/// What came of a script, for programs: a line of JSON.
struct DrillRecord: Encodable {
    struct Difference: Encodable {
        let field: String
        let expected: String
        let actual: String
    }

    /// The score sheet's line.
    struct Sheet: Encodable {
        let total: Int
        let strict: Int
        let lenient: Int
        let failed: Int
        let skipped: Int
        let reasons: [String: Int]

        init(_ sheet: ScoreSheet) {
            total = sheet.total
            strict = sheet.strict
            lenient = sheet.lenient
            failed = sheet.failed
            skipped = sheet.skipped
            reasons = sheet.reasons
        }
    }

    let script: String
    let version: String
    /// `strict`, `lenient`, `failed` or `skipped`.
    let outcome: String
    let line: Int?
    let column: Int?
    let message: String?
    let expected: String?
    let actual: String?
    let differences: [Difference]?
    let warnings: [String]
    /// Of a failure, or of all under `-v`.
    let trace: [String]?
    /// Virtual.
    let seconds: Double

    init(_ report: DrillReport, verbose: Bool) {
        script = report.name
        version = report.version.rawValue
        warnings = report.warnings
        seconds = Double(report.duration.nanoseconds) / 1e9
        var position: SourcePosition?
        var failure: DrillFailure?
        switch report.outcome {
        case .passed(let match):
            outcome = match.rawValue
            message = nil
        case .skipped(let skip):
            outcome = "skipped"
            position = skip.position
            message = "\(skip)"
        case .failed(let what):
            outcome = "failed"
            position = what.position
            failure = what
            message = what.message
        }
        line = position?.line
        column = position?.column
        expected = failure?.expected
        actual = failure?.actual
        differences = failure?.differences.map { Difference(field: $0.field, expected: $0.expected, actual: $0.actual) }
        trace = verbose || failure != nil ? report.trace : nil
    }
}
