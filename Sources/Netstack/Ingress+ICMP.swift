import NetPrimitives
import TCPStateMachine
import WireFormats

/// ICMP in both families, and UDP as far as a host without UDP sockets goes.
extension NetworkStack {
    mutating func icmpArrives(
        _ octets: Span<UInt8>, of packet: Span<UInt8>, _ facts: PacketFacts, answers: inout PacketBatch,
        at now: Instant
    ) {
        counters.icmpIn &+= 1
        guard isForUs(facts) else { return }
        let isIPv6 = facts.source.isIPv6
        let sum =
            isIPv6
            ? InternetChecksum.pseudoHeaderSum(
                source: facts.source, destination: facts.destination, protocol: .icmpv6, length: octets.count) : nil
        guard let view = try? ICMPView(validating: octets, pseudoHeaderSum: sum) else {
            counters.icmpErrors &+= 1
            return
        }
        switch view.message {
        case .echoRequest(let identifier, let sequence):
            // Whether a host behind a gateway is there is not the gateway's to say.
            guard configuration.answersEcho, interfaces.isLocal(facts.destination) else { return }
            counters.echoReplies &+= 1
            emitICMP(
                type: isIPv6 ? 129 : 0, code: 0, rest: UInt32(identifier) << 16 | UInt32(sequence), body: view.body,
                from: facts.destination, to: facts.source, by: facts.interface, into: &answers)
        case .unreachable, .packetTooBig, .timeExceeded, .parameterProblem:
            errorArrives(view.message, view.type, view.code, about: view.body, facts, at: now)
        case .echoReply, .other:
            break
        }
    }

    /// An error about a packet of ours: for the connection that it quotes, if the number quoted is really in flight
    /// (RFC 5927, 4.1; RFC 9293, 3.9.2.2).
    private mutating func errorArrives(
        _ message: ICMPMessage, _ type: UInt8, _ code: UInt8, about body: Span<UInt8>, _ facts: PacketFacts,
        at now: Instant
    ) {
        guard let quoted = QuotedPacket(body), quoted.protocol == .tcp else { return }
        let tuple = FourTuple(
            local: quoted.source, localPort: quoted.sourcePort, remote: quoted.destination,
            remotePort: quoted.destinationPort, interface: facts.interface)
        // Half-open entries and TIME-WAITs pay no heed: they end by themselves.
        guard case .connection(let slot) = flows.find(tuple) else { return }
        guard flows.connections[slot].tcb.concerns(quoted.sequence) else {
            counters.icmpOutOfWindow &+= 1
            return
        }
        flows.connections[slot].icmp = UInt16(type) << 8 | UInt16(code)
        let attempt = flows.connections[slot].attempt
        if !attempt.isNone {
            attempts[attempt].attempt.icmp = ICMPEvidence(reporter: facts.source, type: type, code: code, at: now)
        }
        switch message {
        case .packetTooBig(let mtu):
            packetTooBig(mtu, slot, quoted: quoted.sequence, at: now)
        case .timeExceeded(let code) where code != 0:
            // Reassembly took too long somewhere: a single loss, no statement about the path.
            break
        default:
            openAccount(of: slot)
            let disposition = flows.connections[slot].tcb.unreachable(
                quoted: quoted.sequence, memory: &memory, configuration: configuration.tcp)
            closeAccount(of: slot)
            perform(disposition, on: slot, at: now)
        }
    }

    /// The path carries less than we sent (RFC 1191, 4; RFC 8201, 4).
    private mutating func packetTooBig(_ mtu: UInt32, _ slot: Slot, quoted: SequenceNumber, at now: Instant) {
        let isIPv6 = flows.connections[slot].key.isIPv6
        let headers: UInt32 = isIPv6 ? 60 : 40
        // An old router tells of no MTU; nothing below what every path must carry is believed.
        let least: UInt32 = isIPv6 ? 1280 : 552
        let believed = max(mtu == 0 ? 576 : mtu, least)
        flows.connections[slot].tcb.pathCarries(UInt16(clamping: believed &- headers), quoted: quoted)
        update(slot, at: now)
    }

    // MARK: UDP

    /// No one listens for UDP here: say so (RFC 1122, 4.1.3.1; RFC 4443, 3.1).
    mutating func udpArrives(
        _ octets: Span<UInt8>, of packet: Span<UInt8>, _ facts: PacketFacts, answers: inout PacketBatch,
        at now: Instant
    ) {
        counters.udpIn &+= 1
        guard isForUs(facts), let view = try? UDPView(validating: octets) else { return }
        if view.hasNoChecksum {
            guard !facts.source.isIPv6 else { return }
        } else if facts.checksum == .inPacket {
            let sum = InternetChecksum.pseudoHeaderSum(
                source: facts.source, destination: facts.destination, protocol: .udp, length: view.length)
            guard view.hasValidChecksum(pseudoHeaderSum: sum) else { return }
        }
        guard
            answerLimits.take(
                .icmpError, to: facts.source, perSecond: configuration.icmpErrorsPerSecond, at: now)
        else {
            counters.icmpRateLimited &+= 1
            return
        }
        let isIPv6 = facts.source.isIPv6
        let quoted = packet.extracting(0..<ICMPEmitter.quotedLength(of: packet.count, isIPv6: isIPv6))
        counters.icmpErrorsOut &+= 1
        emitICMP(
            type: isIPv6 ? 1 : 3, code: isIPv6 ? 4 : 3, rest: 0, body: quoted, from: facts.destination,
            to: facts.source, by: facts.interface, into: &answers)
    }

    // MARK: Answers

    mutating func emitICMP(
        type: UInt8, code: UInt8, rest: UInt32, body: Span<UInt8>, from source: IPAddress, to destination: IPAddress,
        by interface: InterfaceID, into answers: inout PacketBatch
    ) {
        let length = 8 + body.count
        let isIPv6 = source.isIPv6
        let ip = isIPv6 ? IPv6Header.length : IPv4Header.length
        guard ip + length <= interfaces[interface].mtu,
            let index = answers.appendUninitialized(length: ip + length, interface: interface)
        else {
            counters.answersDropped &+= 1
            return
        }
        var packet = answers.mutableBytes(of: index)
        switch (source, destination) {
        case (.v4(let a), .v4(let b)):
            IPv4Header(
                source: a, destination: b, protocol: .icmp, payloadLength: length,
                timeToLive: configuration.hopLimit
            ).emit(into: &packet)
        case (.v6(let a), .v6(let b)):
            IPv6Header(
                source: a, destination: b, nextHeader: .icmpv6, payloadLength: length,
                hopLimit: configuration.hopLimit
            ).emit(into: &packet)
        default:
            return
        }
        let sum =
            isIPv6
            ? InternetChecksum.pseudoHeaderSum(
                source: source, destination: destination, protocol: .icmpv6, length: length) : nil
        var octets = answers.mutableBytes(of: index, from: ip)
        ICMPEmitter.emit(type: type, code: code, rest: rest, body: body, into: &octets, pseudoHeaderSum: sum)
        counters.packetsOut &+= 1
    }
}
