internal import NetPrimitives
internal import Netstack
internal import NetworkSimulation
internal import TCPStateMachine

/// Socket options. What the stack does for all its connections alike is set there; the rest is kept with the socket.
extension SocketLayer {
    func setOption(_ fd: Int, _ level: Int, _ option: Int, _ value: OptionValue) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            let key = OptionKey(level: level, option: option)
            var kept = value
            switch level {
            case Linux.solSocket: kept = try setSocketOption(socket, option, value)
            case Linux.solTCP: kept = try setTCPOption(socket, option, value)
            case Linux.solIP, Linux.solIPv6: try setIPOption(level, option, value)
            default: throw .enoprotoopt
            }
            socket.options[key] = kept
            return .done(0)
        }
    }

    private func setSocketOption(_ socket: Socket, _ option: Int, _ value: OptionValue) throws(LinuxError)
        -> OptionValue
    {
        let integer = value.number ?? 0
        switch option {
        case 3, 4, 30, 38, 39:
            throw .enoprotoopt
        case 7, 32:
            // Linux keeps twice the number, at least 4608; half of it is for bookkeeping.
            let bytes = min(max(integer, 2304), 1 << 30)
            socket.options[OptionKey(level: Linux.solSocket, option: 7)] = .integer(bytes)
            return .integer(bytes)
        case 8, 33:
            let bytes = min(max(integer, 1152), 4 << 20)
            configuration.tcp.receiveBuffer = UInt32(bytes)
            configuration.tcp.windowScale = nil
            configuration.tcp.synWindow = UInt16(clamping: bytes)
            socket.options[OptionKey(level: Linux.solSocket, option: 8)] = .integer(bytes)
            return .integer(bytes)
        case 9 where integer != 0: want("SO_KEEPALIVE")
        case 13:
            if case .integer(let seconds) = value { return .linger(isOn: seconds != 0, seconds: 0) }
        case 20, 21:
            if case .integer(let seconds) = value { return .time(.seconds(Int64(seconds))) }
        case 26: want("SO_ATTACH_FILTER")
        case 29, 35, 37: want("SO_TIMESTAMPING")
        case 47: want("SO_MAX_PACING_RATE")
        case 60 where integer != 0: want("SO_ZEROCOPY")
        case 61: want("SO_TXTIME")
        default: break
        }
        return value
    }

    private func setTCPOption(_ socket: Socket, _ option: Int, _ value: OptionValue) throws(LinuxError) -> OptionValue {
        let integer = value.number ?? 0
        switch option {
        case 1:
            if let id = socket.connection { _ = driven.perform(.setNoDelay(integer != 0, id), at: now) }
            return .integer(integer != 0 ? 1 : 0)
        case 2:
            guard integer == 0 || (88...32767).contains(integer) else { throw .einval }
            configuration.tcp.maximumSegment = integer == 0 ? nil : UInt16(integer)
        case 4, 5: guard (1...32767).contains(integer) else { throw .einval }
        case 6: guard (1...127).contains(integer) else { throw .einval }
        case 7:
            guard (1...127).contains(integer) else { throw .einval }
            configuration.tcp.setLinuxSYNRetries(integer)
        case 8: configuration.tcp.finWait2 = .seconds(Int64(min(max(integer, 1), 120)))
        case 13:
            guard case .bytes(let name) = value else { throw .einval }
            let text = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            if text != "reno", text != "cubic" { want("congestion control \(text)") }
        case 18:
            guard integer >= 0 else { throw .einval }
            if integer != 0 { want("TCP_USER_TIMEOUT") }
        case 25, 36: break
        case 44: configuration.tcp.maximumRTO = .milliseconds(Int64(min(max(integer, 1000), 120_000)))
        default:
            guard let name = Self.missingTCPOptions[option] else { throw .enoprotoopt }
            if integer != 0 || value.number == nil { want(name) }
        }
        return value
    }

    /// Options of TCP that the stack knows nothing of.
    private static let missingTCPOptions: [Int: String] = [
        3: "TCP_CORK", 9: "TCP_DEFER_ACCEPT", 10: "TCP_WINDOW_CLAMP", 12: "TCP_QUICKACK", 14: "TCP_MD5SIG",
        16: "TCP_THIN_LINEAR_TIMEOUTS", 17: "TCP_THIN_DUPACK", 19: "TCP_REPAIR", 20: "TCP_REPAIR", 21: "TCP_REPAIR",
        22: "TCP_REPAIR", 23: "TCP_FASTOPEN", 24: "TCP_TIMESTAMP", 27: "TCP_SAVE_SYN", 29: "TCP_REPAIR",
        30: "TCP_FASTOPEN", 31: "TCP_ULP", 32: "TCP_MD5SIG", 33: "TCP_FASTOPEN", 34: "TCP_FASTOPEN",
        35: "TCP_ZEROCOPY_RECEIVE", 37: "TCP_TX_DELAY",
    ]

    private func setIPOption(_ level: Int, _ option: Int, _ value: OptionValue) throws(LinuxError) {
        let integer = value.number ?? 0
        switch (level, option) {
        case (Linux.solIP, 1), (Linux.solIPv6, 67):
            // For TCP the two ECN bits are the stack's own.
            configuration.trafficClass = UInt8(truncatingIfNeeded: integer) & ~3
        case (Linux.solIP, 2), (Linux.solIPv6, 16):
            guard integer == -1 || (1...255).contains(integer) else { throw .einval }
            configuration.hopLimit = integer == -1 ? 64 : UInt8(integer)
        case (Linux.solIP, 11), (Linux.solIPv6, 25): if integer != 0 { want("IP_RECVERR") }
        case (Linux.solIP, 13), (Linux.solIPv6, 66): if integer != 0 { want("IP_RECVTOS") }
        case (Linux.solIP, 4): want("IP_OPTIONS")
        default: break
        }
    }

    // MARK: Reading

    func getOption(_ fd: Int, _ level: Int, _ option: Int) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            let value: OptionValue
            switch level {
            case Linux.solSocket: value = try socketOption(socket, option)
            case Linux.solTCP: value = try tcpOption(socket, option)
            case Linux.solIP, Linux.solIPv6: value = ipOption(socket, level, option)
            default: throw .enoprotoopt
            }
            return .done(0, .option(value))
        }
    }

    private func socketOption(_ socket: Socket, _ option: Int) throws(LinuxError) -> OptionValue {
        switch option {
        case 3: return .integer(1)
        case 4: return .integer(Int(takeAnyError(socket)?.rawValue ?? 0))
        case 30: return .integer(socket.listeners == nil ? 0 : 1)
        case 38: return .integer(Linux.solTCP)
        case 39: return .integer(socket.domain)
        case 7: return .integer(2 * (socket.integer(Linux.solSocket, 7) ?? Int(configuration.tcp.sendBuffer) / 2))
        case 8: return .integer(2 * (socket.integer(Linux.solSocket, 8) ?? Int(configuration.tcp.receiveBuffer) / 2))
        case 18: return socket.options[OptionKey(level: Linux.solSocket, option: 18)] ?? .integer(1)
        case 13:
            return socket.options[OptionKey(level: Linux.solSocket, option: 13)] ?? .linger(isOn: false, seconds: 0)
        case 20, 21: return socket.options[OptionKey(level: Linux.solSocket, option: option)] ?? .time(.zero)
        default: return socket.options[OptionKey(level: Linux.solSocket, option: option)] ?? .integer(0)
        }
    }

    /// SO_ERROR, and behind it what ICMP has advised of (Linux's sk_err_soft).
    private func takeAnyError(_ socket: Socket) -> LinuxError? {
        if let error = socket.takeError() { return error }
        guard let info = info(of: socket), info.state.isSynchronized else { return nil }
        let advice = Int(info.icmpType) << 8 | Int(info.icmpCode)
        guard advice != socket.adviceTaken else { return nil }
        socket.adviceTaken = advice
        return LinuxError(icmp: info.icmpType, info.icmpCode, isIPv6: info.tuple.isIPv6)
    }

    private func tcpOption(_ socket: Socket, _ option: Int) throws(LinuxError) -> OptionValue {
        if option == 2 {
            if let info = info(of: socket), info.state.isSynchronized { return .integer(info.mss) }
            return .integer(socket.integer(Linux.solTCP, 2) ?? 536)
        }
        if option == 26 || option == 11 { want(option == 11 ? "getsockopt TCP_INFO" : "getsockopt TCP_CC_INFO") }
        if let value = socket.options[OptionKey(level: Linux.solTCP, option: option)] { return value }
        switch option {
        case 4: return .integer(7200)
        case 5: return .integer(75)
        case 6: return .integer(9)
        case 7: return .integer(configuration.tcp.linuxSYNRetries)
        case 8: return .integer(60)
        case 12: return .integer(1)
        case 13: return .bytes(Array("reno".utf8))
        case 1, 3, 9, 10, 16, 17, 18, 19, 23, 24, 25, 27, 30, 34, 36: return .integer(0)
        default: throw .enoprotoopt
        }
    }

    private func ipOption(_ socket: Socket, _ level: Int, _ option: Int) -> OptionValue {
        if let value = socket.options[OptionKey(level: level, option: option)] { return value }
        switch (level, option) {
        case (Linux.solIP, 2), (Linux.solIPv6, 16): return .integer(Int(configuration.hopLimit))
        case (Linux.solIP, 10), (Linux.solIPv6, 23): return .integer(1)
        default: return .integer(0)
        }
    }
}

extension OptionValue {
    /// The number that it is or begins with.
    var number: Int? {
        switch self {
        case .integer(let value): return value
        case .bytes(let bytes) where bytes.count >= 4:
            return (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
        default: return nil
        }
    }
}
