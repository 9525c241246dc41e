public import NetPrimitives
import TCPStateMachine
import WireFormats

/// What the IP header of a packet tells, of either family.
struct PacketFacts: BitwiseCopyable {
    var source: IPAddress
    var destination: IPAddress
    var upperProtocol: IPProtocol
    var ecn: ECNCodepoint
    var interface: InterfaceID
    var checksum: ChecksumState
}

extension NetworkStack {
    /// Packets have come in.
    /// - Parameters:
    ///   - batch: the packets; each names its interface.
    ///   - answers: takes what is answered without a connection (RST, SYN-ACK, ICMP). When it is full the answer is
    ///     dropped and counted.
    ///   - now: the time; never earlier than that of any call before.
    public mutating func receive(_ batch: borrowing PacketBatch, answers: inout PacketBatch, at now: Instant) {
        for index in 0..<batch.count {
            let descriptor = batch[index]
            packetArrives(
                batch.bytes(of: index), interface: descriptor.interface, checksum: descriptor.checksum,
                answers: &answers, at: now)
        }
    }

    private mutating func packetArrives(
        _ packet: Span<UInt8>, interface: InterfaceID, checksum: ChecksumState, answers: inout PacketBatch,
        at now: Instant
    ) {
        counters.packetsIn &+= 1
        guard interfaces.has(interface), !packet.isEmpty else {
            counters.ipHeaderErrors &+= 1
            return
        }
        switch packet[0] >> 4 {
        case 4: ipv4Arrives(packet, interface: interface, checksum: checksum, answers: &answers, at: now)
        case 6: ipv6Arrives(packet, interface: interface, checksum: checksum, answers: &answers, at: now)
        default: counters.ipHeaderErrors &+= 1
        }
    }

    private mutating func ipv4Arrives(
        _ packet: Span<UInt8>, interface: InterfaceID, checksum: ChecksumState, answers: inout PacketBatch,
        at now: Instant
    ) {
        guard let view = try? IPv4View(validating: packet) else {
            counters.ipHeaderErrors &+= 1
            return
        }
        let facts = PacketFacts(
            source: .v4(view.source), destination: .v4(view.destination), upperProtocol: view.protocol, ecn: view.ecn,
            interface: interface, checksum: checksum)
        if view.isFragment { return fragmentArrives(view, facts, answers: &answers, at: now) }
        datagramArrives(view.payload, of: packet, facts, answers: &answers, at: now)
    }

    private mutating func ipv6Arrives(
        _ packet: Span<UInt8>, interface: InterfaceID, checksum: ChecksumState, answers: inout PacketBatch,
        at now: Instant
    ) {
        guard let view = try? IPv6View(validating: packet) else {
            counters.ipHeaderErrors &+= 1
            return
        }
        let facts = PacketFacts(
            source: .v6(view.source), destination: .v6(view.destination), upperProtocol: view.upperProtocol,
            ecn: view.ecn,
            interface: interface, checksum: checksum)
        if let fragment = view.fragment {
            return fragmentArrives(view, fragment, facts, answers: &answers, at: now)
        }
        datagramArrives(view.payload, of: packet, facts, answers: &answers, at: now)
    }

    /// A whole datagram, from the wire or from its fragments.
    /// - Parameter packet: the packet it came in, for an ICMP error to quote.
    mutating func datagramArrives(
        _ payload: Span<UInt8>, of packet: Span<UInt8>, _ facts: PacketFacts, answers: inout PacketBatch,
        at now: Instant
    ) {
        switch facts.upperProtocol {
        case .tcp:
            tcpArrives(payload, facts, answers: &answers, at: now)
        case .icmp where !facts.source.isIPv6, .icmpv6 where facts.source.isIPv6:
            icmpArrives(payload, of: packet, facts, answers: &answers, at: now)
        case .udp:
            udpArrives(payload, of: packet, facts, answers: &answers, at: now)
        default:
            guard isForUs(facts) else { return }
            counters.unknownProtocol &+= 1
        }
    }

