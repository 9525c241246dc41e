import NetPrimitives
import TCPStateMachine
import WireFormats

/// The secret of SYN cookies, and the one before it: what was sent under it still counts for a while.
struct CookieKeys: BitwiseCopyable, Sendable {
    var current: SipKey
    var previous: SipKey?
}

/// SYN cookies as Linux makes them: a sequence number that holds what the listener would have kept.
///
/// `hash1 + client's ISN + (minute << 24) + (hash2(minute) + class) mod 2^24`, where the class names one of four
/// maximum segment sizes. Whoever lacks the key hits a valid number with one forged ACK in 2^29: two minutes are valid,
/// and in each four numbers of 2^32.
struct ClassicCookie {
    private let key: SipKey

    init(_ key: SipKey) { self.key = key }

    /// The sizes that a class stands for, in rising order.
    private static func sizes(isIPv6: Bool) -> (UInt16, UInt16, UInt16, UInt16) {
        isIPv6 ? (1220, 1420, 1440, 8940) : (536, 1300, 1440, 1460)
    }

    /// The size that comes back for a class.
    static func mss(ofClass number: UInt32, isIPv6: Bool) -> UInt16 {
        let sizes = sizes(isIPv6: isIPv6)
        return switch number {
        case 0: sizes.0
        case 1: sizes.1
        case 2: sizes.2
        default: sizes.3
        }
    }

    /// The class of the largest size not above a peer's; the smallest when all are.
    static func sizeClass(of mss: UInt16, isIPv6: Bool) -> UInt32 {
        (1...3).reversed().first { Self.mss(ofClass: $0, isIPv6: isIPv6) <= mss } ?? 0
    }

    /// The number for the answer to a SYN.
    func number(for tuple: FourTuple, irs: SequenceNumber, sizeClass: UInt32, at now: Instant) -> SequenceNumber {
        let minute = Self.minute(now)
        let low = (hash2(tuple, minute) &+ sizeClass) & 0xFF_FFFF
        return SequenceNumber(hash1(tuple) &+ irs.rawValue &+ minute << 24 &+ low)
    }

    /// What a number says that came back.
    /// - Returns: the class; `nil` when the number is none of this minute or the one before.
    func sizeClass(of number: SequenceNumber, for tuple: FourTuple, irs: SequenceNumber, at now: Instant) -> UInt32? {
        let rest = number.rawValue &- hash1(tuple) &- irs.rawValue
        let age = (Self.minute(now) &- rest >> 24) & 0xFF
        guard age < 2 else { return nil }
        let sizeClass = (rest &- hash2(tuple, Self.minute(now) &- age)) & 0xFF_FFFF
        return sizeClass < 4 ? sizeClass : nil
    }

    private static func minute(_ now: Instant) -> UInt32 { UInt32(truncatingIfNeeded: now.seconds / 60) }

    private func hash1(_ tuple: FourTuple) -> UInt32 {
        UInt32(truncatingIfNeeded: tuple.hash(SipHash(key: key)))
    }

    private func hash2(_ tuple: FourTuple, _ minute: UInt32) -> UInt32 {
        var state = SipHash(key: key)
        state.combine(UInt64(minute) | 1 << 32)
        return UInt32(truncatingIfNeeded: tuple.hash(state))
    }
}

/// What the low six bits of a timestamp keep of a SYN's options, as Linux lays them out: bits 0 to 3 the peer's window
/// scale (15 for none), bit 4 SACK. Bit 5 is for ECN.
struct CookieTimestamp {
    private static let mask: UInt32 = 63
    private static let sack: UInt32 = 16
    private static let noScale: UInt32 = 15

    /// The clock's value with the options in its low bits, never ahead of the clock.
    static func value(_ entry: HalfOpen, clock: UInt32) -> UInt32 {
        var options = entry.agreement.contains(.windowScale) ? UInt32(min(entry.peerScale, 14)) : noScale
        if entry.agreement.contains(.sack) { options |= sack }
        let value = clock & ~mask | options
        return value > clock ? value &- 64 : value
    }

    /// The agreement and the scale that an echoed value tells, its offset taken off.
    static func options(_ value: UInt32) -> (agreement: HalfOpen.Agreement, scale: UInt8) {
        var agreement: HalfOpen.Agreement = .timestamps
        if value & sack != 0 { agreement.insert(.sack) }
        let scale = value & noScale
        if scale != noScale { agreement.insert(.windowScale) }
        return (agreement, scale == noScale ? 0 : UInt8(scale))
    }
}
