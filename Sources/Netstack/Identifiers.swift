import NetPrimitives

/// A connection of a stack. Stale once it is closed: the number is never given out again for another.
public struct ConnectionID: Hashable, Sendable, BitwiseCopyable {
    let slot: Slot
    let generation: UInt32
}

/// A listener of a stack. Stale once it is closed.
public struct ListenerID: Hashable, Sendable, BitwiseCopyable {
    let slot: Slot
    let generation: UInt32
}

/// What ``NetworkStack/nextEvent()`` tells.
public enum StackEvent: Hashable, Sendable, BitwiseCopyable {
    /// A listener has connections to accept. One in request mode says so too when a request that was accepted has come
    /// to nothing: no connection will follow.
    case acceptable(ListenerID)
    /// A listener in request mode was asked for a connection: ``NetworkStack/request(_:)`` tells the particulars,
    /// ``NetworkStack/decide(_:_:at:)`` answers.
    case requested(RequestID)
    /// A request that was told is no more. Its handle is stale.
    case withdrawn(RequestID, Withdrawal)
    /// An active open is complete.
    case established(ConnectionID)
    /// There are bytes to read.
    case readable(ConnectionID)
    /// There is room to write after a write found none.
    case writable(ConnectionID)
    /// The peer sends no more: after what is readable, `read` gives 0.
    case readClosed(ConnectionID)
    /// A flood has begun or ended, or there is a summary of attempts that failed: ``NetworkStack/nextFlood()`` and
    /// ``NetworkStack/nextSummary()`` tell.
    case reported
    /// The connection is over. ``NetworkStack/failure(of:)`` says why; what was received can still be read.
    case closed(ConnectionID)
}
