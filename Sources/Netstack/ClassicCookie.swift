import NetPrimitives
import TCPStateMachine
import WireFormats

/// SYN cookies as Linux makes them: a sequence number that holds what the listener would have kept.
///
/// `hash1 + client's ISN + (minute << 24) + (hash2(minute) + class) mod 2^24`, where the class names one of four
/// maximum segment sizes. Whoever lacks the key hits a valid number with one forged ACK in 2^29: two minutes are valid,
/// and in each four numbers of 2^32.
struct ClassicCookie {
    private let key: SipKey

    init(_ key: SipKey) { self.key = key }

    static func sizes(isIPv6: Bool) -> CookieSizes {
        isIPv6 ? CookieSizes(1220, 1420, 1440, 8940) : CookieSizes(536, 1300, 1440, 1460)
    }

    /// The number for the answer to a SYN.
    /// - Parameter clock: the time that the minutes are counted in.
    func number(for tuple: FourTuple, irs: SequenceNumber, sizeClass: UInt32, at clock: Instant) -> SequenceNumber {
        let minute = Self.minute(clock)
        let low = (hash2(tuple, minute) &+ sizeClass) & 0xFF_FFFF
        return SequenceNumber(hash1(tuple) &+ irs.rawValue &+ minute << 24 &+ low)
    }

    /// What a number says that came back.
    /// - Returns: the class; `nil` when the number is none of this minute or the one before.
    func sizeClass(of number: SequenceNumber, for tuple: FourTuple, irs: SequenceNumber, at clock: Instant) -> UInt32? {
        let rest = number.rawValue &- hash1(tuple) &- irs.rawValue
        let age = (Self.minute(clock) &- rest >> 24) & 0xFF
        guard age < 2 else { return nil }
        let sizeClass = (rest &- hash2(tuple, Self.minute(clock) &- age)) & 0xFF_FFFF
        return sizeClass < 4 ? sizeClass : nil
    }

    private static func minute(_ clock: Instant) -> UInt32 { UInt32(truncatingIfNeeded: clock.seconds / 60) }

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
/// scale (15 for none), bit 4 SACK, bit 5 ECN.
struct CookieTimestamp {
    private static let mask: UInt32 = 63

    /// The clock's value with the options in its low bits, never ahead of the clock.
    static func value(_ entry: HalfOpen, clock: UInt32) -> UInt32 {
        let value = clock & ~mask | CookieOptions.bits(of: entry)
        return value > clock ? value &- 64 : value
    }

    /// The agreement and the scale that an echoed value tells, its offset taken off.
    static func options(_ value: UInt32) -> (agreement: HalfOpen.Agreement, scale: UInt8) {
        let (agreement, scale) = CookieOptions.read(value)
        return (agreement.union(.timestamps), scale)
    }
}

/// The bits by which both codecs tell of a SYN's options: bits 0 to 3 the peer's window scale (15 for none), bit 4
/// SACK, bit 5 ECN.
enum CookieOptions {
    private static let ecn: UInt32 = 32
    private static let sack: UInt32 = 16
    private static let scale: UInt32 = 15

    static func bits(of entry: HalfOpen) -> UInt32 {
        let scale = entry.agreement.contains(.windowScale) ? UInt32(min(entry.peerScale, 14)) : scale
        return scale | (entry.agreement.contains(.sack) ? sack : 0) | (entry.agreement.contains(.ecn) ? ecn : 0)
    }

    static func read(_ bits: UInt32) -> (agreement: HalfOpen.Agreement, scale: UInt8) {
        var agreement: HalfOpen.Agreement = []
        if bits & sack != 0 { agreement.insert(.sack) }
        if bits & ecn != 0 { agreement.insert(.ecn) }
        guard bits & scale != scale else { return (agreement, 0) }
        return (agreement.union(.windowScale), UInt8(bits & scale))
    }
}
