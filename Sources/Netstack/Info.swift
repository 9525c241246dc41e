public import NetPrimitives
public import TCPStateMachine

/// What is known of a connection, for a driver, a test or a person.
public struct ConnectionInfo: Hashable, Sendable, BitwiseCopyable {
    public var tuple: FourTuple
    public var state: ConnectionState
    /// `snd.una`, `snd.nxt` and their kin.
    public var snd: SendSequence
    public var rcv: ReceiveSequence
    public var iss: SequenceNumber
    public var irs: SequenceNumber
    /// Payload of a full segment, in bytes.
    public var mss: Int
    /// Whether both ends agreed on timestamps and on SACK, and the window scales in either direction.
    public var hasTimestamps: Bool
    public var hasSACK: Bool
    /// Both ends agreed on ECN (RFC 3168).
    public var hasECN: Bool
    public var sendScale: WindowScale
    public var receiveScale: WindowScale
    /// Bytes that can be read, and bytes written that the peer has not acknowledged.
    public var readableBytes: Int
    public var unacknowledgedBytes: Int
    /// SRTT and the timeout without its doublings, in microseconds; SRTT is 0 before the first measurement.
    public var smoothedRoundTrip: UInt32
    public var retransmissionTimeout: UInt32
    /// cwnd and ssthresh, in bytes.
    public var congestionWindow: UInt32
    public var slowStartThreshold: UInt32
    /// RTTVAR, in microseconds, and how often the timeout has doubled.
    public var roundTripVariation: UInt32
    public var backoff: Int
    /// What recovery from loss is at.
    public var flight: FlightInfo
    /// The MSS that we told the peer of.
    public var advertisedMSS: Int
    /// Both ends offered to scale windows.
    public var hasWindowScaling: Bool
    /// The last ICMP error about it, type and code.
    public var icmpType: UInt8
    public var icmpCode: UInt8
}

/// What the tables of a stack hold.
public struct TableCounts: Hashable, Sendable, BitwiseCopyable {
    public var connections: Int
    public var halfOpen: Int
    public var timeWaits: Int
    public var listeners: Int
    /// Openings whose record is kept.
    public var attempts: Int
    /// Chunks of buffer memory in use and promised; 4 KiB each.
    public var chunksInUse: Int
    public var chunksReserved: Int
    /// Flights and sets of ranges held by connections.
    public var flights: Int
    public var ranges: Int
    /// Packets of which some fragments have come.
    public var fragmentedDatagrams: Int

    /// Nothing but listeners is left.
    public var isEmpty: Bool {
        connections == 0 && halfOpen == 0 && timeWaits == 0 && attempts == 0 && chunksInUse == 0
            && chunksReserved == 0 && flights == 0 && ranges == 0 && fragmentedDatagrams == 0
    }
}

extension NetworkStack {
    /// What is known of a connection.
    public func info(of id: ConnectionID) throws(StackError) -> ConnectionInfo { info(try check(id)) }

    func info(_ slot: Slot) -> ConnectionInfo {
        let tcb = flows.connections[slot].tcb
        let icmp = flows.connections[slot].icmp
        return ConnectionInfo(
            tuple: flows.tuple(flows.connections[slot].key), state: tcb.state, snd: tcb.snd, rcv: tcb.rcv, iss: tcb.iss,
            irs: tcb.irs, mss: tcb.payloadLimit, hasTimestamps: tcb.flags.contains(.timestamps),
            hasSACK: tcb.flags.contains(.sack), hasECN: tcb.hasECN, sendScale: tcb.sendScale,
            receiveScale: tcb.receiveScale,
            readableBytes: tcb.readableBytes, unacknowledgedBytes: tcb.unacknowledgedBytes,
            smoothedRoundTrip: tcb.roundTrip.smoothed, retransmissionTimeout: tcb.roundTrip.timeout,
            congestionWindow: tcb.congestion.window, slowStartThreshold: tcb.congestion.threshold,
            roundTripVariation: tcb.roundTrip.variation, backoff: Int(tcb.roundTrip.backoff),
            flight: tcb.flightInfo(memory: memory), advertisedMSS: Int(tcb.advertisedMSS),
            hasWindowScaling: tcb.flags.contains(.scaled) || tcb.sendScale != .none || tcb.receiveScale != .none,
            icmpType: UInt8(icmp >> 8), icmpCode: UInt8(icmp & 0xFF))
    }

    /// The state of what a 4-tuple belongs to: a connection, a half-open entry, a TIME-WAIT; LISTEN for a request that
    /// nothing has been answered to; CLOSED when to nothing.
    public func state(of tuple: FourTuple) -> ConnectionState {
        switch flows.find(tuple) {
        case .connection(let slot): flows.connections[slot].tcb.state
        case .halfOpen(let slot): flows.halfOpens[slot].halfOpen.stage.isRequest ? .listen : .synReceived
        case .timeWait: .timeWait
        case nil: .closed
        }
    }

    /// How often the SYN-ACK of a half-open entry was sent again; `nil` when the tuple is not half-open.
    public func synAckRetransmissions(of tuple: FourTuple) -> Int? {
        guard case .halfOpen(let slot) = flows.find(tuple), !flows.halfOpens[slot].halfOpen.stage.isRequest else {
            return nil
        }
        return Int(flows.halfOpens[slot].halfOpen.retransmissions)
    }

    /// What the tables hold now.
    public var tables: TableCounts {
        TableCounts(
            connections: flows.connections.count, halfOpen: flows.halfOpens.count, timeWaits: flows.timeWaits.count,
            listeners: listeners.entries.count, attempts: attempts.count, chunksInUse: memory.chunks.inUse,
            chunksReserved: memory.chunks.reserved, flights: memory.inFlight.count, ranges: memory.ranges.count,
            fragmentedDatagrams: reassembler.count)
    }

    /// Bytes that the stack holds from the allocator; never more than ``Configuration/budget``, unless that is less
    /// than an empty stack takes.
    public var allocatedBytes: Int {
        flows.allocatedBytes + memory.allocatedBytes + timers.allocatedBytes + attempts.allocatedBytes
            + listeners.entries.allocatedBytes + reassembler.allocatedBytes + attemptQueue.allocatedBytes
            + interfaces.allocatedBytes + memoryShares.allocatedBytes + rangeShares.allocatedBytes
            + halfOpenShares.allocatedBytes
            + summaries.allocatedBytes + floods.allocatedBytes + answerLimits.allocatedBytes
    }
}
