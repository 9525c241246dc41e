/// The number of a network interface of a stack, as the stack gave it out.
public struct InterfaceID: Hashable, Sendable, BitwiseCopyable {
    public var rawValue: UInt16
    @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }
}

/// What is known of a packet's transport checksum.
public enum ChecksumState: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// In: verify it. Out: it is in the packet.
    case inPacket
    /// In: the device has verified it. Never used for packets that go out.
    case verified
    /// Out: the field holds the pseudo-header's sum and the device completes it. In: a local sender left that to a
    /// device.
    case partial
}

/// Where a packet lies in its batch's arena, and what goes with it.
public struct PacketDescriptor: Hashable, Sendable, BitwiseCopyable {
    public var offset: UInt32
    public var length: UInt32
    public var interface: InterfaceID
    /// Payload bytes of each segment when the packet stands for several (GSO, GRO); 0 for a single one.
    public var segmentSize: UInt16
    public var checksum: ChecksumState
    /// The two ECN bits of the IP header (RFC 3168, 5), for devices that carry them apart.
    public var ecn: UInt8

    @inlinable public init(
        offset: UInt32, length: UInt32, interface: InterfaceID, segmentSize: UInt16 = 0,
        checksum: ChecksumState = .inPacket, ecn: UInt8 = 0
    ) {
        self.offset = offset
        self.length = length
        self.interface = interface
        self.segmentSize = segmentSize
        self.checksum = checksum
        self.ecn = ecn
    }
}

/// IP packets on their way in or out: an arena of bytes that the driver owns, and a list of the packets in it.
///
/// A batch has a fixed size: it allocates when it is made and never again. The driver fills one and passes it to
/// `receive`, empties another that `transmit` filled, and uses both again.
public struct PacketBatch: ~Copyable, Sendable {
    @usableFromInline var arena: ByteBlock
    @usableFromInline var descriptors: SegmentedArray<PacketDescriptor>
    @usableFromInline var used: Int
    @usableFromInline var packetCount: Int
    /// The most packets that this batch takes.
    public let packetCapacity: Int

    /// - Parameters:
    ///   - byteCapacity: bytes for all packets together; below 2^32.
    ///   - packetCapacity: how many packets at most; at least 1.
    @inlinable public init(byteCapacity: Int, packetCapacity: Int) {
        precondition(byteCapacity >= 0 && UInt(byteCapacity) <= UInt(UInt32.max), "offsets have 32 bits")
        precondition(packetCapacity > 0, "room for a packet")
        arena = ByteBlock(count: byteCapacity)
        let segment = 1 << (Int.bitWidth - (packetCapacity - 1).leadingZeroBitCount)
        descriptors = SegmentedArray(
            segmentSize: segment, filler: PacketDescriptor(offset: 0, length: 0, interface: InterfaceID(0)))
        descriptors.grow()
        used = 0
        packetCount = 0
        self.packetCapacity = packetCapacity
    }

    /// The number of packets in the batch.
    @inlinable public var count: Int { packetCount }
    @inlinable public var isEmpty: Bool { packetCount == 0 }
    @inlinable public var byteCapacity: Int { arena.count }
    /// Bytes that are still free.
    @inlinable public var bytesFree: Int { arena.count &- used }

    /// Whether a packet of `length` bytes fits.
    @inlinable public func hasRoom(for length: Int) -> Bool { length <= bytesFree && packetCount < packetCapacity }

    /// Forgets all packets; keeps the memory.
    @inlinable public mutating func removeAll() {
        used = 0
        packetCount = 0
    }

    /// Forgets the packet that was added last. Does nothing to an empty batch.
    @inlinable public mutating func removeLast() {
        guard packetCount > 0 else { return }
        packetCount &-= 1
        used = Int(descriptors[packetCount].offset)
    }

    /// Shortens the packet that was added last, for a device that learns how long a packet is by reading it.
    /// - Parameter length: at most what it was added with.
    @inlinable public mutating func truncateLast(to length: Int) {
        precondition(packetCount > 0, "a packet to shorten")
        let index = packetCount &- 1
        precondition(length >= 0 && length <= Int(descriptors[index].length), "shorter, not longer")
        descriptors[index].length = UInt32(length)
        used = Int(descriptors[index].offset) &+ length
    }

    /// The packet's place and particulars. The index must be below ``count``.
    @inlinable public subscript(index: Int) -> PacketDescriptor {
        @inline(__always) get {
            precondition(index >= 0 && index < packetCount, "a packet of this batch")
            return descriptors[index]
        }
        set {
            precondition(index >= 0 && index < packetCount, "a packet of this batch")
            precondition(Int(newValue.offset) &+ Int(newValue.length) <= used, "a packet lies in the arena")
            descriptors[index] = newValue
        }
    }

    /// The bytes of packet `index`, from its IP header on.
    @_lifetime(borrow self)
    @inline(__always) @inlinable public func bytes(of index: Int) -> Span<UInt8> {
        let descriptor = self[index]
        return arena.span(at: Int(descriptor.offset), count: Int(descriptor.length))
    }

    /// The bytes of packet `index`, to be written.
    @_lifetime(&self)
    @inline(__always) @inlinable public mutating func mutableBytes(of index: Int) -> MutableSpan<UInt8> {
        let descriptor = self[index]
        return arena.mutableSpan(at: Int(descriptor.offset), count: Int(descriptor.length))
    }

    /// The bytes of packet `index` from `offset` on, to be written.
    @_lifetime(&self)
    @inline(__always) @inlinable public mutating func mutableBytes(of index: Int, from offset: Int) -> MutableSpan<
        UInt8
    > {
        let descriptor = self[index]
        precondition(offset >= 0 && offset <= Int(descriptor.length), "within the packet")
        return arena.mutableSpan(at: Int(descriptor.offset) &+ offset, count: Int(descriptor.length) &- offset)
    }

    /// Makes room for a packet of `length` bytes, whose contents are whatever the arena held before.
    /// - Returns: its index, or `nil` when the batch is full.
    @inline(__always) @inlinable public mutating func appendUninitialized(
        length: Int, interface: InterfaceID, segmentSize: UInt16 = 0, checksum: ChecksumState = .inPacket
    ) -> Int? {
        guard length >= 0, hasRoom(for: length) else { return nil }
        let index = packetCount
        descriptors[index] = PacketDescriptor(
            offset: UInt32(used), length: UInt32(length), interface: interface, segmentSize: segmentSize,
            checksum: checksum)
        used &+= length
        packetCount &+= 1
        return index
    }

    /// Adds a copy of `packet`.
    /// - Returns: false when the batch is full; nothing is added then.
    @discardableResult
    @inlinable public mutating func append(
        _ packet: Span<UInt8>, interface: InterfaceID, segmentSize: UInt16 = 0, checksum: ChecksumState = .inPacket
    ) -> Bool {
        guard
            let index = appendUninitialized(
                length: packet.count, interface: interface, segmentSize: segmentSize, checksum: checksum)
        else { return false }
        var bytes = mutableBytes(of: index)
        bytes.copy(from: packet)
        return true
    }
}