    /// Whether a packet without a connection concerns us at all: to an address of ours, or to one that we are the
    /// gateway of, from an honest source.
    mutating func isForUs(_ facts: PacketFacts) -> Bool {
        guard interfaces.isLocal(facts.destination) || isForGateway(facts) else {
            counters.notForUs &+= 1
            return false
        }
        // RFC 9293, 3.10.7 (MUST-57); RFC 1122, 3.2.1.3: no source is multicast, broadcast or, from outside, ourselves.
        guard facts.source.isUnicast, !interfaces.isBroadcast(facts.source), !interfaces.isLocal(facts.source),
            !isLoopback(facts.source)
        else {
            counters.martians &+= 1
            return false
        }
        return true
    }

    func isLoopback(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let v4): v4.isLoopback
        case .v6(let v6): v6.isLoopback
        }
    }

    // MARK: TCP

    private mutating func tcpArrives(
        _ octets: Span<UInt8>, _ facts: PacketFacts, answers: inout PacketBatch, at now: Instant
    ) {
        counters.segmentsIn &+= 1
        // RFC 9293, 3.4.3: "any TCP segments", so no SYN-ACK and no RST either. The peer will ask again.
        if quiet.isOn(at: now) {
            counters.quietDrops &+= 1
            return
        }
        guard let view = try? TCPView(validating: octets) else {
            counters.segmentErrors &+= 1
            return
        }
        if facts.checksum == .inPacket {
            let sum = InternetChecksum.pseudoHeaderSum(
                source: facts.source, destination: facts.destination, protocol: .tcp, length: octets.count)
            guard view.hasValidChecksum(pseudoHeaderSum: sum) else {
                counters.segmentErrors &+= 1
                counters.checksumErrors &+= 1
                return
            }
        }
        let tuple = FourTuple(
            local: facts.destination, localPort: view.destinationPort, remote: facts.source,
            remotePort: view.sourcePort, interface: facts.interface)
        var seg = view.segment
        seg.ecn = facts.ecn
        if seg.flags.contains(.rst) { counters.resetsIn &+= 1 }
        // A 4-tuple that is known was looked at when it became so.
        switch flows.find(tuple) {
        case .connection(let slot):
            segmentArrives(
                seg, payload: view.payload, connection: slot, tuple: tuple, answers: &answers, at: now)
        case .halfOpen(let slot):
            segmentArrives(
                seg, payload: view.payload, halfOpen: slot, tuple: tuple, interface: facts.interface,
                answers: &answers, at: now)
        case .timeWait(let slot):
            segmentArrives(
                seg, timeWait: slot, tuple: tuple, interface: facts.interface, answers: &answers, at: now)
        case nil:
            guard isForUs(facts) else { return }
            strangerArrives(
                seg, payload: view.payload, tuple, interface: facts.interface, answers: &answers, at: now)
        }
    }

    /// A segment that belongs to nothing yet: for a listener, or for nobody.
    private mutating func strangerArrives(
        _ seg: Segment, payload: Span<UInt8>, _ tuple: FourTuple, interface: InterfaceID,
        answers: inout PacketBatch, at now: Instant
    ) {
        guard let listener = listeners.find(tuple) else {
            // 3.10.7.1, CLOSED: all data is discarded; everything but a RST is answered with one.
            if !seg.flags.contains(.rst) {
                answer(Self.reset(for: seg), tuple, by: interface, into: &answers, at: now)
            }
            return
        }
        switch HalfOpen.listenDisposition(seg) {
        case .ignore:
            break
        case .reset(let reset):
            guard
                completeByCookie(
                    seg, payload: payload, tuple, listener: listener, interface: interface, answers: &answers, at: now)
            else { return answer(reset, tuple, by: interface, into: &answers, at: now) }
        case .connectionRequest:
            synArrives(seg, tuple, listener: listener, interface: interface, answers: &answers, at: now)
        }
    }

    /// RFC 9293, 3.10.7.1: a RST that the sender of `seg` will accept.
    static func reset(for seg: Segment) -> ResetReply {
        seg.flags.contains(.ack) ? .bare(seq: seg.ack) : .acknowledging(ack: seg.seq + seg.length)
    }
}
