public import NetPrimitives
internal import Netstack
internal import NetworkSimulation
internal import TCPStateMachine

/// Sockets come into being: socket, bind, listen, accept, connect.
extension SocketLayer {
    func makeSocket(_ domain: Int, _ type: Int, _ number: Int) -> CallResult {
        guard domain == Linux.inet || domain == Linux.inet6 else { return .failed(.eafnosupport) }
        let kind = type & 0xF
        guard kind == 1 else {
            want(kind == 2 ? "UDP sockets" : "raw sockets")
            return .failed(.eprotonosupport)
        }
        guard number == 0 || number == Linux.solTCP else {
            want("protocol \(number)")
            return .failed(.eprotonosupport)
        }
        return .done(insert(.socket(Socket(domain: domain, flags: type & Linux.nonblock))))
    }

    func bind(_ fd: Int, to local: Endpoint) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            guard case .idle = socket.stage, socket.local == nil else { throw .einval }
            var local = local
            if local.port == 0 { local.port = freePort(local.address) }
            let reuses = socket.integer(Linux.solSocket, 2) ?? 0 != 0
            for case .socket(let other)? in descriptors where other !== socket {
                guard let taken = other.local, taken.port == local.port else { continue }
                guard taken.address == local.address || taken.address.isAny || local.address.isAny else { continue }
                let otherReuses = other.integer(Linux.solSocket, 2) ?? 0 != 0
                if other.listeners != nil || !(reuses && otherReuses) { throw .eaddrinuse }
            }
            socket.local = local
            return .done(0)
        }
    }

    /// A port for bind() that nobody has: odd ones, as Linux leaves the even ones to connect().
    private func freePort(_ address: IPAddress) -> UInt16 {
        let range = configuration.ephemeralPorts
        var port = range.first | 1
        while port < range.last {
            let isTaken = descriptors.contains { entry in
                if case .socket(let socket)? = entry { socket.local?.port == port } else { false }
            }
            if !isTaken { return port }
            port += 2
        }
        return range.last
    }

    func listen(_ fd: Int, _ backlog: Int) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            // A negative backlog is a very large one.
            let most = backlog < 0 ? longestBacklog : min(backlog, longestBacklog)
            switch socket.stage {
            case .listening(let listeners):
                for listener in listeners { _ = driven.perform(.setBacklog(most, listener), at: now) }
                return .done(0)
            case .idle:
                var listeners: [ListenerID] = []
                let any: IPAddress = socket.domain == Linux.inet ? .v4(.any) : .v6(.any)
                let local = socket.local ?? Endpoint(any, freePort(any))
                socket.local = local
                for address in addresses(of: socket, local.address) {
                    let endpoint = Endpoint(address, local.port)
                    guard case .listener(let id) = driven.perform(.listen(endpoint, backlog: most), at: now) else {
                        for id in listeners { _ = driven.perform(.closeListener(id), at: now) }
                        throw .eaddrinuse
                    }
                    listeners.append(id)
                }
                socket.stage = .listening(listeners)
                return .done(0)
            case .connection, .over:
                throw .einval
            }
        }
    }

    /// Where a socket listens: IPv6's wildcard takes IPv4 too unless IPV6_V6ONLY says otherwise.
    private func addresses(of socket: Socket, _ local: IPAddress) -> [IPAddress] {
        guard local == .v6(.any), socket.integer(Linux.solIPv6, 26) ?? 0 == 0 else { return [local.unmapped] }
        return [.v6(.any), .v4(.any)]
    }

    func accept(_ fd: Int, _ flags: Int, _ call: OngoingCall) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            guard case .listening(let listeners) = socket.stage else { throw .einval }
            for listener in listeners {
                guard case .connection(let id) = driven.perform(.accept(listener), at: now) else { continue }
                let accepted = Socket(domain: socket.domain, flags: flags & Linux.nonblock)
                accepted.stage = .connection(id, isConnecting: false)
                accepted.options = socket.options
                if let info = try? driven.stack.info(of: id) {
                    accepted.local = info.tuple.local
                    accepted.remote = info.tuple.remote
                }
                if accepted.integer(Linux.solTCP, 1) ?? 0 != 0 {
                    _ = driven.perform(.setNoDelay(true, id), at: now)
                }
                return .done(insert(.socket(accepted)))
            }
            if socket.isNonblocking || isTimedOut(call, socket, option: 20) { throw .eagain }
            return nil
        }
    }

    func connect(_ fd: Int, to remote: Endpoint?, _ call: OngoingCall) -> CallResult? {
        result { () throws(LinuxError) in
            let socket = try find(fd)
            guard let remote else { return dissolve(socket) }
            switch socket.stage {
            case .listening:
                throw .eisconn
            case .idle:
                try open(socket, to: remote)
                if socket.isNonblocking, case .connection(_, isConnecting: true) = socket.stage,
                    !isSettled(socket)
                {
                    throw .einprogress
                }
                return try outcome(of: socket, call)
            case .connection(_, let isConnecting):
                guard isConnecting else { throw .eisconn }
                if !call.hasBegun, socket.isNonblocking, !isSettled(socket) { throw .ealready }
                return try outcome(of: socket, call)
            case .over:
                throw socket.takeError() ?? .econnaborted
            }
        }
    }

    private func open(_ socket: Socket, to remote: Endpoint) throws(LinuxError) {
        guard remote.address.isIPv6 == false || socket.domain == Linux.inet6 else { throw .eafnosupport }
        let peer = Endpoint(remote.address.unmapped, remote.port)
        let local = socket.local.map { Endpoint($0.address.unmapped, $0.port) }
        switch driven.perform(.connect(to: peer, from: local), at: now) {
        case .connection(let id):
            socket.stage = .connection(id, isConnecting: true)
            socket.remote = peer
            if let info = try? driven.stack.info(of: id) { socket.local = info.tuple.local }
            socket.endWasNoticed = false
            socket.peerHasClosed = false
            if socket.integer(Linux.solTCP, 1) ?? 0 != 0 { _ = driven.perform(.setNoDelay(true, id), at: now) }
        case .failed(let error):
            throw LinuxError(opening: error)
        default:
            throw .einval
        }
    }

    /// Whether the outcome of connect() is known.
    private func isSettled(_ socket: Socket) -> Bool {
        guard let info = info(of: socket) else { return true }
        return socket.endWasNoticed || info.state.isSynchronized || info.state == .closed
    }

    private func outcome(of socket: Socket, _ call: OngoingCall) throws(LinuxError) -> CallResult? {
        guard isSettled(socket) else {
            // SO_SNDTIMEO bounds a blocking connect.
            if isTimedOut(call, socket, option: 21) { throw .einprogress }
            return nil
        }
        if case .connection(let id, _) = socket.stage, let info = info(of: socket), info.state.isSynchronized {
            socket.stage = .connection(id, isConnecting: false)
            return .done(0)
        }
        noticeEnd(of: socket)
        let error = socket.takeError() ?? .econnaborted
        letGo(of: socket, becoming: .idle)
        throw error
    }

    /// connect() to AF_UNSPEC: back to the beginning.
    private func dissolve(_ socket: Socket) -> CallResult {
        if let id = socket.connection { _ = driven.perform(.abort(id), at: now) }
        for listener in socket.listeners ?? [] { _ = driven.perform(.closeListener(listener), at: now) }
        socket.stage = .idle
        socket.pendingError = nil
        socket.peeked = []
        socket.remote = nil
        (socket.readIsShut, socket.writeIsShut, socket.peerHasClosed, socket.endWasNoticed) = (
            false, false, false, false
        )
        return .done(0)
    }

    /// Whether a call has waited as long as SO_RCVTIMEO (20) or SO_SNDTIMEO (21) allows; sets its deadline.
    func isTimedOut(_ call: OngoingCall, _ socket: Socket, option: Int) -> Bool {
        let key = OptionKey(level: Linux.solSocket, option: option)
        guard case .time(let limit)? = socket.options[key], limit > .zero else { return false }
        let deadline = call.deadline ?? now + limit
        call.deadline = deadline
        return deadline <= now
    }
}

