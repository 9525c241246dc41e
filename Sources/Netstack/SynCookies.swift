public import NetPrimitives
import TCPStateMachine
import WireFormats

/// When a listener answers SYNs with cookies, and keeps nothing of them (RFC 4987, 3.6).
public enum SynCookies: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
    /// Never: a full SYN queue drops.
    case off
    /// When the SYN queue is full.
    case whenFull
    /// Always: there is no SYN queue.
    case always
}

extension NetworkStack {
    /// Replaces the secret of SYN cookies. What was sent under `previous` completes as well: rotate at most once in two
    /// minutes, and share both with the stacks that are to complete each other's handshakes.
    public mutating func setCookieKeys(current: SipKey, previous: SipKey? = nil) {
        cookieKeys = CookieKeys(current: current, previous: previous)
    }

    /// How long after its last cookie a listener believes in cookies: as long as one can be valid.
    private static var cookieLifetime: Interval { .seconds(120) }

    /// Answers a SYN with a cookie. Nothing is stored, nothing is allocated, and it is never sent again.
    mutating func sendCookie(
        answering seg: Segment, _ tuple: FourTuple, listener: Slot, interface: InterfaceID,
        answers: inout PacketBatch, at now: Instant
    ) {
        var entry = HalfOpen(
            answering: seg, iss: SequenceNumber(0), defaultMSS: tuple.isIPv6 ? 1220 : 536,
            configuration: configuration.tcp, at: now)
        // Without a timestamp to hide them in there is no place for the other options.
        if !entry.agreement.contains(.timestamps) { entry.agreement = [] }
        entry.iss = ClassicCookie(cookieKeys.current).number(
            for: tuple, irs: seg.seq, sizeClass: ClassicCookie.sizeClass(of: entry.mss, isIPv6: tuple.isIPv6), at: now)
        let offset = timestampOffset(for: tuple)
        var answer = entry.answer(
            mss: ownMSS(for: tuple, by: interface), timestampOffset: offset, configuration: configuration.tcp, at: now)
        if let timestamps = answer.options.timestamps {
            let clock = UInt32(truncatingIfNeeded: now.milliseconds)
            answer.options.timestamps = TCPTimestamps(
                value: offset &+ CookieTimestamp.value(entry, clock: clock), echoReply: timestamps.echoReply)
        }
        listeners.entries[listener].cookieSentAt = now
        counters.cookiesSent &+= 1
        emit(answer, tuple, by: interface, into: &answers)
    }

    /// Reads the cookie in an ACK. RFC 9293's rules for SYN-RECEIVED hold: neither SYN nor RST, and the sequence number
    /// is exactly the first one, for the client's ISN is part of the hash.
    /// - Returns: the entry that was not kept; `nil` when no cookies are under way or the number is none of ours.
    mutating func readCookie(_ seg: Segment, _ tuple: FourTuple, listener: Slot, at now: Instant) -> HalfOpen? {
        guard seg.flags.contains(.ack), seg.flags.isDisjoint(with: [.syn, .rst]), configuration.synCookies != .off,
            let last = listeners.entries[listener].cookieSentAt, now - last < Self.cookieLifetime
        else { return nil }
        let (number, irs) = (seg.ack + UInt32.max, seg.seq + UInt32.max)
        let current = ClassicCookie(cookieKeys.current).sizeClass(of: number, for: tuple, irs: irs, at: now)
        let previous = cookieKeys.previous.flatMap {
            current == nil ? ClassicCookie($0).sizeClass(of: number, for: tuple, irs: irs, at: now) : nil
        }
        guard let sizeClass = current ?? previous else {
            counters.cookiesFailed &+= 1
            return nil
        }
        counters.cookiesReceived &+= 1
        var (agreement, scale): (HalfOpen.Agreement, UInt8) = ([], 0)
        if configuration.tcp.offersTimestamps, let timestamps = seg.options.timestamps {
            (agreement, scale) = CookieTimestamp.options(timestamps.echoReply &- timestampOffset(for: tuple))
        }
        return HalfOpen(
            completedBy: seg, mss: ClassicCookie.mss(ofClass: sizeClass, isIPv6: tuple.isIPv6), agreement: agreement,
            peerScale: scale, at: now)
    }
}
