internal import NetPrimitives
internal import Netstack
internal import NetworkSimulation
internal import TCPStateMachine

/// Sockets end.
extension SocketLayer {
    /// The stack has ended a connection: why, for whoever asks next.
    func noticeEnd(of socket: Socket) {
        guard !socket.endWasNoticed, let id = socket.connection else { return }
        socket.endWasNoticed = true
        guard let failure = (try? driven.stack.failure(of: id)) ?? nil else { return }
        socket.pendingError = LinuxError(failure, peerHasClosed: socket.peerHasClosed)
        // RFC 9293 calls that refused too; to Linux only a RST in SYN-SENT refuses.
        if socket.opensTogether, socket.pendingError == .econnrefused { socket.pendingError = .econnreset }
    }

    /// Which attempts have met the peer's own SYN.
    func noteSimultaneousOpens() {
        for case .socket(let socket)? in descriptors {
            guard case .connection(_, isConnecting: true) = socket.stage, !socket.opensTogether else { continue }
            socket.opensTogether = info(of: socket)?.state == .synReceived
        }
    }

    /// Gives the handle of a connection that is over back to the stack.
    func letGo(of socket: Socket, becoming stage: Socket.Stage) {
        if let id = socket.connection { _ = driven.perform(.close(id), at: now) }
        socket.stage = stage
    }

    func shutdown(_ fd: Int, _ how: Int) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            guard (0...2).contains(how) else { throw .einval }
            switch socket.stage {
            case .idle, .over:
                throw .enotconn
            case .listening(let listeners):
                guard how != 1 else { return .done(0) }
                for listener in listeners { _ = driven.perform(.closeListener(listener), at: now) }
                socket.stage = .idle
                return .done(0)
            case .connection(let id, _):
                if socket.endWasNoticed { throw .enotconn }
                if info(of: socket)?.state == .synSent {
                    // Linux disconnects: whatever the side, the attempt is over, and a reader is told of a reset.
                    _ = driven.perform(.abort(id), at: now)
                    socket.stage = .over
                    socket.pendingError = .econnreset
                    (socket.readIsShut, socket.writeIsShut) = (true, true)
                    return .done(0)
                }
                if how != 1 { socket.readIsShut = true }
                if how != 0, !socket.writeIsShut {
                    socket.writeIsShut = true
                    _ = driven.perform(.shutdown(id), at: now)
                }
                return .done(0)
            }
        }
    }

    func close(_ fd: Int, _ call: OngoingCall) -> CallResult? {
        guard descriptors.indices.contains(fd), let entry = descriptors[fd] else {
            // A blocking close that was begun with its descriptor gone: see below.
            return call.hasBegun ? .done(0) : .failed(.ebadf)
        }
        guard case .socket(let socket) = entry else {
            descriptors[fd] = nil
            return .done(0)
        }
        let linger = socket.options[OptionKey(level: Linux.solSocket, option: 13)]
        switch socket.stage {
        case .idle, .over:
            break
        case .listening(let listeners):
            for listener in listeners { _ = driven.perform(.closeListener(listener), at: now) }
        case .connection(let id, _):
            if case .linger(true, let seconds)? = linger {
                if seconds == 0 {
                    _ = driven.perform(.abort(id), at: now)
                } else if lingers(socket, id, call, seconds: seconds) {
                    return nil
                } else {
                    _ = driven.perform(.close(id), at: now)
                }
            } else if !socket.peeked.isEmpty {
                // Peeked is not read (RFC 9293, 3.6.1, MUST-17).
                _ = driven.perform(.abort(id), at: now)
            } else {
                _ = driven.perform(.close(id), at: now)
            }
        }
        descriptors[fd] = nil
        unwatch(fd)
        return .done(0)
    }

    /// Whether close() still has to wait: what was written, and the FIN behind it, is not acknowledged and the time of
    /// SO_LINGER is not over.
    private func lingers(_ socket: Socket, _ id: ConnectionID, _ call: OngoingCall, seconds: Int) -> Bool {
        guard !socket.isNonblocking, let info = info(of: socket), info.readableBytes == 0 else { return false }
        if !call.hasBegun {
            call.deadline = now + .seconds(Int64(seconds))
            guard info.state.isSynchronized, !socket.endWasNoticed else { return false }
            _ = driven.perform(.shutdown(id), at: now)
            return true
        }
        return (call.deadline ?? now) > now && [.finWait1, .closing, .lastAck].contains(info.state)
    }

    /// Closes everything, as the end of a process does.
    public func closeAll() {
        for fd in descriptors.indices where descriptors[fd] != nil { _ = perform(.close(fd)) }
    }
}
