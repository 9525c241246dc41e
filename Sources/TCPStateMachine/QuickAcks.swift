import NetPrimitives

/// When acknowledgements do not wait for company (RFC 5681, 4.2 lets them wait; Linux has them wait only in a dialogue
/// or once data has come for a while).
extension Connection {
    /// Data came in order.
    mutating func noteDataArrived(configuration: TCPConfiguration, at now: Instant) {
        let milliseconds = UInt32(truncatingIfNeeded: now.milliseconds &+ 1)
        let pause = (milliseconds &- receivedAt).multipliedReportingOverflow(by: 1000)
        // The first data of all, or after a pause in which the peer's window may have collapsed.
        if receivedAt == 0 || pause.overflow || pause.partialValue > roundTrip.timeout {
            quickAcksLeft = configuration.quickAcks
        }
        receivedAt = max(milliseconds, 1)
    }

    /// Something is missing or came twice: the peer needs to know soon where we stand.
    mutating func acknowledgeQuickly(configuration: TCPConfiguration) {
        flags.remove(.dialogue)
        quickAcksLeft = configuration.quickAcks
    }

    /// Data goes out. When data has just come, the two are request and answer.
    mutating func noteDialogue(configuration: TCPConfiguration, at now: Instant) {
        guard receivedAt != 0 else { return }
        let milliseconds = UInt32(truncatingIfNeeded: now.milliseconds &+ 1)
        if Int64(milliseconds &- receivedAt) < configuration.delayedAck.milliseconds { flags.insert(.dialogue) }
    }
}
