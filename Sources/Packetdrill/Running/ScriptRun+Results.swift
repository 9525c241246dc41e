/// What calls hand back beside their result, beside what the script says of it.
extension ScriptRun {
    func checkOutput(_ result: CallResult, _ syntax: CallSyntax) throws(RunEnd) {
        let reader = CallReader(settings: settings, descriptors: descriptors)
        switch result.output {
        case .nothing:
            return
        case .integer(let value):
            if let expected = syntax.argument(2) { try hold(expected, value, "the value", reader) }
        case .option(let value):
            try checkOption(value, syntax, reader)
        case .polled(let entries):
            for (element, entry) in zip(syntax.argument(0)?.elements ?? [], entries) {
                if let expected = element.field("revents") { try hold(expected, entry.returned, "revents", reader) }
            }
        case .events(let events):
            try checkEvents(events, syntax, reader)
        case .bytes(let bytes, let flags, let control):
            if let buffer = syntax.argument(1), case .string(let expected) = buffer.form,
                !bytes.elementsEqual(expected)
            {
                throw differs("data", "\(expected.count) bytes", "\(bytes.count) other bytes", buffer.position)
            }
            if syntax.name == "recvmsg" { try checkMessage(flags, control, syntax, reader) }
        }
    }

    private func differs(_ field: String, _ expected: String, _ actual: String, _ position: SourcePosition) -> RunEnd {
        failure(
            position, "\(field) is \(actual) instead of \(expected)", expected: expected, actual: actual,
            [DrillFailure.Difference(field: field, expected: expected, actual: actual)])
    }

    /// Holds a number of the script against what came.
    private func hold(_ expression: ExpressionSyntax, _ actual: Int, _ field: String, _ reader: CallReader)
        throws(RunEnd)
    {
        if expression.isEllipsis { return }
        let expected = try read { () throws(DrillSkip) in try reader.number(expression) }
        guard expected != actual else { return }
        throw differs(field, "\(expression.text)", String(actual), expression.position)
    }

    /// Reads a part of a call; what is not understood skips the script.
    func read<Value>(_ body: () throws(DrillSkip) -> Value) throws(RunEnd) -> Value {
        do { return try body() } catch { throw .skipped(error) }
    }

    private func checkOption(_ value: OptionValue, _ syntax: CallSyntax, _ reader: CallReader) throws(RunEnd) {
        guard let expected = syntax.argument(3), !expected.isEllipsis, syntax.errno == nil else { return }
        let wanted = try read { () throws(DrillSkip) in try reader.optionValue(expected) }
        switch (wanted, value) {
        case (.bytes(let wanted), .bytes(let came)):
            // A name comes with its length; zeros behind it say nothing.
            let one = String(decoding: wanted.prefix { $0 != 0 }, as: UTF8.self)
            let other = String(decoding: came.prefix { $0 != 0 }, as: UTF8.self)
            if one != other { throw differs("the option", one, other, expected.position) }
        default:
            if wanted != value { throw differs("the option", wanted.text, value.text, expected.position) }
        }
    }

    /// epoll_wait: the first event counts.
    private func checkEvents(_ events: [EpollEvent], _ syntax: CallSyntax, _ reader: CallReader) throws(RunEnd) {
        guard let argument = syntax.argument(1), let came = events.first else { return }
        let first = argument.elements?.first ?? argument
        guard let expected = try read({ () throws(DrillSkip) in try reader.epollEvent(first) }) else { return }
        if expected.events != came.events {
            throw differs("events", String(expected.events), String(came.events), first.position)
        }
        if expected.data != came.data {
            throw differs("data", String(expected.data), String(came.data), first.position)
        }
    }

    private func checkMessage(
        _ flags: Int, _ control: [ControlMessage], _ syntax: CallSyntax, _ reader: CallReader
    ) throws(RunEnd) {
        guard let message = syntax.argument(1) else { return }
        if let expected = message.field("msg_flags") { try hold(expected, flags, "msg_flags", reader) }
        guard let expected = message.field("msg_control")?.elements else { return }
        if expected.count != control.count {
            throw differs("control messages", String(expected.count), String(control.count), message.position)
        }
        for (wanted, came) in zip(expected, control) {
            for (name, value) in [("cmsg_level", came.level), ("cmsg_type", came.type), ("cmsg_data", came.value)] {
                if let field = wanted.field(name) { try hold(field, value, name, reader) }
            }
        }
    }
}

extension CallSyntax {
    /// Argument `index`, if there is one.
    func argument(_ index: Int) -> ExpressionSyntax? { index < arguments.count ? arguments[index] : nil }
}

extension OptionValue {
    /// The value as a message shows it.
    var text: String {
        switch self {
        case .integer(let value): String(value)
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .linger(let isOn, let seconds): "{onoff=\(isOn ? 1 : 0), linger=\(seconds)}"
        case .time(let interval): interval.secondsText
        }
    }
}
