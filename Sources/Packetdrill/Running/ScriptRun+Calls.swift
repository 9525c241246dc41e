internal import NetPrimitives

/// A call that has not returned, and when it must.
struct BlockedCall {
    var ongoing: OngoingCall
    var syntax: CallSyntax
    var begun: Instant
    var end: Instant
}

/// System calls of a script.
extension ScriptRun {
    func perform(_ syntax: CallSyntax, base: Instant) throws(RunEnd) {
        try settleBlockedCall(waiting: .seconds(1), for: syntax)
        let reader = CallReader(settings: settings, descriptors: descriptors)
        let call = try read { () throws(DrillSkip) in try reader.read(syntax) }
        before(call, syntax)
        let begun = layer.now
        let ongoing = layer.begin(call)
        if let end = syntax.blockingEnd {
            blocked = BlockedCall(ongoing: ongoing, syntax: syntax, begun: begun, end: base + end)
            return try checkBlockedCall()
        }
        if ongoing.result == nil {
            // The script says nothing of blocking: the call has until nothing happens any more.
            layer.advance(to: layer.now + .seconds(300), until: { ongoing.result != nil })
        }
        guard let result = ongoing.result else {
            throw failure(syntax.position, "\(syntax.name) blocks", expected: syntax.resultText)
        }
        try check(result, syntax)
    }

    /// The blocked call, if it has returned: whether as and when it should.
    func checkBlockedCall() throws(RunEnd) {
        guard let call = blocked, let result = call.ongoing.result else { return }
        blocked = nil
        try check(result, call.syntax)
        let finished = call.ongoing.finishedAt ?? layer.now
        let tolerance = tolerance(for: call.end - call.begun)
        guard finished < call.end - tolerance || finished > call.end + tolerance else { return }
        let isEarly = finished < call.end
        let distance = isEarly ? call.end - finished : finished - call.end
        throw failure(
            call.syntax.position,
            "\(call.syntax.name) returned \(distance.secondsText) s too \(isEarly ? "early" : "late")",
            expected: "at \(call.end.secondsText)", actual: "at \(finished.secondsText)",
            [DrillFailure.Difference(field: "time", expected: call.end.secondsText, actual: finished.secondsText)])
    }

    /// A call that still blocks gets a last while.
    /// - Parameter next: the call that waits for it; `nil` at the end of the script.
    func settleBlockedCall(waiting: Interval, for next: CallSyntax?) throws(RunEnd) {
        guard let call = blocked else { return }
        if call.ongoing.result == nil {
            layer.advance(to: layer.now + waiting, until: { call.ongoing.result != nil })
        }
        try checkBlockedCall()
        guard blocked != nil else { return }
        throw failure(
            call.syntax.position,
            next.map { "\(call.syntax.name) still blocks when \($0.name) is to be called" }
                ?? "\(call.syntax.name) still blocks at the end of the script", expected: call.syntax.resultText)
    }

    // MARK: What calls mean for packet lines

    private func before(_ call: SystemCall, _ syntax: CallSyntax) {
        guard case .connect(_, let remote?) = call, let number = syntax.descriptor else { return }
        if let flow, flow.descriptor == number, flow.origin == .active { return }
        let wire = Endpoint(remote.address.unmapped, remote.port)
        let active = FlowUnderTest(.active, local: nil, remote: wire)
        active.descriptor = number
        flow = active
    }

    private func opened(_ syntax: CallSyntax, _ number: Int) {
        switch syntax.name {
        case "socket":
            freshSocket = number
            flow = nil
        case "accept", "accept4":
            let child =
                children.last { $0.descriptor == nil && $0.hasAnswered } ?? children.last { $0.descriptor == nil }
            child?.descriptor = number
        default:
            break
        }
    }

    // MARK: Results

    private func check(_ result: CallResult, _ syntax: CallSyntax) throws(RunEnd) {
        let actual = result.error.map { "-1 \($0)" } ?? String(result.value)
        note("\(syntax.text) = \(actual)")
        let opens = ["socket", "accept", "accept4", "epoll_create", "epoll_create1"].contains(syntax.name)
        if !syntax.result.isEllipsis {
            let reader = CallReader(settings: settings, descriptors: descriptors)
            let expected = try read { () throws(DrillSkip) in try reader.number(syntax.result) }
            if opens, expected >= 0, result.error == nil {
                descriptors[expected] = result.value
                opened(syntax, expected)
                return
            }
            guard expected == result.value else {
                throw failure(
                    syntax.position, "\(syntax.name) returned \(actual) instead of \(syntax.resultText)",
                    expected: syntax.resultText, actual: actual,
                    [DrillFailure.Difference(field: "result", expected: syntax.resultText, actual: actual)])
            }
        }
        if let errno = syntax.errno {
            guard let number = LinuxSymbols.value(of: errno.name) else {
                throw skip(.symbol, errno.name, errno.position)
            }
            guard Int64(result.error?.rawValue ?? 0) == number else {
                let name = result.error.map(\.description) ?? "no error"
                throw failure(
                    errno.position, "\(syntax.name) failed with \(name) instead of \(errno.name)",
                    expected: errno.name, actual: name,
                    [DrillFailure.Difference(field: "errno", expected: errno.name, actual: name)])
            }
        }
        if syntax.name == "close", result.error == nil, let number = syntax.descriptor { descriptors[number] = nil }
        try checkOutput(result, syntax)
    }

    /// What code may ask for: TCP_INFO and the like of what is under test, and Linux's constants.
    func variables() -> [String: CodeValue] {
        var variables: [String: CodeValue] = [:]
        for (name, value) in LinuxSymbols.table where name.hasPrefix("TCP") { variables[name] = .integer(value) }
        let number = flow?.descriptor ?? freshSocket
        guard let number, let fd = descriptors[number] else { return variables }
        for (name, value) in layer.tcpInfo(of: fd) { variables[name] = .integer(value) }
        return variables
    }
}

extension CallSyntax {
    /// The first argument, where calls have their descriptor.
    var descriptor: Int? { arguments.first?.integer.map { Int($0) } }

    /// What is expected, as it is written.
    var resultText: String { result.text + (errno.map { " \($0.name)" } ?? "") }

    /// The call, as it is written.
    var text: String { "\(name)(\(arguments.map(\.text).joined(separator: ", ")))" }
}

extension ExpressionSyntax {
    /// The expression, as it is written, but for blanks and bases of numbers.
    var text: String {
        func list(_ parts: [ExpressionSyntax]) -> String { parts.map(\.text).joined(separator: ", ") }
        switch form {
        case .integer(let value): return String(value)
        case .symbol(let name): return name
        case .string(let bytes): return "\"" + String(decoding: bytes, as: UTF8.self) + "\""
        case .address(.v4(let address)): return address.description
        case .address(.v6(let address)): return address.description
        case .ellipsis: return "..."
        case .union(let parts): return parts.map(\.text).joined(separator: "|")
        case .list(let parts): return "[" + list(parts) + "]"
        case .structure(let parts): return "{" + list(parts) + "}"
        case .call(let name, let arguments): return "\(name)(\(list(arguments)))"
        case .assignment(let name, let arguments, let value):
            return name + (arguments.map { "(\(list($0)))" } ?? "") + "=" + value.text
        }
    }
}
