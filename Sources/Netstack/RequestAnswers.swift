import NetPrimitives
import TCPStateMachine
import WireFormats

extension NetworkStack {
    /// Sends what was decided about requests, as far as there is room.
    mutating func transmitDecisions(into batch: inout PacketBatch, at now: Instant) {
        while case let slot = requestLists.decided.first, !slot.isNone, batch.hasRoom(for: Self.largestBareSegment) {
            let entry = flows.halfOpens[slot]
            if entry.halfOpen.stage == .acceptDue {
                begin(slot, at: now)
                sendSynAck(slot, into: &batch, at: now)
                continue
            }
            let tuple = flows.tuple(entry.key)
            if let interface = interfaces.route(to: tuple.remoteAddress) {
                if entry.halfOpen.stage == .refuseDue {
                    // RFC 9293, 3.10.7.1, CLOSED.
                    answer(
                        .acknowledging(ack: entry.halfOpen.irs + 1), tuple, by: interface, into: &batch, at: now)
                } else {
                    emitUnreachable(
                        entry.rejection, tuple, irs: entry.halfOpen.irs, by: interface, into: &batch, at: now)
                }
            }
            removeHalfOpen(slot)
        }
    }

    /// A request that was accepted becomes a half-open entry like any other, from now on.
    private mutating func begin(_ slot: Slot, at now: Instant) {
        delistRequest(slot)
        var halfOpen = flows.halfOpens[slot].halfOpen
        halfOpen.iss = initialSequence(for: flows.tuple(flows.halfOpens[slot].key), at: now)
        halfOpen.answeredAt = now
        halfOpen.retransmissions = 0
        halfOpen.repeatedAt = 0
        halfOpen.stage = .answered
        if !configuration.tcp.offersTimestamps { halfOpen.agreement.remove(.timestamps) }
        if !configuration.tcp.offersSACK { halfOpen.agreement.remove(.sack) }
        if !configuration.tcp.offersWindowScale { halfOpen.agreement.remove(.windowScale) }
        if configuration.tcp.ecn == .off { halfOpen.agreement.remove(.ecn) }
        flows.halfOpens[slot].halfOpen = halfOpen
        flows.halfOpens.append(slot, to: &halfOpenLists[0])
    }

    /// "Destination unreachable" about a SYN that is gone: what is quoted of it is put together again from what was
    /// kept, its IP header and the eight bytes behind it, ports and number, which every stack goes by (RFC 792; RFC
    /// 5927, 3). The header is that of the shortest SYN there is.
    ///
    /// RFC 4443, 2.4(f): limited, but like all such answers for the client's prefix alone.
    private mutating func emitUnreachable(
        _ reason: UnreachableReason, _ tuple: FourTuple, irs: SequenceNumber, by interface: InterfaceID,
        into batch: inout PacketBatch, at now: Instant
    ) {
        guard
            answerLimits.take(
                .icmpError, to: tuple.remoteAddress, perSecond: configuration.icmpErrorsPerSecond, at: now)
        else {
            counters.icmpRateLimited &+= 1
            return
        }
        var octets = [48 of UInt8](repeating: 0)
        var quoted = octets.mutableSpan
        var ip = IPv6Header.length
        switch (tuple.remoteAddress, tuple.localAddress) {
        case (.v4(let source), .v4(let destination)):
            IPv4Header(source: source, destination: destination, protocol: .tcp, payloadLength: 20)
                .emit(into: &quoted)
            ip = IPv4Header.length
        case (.v6(let source), .v6(let destination)):
            IPv6Header(source: source, destination: destination, nextHeader: .tcp, payloadLength: 20)
                .emit(into: &quoted)
        default:
            return
        }
        quoted.store(UInt32(tuple.remotePort) << 16 | UInt32(tuple.localPort), at: ip)
        quoted.store(irs.rawValue, at: ip &+ 4)
        counters.icmpErrorsOut &+= 1
        emitICMP(
            type: UnreachableReason.type(isIPv6: tuple.isIPv6), code: reason.code(isIPv6: tuple.isIPv6), rest: 0,
            body: octets.span.extracting(0..<ip &+ 8), from: tuple.localAddress, to: tuple.remoteAddress,
            by: interface, into: &batch)
    }
}
