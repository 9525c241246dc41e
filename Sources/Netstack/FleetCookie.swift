import NetPrimitives
import TCPStateMachine
import WireFormats

/// SYN cookies that any machine of a fleet can read: all options stand in the sequence number.
///
/// The layout is that of the Linux kernel's BPF self-test of custom SYN cookies (test_tcp_custom_syncookie.c):
///
///     ISN    31 ... 8: hash, upper 24 bits; 7, 6: size class; 5: ECN; 4: SACK; 3 ... 0: window scale, 15 for none
///     TSval  31 ... 8: a clock; 7 ... 0: hash, lower 8 bits
///
/// with its tables of sizes. The hash is the lower half of SipHash-2-4 over these bytes, numbers as in the client's
/// packets unless said otherwise: the server's address, the client's, the server's port, the client's, the client's ISN
/// (least significant byte first), and the slot of 64 s since 1970 as eight bytes (least significant first). For IPv4
/// without the slot that is the self-test's own message. It has no slot, so that its cookies never expire; of IPv6
/// addresses it hashes five bytes; and it loses the ISN where the low byte of the client's port is 128 or more. Here
/// the whole 4-tuple, the ISN and the slot count, and a program at the edge that shares the key has to hash the same.
///
/// A forged ACK hits with 2 in 2^24, or 2 in 2^32 if it carries a timestamp: which of them is the forger's choice.
struct FleetCookie {
    private let key: SipKey

    init(_ key: SipKey) { self.key = key }

    static func sizes(isIPv6: Bool) -> CookieSizes {
        isIPv6 ? CookieSizes(1220, 1420, 8940, 65476) : CookieSizes(536, 1300, 1460, 65495)
    }

    /// The hash for the answer to a SYN that comes now.
    /// - Parameter clock: the fleet's time.
    func hash(for tuple: FourTuple, irs: SequenceNumber, at clock: Instant) -> UInt32 {
        hash(tuple, irs, slot: Self.slot(clock))
    }

    /// The sequence number with a hash, and what it is to keep of the SYN.
    static func number(_ hash: UInt32, _ entry: HalfOpen, isIPv6: Bool) -> SequenceNumber {
        SequenceNumber(
            hash & ~255 | sizes(isIPv6: isIPv6).sizeClass(of: entry.mss) << 6 | CookieOptions.bits(of: entry))
    }

    /// A timestamp with the rest of the hash in its low bits, never ahead of `value`.
    static func timestamp(_ value: UInt32, hash: UInt32) -> UInt32 {
        let marked = value & ~255 | hash & 255
        return marked & 255 > value & 255 ? marked &- 256 : marked
    }

    /// Whether a number that came back is one that this key gave in this slot or in the one before.
    /// - Parameter echo: the timestamp that came back with it, if one did.
    func made(
        _ number: SequenceNumber, echo: UInt32?, for tuple: FourTuple, irs: SequenceNumber, at clock: Instant
    ) -> Bool {
        let slot = Self.slot(clock)
        let mask: UInt32 = echo == nil ? ~255 : .max
        let claimed = number.rawValue & ~255 | (echo ?? 0) & 255
        return (hash(tuple, irs, slot: slot) ^ claimed) & mask == 0
            || (hash(tuple, irs, slot: slot &- 1) ^ claimed) & mask == 0
    }

    /// What a good number tells.
    static func read(_ number: SequenceNumber, isIPv6: Bool)
        -> (mss: UInt16, agreement: HalfOpen.Agreement, scale: UInt8)
    {
        let (agreement, scale) = CookieOptions.read(number.rawValue)
        return (sizes(isIPv6: isIPv6)[number.rawValue >> 6], agreement, scale)
    }

    private static func slot(_ clock: Instant) -> UInt64 { UInt64(bitPattern: clock.seconds / 64) }

    private func hash(_ tuple: FourTuple, _ irs: SequenceNumber, slot: UInt64) -> UInt32 {
        var state = SipHash(key: key)
        if tuple.isIPv6 {
            state.combine(tuple.localHigh.byteSwapped)
            state.combine(tuple.localLow.byteSwapped)
            state.combine(tuple.remoteHigh.byteSwapped)
            state.combine(tuple.remoteLow.byteSwapped)
        } else {
            // Both words hold an address in their lower half, which the swap moves to the upper.
            state.combine(tuple.localLow.byteSwapped >> 32 | tuple.remoteLow.byteSwapped)
        }
        let ports = UInt64(tuple.localPort.byteSwapped) | UInt64(tuple.remotePort.byteSwapped) << 16
        state.combine(ports | UInt64(irs.rawValue) << 32)
        state.combine(slot)
        return UInt32(truncatingIfNeeded: state.finish())
    }
}
