import NetPrimitives
import WireFormats

/// Parts of packets on their way to becoming whole.
extension NetworkStack {
    mutating func fragmentArrives(
        _ view: borrowing IPv4View, _ facts: PacketFacts, answers: inout PacketBatch, at now: Instant
    ) {
        fragmentArrives(
            Fragment(view, interface: facts.interface), view.payload, facts, answers: &answers, at: now)
    }

    mutating func fragmentArrives(
        _ view: borrowing IPv6View, _ fragment: IPv6Fragment, _ facts: PacketFacts, answers: inout PacketBatch,
        at now: Instant
    ) {
        fragmentArrives(
            Fragment(view, fragment, interface: facts.interface), view.payload, facts, answers: &answers, at: now)
    }

    private mutating func fragmentArrives(
        _ fragment: Fragment, _ data: Span<UInt8>, _ facts: PacketFacts, answers: inout PacketBatch, at now: Instant
    ) {
        counters.fragmentsIn &+= 1
        // Nothing is kept of what would not be taken as a whole either.
        guard isForUs(facts),
            let packet = reassembler.fragmentArrives(fragment, data, counters: &counters, at: now)
        else { return }
        counters.reassembled &+= 1
        reassembledArrives(packet, facts, answers: &answers, at: now)
        reassembler.takeBack(packet)
    }

    /// A packet put together from fragments. Whatever a device has said of them, nobody has verified the checksum of
    /// the whole yet.
    private mutating func reassembledArrives(
        _ whole: borrowing ReassembledPacket, _ facts: PacketFacts, answers: inout PacketBatch, at now: Instant
    ) {
        let packet = whole.octets
        var facts = facts
        facts.checksum = .inPacket
        if !facts.source.isIPv6, let view = try? IPv4View(validating: packet) {
            facts.ecn = view.ecn
            datagramArrives(view.payload, of: packet, facts, answers: &answers, at: now)
        } else if let view = try? IPv6View(validating: packet), view.fragment == nil {
            // Extension headers behind the fragment header are read now.
            facts.upperProtocol = view.upperProtocol
            facts.ecn = view.ecn
            datagramArrives(view.payload, of: packet, facts, answers: &answers, at: now)
        } else {
            counters.ipHeaderErrors &+= 1
        }
    }

    // MARK: Time

    var nextFragmentDeadline: Instant? { reassembler.nextDeadline }

    mutating func fragmentsExpire(at now: Instant) { reassembler.expire(counters: &counters, at: now) }

    func encodeFragments(into sink: inout SipHash, at now: Instant) { reassembler.encode(into: &sink, at: now) }
}
