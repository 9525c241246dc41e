import NetPrimitives
import TCPStateMachine

/// How a listener's SYN cookies are made (RFC 4987, 3.6). docs/cookies.md compares them.
public enum CookieCodec: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
    /// Linux's: a minute counter and one of four maximum segment sizes. SACK and the window scale survive only in the
    /// timestamp, and an ACK is looked at only while cookies of this listener's own can be under way.
    case classic
    /// One for several machines that share a key: SACK, the window scale and the size stand in the sequence number
    /// itself, so nothing is lost without timestamps. Every ACK is looked at, for another machine may have sent the
    /// cookie.
    case fleet
}

/// The secret of SYN cookies, and the one before it: what was sent under it still counts for a while.
struct CookieKeys: BitwiseCopyable, Sendable {
    var current: SipKey
    var previous: SipKey?

    func encode(into sink: inout SipHash) {
        current.encode(into: &sink)
        sink.combine(previous == nil ? 0 : 1)
        previous?.encode(into: &sink)
    }
}

/// The four maximum segment sizes that two bits of a cookie can name, in rising order.
struct CookieSizes: BitwiseCopyable, Sendable {
    private let sizes: (UInt16, UInt16, UInt16, UInt16)

    init(_ first: UInt16, _ second: UInt16, _ third: UInt16, _ fourth: UInt16) {
        sizes = (first, second, third, fourth)
    }

    /// The size that comes back for a class, whose low two bits count.
    subscript(sizeClass: UInt32) -> UInt16 {
        switch sizeClass & 3 {
        case 0: sizes.0
        case 1: sizes.1
        case 2: sizes.2
        default: sizes.3
        }
    }

    /// The class of the largest size not above a peer's; the smallest when all are.
    func sizeClass(of mss: UInt16) -> UInt32 {
        if mss >= sizes.3 { return 3 }
        if mss >= sizes.2 { return 2 }
        return mss >= sizes.1 ? 1 : 0
    }
}
