import NetPrimitives

/// How much the peer may send: RFC 9293, 3.8.6.2.2, and what the memory of the stack allows.
extension Connection {
    /// The right edge that we would like to promise: room in the buffer, no more than free memory stands behind.
    private func desiredEdge(memory: borrowing ConnectionMemory, configuration: TCPConfiguration)
        -> SequenceNumber
    {
        let limit = Int(min(configuration.receiveBuffer, 4_190_208))
        // The reserved chunk, as far as nothing unread fills it, and half of what is free: the other half is for others
        // who are told the same.
        let backed = max(ChunkPool.chunkSize &- receiveRing.count, 0) &+ memory.chunks.freeBytes / 2
        let room = max(min(limit &- receiveRing.count, backed), 0)
        return .latest(rcv.nxt + UInt32(truncatingIfNeeded: room), rcv.advertisedEdge)
    }

    /// Half of the buffer, as far as memory stands behind it: a gain that is worth telling of, if a segment would be
    /// more (RFC 9293, 3.8.6.2.2). With little memory and large segments the peer would wait for ever otherwise.
    private func halfBuffer(upTo desired: SequenceNumber, configuration: TCPConfiguration) -> UInt32 {
        let all = (desired - rcv.nxt) &+ UInt32(truncatingIfNeeded: receiveRing.count)
        return min(configuration.receiveBuffer, all) / 2
    }

    /// Whether the application has read so much that the peer should hear of it without being asked: two segments, or
    /// half of the buffer (RFC 9293, 3.8.6.2.2, against silly windows).
    func opensWindowEnough(memory: borrowing ConnectionMemory, configuration: TCPConfiguration) -> Bool {
        let desired = desiredEdge(memory: memory, configuration: configuration)
        let gain = desired - rcv.advertisedEdge
        return gain >= min(2 &* segmentPayload, halfBuffer(upTo: desired, configuration: configuration))
            && rcv.wnd <= configuration.receiveBuffer / 2
    }

    /// The window field to send now; remembers what it promises.
    ///
    /// The right edge moves by a segment or half the buffer at a time and never to the left (SHLD-14): where the scale
    /// cannot express the old edge, the field is rounded up. Many small segments that nobody reads could so move it on
    /// and on; an eighth of the buffer beyond its end, the field is rounded down instead (RFC 7323, 2.4), while what
    /// was promised is still taken.
    ///
    /// A window is never scaled away (as in Linux): with nothing unread it is at least one unit of the scale, however
    /// small the buffer, or the peer would wait for ever.
    mutating func windowToAdvertise(memory: borrowing ConnectionMemory, configuration: TCPConfiguration)
        -> UInt16
    {
        let desired = desiredEdge(memory: memory, configuration: configuration)
        let gain = desired - rcv.advertisedEdge
        if gain >= min(segmentPayload, halfBuffer(upTo: desired, configuration: configuration)) {
            let field = max(receiveScale.wireWindow(desired - rcv.nxt), receiveRing.count == 0 ? 1 : 0)
            let edge = rcv.nxt + receiveScale.bytes(field)
            if edge.isAfter(rcv.advertisedEdge) {
                rcv.advertisedEdge = edge
                return field
            }
        }
        let unit: UInt32 = 1 << UInt32(receiveScale.rawValue)
        let field = receiveScale.wireWindow(rcv.wnd &+ (unit &- 1))
        let most = max(Int(configuration.receiveBuffer) &+ Int(configuration.receiveBuffer / 8), Int(unit))
        guard receiveRing.count &+ Int(receiveScale.bytes(field)) <= most else {
            return receiveScale.wireWindow(rcv.wnd)
        }
        rcv.advertisedEdge = .latest(rcv.advertisedEdge, rcv.nxt + receiveScale.bytes(field))
        return field
    }
}
