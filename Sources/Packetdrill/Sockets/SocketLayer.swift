public import NetPrimitives
public import Netstack
public import NetworkSimulation

/// A packet that left the stack, and when.
public struct SentPacket: Hashable, Sendable {
    public var bytes: [UInt8]
    public var at: Instant
}

/// Sockets as Linux has them, over a stack in virtual time.
///
/// Calls are values: ``begin(_:)`` starts one. A call that would block is kept and asked again after everything that
/// happens to the stack. Time stands still but for ``advance(to:)``, and what the stack sends collects in ``sent``.
///
/// The options of single sockets that the stack only knows for all (buffers, SYN retransmissions, MSS) are set for the
/// whole stack; those that it does not know are stored, read back, and named in ``wanted``.
public final class SocketLayer {
    /// The stack below.
    public internal(set) var driven: DrivenStack
    /// The virtual time.
    public private(set) var now = Instant.zero
    /// What the stack has sent and nobody has taken.
    public var sent: [SentPacket] = []
    /// Sees each packet as it leaves.
    public var onSent: ((SentPacket) -> Void)?
    /// Features that calls asked for and that the stack does not have, in the order in which they were first asked for.
    public private(set) var wanted: [String] = []
    /// net.core.somaxconn: what listen() cuts a backlog to.
    public var longestBacklog = 4096
    /// Turns of the stack so far.
    public private(set) var steps = 0

    /// A fault that a test has put between the stack and the rest.
    var tampering: Tampering?
    let interface: InterfaceID
    var descriptors: [DescriptorEntry?] = [nil, nil, nil]
    private var blocked: [OngoingCall] = []

    /// - Parameters:
    ///   - stack: with its configuration; it gets one interface.
    ///   - addresses: what the interface has; everything else is reached through it.
    ///   - mtu: of the interface.
    public init(
        _ stack: consuming NetworkStack, addresses: [IPPrefix], mtu: Int = 1500
    ) throws(StackError) {
        interface = try stack.addInterface(InterfaceConfiguration(mtu: mtu))
        for address in addresses { try stack.addAddress(address, to: interface) }
        if let v4 = IPPrefix(.v4(.any), length: 0) { try stack.addRoute(v4, by: interface) }
        if let v6 = IPPrefix(.v6(.any), length: 0) { try stack.addRoute(v6, by: interface) }
        driven = DrivenStack(stack)
    }

    /// Gives the interface one more address; true when it has it now.
    @discardableResult
    public func addAddress(_ address: IPAddress) -> Bool {
        (try? driven.stack.addAddress(IPPrefix(host: address), to: interface)) != nil
    }

    /// How the stack behaves.
    public var configuration: Configuration {
        get { driven.stack.configuration }
        set { driven.stack.configuration = newValue }
    }

    /// What the stack's tables hold.
    public var tables: TableCounts { driven.stack.tables }

    /// Notes that something was asked for that the stack does not do.
    public func want(_ feature: String) {
        if !wanted.contains(feature) { wanted.append(feature) }
    }

    // MARK: Time and packets

    /// When the stack or a blocked call has something to do next.
    public var nextDeadline: Instant? {
        let calls = blocked.compactMap(\.deadline).min()
        guard let stack = driven.stack.nextDeadline() else { return calls }
        return calls.map { min($0, stack) } ?? stack
    }

    /// A packet reaches the stack.
    public func receive(_ packet: [UInt8]) {
        for packet in tampering?.incoming(packet) ?? [packet] {
            take(driven.perform(.receive(packet, interface), at: now))
            settle()
        }
    }

    /// Lets time pass up to `instant`, doing what falls due on the way in its order.
    /// - Parameter stop: asked after each step; true ends the journey there.
    public func advance(to instant: Instant, until stop: () -> Bool = { false }) {
        var turns = 0
        while let deadline = nextDeadline, deadline <= instant, turns < 100_000 {
            turns += 1
            now = max(now, deadline)
            _ = driven.perform(.timersFired, at: now)
            settle()
            if stop() { return }
        }
        now = max(now, instant)
    }

    /// The stack's turn: what it has to send goes out, what it has to tell is heeded, blocked calls are asked again.
    func settle() {
        steps += 1
        noteSimultaneousOpens()
        repeat {
            flush()
            while case .event(let event?) = driven.perform(.nextEvent, at: now) { heed(event) }
        } while askBlockedCalls()
        flush()
    }

    private func flush() {
        while true {
            guard case .packets(let packets) = driven.perform(.transmit, at: now), !packets.isEmpty else { return }
            take(.packets(packets))
        }
    }

    private func take(_ outcome: StackOutcome) {
        guard case .packets(let packets) = outcome else { return }
        for packet in packets {
            for copy in tampering?.outgoing(packet.bytes) ?? [Tampering.Outgoing(bytes: packet.bytes)] {
                let packet = SentPacket(bytes: copy.bytes, at: now + copy.delay)
                sent.append(packet)
                onSent?(packet)
            }
        }
    }

