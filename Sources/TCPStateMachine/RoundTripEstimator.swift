import NetPrimitives

/// The smoothed round-trip time and the timeout that follows from it (RFC 6298, 2), in microseconds.
public struct RoundTripEstimator: Hashable, Sendable, BitwiseCopyable {
    /// SRTT; 0 before the first measurement.
    public private(set) var smoothed: UInt32 = 0
    /// RTTVAR.
    public private(set) var variation: UInt32 = 0
    /// RTO without its doublings, between the configured bounds.
    public private(set) var timeout: UInt32
    /// How often the timeout has doubled since the last measurement (RFC 6298, 5.5; Karn's second half: what was
    /// retransmitted proves nothing, so the doubled timeout stands until something is measured).
    public internal(set) var backoff: UInt8 = 0

    init(initial: Interval) { timeout = UInt32(clamping: initial.microseconds) }

    /// RTO as it stands, doublings included, at most `maximum`.
    func retransmissionTimeout(maximum: Interval) -> Interval {
        .microseconds(min(Int64(timeout) << Int64(min(backoff, 20)), maximum.microseconds))
    }

    /// Takes in a measurement (RFC 6298, 2.2 and 2.3, with alpha 1/8, beta 1/4 and K 4).
    mutating func measure(_ sample: Interval, configuration: TCPConfiguration) {
        let sample = max(sample.microseconds, 1)
        backoff = 0
        if smoothed == 0 {
            smoothed = UInt32(clamping: sample)
            variation = UInt32(clamping: sample / 2)
        } else {
            let error = Int64(smoothed) - sample
            variation = UInt32(clamping: (Int64(variation) * 3 + abs(error)) / 4)
            smoothed = UInt32(clamping: max((Int64(smoothed) * 7 + sample) / 8, 1))
        }
        // 2.3: RTO <- SRTT + max (G, K*RTTVAR); the clock's granularity G is 1 ms here.
        let margin = max(configuration.minimumRTOIsMargin ? configuration.minimumRTO.microseconds : 1_000, 1_000)
        let computed = Int64(smoothed) + max(margin, 4 * Int64(variation))
        let bounded = min(
            max(computed, configuration.minimumRTO.microseconds), configuration.maximumRTO.microseconds)
        timeout = UInt32(clamping: bounded)
    }

    /// RFC 6298, 5.7: after a lost SYN the first data waits 3 s unless something was measured.
    mutating func distrustHandshake() {
        if smoothed == 0 { timeout = max(timeout, 3_000_000) }
    }

    func encode(into sink: inout SipHash) {
        sink.combine(UInt64(smoothed) << 32 | UInt64(variation))
        sink.combine(UInt64(timeout) << 32 | UInt64(backoff))
    }
}
