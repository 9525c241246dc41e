internal import NetPrimitives

/// Turns a call as it is written into one that the socket layer understands.
struct CallReader {
    let settings: ScriptSettings
    /// The script's descriptors and what they really are.
    let descriptors: [Int: Int]

    func read(_ call: CallSyntax) throws(DrillSkip) -> SystemCall {
        let arguments = Arguments(call)
        switch call.name {
        case "socket":
            return .socket(
                domain: try domain(arguments[0]), type: try number(arguments[1]), protocol: try number(arguments[2]))
        case "bind": return .bind(try descriptor(arguments[0]), try address(arguments[1], settings.bindEndpoint))
        case "listen": return .listen(try descriptor(arguments[0]), backlog: try number(arguments[1]))
        case "accept": return .accept(try descriptor(arguments[0]))
        case "accept4": return .accept(try descriptor(arguments[0]), flags: try number(arguments[3]))
        case "connect":
            if case .symbol("AF_UNSPEC")? = arguments[1]?.form { return .connect(try descriptor(arguments[0]), nil) }
            return .connect(try descriptor(arguments[0]), try address(arguments[1], settings.connectEndpoint))
        case "close": return .close(try descriptor(arguments[0]))
        case "shutdown": return .shutdown(try descriptor(arguments[0]), how: try number(arguments[1]))
        case "fcntl":
            return .fcntl(
                try descriptor(arguments[0]), command: try number(arguments[1]), argument: try number(arguments[2]))
        case "ioctl":
            return .ioctl(
                try descriptor(arguments[0]), request: try number(arguments[1]), argument: try number(arguments[2]))
        case "getsockopt", "setsockopt": return try option(call, arguments)
        case "poll": return try poll(arguments)
        case "epoll_create", "epoll_create1": return .epollCreate
        case "epoll_ctl":
            return .epollControl(
                try descriptor(arguments[0]), operation: try number(arguments[1]),
                descriptor: try descriptor(arguments[2]), try epollEvent(arguments[3]))
        case "epoll_wait":
            return .epollWait(
                try descriptor(arguments[0]), limit: try number(arguments[2]), timeout: try number(arguments[3]))
        default:
            return try transfer(call, arguments)
        }
    }

    private func transfer(_ call: CallSyntax, _ arguments: Arguments) throws(DrillSkip) -> SystemCall {
        switch call.name {
        case "read", "recv", "recvfrom":
            let flags = call.name == "read" ? 0 : try number(arguments[3])
            return .receive(try descriptor(arguments[0]), limit: try number(arguments[2]), flags: flags)
        case "readv": return .receive(try descriptor(arguments[0]), limit: try vectorLength(arguments[1]))
        case "recvmsg":
            return .receive(
                try descriptor(arguments[0]), limit: try vectorLength(arguments[1]?.field("msg_iov")),
                flags: try number(arguments[2]))
        case "write", "send", "sendto":
            let count = try number(arguments[2])
            let flags = call.name == "write" ? 0 : try number(arguments[3])
            return .send(try descriptor(arguments[0]), bytes(arguments[1], count: count), flags: flags)
        case "writev":
            return .send(try descriptor(arguments[0]), bytes(nil, count: try vectorLength(arguments[1])))
        case "sendmsg":
            let count = try vectorLength(arguments[1]?.field("msg_iov"))
            return .send(try descriptor(arguments[0]), bytes(nil, count: count), flags: try number(arguments[2]))
        default:
            throw DrillSkip(kind: .call, what: call.name, position: call.position)
        }
    }

    /// Arguments by their place, `nil` beyond the last.
    private struct Arguments {
        let list: [ExpressionSyntax]

        init(_ call: CallSyntax) { list = call.arguments }

        subscript(index: Int) -> ExpressionSyntax? { index < list.count ? list[index] : nil }
    }

    // MARK: Numbers and descriptors

    /// A number, a symbol, or several with `|` between them; `...` and what is missing count as 0.
    func number(_ expression: ExpressionSyntax?) throws(DrillSkip) -> Int {
        guard let expression else { return 0 }
        switch expression.form {
        case .integer(let value): return Int(value)
        case .ellipsis: return 0
        case .symbol(let name):
            guard let value = LinuxSymbols.value(of: name) else {
                throw DrillSkip(kind: .symbol, what: name, position: expression.position)
            }
            return Int(value)
        case .union(let parts):
            var value = 0
            for part in parts { value |= try number(part) }
            return value
        case .list(let parts) where parts.count == 1: return try number(parts[0])
        case .call("htons", let arguments) where arguments.count == 1: return try number(arguments[0])
        case .assignment(_, nil, let value): return try number(value)
        default: throw DrillSkip(kind: .call, what: expression.text, position: expression.position)
        }
    }

