public import NetPrimitives

/// RFC 9293, 3.10.2 to 3.10.5: SEND, RECEIVE, CLOSE and ABORT.
extension Connection {
    /// SEND: takes bytes into the send queue.
    /// - Returns: how many; fewer than offered when the buffer or the memory is full. 0 asks to be told
    ///   (``ConnectionEffects/writable``) when there is room; it is also the answer when this side is closed.
    public mutating func write(
        _ bytes: Span<UInt8>, memory: inout ConnectionMemory, configuration: TCPConfiguration
    ) -> Int {
        guard canWrite else { return 0 }
        let room = max(Int(min(configuration.sendBuffer, 4_190_208)) &- sendRing.count, 0)
        let length = min(bytes.count, room)
        let taken = length > 0 ? sendRing.append(bytes.extracting(0..<length), pool: &memory.chunks) : 0
        if taken < length { memory.shortage.writes &+= 1 }
        if taken < bytes.count { flags.insert(.wantsToWrite) }
        return taken
    }

    /// Whether a SEND is allowed: the connection is opening or open, and this side has not closed.
    public var canWrite: Bool { (state.canSend || isOpening) && !flags.contains(.finQueued) }

    /// RECEIVE: moves received bytes to `target`, as many as there are and as fit.
    @_lifetime(target: copy target)
    public mutating func read(
        into target: inout MutableSpan<UInt8>, memory: inout ConnectionMemory,
        configuration: TCPConfiguration
    ) -> Int {
        let length = min(target.count, receiveRing.count)
        guard length > 0 else { return 0 }
        receiveRing.copy(at: 0, count: length, into: &target, pool: memory.chunks)
        receiveRing.consume(length, pool: &memory.chunks)
        if state.canReceive, opensWindowEnough(memory: memory, configuration: configuration) {
            flags.insert(.ackNow)
        }
        return length
    }

    /// CLOSE (3.10.4): a FIN follows what is queued. Data can still be received.
    /// - Returns: the end, if it was still in SYN-SENT: there is nothing to close yet.
    public mutating func shutdown(memory: inout ConnectionMemory) -> Disposition {
        guard !flags.contains(.finQueued) else { return .proceed }
        switch state {
        case .synSent:
            // 3.10.4, SYN-SENT: the connection is deleted; queued SENDs and RECEIVEs are told so.
            finish(memory: &memory)
            return ended(.aborted)
        case .synReceived:
            flags.insert(.finQueued)
        case .established:
            flags.insert(.finQueued)
            state = .finWait1
        case .closeWait:
            flags.insert(.finQueued)
            state = .lastAck
        default:
            break
        }
        return .proceed
    }

    /// The application lets go of the connection: CLOSE, and nobody is left to read.
    /// - Returns: how it ends at once, if it does: unread data or SYN-SENT leave nothing to finish properly.
    public mutating func release(
        memory: inout ConnectionMemory, configuration: TCPConfiguration, at now: Instant
    ) -> Disposition {
        flags.insert(.orphaned)
        switch state {
        case .closed, .timeWait:
            return .proceed
        case .listen, .synSent:
            // 3.10.4: CLOSE in SYN-SENT deletes the connection; nothing was promised to anyone.
            finish(memory: &memory)
            return ended(.aborted)
        default:
            // RFC 9293, 3.6.1 (MUST-17): data that is thrown away unread is told with a RST.
            if receiveRing.count > 0 { return abort(memory: &memory) }
            if state == .finWait2 { lifetimeAt = now + configuration.finWait2 }
            return shutdown(memory: &memory)
        }
    }

    /// Small segments go out at once, or wait while data is unacknowledged (RFC 9293, 3.7.4, SHLD-7).
    public mutating func setNoDelay(_ noDelay: Bool) {
        if noDelay { flags.insert(.noDelay) } else { flags.remove(.noDelay) }
    }

    /// ABORT (3.10.5): the queues are flushed, and the peer gets a RST if it knows of us.
    public mutating func abort(memory: inout ConnectionMemory) -> Disposition {
        var disposition = ended(.aborted)
        switch state {
        case .synReceived, .established, .finWait1, .finWait2, .closeWait:
            // SND.NXT, as the peer has seen it or will.
            disposition.reply = .ending(seq: snd.max, ack: rcv.nxt)
        default:
            break
        }
        finish(memory: &memory)
        discardReceived(memory: &memory)
        return disposition
    }

    /// Gives back all memory. The connection is of no use afterwards.
    public mutating func destroy(memory: inout ConnectionMemory) {
        finish(memory: &memory)
        discardReceived(memory: &memory)
        memory.chunks.unreserve(Self.reservedChunks)
    }

    mutating func releaseSendSide(memory: inout ConnectionMemory) {
        sendRing.removeAll(pool: &memory.chunks)
        releaseInFlight(memory: &memory)
        forgetOutOfOrder(memory: &memory)
    }

    private mutating func discardReceived(memory: inout ConnectionMemory) {
        receiveRing.removeAll(pool: &memory.chunks)
    }
}
