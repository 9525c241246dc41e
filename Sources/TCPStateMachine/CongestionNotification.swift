import NetPrimitives
import WireFormats

/// Where a connection stands with ECN (RFC 3168, 6.1).
struct ECNState: OptionSet, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt8

    /// Our SYN asks for it.
    static let asked = ECNState(rawValue: 1 << 0)
    /// Both ends speak it.
    static let agreed = ECNState(rawValue: 1 << 1)
    /// A mark has come, and the peer has not yet said that it knows.
    static let echo = ECNState(rawValue: 1 << 2)
    /// We send less since; the peer has not yet been told.
    static let reduced = ECNState(rawValue: 1 << 3)
}

/// Routers that mark packets instead of dropping them (RFC 3168, 6.1): we tell the sender of marks that come, and as
/// the sender take them for losses with nothing to send again.
extension Connection {
    // MARK: As the receiver of data

    /// Text has come: with a mark, or with the peer's word that it has heard of the last (6.1.3). One outside the
    /// window never comes here: nobody can forge a mark who does not know the numbers (6.1.5).
    mutating func noteMark(_ seg: Segment) {
        guard ecn.contains(.agreed) else { return }
        if seg.flags.contains(.cwr) { ecn.remove(.echo) }
        guard seg.ecn == .congestionExperienced, !ecn.contains(.echo) else { return }
        ecn.insert(.echo)
        flags.insert(.ackNow)
    }

    // MARK: As the sender of data

    /// Whether an acknowledgement says that a mark has come.
    func echoesMark(_ seg: Segment) -> Bool { ecn.contains(.agreed) && seg.flags.contains(.ece) }

    /// Half as much is sent from now on, unless a loss or a mark of this window of data has brought that about already
    /// (6.1.2).
    mutating func congestionEchoed(by ack: SequenceNumber, memory: inout ConnectionMemory) {
        guard !inFlight.isNone, !memory.inFlight[inFlight].isRecovering, memory.inFlight[inFlight].timeouts == 0,
            ack.isAfter(memory.inFlight[inFlight].reducedAt)
        else { return }
        congestion.marked(flight: snd.max - snd.una, mss: segmentPayload)
        noteReduction(memory: &memory)
    }

    /// The window has been reduced, for whatever reason: the next new data says so (6.1.2).
    mutating func noteReduction(memory: inout ConnectionMemory) {
        memory.inFlight[inFlight].reducedAt = snd.max
        if ecn.contains(.agreed) { ecn.insert(.reduced) }
    }

    /// New text may be marked; what goes out again, and what carries none, may not (6.1.4 to 6.1.6).
    mutating func offerToBeMarked(_ seg: inout Segment) {
        guard ecn.contains(.agreed), seg.payloadLength > 0 else { return }
        seg.ecn = .ect0
        if ecn.contains(.reduced) {
            seg.flags.insert(.cwr)
            ecn.remove(.reduced)
        }
    }
}
