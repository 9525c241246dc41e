import NetPrimitives

/// What is known of data on its way, for whoever looks at a connection from outside.
public struct FlightInfo: Hashable, Sendable, BitwiseCopyable {
    /// Fast recovery is under way (RFC 6582).
    public var isRecovering = false
    /// Retransmission timeouts in a row, and window probes that nobody answered.
    public var timeouts = 0
    public var probes = 0
    /// Duplicate acknowledgements in a row.
    public var duplicateAcks = 0
    /// Bytes that the peer holds out of order, by its SACK blocks.
    public var sackedBytes = 0

    public init() {}
}

extension Connection {
    /// What is known of data on its way.
    public func flightInfo(memory: borrowing ConnectionMemory) -> FlightInfo {
        var info = FlightInfo()
        info.probes = Int(probesUnanswered)
        guard !inFlight.isNone else { return info }
        let flight = memory.inFlight[inFlight]
        info.isRecovering = flight.isRecovering
        info.timeouts = Int(flight.timeouts)
        info.duplicateAcks = Int(flight.duplicateAcks)
        if !flight.scoreboard.isNone { info.sackedBytes = Int(memory.ranges[flight.scoreboard].totalLength) }
        return info
    }
}
