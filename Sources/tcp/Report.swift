#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a command says: words for people on standard error, or lines of JSON for programs on standard output.
struct Report: Sendable {
    /// Lines of JSON instead of words.
    var json: Bool
    /// Say what is only worth saying under `-v`.
    var verbose: Bool
    /// JSON on standard error, for a command whose standard output is the peer's.
    var keepsOutputClear = false

    /// Says something.
    /// - Parameters:
    ///   - words: for people.
    ///   - record: for programs.
    ///   - detail: only under `-v`; always in JSON.
    func say(_ words: @autoclosure () -> String, _ record: some Encodable, detail: Bool = false) {
        if json {
            let line = Self.line(record)
            // Whoever read it may have gone; what the command does goes on.
            if keepsOutputClear {
                try? OutputFile.standardError.write(lines: [line])
            } else {
                try? OutputFile.standardOutput.write(lines: [line])
            }
        } else if verbose || !detail {
            try? OutputFile.standardError.write(lines: [words()])
        }
    }

    /// Says what a command was asked for: on standard output as long as that is for it.
    func sayResult(_ words: @autoclosure () -> String, _ record: some Encodable) {
        if json || keepsOutputClear { return say(words(), record) }
        try? OutputFile.standardOutput.write(lines: [words()])
    }

    /// A value as a line of JSON, its keys in order.
    static func line(_ record: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(record) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Says what has gone wrong.
    static func complain(_ words: String) { try? OutputFile.standardError.write(lines: ["tcp: " + words]) }
}
