public import NetPrimitives
import TCPStateMachine

extension NetworkStack {
    /// RECEIVE: moves what has come, as much as fits, to the front of `target`.
    /// - Returns: bytes moved; 0 when the peer has ended its side and all is read, or `target` is empty.
    /// - Throws: ``StackError/wouldBlock`` when there is nothing yet; ``StackError/connectionOver(_:)`` when nothing
    ///   will come because the connection failed. What came before the failure is read first.
    @_lifetime(target: copy target)
    public mutating func read(_ id: ConnectionID, into target: inout MutableSpan<UInt8>) throws(StackError) -> Int {
        let slot = try check(id)
        openAccount(of: slot)
        let count = flows.connections[slot].tcb.read(
            into: &target, memory: &memory, configuration: configuration.tcp)
        closeAccount(of: slot)
        if count > 0 {
            scheduleOutput(slot)
            return count
        }
        if target.isEmpty { return 0 }
        if let failure = failure(slot) { throw .connectionOver(failure) }
        guard flows.connections[slot].tcb.isReadSideClosed else { throw .wouldBlock }
        return 0
    }

    /// SEND: takes bytes to be sent.
    /// - Returns: bytes taken, at least 1 unless `bytes` is empty.
    /// - Throws: ``StackError/wouldBlock`` when there is no room: ``StackEvent/writable(_:)`` will tell.
    ///   ``StackError/sideClosed`` after ``shutdown(_:at:)``.
    public mutating func write(_ id: ConnectionID, _ bytes: Span<UInt8>) throws(StackError) -> Int {
        let slot = try check(id)
        if let failure = failure(slot) { throw .connectionOver(failure) }
        guard flows.connections[slot].tcb.canWrite else { throw .sideClosed }
        if bytes.isEmpty { return 0 }
        openAccount(of: slot)
        let count = flows.connections[slot].tcb.write(bytes, memory: &memory, configuration: configuration.tcp)
        closeAccount(of: slot)
        guard count > 0 else { throw .wouldBlock }
        scheduleOutput(slot)
        return count
    }

    /// Ends this side (RFC 9293, 3.10.4): a FIN follows what was written. Reading goes on. An attempt that has had no
    /// answer yet is given up.
    public mutating func shutdown(_ id: ConnectionID, at now: Instant) throws(StackError) {
        let slot = try check(id)
        openAccount(of: slot)
        let disposition = flows.connections[slot].tcb.shutdown(memory: &memory)
        closeAccount(of: slot)
        end(slot, disposition, at: now)
    }

    /// Lets go of a connection: what was written is still delivered and both ends close properly, unless data is
    /// unread: then the peer is reset (RFC 9293, 3.6.1, MUST-17). The handle is stale afterwards.
    public mutating func close(_ id: ConnectionID, at now: Instant) throws(StackError) {
        let slot = try check(id)
        letGo(slot)
        openAccount(of: slot)
        let disposition = flows.connections[slot].tcb.release(
            memory: &memory, configuration: configuration.tcp, at: now)
        closeAccount(of: slot)
        if disposition.reply != nil { counters.abortsOnClose &+= 1 }
        end(slot, disposition, at: now)
    }

    /// ABORT (RFC 9293, 3.10.5): the peer is reset, what is queued is lost. The handle is stale afterwards.
    public mutating func abort(_ id: ConnectionID, at now: Instant) throws(StackError) {
        let slot = try check(id)
        letGo(slot)
        counters.abortsOnData &+= 1
        abortConnection(slot, at: now)
    }

    /// Nobody holds the connection any more: its handle is stale, and there is nobody to tell anything.
    private mutating func letGo(_ slot: Slot) {
        flows.connections[slot].flags.remove(.held)
        flows.connections[slot].generation = 0
        if flows.connections[slot].flags.contains(.ready) {
            flows.connections[slot].flags.remove(.ready)
            flows.connections.remove(slot, from: &readyConnections, links: ConnectionEntry.readyLinks)
        }
    }

    /// Small segments go out at once (`true`) or wait for company (RFC 9293, 3.7.4, the Nagle algorithm).
    public mutating func setNoDelay(_ noDelay: Bool, of id: ConnectionID) throws(StackError) {
        let slot = try check(id)
        flows.connections[slot].tcb.setNoDelay(noDelay)
        scheduleOutput(slot)
    }

    /// Puts a connection into the output list if it has something to send.
    private mutating func scheduleOutput(_ slot: Slot) {
        // What meets a closed window has no segment, but a timer to start (RFC 9293, 3.8.6.1, MUST-36): transmitting
        // does both.
        guard !flows.connections[slot].flags.contains(.output),
            flows.connections[slot].tcb.hasSegment(memory: memory, configuration: configuration.tcp)
                || flows.connections[slot].tcb.needsPersistTimer
        else { return }
        flows.connections[slot].flags.insert(.output)
        flows.connections.append(slot, to: &output, links: ConnectionEntry.outputLinks)
    }
}
