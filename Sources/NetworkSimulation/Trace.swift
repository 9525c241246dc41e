public import NetPrimitives

/// Every packet of a run: when it was sent, what became of it, and its bytes.
public struct Trace {
    /// How much is kept.
    public enum Extent: Hashable, Sendable {
        case nothing
        /// The last so many packets, at least.
        case last(Int)
        case everything
    }

    /// How much is kept.
    public let extent: Extent
    /// The packets in the order of sending; the number of the first one kept is ``firstNumber``.
    public private(set) var packets: [TracedPacket] = []
    /// Sendings and arrivals as they happened.
    public private(set) var moments: [Moment] = []
    /// Packets that were sent altogether.
    public private(set) var count = 0

    init(_ extent: Extent) { self.extent = extent }

    /// The number of the first packet that is still kept.
    public var firstNumber: Int { count - packets.count }

    /// - Returns: the packet with this number, while it is kept.
    public subscript(number: Int) -> TracedPacket? {
        let index = number - firstNumber
        return packets.indices.contains(index) ? packets[index] : nil
    }

    /// A sending or an arrival.
    public struct Moment: Hashable, Sendable {
        public let time: Instant
        /// The packet's number.
        public let packet: Int
        /// Which copy arrives, in ``TracedPacket/arrivals``; `nil` for the sending.
        public let arrival: Int?
    }

    mutating func sent(_ packet: TracedPacket) {
        defer { count += 1 }
        if extent == .nothing { return }
        packets.append(packet)
        moments.append(Moment(time: packet.sentAt, packet: packet.number, arrival: nil))
        // Trimmed when it is twice as long as asked for, so that the cost is spread.
        if case .last(let limit) = extent, packets.count > 2 * limit {
            packets.removeFirst(packets.count - limit)
            let first = count + 1 - packets.count
            moments.removeAll { $0.packet < first }
        }
    }

    mutating func arrived(packet number: Int, copy: Int, at time: Instant) {
        guard self[number] != nil else { return }
        moments.append(Moment(time: time, packet: number, arrival: copy))
    }
}

/// One packet of a run.
public struct TracedPacket: Hashable, Sendable {
    /// Packets are numbered from 0 in the order of sending, over the whole simulation.
    public let number: Int
    /// ``Link/number``.
    public let link: Int
    /// The end from which it was sent, or towards the other end of which a router on the way sent it.
    public let side: Link.Side
    /// Sent not by the node but by a router, or by another, on the way.
    public let isFromRouter: Bool
    public let sentAt: Instant
    /// The bytes as they were sent.
    public let bytes: [UInt8]
    /// The copies that reach the other end, those on their way included; none when the packet is lost.
    public let arrivals: [Arrival]
    /// Why it was lost; `nil` when it was not.
    public let loss: LossReason?
}

/// A packet as one point of the network saw it, ready for a capture file or a line of print.
public struct CapturedPacket: Hashable, Sendable {
    public let time: Instant
    public let bytes: [UInt8]
    /// Whether it left the point of capture; false when it arrived there.
    public let isOutgoing: Bool
    /// Its number in the ``Trace``.
    public let number: Int
}

extension Trace {
    /// What a capture on one end of a link would hold: all that was sent there, also if lost later, and all that
    /// arrived.
    public func capture(on link: Link, at side: Link.Side) -> [CapturedPacket] {
        moments.compactMap { moment in
            guard let packet = self[moment.packet], packet.link == link.number else { return nil }
            if let copy = moment.arrival {
                guard packet.side != side else { return nil }
                return CapturedPacket(
                    time: moment.time, bytes: packet.arrivals[copy].bytes, isOutgoing: false, number: packet.number)
            }
            guard packet.side == side, !packet.isFromRouter else { return nil }
            return CapturedPacket(time: moment.time, bytes: packet.bytes, isOutgoing: true, number: packet.number)
        }
    }
}