    private func heed(_ event: StackEvent) {
        switch event {
        case .established(let id), .readable(let id), .writable(let id): socket(of: id)?.activity += 1
        case .readClosed(let id):
            guard let socket = socket(of: id) else { return }
            socket.activity += 1
            socket.peerHasClosed = true
        case .closed(let id):
            guard let socket = socket(of: id) else { return }
            socket.activity += 1
            noticeEnd(of: socket)
        case .reported: break
        case .acceptable(let id):
            for case .socket(let socket)? in descriptors where socket.listeners?.contains(id) == true {
                socket.activity += 1
            }
        // No listener here asks.
        case .requested, .withdrawn: break
        }
    }

    private func socket(of id: ConnectionID) -> Socket? {
        for case .socket(let socket)? in descriptors where socket.connection == id { return socket }
        return nil
    }

    // MARK: Calls

    /// Starts a call. It is over at once when its ``OngoingCall/result`` is there.
    public func begin(_ call: SystemCall) -> OngoingCall {
        let ongoing = OngoingCall(call)
        ask(ongoing)
        if ongoing.result == nil { blocked.append(ongoing) }
        settle()
        return ongoing
    }

    /// Does a call that does not block.
    @discardableResult
    public func perform(_ call: SystemCall) -> CallResult {
        let ongoing = begin(call)
        if ongoing.result == nil { cancel(ongoing) }
        return ongoing.result ?? .failed(.eagain)
    }

    /// Forgets a call that blocks: it never returns.
    public func cancel(_ ongoing: OngoingCall) { blocked.removeAll { $0 === ongoing } }

    private func ask(_ ongoing: OngoingCall) {
        let isFirst = !ongoing.hasBegun
        ongoing.result = attempt(ongoing, isFirst: isFirst)
        ongoing.hasBegun = true
        if ongoing.result != nil { ongoing.finishedAt = now }
    }

    /// - Returns: whether one of them got on, so that the stack may have something to send again.
    private func askBlockedCalls() -> Bool {
        var gotOn = false
        for ongoing in blocked {
            let before = ongoing.sent + ongoing.received.count
            ask(ongoing)
            if ongoing.result != nil || ongoing.sent + ongoing.received.count != before { gotOn = true }
        }
        blocked.removeAll { $0.result != nil }
        return gotOn
    }

    /// `nil`: it blocks.
    private func attempt(_ ongoing: OngoingCall, isFirst: Bool) -> CallResult? {
        switch ongoing.call {
        case .socket(let domain, let type, let number): makeSocket(domain, type, number)
        case .bind(let fd, let local): bind(fd, to: local)
        case .listen(let fd, let backlog): listen(fd, backlog)
        case .accept(let fd, let flags): accept(fd, flags, ongoing)
        case .connect(let fd, let remote): connect(fd, to: remote, ongoing)
        case .receive(let fd, let limit, let flags): receive(fd, limit, flags, ongoing)
        case .send(let fd, let bytes, let flags): send(fd, bytes, flags, ongoing)
        case .fcntl(let fd, let command, let argument): control(fd, command, argument)
        case .ioctl(let fd, let request, let argument): inquire(fd, request, argument)
        case .close(let fd): close(fd, ongoing)
        case .shutdown(let fd, let how): shutdown(fd, how)
        case .getOption(let fd, let level, let option): getOption(fd, level, option)
        case .setOption(let fd, let level, let option, let value): setOption(fd, level, option, value)
        case .poll(let entries, let timeout): poll(entries, timeout, ongoing)
        case .epollCreate: .done(insert(.epoll(EpollInstance())))
        case .epollControl(let fd, let operation, let target, let event):
            epollControl(fd, operation, target, event)
        case .epollWait(let fd, let limit, let timeout): epollWait(fd, limit, timeout, ongoing)
        }
    }

    // MARK: Descriptors

    /// The lowest free number, as POSIX wants it.
    func insert(_ entry: DescriptorEntry) -> Int {
        if let free = descriptors.indices.first(where: { $0 > 2 && descriptors[$0] == nil }) {
            descriptors[free] = entry
            return free
        }
        descriptors.append(entry)
        return descriptors.count - 1
    }

    func find(_ fd: Int) throws(LinuxError) -> Socket {
        guard descriptors.indices.contains(fd), let entry = descriptors[fd] else { throw .ebadf }
        guard case .socket(let socket) = entry else { throw .enotsock }
        return socket
    }

    /// The connection of a socket, for those who want to look at it; `nil` when it has none (any more).
    public func connection(of fd: Int) -> ConnectionID? { (try? find(fd))?.connection }

    /// The other end of a socket's connection as its domain has it, IPv4-mapped for a socket of IPv6; `nil` for none.
    public func peer(of fd: Int) -> Endpoint? {
        guard let socket = try? find(fd), let remote = socket.remote else { return nil }
        guard socket.domain == Linux.inet6, case .v4(let v4) = remote.address else { return remote }
        return Endpoint(.v6(IPv6Address(high: 0, low: 0xFFFF << 32 | UInt64(v4.rawValue))), remote.port)
    }

    /// Turns a failure into what a call returns.
    func result(_ body: () throws(LinuxError) -> CallResult?) -> CallResult? {
        do { return try body() } catch { return .failed(error) }
    }

    func info(of socket: Socket) -> ConnectionInfo? {
        guard let id = socket.connection else { return nil }
        return try? driven.stack.info(of: id)
    }
}
