public import NetPrimitives

#if os(Linux)
    // As in SocketAddress.swift: its header may own `timespec`.
    import CNetworkDevices
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The machine's clocks, as instants for a stack.
public enum MonotonicClock {
    /// The time since some origin; never goes back.
    public static var now: Instant { read(CLOCK_MONOTONIC) }

    /// What to add to ``now`` to have nanoseconds since 1970, as a capture needs them.
    public static var sinceEpoch: Interval { read(CLOCK_REALTIME) - now }

    private static func read(_ clock: clockid_t) -> Instant {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return .zero + .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