extension IPAddress {
    /// The IPv4 address that an IPv4-mapped one stands for; any other as it is.
    public var unmapped: IPAddress {
        if case .v6(let v6) = self, v6.isIPv4Mapped { return .v4(IPv4Address(UInt32(truncatingIfNeeded: v6.low))) }
        return self
    }
}

extension LinuxError {
    /// What connect() says when there is nothing to begin with.
    init(opening error: StackError) {
        switch error {
        case .addressInUse: self = .eaddrinuse
        case .addressNotAvailable, .noPorts: self = .eaddrnotavail
        case .outOfMemory: self = .enobufs
        case .noRoute, .addressNotUsable: self = .enetunreach
        default: self = .einval
        }
    }

    /// What a connection's end means to a socket.
    init?(_ failure: ConnectionFailure, peerHasClosed: Bool) {
        switch failure {
        case .refused: self = .econnrefused
        case .reset: self = peerHasClosed ? .epipe : .econnreset
        case .timedOut(let attempt):
            // Advice from ICMP names the reason, if there was any.
            let advice = attempt.icmp.flatMap { LinuxError(icmp: $0.type, $0.code, isIPv6: $0.reporter.isIPv6) }
            self = advice ?? .etimedout
        case .peerSilent: self = .etimedout
        case .unreachable(let evidence, _):
            self = LinuxError(icmp: evidence.type, evidence.code, isIPv6: evidence.reporter.isIPv6) ?? .ehostunreach
        case .aborted: return nil
        }
    }

    /// What an ICMP error means to a socket; `nil` for those that mean nothing.
    init?(icmp type: UInt8, _ code: UInt8, isIPv6: Bool) {
        let unreachable: [LinuxError] = [
            .enetunreach, .ehostunreach, .enoprotoopt, .econnrefused, .ehostunreach, .eopnotsupp, .enetunreach,
            .ehostdown, .enonet, .enetunreach, .ehostunreach, .enetunreach, .ehostunreach, .ehostunreach,
            .ehostunreach, .ehostunreach,
        ]
        switch (isIPv6, type) {
        case (false, 3) where Int(code) < unreachable.count && code != 4: self = unreachable[Int(code)]
        case (false, 11): self = .ehostunreach
        case (false, 12): self = .eproto
        case (true, 1):
            // No route, prohibited, beyond the scope, address, port, policy, reject route.
            let codes: [LinuxError] = [
                .enetunreach, LinuxError(rawValue: 13), .ehostunreach, .ehostunreach, .econnrefused,
                LinuxError(rawValue: 13), LinuxError(rawValue: 13),
            ]
            self = Int(code) < codes.count ? codes[Int(code)] : .eproto
        case (true, 3): self = .ehostunreach
        case (true, 4): self = .eproto
        default: return nil
        }
    }
}
