public import NetPrimitives

/// What one direction of a link does to packets. The default is a perfect wire without delay.
public struct LinkConditions: Hashable, Sendable {
    /// From the end of sending to arrival.
    public var latency: Interval = .zero
    /// Bits of IP packets per second; `nil` takes no time at all, so that a latency of 100 ms means exactly 100 ms.
    public var bandwidth: Int?
    /// The largest packet that passes, in bytes.
    public var mtu = 1500
    /// What happens to a packet larger than ``mtu``. Links do not fragment.
    public var oversize = OversizePolicy.dropped
    /// How much may wait for the wire. Without a ``bandwidth`` nothing ever waits.
    public var queue = QueueLimit.unlimited
    /// The probability that a packet is lost: 0...1.
    public var loss = 0.0
    /// The probability that a packet arrives twice: 0...1.
    public var duplication = 0.0
    /// The probability that a packet is held up, so that later ones overtake it: 0...1.
    public var reordering = 0.0
    /// The longest time that a reordered packet is held up; drawn evenly from one nanosecond to this.
    public var reorderingDelay: Interval = .milliseconds(10)
    /// The probability that a copy of a packet is damaged: 0...1.
    public var corruption = 0.0
    public var corruptionMode = CorruptionMode.caught

    public init(latency: Interval = .zero, loss: Double = 0) {
        self.latency = latency
        self.loss = loss
    }

    /// Everything at once: loss, duplication, reordering and corruption, each with this probability.
    public static func rough(_ probability: Double, latency: Interval) -> LinkConditions {
        var conditions = LinkConditions(latency: latency, loss: probability)
        conditions.duplication = probability
        conditions.reordering = probability
        conditions.corruption = probability
        return conditions
    }
}

/// How much may wait for a direction's wire. What comes beyond it is dropped (tail drop).
public enum QueueLimit: Hashable, Sendable {
    case unlimited
    /// Packets that wait or are being sent.
    case packets(Int)
    /// Bytes of packets that wait or are being sent.
    case bytes(Int)
}

/// What a link does with a packet that is larger than its MTU.
public enum OversizePolicy: Hashable, Sendable {
    /// Lost without a word, as in a path MTU black hole.
    case dropped
    /// The router tells the sender the MTU: ICMP "fragmentation needed" (RFC 1191) or "packet too big" (RFC 8201).
    case reported
}

/// Why a packet did not arrive.
public enum LossReason: Hashable, Sendable {
    /// By chance, with the link's probability of loss.
    case random
    case queueFull
    case oversize
    /// A rule dropped it, as a firewall would: without a word.
    case filtered
    /// A rule dropped it, playing an accident of the wire.
    case scripted
    /// A router on the way refused it with an ICMP error.
    case rejected
    /// The link is down.
    case linkDown
}
