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

/// What a good cookie tells.
struct CookieReading {
    /// The entry that was not kept.
    var entry: HalfOpen
    /// What is added to this connection's timestamps, where that is not what this stack would add by itself.
    var timestampOffset: UInt32?
}

extension NetworkStack {
    /// Replaces the secret of SYN cookies. What was sent under `previous` completes as well: rotate at most once in two
    /// minutes, and share both with the stacks that are to complete each other's handshakes.
    public mutating func setCookieKeys(current: SipKey, previous: SipKey? = nil) {
        cookieKeys = CookieKeys(current: current, previous: previous)
    }

    /// Changes how a listener's cookies are made while running; what the other codec has sent is refused from now on.
    /// A listener begins with ``Configuration/cookieCodec``.
    public mutating func setCookieCodec(_ codec: CookieCodec, of id: ListenerID) throws(StackError) {
        listeners.entries[try check(id)].cookieCodec = codec
    }

    /// How long after its last cookie a listener of the classic codec believes in cookies: as long as one can be valid.
    private static var cookieLifetime: Interval { .seconds(120) }

    /// The clock that cookies count their minutes and slots in.
    private func cookieClock(at now: Instant) -> Instant { now + configuration.cookieEpoch }

    /// Answers a SYN with a cookie. Nothing is stored, nothing is allocated, and it is never sent again.
    mutating func sendCookie(
        answering seg: Segment, _ tuple: FourTuple, listener: Slot, interface: InterfaceID,
        answers: inout PacketBatch, at now: Instant
    ) {
        var entry = HalfOpen(
            answering: seg, iss: SequenceNumber(0), defaultMSS: tuple.defaultMSS, configuration: configuration.tcp,
            at: now)
        let offset = timestampOffset(for: tuple)
        let milliseconds = UInt32(truncatingIfNeeded: now.milliseconds)
        let timestamp: UInt32
        switch listeners.entries[listener].cookieCodec {
        case .classic:
            // Without a timestamp to hide them in there is no place for the other options.
            if !entry.agreement.contains(.timestamps) { entry.agreement = [] }
            entry.iss = ClassicCookie(cookieKeys.current).number(
                for: tuple, irs: seg.seq,
                sizeClass: ClassicCookie.sizes(isIPv6: tuple.isIPv6).sizeClass(of: entry.mss),
                at: cookieClock(at: now))
            timestamp = offset &+ CookieTimestamp.value(entry, clock: milliseconds)
            listeners.entries[listener].cookieSentAt = now
        case .fleet:
            let hash = FleetCookie(cookieKeys.current).hash(for: tuple, irs: seg.seq, at: cookieClock(at: now))
            entry.iss = FleetCookie.number(hash, entry, isIPv6: tuple.isIPv6)
            timestamp = FleetCookie.timestamp(offset &+ milliseconds, hash: hash)
        }
        var answer = entry.answer(
            mss: ownMSS(for: tuple, by: interface), timestampOffset: offset, configuration: configuration.tcp, at: now)
        answer.options.timestamps?.value = timestamp
        counters.cookiesSent &+= 1
        emit(answer, tuple, by: interface, into: &answers)
    }

    /// Reads the cookie in an ACK. RFC 9293's rules for SYN-RECEIVED hold: neither SYN nor RST, and the sequence number
    /// is exactly the first one, for the client's ISN is part of the hash.
    ///
    /// How often this fails is not limited: it takes two hashes a key, and any limit would be one that bad ACKs use up
    /// and good ones then meet. What is limited, by the sender's prefix alone, is the RST that answers a bad one.
    /// - Returns: `nil` when no cookies are under way or the number is none of ours.
    mutating func readCookie(_ seg: Segment, _ tuple: FourTuple, listener: Slot, at now: Instant) -> CookieReading? {
        guard seg.flags.contains(.ack), seg.flags.isDisjoint(with: [.syn, .rst]) else { return nil }
        let reading: CookieReading?
        switch listeners.entries[listener].cookieCodec {
        case .classic:
            guard configuration.synCookies != .off, let last = listeners.entries[listener].cookieSentAt,
                now - last < Self.cookieLifetime
            else { return nil }
            reading = readClassic(seg, tuple, at: now)
        case .fleet:
            // Another machine may have sent it: that this one did not tells nothing.
            reading = readFleet(seg, tuple, at: now)
        }
        if reading == nil {
            counters.cookiesFailed &+= 1
            noteOverload(listener, tuple, .badCookie, at: now)
        } else {
            counters.cookiesReceived &+= 1
        }
        return reading
    }

    private func readClassic(_ seg: Segment, _ tuple: FourTuple, at now: Instant) -> CookieReading? {
        let (number, irs, clock) = (seg.ack + UInt32.max, seg.seq + UInt32.max, cookieClock(at: now))
        let current = ClassicCookie(cookieKeys.current).sizeClass(of: number, for: tuple, irs: irs, at: clock)
        let previous = cookieKeys.previous.flatMap {
            current == nil ? ClassicCookie($0).sizeClass(of: number, for: tuple, irs: irs, at: clock) : nil
        }
        guard let sizeClass = current ?? previous else { return nil }
        var (agreement, scale): (HalfOpen.Agreement, UInt8) = ([], 0)
        if configuration.tcp.offersTimestamps, let timestamps = seg.options.timestamps {
            (agreement, scale) = CookieTimestamp.options(timestamps.echoReply &- timestampOffset(for: tuple))
        }
        let entry = HalfOpen(
            completedBy: seg, mss: ClassicCookie.sizes(isIPv6: tuple.isIPv6)[sizeClass], agreement: agreement,
            peerScale: scale, at: now)
        return CookieReading(entry: entry)
    }

    private func readFleet(_ seg: Segment, _ tuple: FourTuple, at now: Instant) -> CookieReading? {
        let (number, irs, clock) = (seg.ack + UInt32.max, seg.seq + UInt32.max, cookieClock(at: now))
        let echo = configuration.tcp.offersTimestamps ? seg.options.timestamps?.echoReply : nil
        let isGood =
            FleetCookie(cookieKeys.current).made(number, echo: echo, for: tuple, irs: irs, at: clock)
            || cookieKeys.previous.map {
                FleetCookie($0).made(number, echo: echo, for: tuple, irs: irs, at: clock)
            } ?? false
        guard isGood else { return nil }
        let (mss, options, scale) = FleetCookie.read(number, isIPv6: tuple.isIPv6)
        let agreement = echo == nil ? options : options.union(.timestamps)
        // The SYN-ACK's timestamp may be another machine's, so ours go on from there: the peer takes no older ones
        // (RFC 7323, 5.3).
        let offset = echo.map { $0 &- UInt32(truncatingIfNeeded: now.milliseconds) }
        let entry = HalfOpen(completedBy: seg, mss: mss, agreement: agreement, peerScale: scale, at: now)
        return CookieReading(entry: entry, timestampOffset: offset)
    }
}
