internal import NetPrimitives
internal import Netstack
internal import NetworkSimulation
internal import TCPStateMachine

/// Bytes go in and out.
extension SocketLayer {
    func receive(_ fd: Int, _ limit: Int, _ flags: Int, _ call: OngoingCall) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            if flags & Linux.msgErrQueue != 0 {
                want("MSG_ERRQUEUE")
                throw .eagain
            }
            guard limit >= 0 else { throw .einval }
            if socket.listeners != nil { throw .enotconn }
            let lowest = min(max(socket.integer(Linux.solSocket, 18) ?? 1, 1), max(limit, 1))
            let target = flags & Linux.msgWaitAll != 0 ? max(limit, 1) : lowest
            call.received += take(socket, limit: limit - call.received.count, peeks: flags & Linux.msgPeek != 0)
            if flags & Linux.msgPeek != 0 { call.received = Array(socket.peeked.prefix(limit)) }
            let count = call.received.count
            if count >= target { return received(call, flags, socket) }
            if limit == 0 { return .done(0, .bytes([], flags: 0, control: [])) }
            if let end = try readEnd(socket, hasData: count > 0) { return end ? received(call, flags, socket) : nil }
            if socket.isNonblocking || flags & Linux.msgDontWait != 0 || isTimedOut(call, socket, option: 20) {
                if count > 0 { return received(call, flags, socket) }
                throw .eagain
            }
            return nil
        }
    }

    /// - Returns: true when nothing more will come, `nil` when something may.
    private func readEnd(_ socket: Socket, hasData: Bool) throws(LinuxError) -> Bool? {
        if hasData, socket.pendingError != nil || socket.endWasNoticed { return true }
        // A FIN is the end for good; what fails later does not change that (SOCK_DONE).
        if socket.peerHasClosed { return true }
        if let error = socket.takeError() { throw error }
        if socket.readIsShut { return true }
        switch socket.stage {
        case .idle: throw .enotconn
        case .listening: throw .enotconn
        case .over: return true
        case .connection: return socket.endWasNoticed ? true : nil
        }
    }

    private func received(_ call: OngoingCall, _ flags: Int, _ socket: Socket) -> CallResult {
        var control: [ControlMessage] = []
        if socket.integer(Linux.solTCP, 36) ?? 0 != 0 {
            control.append(ControlMessage(level: Linux.solTCP, type: 36, value: readableBytes(socket)))
        }
        return .done(call.received.count, .bytes(call.received, flags: 0, control: control))
    }

    /// What can be read now, peeked bytes first.
    private func take(_ socket: Socket, limit: Int, peeks: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        if !peeks, !socket.peeked.isEmpty {
            bytes = Array(socket.peeked.prefix(limit))
            socket.peeked.removeFirst(bytes.count)
        }
        let wanted = peeks ? limit - socket.peeked.count : limit - bytes.count
        guard wanted > 0, let id = socket.connection else { return bytes }
        if case .bytes(let fresh) = driven.perform(.read(id, limit: wanted), at: now) {
            if peeks { socket.peeked += fresh } else { bytes += fresh }
        }
        return peeks ? [] : bytes
    }

    /// Bytes that a read would give.
    func readableBytes(_ socket: Socket) -> Int { socket.peeked.count + (info(of: socket)?.readableBytes ?? 0) }

    // MARK: Sending

    func send(_ fd: Int, _ bytes: [UInt8], _ flags: Int, _ call: OngoingCall) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            if flags & Linux.msgFastOpen != 0 { want("TCP_FASTOPEN") }
            if flags & Linux.msgZeroCopy != 0 { want("MSG_ZEROCOPY") }
            if flags & Linux.msgMore != 0 { want("MSG_MORE") }
            if flags & 1 != 0 { want("MSG_OOB") }
            let mayWait = !socket.isNonblocking && flags & Linux.msgDontWait == 0
            guard let id = socket.connection else { throw socket.takeError() ?? .epipe }
            if !socket.endWasNoticed, let state = info(of: socket)?.state, state == .synSent || state == .synReceived {
                // Linux takes data only once the connection stands.
                guard mayWait, !isTimedOut(call, socket, option: 21) else { throw .eagain }
                return nil
            }
            if socket.pendingError != nil || socket.writeIsShut || socket.endWasNoticed {
                if call.sent > 0 { return .done(call.sent) }
                throw socket.takeError() ?? .epipe
            }
            try push(bytes, id, socket, call)
            if call.sent == bytes.count { return .done(call.sent) }
            if mayWait, !isTimedOut(call, socket, option: 21) { return nil }
            guard call.sent > 0 else { throw .eagain }
            return .done(call.sent)
        }
    }

    /// Hands the stack what it takes.
    private func push(_ bytes: [UInt8], _ id: ConnectionID, _ socket: Socket, _ call: OngoingCall) throws(LinuxError) {
        while call.sent < bytes.count {
            let room = sendRoom(socket)
            guard room > 0 else { return }
            let piece = Array(bytes[call.sent..<min(call.sent + room, bytes.count)])
            switch driven.perform(.write(id, piece), at: now) {
            case .taken(let count):
                call.sent += count
            case .failed(.wouldBlock):
                return
            default:
                noticeEnd(of: socket)
                if call.sent == 0 { throw socket.takeError() ?? .epipe }
                return
            }
        }
    }

    /// Bytes that the send buffer still takes: what SO_SNDBUF was set to, or the stack's own.
    func sendRoom(_ socket: Socket) -> Int {
        let limit = min(socket.integer(Linux.solSocket, 7) ?? .max, Int(configuration.tcp.sendBuffer))
        return max(limit - (info(of: socket)?.unacknowledgedBytes ?? 0), 0)
    }

    // MARK: fcntl and ioctl

    func control(_ fd: Int, _ command: Int, _ argument: Int) -> CallResult? {
        result { () throws(LinuxError) in
            guard descriptors.indices.contains(fd), let entry = descriptors[fd] else { throw .ebadf }
            guard case .socket(let socket) = entry else { return .done(0) }
            switch command {
            case 1, 2: return .done(0)
            case 3: return .done(socket.flags & Linux.nonblock | 2)
            case 4:
                socket.flags = argument & Linux.nonblock
                return .done(0)
            default: throw .einval
            }
        }
    }

    func inquire(_ fd: Int, _ request: Int, _ argument: Int) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            if request == 0x5421 {
                socket.flags = argument != 0 ? socket.flags | Linux.nonblock : socket.flags & ~Linux.nonblock
                return .done(0)
            }
            if socket.listeners != nil { throw .einval }
            switch request {
            case 0x541B: return .done(0, .integer(readableBytes(socket)))
            case 0x5411: return .done(0, .integer(unacknowledged(socket, sent: true)))
            case 0x894B: return .done(0, .integer(unacknowledged(socket, sent: false)))
            default: throw .enotty
            }
        }
    }

    /// Sequence numbers between SND.UNA (or SND.NXT) and what was written, the FIN included.
    private func unacknowledged(_ socket: Socket, sent: Bool) -> Int {
        guard let info = info(of: socket), info.state.isSynchronized else { return 0 }
        let fin = [.finWait1, .closing, .lastAck].contains(info.state) ? 1 : 0
        let all = info.unacknowledgedBytes + fin
        return sent ? all : max(all - Int(info.snd.nxt - info.snd.una), 0)
    }
}
