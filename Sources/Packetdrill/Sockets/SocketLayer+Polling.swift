internal import NetPrimitives
internal import Netstack
internal import NetworkSimulation
internal import TCPStateMachine

/// poll and epoll.
extension SocketLayer {
    /// What `poll` would report of a descriptor if it were asked for everything, as tcp_poll() has it.
    func readiness(_ fd: Int) -> Int {
        guard descriptors.indices.contains(fd), let entry = descriptors[fd] else { return Poll.nval }
        switch entry {
        case .epoll(let instance):
            return instance.watches.contains { isDue($0) } ? Poll.readable : 0
        case .socket(let socket):
            return readiness(of: socket)
        }
    }

    private func readiness(of socket: Socket) -> Int {
        var mask = socket.pendingError != nil ? Poll.err : 0
        switch socket.stage {
        case .listening(let listeners):
            let waiting = listeners.contains { id in
                ((try? driven.stack.info(of: id))?.acceptQueueLength ?? 0) > 0
            }
            return waiting ? mask | Poll.readable : mask
        case .idle:
            return mask | Poll.hup | Poll.writable
        case .over:
            return mask | Poll.hup | Poll.readable | Poll.rdhup | Poll.writable
        case .connection:
            break
        }
        guard let info = info(of: socket) else { return mask | Poll.hup }
        let isOver = socket.endWasNoticed || info.state == .closed
        if !isOver, info.state == .synSent || info.state == .synReceived { return mask }
        let readIsOver = socket.readIsShut || socket.peerHasClosed || isOver
        let writeIsOver = socket.writeIsShut || isOver
        if isOver || readIsOver && writeIsOver { mask |= Poll.hup }
        if readIsOver { mask |= Poll.readable | Poll.rdhup }
        let lowest = max(socket.integer(Linux.solSocket, 18) ?? 1, 1)
        if readableBytes(socket) >= lowest { mask |= Poll.readable }
        if writeIsOver || isWritable(socket, info) { mask |= Poll.writable }
        return mask
    }

    /// sk_stream_is_writeable(): a third of the buffer free, and little enough not yet sent.
    private func isWritable(_ socket: Socket, _ info: ConnectionInfo) -> Bool {
        guard sendRoom(socket) >= info.unacknowledgedBytes / 2, sendRoom(socket) > 0 else { return false }
        guard let lowat = socket.integer(Linux.solTCP, 25), lowat > 0 else { return true }
        return info.unacknowledgedBytes - Int(info.snd.nxt - info.snd.una) < lowat
    }

    func poll(_ entries: [PollEntry], _ timeout: Int, _ call: OngoingCall) -> CallResult? {
        var entries = entries
        for index in entries.indices {
            let entry = entries[index]
            entries[index].returned =
                entry.descriptor < 0
                ? 0 : readiness(entry.descriptor) & (entry.events | Poll.err | Poll.hup | Poll.nval)
        }
        let ready = entries.count { $0.returned != 0 }
        if ready > 0 || hasWaited(call, timeout) { return .done(ready, .polled(entries)) }
        return nil
    }

    /// Whether a timeout in milliseconds is over; sets the call's deadline.
    private func hasWaited(_ call: OngoingCall, _ timeout: Int) -> Bool {
        if timeout == 0 { return true }
        guard timeout > 0 else { return false }
        let deadline = call.deadline ?? now + .milliseconds(Int64(timeout))
        call.deadline = deadline
        return deadline <= now
    }

    // MARK: epoll

    private func findEpoll(_ fd: Int) throws(LinuxError) -> EpollInstance {
        guard descriptors.indices.contains(fd), let entry = descriptors[fd] else { throw .ebadf }
        guard case .epoll(let instance) = entry else { throw .einval }
        return instance
    }

    func epollControl(_ fd: Int, _ operation: Int, _ target: Int, _ event: EpollEvent?) -> CallResult? {
        result { () throws(LinuxError) in
            guard descriptors.indices.contains(target), descriptors[target] != nil else { throw .ebadf }
            let instance = try findEpoll(fd)
            if fd == target { throw .einval }
            let place = instance.watches.firstIndex { $0.descriptor == target }
            switch operation {
            case 1:
                guard let event else { throw .efault }
                guard place == nil else { throw .eexist }
                instance.watches.append(EpollInstance.Watch(descriptor: target, event: event))
            case 2:
                guard let place else { throw .enoent }
                instance.watches.remove(at: place)
            case 3:
                guard let event else { throw .efault }
                guard let place else { throw .enoent }
                instance.watches[place] = EpollInstance.Watch(descriptor: target, event: event)
            default:
                throw .einval
            }
            return .done(0)
        }
    }

    func epollWait(_ fd: Int, _ limit: Int, _ timeout: Int, _ call: OngoingCall) -> CallResult? {
        result { () throws(LinuxError) in
            let instance = try findEpoll(fd)
            guard limit > 0 else { throw .einval }
            var events: [EpollEvent] = []
            for index in instance.watches.indices where events.count < limit {
                let watch = instance.watches[index]
                guard isDue(watch) else { continue }
                let mask = reported(watch)
                events.append(EpollEvent(events: mask, data: watch.event.data))
                instance.watches[index].reportedMask = mask
                instance.watches[index].reportedActivity = activity(watch.descriptor)
                if watch.event.events & Poll.oneShot != 0 { instance.watches[index].isDisabled = true }
            }
            if !events.isEmpty || hasWaited(call, timeout) { return .done(events.count, .events(events)) }
            return nil
        }
    }

    private func reported(_ watch: EpollInstance.Watch) -> Int {
        readiness(watch.descriptor) & (watch.event.events & 0xFFFF | Poll.err | Poll.hup)
    }

    /// An edge-triggered watch is due again when something has happened since it was last reported.
    private func isDue(_ watch: EpollInstance.Watch) -> Bool {
        let mask = reported(watch)
        guard mask != 0, !watch.isDisabled else { return false }
        guard watch.event.events & Poll.edgeTriggered != 0 else { return true }
        return mask & ~watch.reportedMask != 0 || activity(watch.descriptor) != watch.reportedActivity
    }

    private func activity(_ fd: Int) -> Int {
        guard descriptors.indices.contains(fd), case .socket(let socket)? = descriptors[fd] else { return 0 }
        return socket.activity
    }

    /// A closed descriptor is watched no more.
    func unwatch(_ fd: Int) {
        for case .epoll(let instance)? in descriptors { instance.watches.removeAll { $0.descriptor == fd } }
    }
}

/// The bits of poll and epoll.
private enum Poll {
    static let readable = 0x1 | 0x40
    static let writable = 0x4 | 0x100
    static let err = 0x8
    static let hup = 0x10
    static let nval = 0x20
    static let rdhup = 0x2000
    static let oneShot = 1 << 30
    static let edgeTriggered = 1 << 31
}
