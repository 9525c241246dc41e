import NetPrimitives
public import Netstack
import TCPStateMachine

/// A configuration as a file: lines `name = value`, where `#` begins a comment.
public enum ProfileFile {
    /// Reads a file. `profile = NAME` takes all that a known profile says, so it comes first; every other name is that
    /// of a field of `Configuration` or `TCPConfiguration`.
    public static func read(
        _ text: String, name: String, base: Configuration = Configuration()
    ) throws(ScriptError) -> Configuration {
        let fields = fields
        var configuration = base
        for (index, whole) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = whole.prefix { $0 != "#" }
            let words = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(trim)
            if words.allSatisfy(\.isEmpty), words.count == 1 { continue }
            let indent = line.utf8.prefix { $0 == 32 || $0 == 9 }.count
            let position = SourcePosition(line: index + 1, column: indent + 1)
            func wrong(_ expected: String, _ found: String) -> ScriptError {
                ScriptError(name: name, position: position, expected: expected, found: "'\(found.prefix(40))'")
            }
            guard words.count == 2 else { throw wrong("'name = value'", words[0]) }
            if words[0] == "profile" {
                guard let profile = DrillProfile.named(words[1]) else {
                    throw wrong("one of the profiles " + DrillProfile.names.joined(separator: ", "), words[1])
                }
                configuration = profile
                continue
            }
            guard let field = fields.first(where: { $0.name == words[0] }) else {
                throw wrong("'profile' or a field: " + names.joined(separator: ", "), words[0])
            }
            guard field.set(&configuration, words[1]) else { throw wrong("\(field.kind) for \(field.name)", words[1]) }
        }
        return configuration
    }

    /// The fields that a file may set, in the order of their declaration.
    public static var names: [String] { fields.map(\.name) }

    private static func trim(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0.isWhitespace }
        guard let last = text.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(text[...last].drop(while: isBlank))
    }

    // MARK: The fields

    private struct Field {
        let name: String
        /// What its values are, for whoever wrote something else.
        let kind: String
        /// Whether the text was such a value.
        let set: (inout Configuration, String) -> Bool
    }

    private typealias Path<Value> = WritableKeyPath<Configuration, Value>

    private static func field<Value>(
        _ name: String, _ path: Path<Value>, _ kind: String, _ read: @escaping (String) -> Value?
    ) -> Field {
        Field(name: name, kind: kind) { configuration, text in
            guard let value = read(text) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    private static func number<Number: FixedWidthInteger & Sendable>(_ name: String, _ path: Path<Number>) -> Field {
        field(name, path, "a number from 0 to \(Number.max), maybe with KiB or MiB") { size($0) }
    }

    private static func number<Number: FixedWidthInteger & Sendable>(_ name: String, _ path: Path<Number?>) -> Field {
        field(name, path, "'none' or a number from 0 to \(Number.max)") { text in
            if text == "none" { return .some(nil) }
            guard let number: Number = size(text) else { return nil }
            return .some(number)
        }
    }

    private static func truth(_ name: String, _ path: Path<Bool>) -> Field {
        field(name, path, "on or off") { text in
            switch text {
            case "on", "true", "yes", "1": true
            case "off", "false", "no", "0": false
            default: nil
            }
        }
    }

    private static func time(_ name: String, _ path: Path<Interval>) -> Field {
        field(name, path, "a time such as 200ms, with ns, us, ms or s") { interval($0) }
    }

    private static func size<Number: FixedWidthInteger>(_ text: String) -> Number? {
        for (suffix, shift) in [("KiB", 10), ("MiB", 20), ("GiB", 30)] where text.hasSuffix(suffix) {
            guard let count = Int64(text.dropLast(3)), (0...1 << 31).contains(count) else { return nil }
            return Number(exactly: count << Int64(shift))
        }
        guard let number = Number(text), number >= 0 else { return nil }
        return number
    }

    private static func interval(_ text: String) -> Interval? {
        let units: [(String, Double)] = [("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)]
        guard let (suffix, factor) = units.first(where: { text.hasSuffix($0.0) }) else { return nil }
        let digits = text.dropLast(suffix.count)
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits),
            number * factor <= 1e18
        else { return nil }
        return .nanoseconds(Int64((number * factor).rounded()))
    }

    private static func ports(_ text: String) -> ClosedRange16? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else { return nil }
        return ClosedRange16(first, last)
    }

    private static var fields: [Field] {
        [
            number("budget", \.budget), number("prefixShare", \.prefixShare),
            field("evictIdle", \.evictIdle, "'none' or a time such as 600s") { text in
                text == "none" ? .some(nil) : interval(text).map { .some($0) }
            },
            number("fragmentMemoryLimit", \.fragmentMemoryLimit),
            number("fragmentedDatagramLimit", \.fragmentedDatagramLimit), number("halfOpenLimit", \.halfOpenLimit),
            number("requestLimit", \.requestLimit), number("timeWaitLimit", \.timeWaitLimit),
            field("synCookies", \.synCookies, "off, full or always") { text in
                switch text {
                case "off": .off
                case "full": .whenFull
                case "always": .always
                default: nil
                }
            },
            field("cookieCodec", \.cookieCodec, "classic or fleet") { text in
                switch text {
                case "classic": .classic
                case "fleet": .fleet
                default: nil
                }
            },
            time("cookieEpoch", \.cookieEpoch), number("synBacklogLimit", \.synBacklogLimit),
            truth("abortsOnOverflow", \.abortsOnOverflow),
            field("ephemeralPorts", \.ephemeralPorts, "two ports such as 49152-65535") { ports($0) },
            number("hopLimit", \.hopLimit), number("trafficClass", \.trafficClass), truth("answersEcho", \.answersEcho),
            number("floodThreshold", \.floodThreshold), number("icmpErrorsPerSecond", \.icmpErrorsPerSecond),
            number("resetsPerSecond", \.resetsPerSecond),
            time("sequenceClock", \.sequenceClock),
            time("quietTime", \.quietTime),
            number("fixedInitialSequence", \.fixedInitialSequence),
            time("initialRTO", \.tcp.initialRTO), number("synLinearTimeouts", \.tcp.synLinearTimeouts),
            number("synRetries", \.tcp.synRetries), time("synTimeLimit", \.tcp.synTimeLimit),
            number("synAckRetries", \.tcp.synAckRetries), time("synAckMinimumGap", \.tcp.synAckMinimumGap),
            truth("treatsUnreachableAsSoftError", \.tcp.treatsUnreachableAsSoftError),
            truth("opensLikeLinux", \.tcp.opensLikeLinux), truth("offersSACK", \.tcp.offersSACK),
            truth("offersTimestamps", \.tcp.offersTimestamps),
            truth("offersWindowScale", \.tcp.offersWindowScale),
            truth("reportsDuplicates", \.tcp.reportsDuplicates),
            field("ecn", \.tcp.ecn, "off, asked or always") { text in
                switch text {
                case "off": .off
                case "asked": .whenAsked
                case "always": .always
                default: nil
                }
            },
            field("optionLayout", \.tcp.optionLayout, "linux, freebsd, macos, windows or an order of options") {
                OptionLayoutText.read($0)
            },
            number("windowScale", \.tcp.windowScale),
            number("synWindow", \.tcp.synWindow), number("receiveBuffer", \.tcp.receiveBuffer),
            number("sendBuffer", \.tcp.sendBuffer), number("maximumSegment", \.tcp.maximumSegment),
            number("initialWindow", \.tcp.initialWindow),
            truth("usesNagle", \.tcp.usesNagle), time("minimumRTO", \.tcp.minimumRTO),
            time("maximumRTO", \.tcp.maximumRTO), number("dataRetries", \.tcp.dataRetries),
            time("delayedAck", \.tcp.delayedAck), time("timeWait", \.tcp.timeWait), time("finWait2", \.tcp.finWait2),
            number("slowStartLimit", \.tcp.slowStartLimit),
            number("quickAcks", \.tcp.quickAcks), truth("holdsBehindSmallOnly", \.tcp.holdsBehindSmallOnly),
            truth("minimumRTOIsMargin", \.tcp.minimumRTOIsMargin), time("challengeAckGap", \.tcp.challengeAckGap),
        ]
    }
}