    /// What the script's descriptor really is; one that is not open stays closed.
    func descriptor(_ expression: ExpressionSyntax?) throws(DrillSkip) -> Int {
        descriptors[try number(expression)] ?? -1
    }

    private func domain(_ expression: ExpressionSyntax?) throws(DrillSkip) -> Int {
        guard let expression, !expression.isEllipsis else { return settings.version == .ipv4 ? 2 : 10 }
        return try number(expression)
    }

    /// A socket address: `...` is the usual one.
    private func address(_ expression: ExpressionSyntax?, _ usual: Endpoint) throws(DrillSkip) -> Endpoint {
        guard let expression else { return usual }
        var endpoint = usual
        if let port = expression.field("sin_port") ?? expression.field("sin6_port") {
            endpoint.port = UInt16(truncatingIfNeeded: try number(port))
        }
        guard let address = expression.field("sin_addr") ?? expression.field("sin6_addr") else { return endpoint }
        switch address.form {
        case .address(let address): endpoint.address = address
        case .call(_, let arguments):
            guard case .string(let bytes)? = arguments.first?.form else { return endpoint }
            let text = String(decoding: bytes, as: UTF8.self)
            if let v4 = IPv4Address(text) { endpoint.address = settings.socketAddress(.v4(v4)) }
            if let v6 = IPv6Address(text) { endpoint.address = .v6(v6) }
        default:
            if try number(address) == 0 { endpoint.address = settings.version == .ipv4 ? .v4(.any) : .v6(.any) }
        }
        return endpoint
    }

    // MARK: Data

    /// What is written: the text that is given, else zeros.
    private func bytes(_ expression: ExpressionSyntax?, count: Int) -> [UInt8] {
        let count = min(max(count, 0), 64 << 20)
        guard case .string(let text)? = expression?.form else { return [UInt8](repeating: 0, count: count) }
        return Array(text.prefix(count)) + [UInt8](repeating: 0, count: max(count - text.count, 0))
    }

    /// Bytes in an iovec: `[{..., 100}, {..., 50}]`.
    private func vectorLength(_ expression: ExpressionSyntax?) throws(DrillSkip) -> Int {
        var total = 0
        for piece in expression?.elements ?? [] {
            guard case .structure(let parts) = piece.form, let length = parts.last else {
                throw DrillSkip(kind: .call, what: piece.text, position: piece.position)
            }
            total += try number(length)
        }
        return total
    }

    // MARK: Structures

    private func option(_ call: CallSyntax, _ arguments: Arguments) throws(DrillSkip) -> SystemCall {
        let fd = try descriptor(arguments[0])
        let level = try number(arguments[1])
        let name = try number(arguments[2])
        if call.name == "getsockopt" { return .getOption(fd, level: level, option: name) }
        return .setOption(fd, level: level, option: name, try optionValue(arguments[3]))
    }

    func optionValue(_ expression: ExpressionSyntax?) throws(DrillSkip) -> OptionValue {
        guard let expression else { return .integer(0) }
        if case .string(let bytes) = expression.form { return .bytes(bytes) }
        if let onoff = expression.field("onoff") {
            return .linger(isOn: try number(onoff) != 0, seconds: try number(expression.field("linger")))
        }
        if let seconds = expression.field("tv_sec") {
            let fraction = try number(expression.field("tv_usec"))
            return .time(.seconds(Int64(try number(seconds))) + .microseconds(Int64(fraction)))
        }
        if let elements = expression.elements, elements.count > 1 {
            throw DrillSkip(kind: .call, what: expression.text, position: expression.position)
        }
        return .integer(try number(expression))
    }

    private func poll(_ arguments: Arguments) throws(DrillSkip) -> SystemCall {
        var entries: [PollEntry] = []
        for element in arguments[0]?.elements ?? [] {
            let fd = try number(element.field("fd"))
            entries.append(
                PollEntry(
                    descriptor: fd < 0 ? fd : descriptors[fd] ?? Int(UInt16.max),
                    events: try number(element.field("events"))))
        }
        return .poll(entries, timeout: try number(arguments[2]))
    }

    func epollEvent(_ expression: ExpressionSyntax?) throws(DrillSkip) -> EpollEvent? {
        guard let expression, case .structure = expression.form else { return nil }
        var event = EpollEvent(events: try number(expression.field("events")), data: 0)
        for name in ["fd", "ptr", "u32", "u64"] {
            if let data = expression.field(name) { event.data = UInt64(truncatingIfNeeded: try number(data)) }
        }
        return event
    }
}
