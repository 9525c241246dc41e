internal import NetPrimitives

/// Turns honest packets into bad ones, repeatably.
///
/// Half of the results have their checksums put right again: otherwise nothing behind the checksum would ever see them.
public struct PacketMutator {
    private var random: RandomStream
    /// A packet that was seen before, to be spliced with later ones.
    private var earlier: [UInt8] = []

    public init(random: RandomStream) { self.random = random }

    /// One to four things wrong with a packet.
    public mutating func mutate(_ packet: [UInt8]) -> [UInt8] {
        var mutant = packet
        for _ in 0...random.below(4) where !mutant.isEmpty { damage(&mutant) }
        if random.chance(0.5) { PacketLayout.fillChecksums(&mutant) }
        if earlier.isEmpty || random.chance(0.1) { earlier = packet }
        return mutant
    }

    private mutating func damage(_ packet: inout [UInt8]) {
        switch random.below(12) {
        case 0: packet[random.below(packet.count)] ^= 1 << UInt8(random.below(8))
        case 1: packet[random.below(packet.count)] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
        case 2: packet.removeLast(random.below(packet.count + 1))
        case 3: packet += (0..<random.below(100)).map { _ in randomByte() }
        case 4: splice(&packet)
        case 5: swapOrSpoilAddresses(&packet)
        case 6: lieAboutLength(&packet)
        default: spoilTransport(&packet)
        }
    }

    /// The head of this packet and the tail of an earlier one.
    private mutating func splice(_ packet: inout [UInt8]) {
        guard !earlier.isEmpty else { return }
        packet.removeLast(random.below(packet.count + 1))
        packet += earlier.dropFirst(random.below(earlier.count))
    }

    /// The receiver as sender (a land attack), or a sender that can be none: broadcast, multicast, unspecified.
    private mutating func swapOrSpoilAddresses(_ packet: inout [UInt8]) {
        guard let layout = PacketLayout(packet.span) else { return }
        let (start, half) = (layout.addresses.lowerBound, layout.addresses.count / 2)
        if random.chance(0.5) {
            packet.replaceSubrange(start..<start + half, with: packet[start + half..<start + 2 * half])
        } else {
            let spoiled: UInt8 = [0, 0xE0, 0xFF, 127][random.below(4)]
            packet[start] = spoiled
            if random.chance(0.5) { for index in start..<start + half { packet[index] = spoiled } }
        }
    }

    /// IP's length, header length, fragment fields, or next header.
    private mutating func lieAboutLength(_ packet: inout [UInt8]) {
        let offset = random.below(min(packet.count, 10))
        packet[offset] = random.chance(0.5) ? randomByte() : packet[offset] &+ UInt8(random.below(9)) &- 4
    }

    /// A byte of the transport's header or options; for TCP the flags and the header's length more often.
    private mutating func spoilTransport(_ packet: inout [UInt8]) {
        guard let layout = PacketLayout(packet.span), layout.transportLength > 0 else { return }
        let start = layout.transportStart
        let offset: Int
        switch random.below(4) {
        case 0 where layout.transportLength > 13: offset = start + 12 + random.below(2)
        case 1 where layout.transportLength > 20:
            offset = start + 20 + random.below(min(40, layout.transportLength - 20))
        default: offset = start + random.below(min(20, layout.transportLength))
        }
        packet[offset] = random.chance(0.3) ? [0, 1, 2, 0xFF][random.below(4)] : randomByte()
    }

    private mutating func randomByte() -> UInt8 { UInt8(truncatingIfNeeded: random.next()) }
}
