public import NetPrimitives

/// Makes the bytes of a classic pcap file; writing them somewhere is the caller's.
///
/// Numbers are little-endian on every machine, so that the same packets make the same file everywhere. Times default to
/// nanoseconds, which virtual time needs and tcpdump and Wireshark read.
public struct PcapWriter: Sendable {
    public let linkType: LinkType
    public let resolution: TimeResolution
    /// How much of each packet is kept, in bytes.
    public let snapLength: Int

    /// - Parameter snapLength: how much of each packet to keep; 1 ... 262,144 bytes.
    public init(linkType: LinkType = .raw, resolution: TimeResolution = .nanosecond, snapLength: Int = 262_144) {
        precondition(snapLength > 0 && snapLength <= PcapLayout.longestCapture, "snap length in range")
        self.linkType = linkType
        self.resolution = resolution
        self.snapLength = snapLength
    }

    /// The 24 bytes that the file begins with.
    public func header() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(PcapLayout.fileHeaderLength)
        bytes.append(littleEndian: resolution.magic)
        bytes.append(littleEndian: UInt16(2))
        bytes.append(littleEndian: UInt16(4))
        // Time zone and accuracy: never used by anyone, always zero.
        bytes.append(littleEndian: UInt64(0))
        bytes.append(littleEndian: UInt32(snapLength))
        bytes.append(littleEndian: linkType.rawValue)
        return bytes
    }

    /// A record for one packet.
    ///
    /// - Parameters:
    ///   - packet: the packet, or as much of it as there is.
    ///   - instant: its time. The format holds 0 to 2^32 seconds; times outside are moved to the nearer end.
    ///   - originalLength: the length on the wire if that is more than `packet` holds.
    public func record(_ packet: Span<UInt8>, at instant: Instant, originalLength: Int? = nil) -> [UInt8] {
        let kept = min(packet.count, snapLength)
        var bytes = recordHeader(kept: kept, length: originalLength ?? packet.count, at: instant)
        for index in 0..<kept { bytes.append(packet[index]) }
        return bytes
    }

    /// A record for one packet that is in an array.
    public func record(_ packet: [UInt8], at instant: Instant, originalLength: Int? = nil) -> [UInt8] {
        let kept = min(packet.count, snapLength)
        return recordHeader(kept: kept, length: originalLength ?? packet.count, at: instant) + packet[..<kept]
    }

    private func recordHeader(kept: Int, length: Int, at instant: Instant) -> [UInt8] {
        let latest = Int64(UInt32.max) * 1_000_000_000 + 999_999_999
        let time = min(max(instant.nanoseconds, 0), latest)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(PcapLayout.recordHeaderLength + kept)
        bytes.append(littleEndian: UInt32(time / 1_000_000_000))
        bytes.append(littleEndian: UInt32(time % 1_000_000_000 / resolution.nanoseconds))
        bytes.append(littleEndian: UInt32(kept))
        bytes.append(littleEndian: UInt32(clamping: length))
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}
