internal import NetPrimitives

/// Packets that were ever in flight, each with a number, in the order in which they first were.
final class PacketTable {
    private var packets: [ExploredPacket] = []
    private var numbers: [ExploredPacket: UInt16] = [:]
    /// A hash of each, which does not depend on its number.
    private(set) var digests: [UInt64] = []

    var count: Int { packets.count }

    subscript(number: UInt16) -> ExploredPacket { packets[Int(number)] }

    func number(of packet: ExploredPacket) -> UInt16 {
        if let known = numbers[packet] { return known }
        precondition(packets.count < Int(UInt16.max), "fewer than 65,535 different packets")
        let number = UInt16(packets.count)
        packets.append(packet)
        numbers[packet] = number
        digests.append(SipHash.hash(packet.bytes.span, key: SipKey(0, UInt64(packet.destination.rawValue))))
        return number
    }
}
