public import NetPrimitives

/// What a packet is within its conversation, as far as the packets themselves tell.
struct PacketReading: Hashable, Sendable {
    /// 1, 2 or 3 for the packets of the handshake.
    var handshakeStep: Int?
    /// The index of the packet that this one repeats.
    var repeats: Int?
    /// The number that counts as 0 for `seq`; `nil` while absolute numbers say more.
    var seqBase: SequenceNumber?
    /// The same for `ack`.
    var ackBase: SequenceNumber?
}

extension Conversation {
    /// A reading of each of ``packets``.
    func readings() -> [PacketReading] {
        let opener = packets.first { $0.segment?.flags.contains(.syn) == true }?.from
        var isn: [Side: SequenceNumber] = [:]
        var completed = false
        return packets.indices.map { index in
            let packet = packets[index]
            var reading = PacketReading()
            guard let segment = packet.segment else { return reading }
            // What another sends in a host's name begins nothing and repeats nothing.
            if packet.router != nil {
                if !segment.flags.contains(.syn) {
                    (reading.seqBase, reading.ackBase) = (isn[packet.from], isn[packet.from.opposite])
                }
                return reading
            }
            reading.repeats = firstSending(of: segment, from: packet.from, before: index)
            if segment.flags.contains(.syn) {
                isn[packet.from] = segment.seq
                reading.handshakeStep = segment.flags.contains(.ack) ? 2 : 1
            } else if let own = isn[packet.from], let other = isn[packet.from.opposite] {
                reading.seqBase = own
                reading.ackBase = other
                let acknowledgesSyn = segment.flags.contains(.ack) && segment.ack == other + 1
                if !completed, packet.from == opener, acknowledgesSyn, !segment.flags.contains(.rst) {
                    completed = true
                    reading.handshakeStep = 3
                }
            }
            return reading
        }
    }

    /// The first packet that carried what this segment carries, if it carries anything.
    private func firstSending(of segment: Segment, from side: Side, before index: Int) -> Int? {
        guard segment.sequenceLength > 0, !segment.flags.contains(.rst) else { return nil }
        return packets[..<index].firstIndex { earlier in
            guard earlier.from == side, earlier.router == nil, let sent = earlier.segment, sent.sequenceLength > 0
            else { return false }
            // In a simultaneous open the SYN-ACK has the number of the SYN before it, but is no repetition of it.
            let carriesSyn = segment.flags.contains(.syn) || sent.flags.contains(.syn)
            return sent.seq == segment.seq && !sent.flags.contains(.rst)
                && (!carriesSyn || sent.flags == segment.flags)
        }
    }

    /// The least time a packet needs there and one needs back; `nil` when none arrived.
    public var roundTrip: Interval? {
        func least(from side: Side) -> Interval? {
            var least: Interval?
            for packet in packets where packet.from == side && packet.router == nil {
                guard let arrival = packet.arrivedAt else { continue }
                least = min(least ?? (arrival - packet.sentAt), arrival - packet.sentAt)
            }
            return least
        }
        switch (least(from: .left), least(from: .right)) {
        case (let there?, let back?): return there + back
        case (let oneWay?, nil), (nil, let oneWay?): return oneWay * 2
        case (nil, nil): return nil
        }
    }
}
