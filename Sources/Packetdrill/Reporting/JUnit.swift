/// Reports as the XML that build servers read.
public enum JUnit {
    /// A document with a test case for each report.
    /// - Parameter texts: the scripts of the reports, in their order, which failures quote.
    public static func document(_ reports: [DrillReport], texts: [String]) -> String {
        var sheet = ScoreSheet()
        for report in reports { sheet.count(report.outcome) }
        let counts = "tests=\"\(sheet.total)\" failures=\"\(sheet.failed)\" skipped=\"\(sheet.skipped)\" errors=\"0\""
        var lines = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites \(counts)>",
            "  <testsuite name=\"tcp drill\" \(counts)>",
        ]
        for (report, text) in zip(reports, texts) {
            let name = escape(report.name)
            let open = "    <testcase classname=\"\(report.version.rawValue)\" name=\"\(name)\""
            switch report.outcome {
            case .passed: lines.append(open + "/>")
            case .skipped(let skip):
                lines += [open + ">", "      <skipped message=\"\(escape(skip.description))\"/>", "    </testcase>"]
            case .failed(let failure):
                let detail = escape(report.lines(quoting: text).joined(separator: "\n"))
                lines += [
                    open + ">", "      <failure message=\"\(escape(failure.message))\">\(detail)</failure>",
                    "    </testcase>",
                ]
            }
        }
        return (lines + ["  </testsuite>", "</testsuites>", ""]).joined(separator: "\n")
    }

    /// Text as XML has it in content and attributes. XML 1.0, 2.2, has no control characters but tab and line ends.
    static func escape(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1f}", "\u{fffe}", "\u{ffff}": result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
