import NetPrimitives

/// Which algorithm decides how much may be in flight. Closed: the machine knows them all.
public enum CongestionAlgorithm: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// RFC 5681 with the recovery of RFC 6582.
    case newReno
}

/// The congestion window and its threshold, in bytes (RFC 5681).
public struct CongestionControl: Hashable, Sendable, BitwiseCopyable {
    /// cwnd.
    public internal(set) var window: UInt32
    /// ssthresh; the largest number until the first loss.
    public internal(set) var threshold: UInt32 = .max

    /// RFC 6928: ten segments, bounded by what two would be of large ones.
    init(segments: UInt8, mss: UInt32) {
        window = max(2 &* mss, min(UInt32(segments) &* mss, max(2 &* mss, UInt32(segments) &* 1460)))
    }

    /// New data was acknowledged outside of recovery (RFC 5681, 3.1, counting bytes as RFC 3465 does: at most `limit`
    /// segments for one acknowledgement, its L).
    mutating func acknowledged(_ bytes: UInt32, mss: UInt32, limit: UInt8?) {
        if window < threshold {
            let most = limit.map { UInt32($0) &* mss } ?? .max
            window = window &+ min(bytes, min(most, max(threshold &- window, mss)))
        } else {
            // Congestion avoidance: one segment for each window that is acknowledged.
            window = window &+ max(1, UInt32(clamping: UInt64(mss) * UInt64(bytes) / UInt64(max(window, 1))))
        }
        window = min(window, 1 << 30)
    }

    /// A retransmission timeout (RFC 5681, 3.1, equation 4): one segment in flight, half the way to the threshold.
    mutating func timedOut(flight: UInt32, mss: UInt32) {
        threshold = max(flight / 2, 2 &* mss)
        window = mss
    }

    /// Three duplicate acknowledgements (RFC 5681, 3.2, steps 2 and 3).
    mutating func enterRecovery(flight: UInt32, mss: UInt32) {
        threshold = max(flight / 2, 2 &* mss)
        window = threshold &+ 3 &* mss
    }

    /// The peer has seen a mark of congestion: half of what is on its way, as for a loss, and nothing to send again
    /// (RFC 3168, 6.1.2).
    mutating func marked(flight: UInt32, mss: UInt32) {
        threshold = max(flight / 2, 2 &* mss)
        window = min(window, threshold)
    }

    /// RFC 6582, 3.2, step 3: a partial acknowledgement deflates the window by what it acknowledged.
    mutating func partiallyAcknowledged(_ bytes: UInt32, mss: UInt32) {
        window = max(window &- min(bytes, window &- 1), mss)
        if bytes >= mss { window = window &+ mss }
    }

    /// Recovery is over.
    mutating func leaveRecovery() { window = threshold }

    func encode(into sink: inout SipHash) { sink.combine(UInt64(window) << 32 | UInt64(threshold)) }
}
