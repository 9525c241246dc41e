internal import NetPrimitives

/// How the bits of a packet go wrong on a link.
public enum CorruptionMode: Hashable, Sendable {
    /// One to three bits within one 16-bit word that a checksum covers: the internet checksum always sees it, so no
    /// corrupted byte may ever reach an application. Fields that no checksum covers stay whole (IPv6's hop limit and
    /// flow label, say), and a packet without a checksum passes unharmed.
    case caught
    /// A burst of at most this many bits anywhere in the packet: first and last bit wrong, those between by chance. A
    /// checksum may miss it; what none caught is counted and named in the trace.
    case burst(bits: Int)
}

/// The damage that was done to a packet.
public struct Corruption: Hashable, Sendable {
    /// The bits that were flipped, counted from the first bit of the packet.
    public let bits: [Int]
    /// Whether a checksum or a length contradicts the packet now.
    public let isCaught: Bool
}

extension CorruptionMode {
    /// Damages the packet.
    /// - Returns: what was done; `nil` when nothing in this packet may be damaged.
    func apply(to packet: inout [UInt8], random: inout RandomStream) -> Corruption? {
        let bits: [Int]
        switch self {
        case .caught: bits = Self.bitsOfOneWord(of: packet, random: &random)
        case .burst(let length): bits = Self.burst(of: length, in: packet, random: &random)
        }
        if bits.isEmpty { return nil }
        for bit in bits { packet[bit / 8] ^= 0x80 >> UInt8(bit % 8) }
        let isCaught = PacketLayout(packet.span).map { !$0.checksumsHold(packet.span) } ?? true
        return Corruption(bits: bits, isCaught: isCaught)
    }

    private static func bitsOfOneWord(of packet: [UInt8], random: inout RandomStream) -> [Int] {
        guard let layout = PacketLayout(packet.span) else { return [] }
        let ranges = layout.coveredRanges(packet.span)
        let total = ranges.reduce(0) { $0 + ($1.count + 1) / 2 }
        if total == 0 { return [] }
        var word = random.below(total)
        for range in ranges {
            let words = (range.count + 1) / 2
            guard word >= words else {
                let start = range.lowerBound + 2 * word
                return distinctBits(in: start * 8..<min(start + 2, range.upperBound) * 8, random: &random)
            }
            word -= words
        }
        return []
    }

    private static func distinctBits(in range: Range<Int>, random: inout RandomStream) -> [Int] {
        var bits: [Int] = []
        let wanted = 1 + random.below(3)
        while bits.count < wanted {
            let bit = range.lowerBound + random.below(range.count)
            if !bits.contains(bit) { bits.append(bit) }
        }
        return bits.sorted()
    }

    private static func burst(of length: Int, in packet: [UInt8], random: inout RandomStream) -> [Int] {
        let length = min(length, packet.count * 8)
        guard length > 0 else { return [] }
        let span = 1 + random.below(length)
        let first = random.below(packet.count * 8 - span + 1)
        return (first..<first + span).filter { bit in
            bit == first || bit == first + span - 1 || random.chance(0.5)
        }
    }
}
