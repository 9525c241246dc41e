import Packetdrill

/// packetdrill's language: any text is a script, or an error with its place.
public enum ScriptsTarget {
    public static func run(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        do throws(ScriptError) {
            _ = try Script(parsing: text, name: "fuzz.pkt", definitions: DrillRunner.usualDefinitions(for: .ipv4))
        } catch {
            check(!error.expected.isEmpty, "an error says what was expected")
            check(error.position.line >= 1 && error.position.line <= bytes.count + 1, "\(error): a line of the script")
        }
    }
}
