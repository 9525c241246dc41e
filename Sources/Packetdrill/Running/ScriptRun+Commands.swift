internal import NetPrimitives
internal import Netstack
internal import NetworkSimulation
internal import TCPStateMachine

/// What scripts say to a shell. None is run: a table knows what they mean, and what it does not know skips the script.
extension ScriptRun {
    func perform(_ command: ScriptCommand) throws(RunEnd) {
        note("`\(command.text.split(separator: "\n").joined(separator: "; "))`")
        for line in Self.commands(in: command.text) {
            let words = Self.withoutSilencing(Self.words(of: line))
            guard let first = words.first else { continue }
            guard try perform(words, first: String(first.split(separator: "/").last ?? ""), command) else {
                throw skip(.command, words.joined(separator: " "), command.position)
            }
        }
        layer.tampering?.configure(&layer.configuration)
    }

    /// Simple commands, in their order. Pipes stay whole; `\` at a line's end joins it to the next, `#` begins a
    /// comment.
    private static func commands(in text: String) -> [String] {
        var commands: [String] = []
        for line in text.replacing("\\\n", with: " ").split(whereSeparator: { $0 == "\n" || $0 == ";" }) {
            if line.drop(while: { $0 == " " || $0 == "\t" }).first == "#" { continue }
            commands += line.split(separator: "&&").map(String.init)
        }
        return commands
    }

    /// Words, with quoted ones whole and without their quotes.
    private static func words(of line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character == " " || character == "\t" {
                if let word { words.append(word) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        return words
    }

    /// Words without what only sends output away: `> /dev/null`, `2>&1`.
    private static func withoutSilencing(_ words: [String]) -> [String] {
        var rest: [String] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            if [">", "2>", "&>", "1>"].contains(word), index + 1 < words.count, words[index + 1] == "/dev/null" {
                index += 2
                continue
            }
            if !word.hasSuffix(">/dev/null"), word != "2>&1" { rest.append(word) }
            index += 1
        }
        return rest
    }

    /// - Returns: whether the command is known.
    private func perform(_ words: [String], first: String, _ command: ScriptCommand) throws(RunEnd) -> Bool {
        switch first {
        case "defaults.sh", "common_defaults.sh":
            return applyDefaults()
        case "set_sysctls.py", "set_sysctls":
            return assignments(words.dropFirst().filter { !$0.hasPrefix("-") })
        case "sysctl":
            return assignments(words.dropFirst().filter { !$0.hasPrefix("-") })
        case "echo":
            guard let arrow = words.firstIndex(of: ">"), arrow + 1 < words.count else { return true }
            return Sysctl.apply(words[arrow + 1], words[1..<arrow].joined(separator: " "), to: layer)
        case "true", ":", "ethtool", "tc", "sync": return true
        case "sleep":
            guard let seconds = words.dropFirst().first.flatMap({ Double($0) }), seconds >= 0, seconds < 86_400 else {
                return false
            }
            layer.advance(to: layer.now + .microseconds(Int64(seconds * 1e6)))
            return true
        case "nstat": return try countersHold(words, command)
        case "ip": return Sysctl.route(words, layer)
        default:
            // What puts the settings back that the script began with: the stack ends with the script anyway.
            return first.hasPrefix("sysctl_restore")
        }
    }

    private func applyDefaults() -> Bool {
        if options.profile == nil, let profile = DrillProfile.named("linux-defaults") { layer.configuration = profile }
        return true
    }

    private func assignments(_ words: [String]) -> Bool {
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, Sysctl.apply(String(parts[0]), String(parts[1]), to: layer) else { return false }
        }
        return !words.isEmpty
    }

    /// `nstat -n` takes note of the counters; `nstat | grep Name | grep " N "` asks for what was counted since.
    private func countersHold(_ words: [String], _ command: ScriptCommand) throws(RunEnd) -> Bool {
        if words.count > 1, words.dropFirst().allSatisfy({ $0.hasPrefix("-") && $0.contains("n") }) {
            counterBase = layer.driven.stack.counters
            return true
        }
        let stages = words.split(separator: "|").map { Array($0) }
        let patterns = stages.dropFirst().compactMap { stage in
            stage.first == "grep" && !stage.contains("-v") ? stage.last : nil
        }
        guard patterns.count == stages.count - 1, let name = patterns.first(where: { CounterNames.knows($0) }),
            let count = CounterNames.count(name, layer.driven.stack.counters, since: counterBase)
        else { return false }
        for pattern in patterns where pattern != name {
            guard let wanted = UInt64(pattern.filter(\.isNumber)) else { return false }
            guard wanted != count else { continue }
            throw failure(
                command.position, "\(name) is \(count) instead of \(wanted)", expected: String(wanted),
                actual: String(count),
                [DrillFailure.Difference(field: name, expected: String(wanted), actual: String(count))])
        }
        if patterns.count == 1, count == 0 {
            throw failure(command.position, "\(name) was not counted")
        }
        return true
    }
}
