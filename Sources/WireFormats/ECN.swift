/// What the two ECN bits of an IP header say (RFC 3168, 5).
public enum ECNCodepoint: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// The ends do not speak ECN.
    case notCapable = 0
    /// They do: ECT(1), and ECT(0), which this stack sends.
    case ect1 = 1
    case ect0 = 2
    /// A router on the way is congested, and would have dropped the packet otherwise.
    case congestionExperienced = 3

    /// The lower two bits of IPv4's type of service or IPv6's traffic class.
    @inlinable public init(trafficClass: UInt8) {
        switch trafficClass & 3 {
        case 0: self = .notCapable
        case 1: self = .ect1
        case 2: self = .ect0
        default: self = .congestionExperienced
        }
    }
}

extension Segment {
    /// A SYN that asks for ECN (RFC 3168, 6.1.1). A SYN itself is never ECN-capable there: one that says so comes from
    /// something else, or something on the way has meddled with it.
    @inlinable public var asksForECN: Bool {
        flags.isSuperset(of: [.syn, .ece, .cwr]) && !flags.contains(.ack) && ecn == .notCapable
    }

    /// A SYN-ACK that agrees to ECN (RFC 3168, 6.1.1): with CWR too it comes from a host that sends reserved bits back.
    @inlinable public var agreesToECN: Bool {
        flags.isSuperset(of: [.syn, .ack, .ece]) && !flags.contains(.cwr)
    }
}
