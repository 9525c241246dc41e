import NetPrimitives
import WireFormats

extension NetworkStack {
    mutating func fragmentArrives(
        _ view: borrowing IPv4View, _ facts: PacketFacts, answers: inout PacketBatch, at now: Instant
    ) {
        counters.fragmentsIn &+= 1
        counters.fragmentsDropped &+= 1
    }

    mutating func fragmentArrives(
        _ view: borrowing IPv6View, _ fragment: IPv6Fragment, _ facts: PacketFacts, answers: inout PacketBatch,
        at now: Instant
    ) {
        counters.fragmentsIn &+= 1
        counters.fragmentsDropped &+= 1
    }

    var nextFragmentDeadline: Instant? { nil }

    func encodeFragments(into sink: inout SipHash, at now: Instant) {}

    mutating func fragmentsExpire(at now: Instant) {}
}
