import NetPrimitives

/// Why bytes are not a pcap file, or stop being one.
public enum PcapError: Error, Hashable, Sendable {
    /// Fewer bytes than a file header has.
    case headerTruncated(have: Int)
    /// The first four bytes are no pcap magic in either byte order. Holds them as a little-endian number.
    case notPcap(magic: UInt32)
    /// A version of the format other than 2.
    case unsupportedVersion(major: UInt16, minor: UInt16)
    /// The file ends within record `index`, counted from 0, which has `have` of its `need` bytes.
    case recordTruncated(index: Int, have: Int, need: Int)
    /// Record `index` claims more captured bytes than any capture holds.
    case recordTooLong(index: Int, length: UInt32)
}

/// Reads a classic pcap file from its bytes: both byte orders, microseconds and nanoseconds.
///
/// No input traps. After an error ``next()`` throws the same again: what follows a broken record has no beginning.
public struct PcapReader: Sendable {
    public let linkType: LinkType
    public let resolution: TimeResolution
    /// What the capture kept of each packet at most, as the file says.
    public let snapLength: UInt32

    private let bytes: [UInt8]
    private let isBigEndian: Bool
    private var position = PcapLayout.fileHeaderLength
    private var index = 0

    public init(_ bytes: [UInt8]) throws(PcapError) {
        guard bytes.count >= PcapLayout.fileHeaderLength else { throw .headerTruncated(have: bytes.count) }
        let magic = Self.uint32(bytes, 0, bigEndian: false)
        switch magic {
        case TimeResolution.microsecond.magic: (resolution, isBigEndian) = (.microsecond, false)
        case TimeResolution.nanosecond.magic: (resolution, isBigEndian) = (.nanosecond, false)
        case TimeResolution.microsecond.magic.byteSwapped: (resolution, isBigEndian) = (.microsecond, true)
        case TimeResolution.nanosecond.magic.byteSwapped: (resolution, isBigEndian) = (.nanosecond, true)
        default: throw .notPcap(magic: magic)
        }
        let version = Self.uint32(bytes, 4, bigEndian: isBigEndian)
        let major = UInt16(truncatingIfNeeded: isBigEndian ? version >> 16 : version)
        let minor = UInt16(truncatingIfNeeded: isBigEndian ? version : version >> 16)
        guard major == 2 else { throw .unsupportedVersion(major: major, minor: minor) }
        snapLength = Self.uint32(bytes, 16, bigEndian: isBigEndian)
        // The upper four bits tell of a frame check sequence.
        linkType = LinkType(rawValue: Self.uint32(bytes, 20, bigEndian: isBigEndian) & 0x0FFF_FFFF)
        self.bytes = bytes
    }

    /// The next packet; `nil` at the end.
    public mutating func next() throws(PcapError) -> CapturedPacket? {
        let have = bytes.count - position
        guard have > 0 else { return nil }
        guard have >= PcapLayout.recordHeaderLength else {
            throw .recordTruncated(index: index, have: have, need: PcapLayout.recordHeaderLength)
        }
        let captured = field(8)
        guard captured <= PcapLayout.longestCapture else { throw .recordTooLong(index: index, length: captured) }
        let need = PcapLayout.recordHeaderLength + Int(captured)
        guard have >= need else { throw .recordTruncated(index: index, have: have, need: need) }
        let packet = CapturedPacket(
            instant: Instant(
                nanoseconds: Int64(field(0)) * 1_000_000_000 + Int64(field(4)) * resolution.nanoseconds),
            bytes: Array(bytes[position + PcapLayout.recordHeaderLength..<position + need]),
            originalLength: Int(field(12)))
        position += need
        index += 1
        return packet
    }

    private func field(_ offset: Int) -> UInt32 { Self.uint32(bytes, position + offset, bigEndian: isBigEndian) }

    private static func uint32(_ bytes: [UInt8], _ offset: Int, bigEndian: Bool) -> UInt32 {
        let value = bytes.span.uint32(at: offset)
        return bigEndian ? value : value.byteSwapped
    }
}
