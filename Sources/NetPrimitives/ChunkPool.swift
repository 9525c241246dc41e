/// The memory that buffers are made of: chunks of one size from one pool, with a limit that holds for all together.
///
/// Two kinds of claim share the limit. A *reservation* is a promise that a chunk can always be had (a connection has
/// one each way); everything else is drawn from what no reservation covers, and may be refused. Who draws may be held
/// to an *allowance* besides (``openAccount(allowance:)``), so that one does not take what is meant for many.
public struct ChunkPool: ~Copyable, Sendable {
    /// Bytes in a chunk.
    @inlinable public static var chunkSize: Int { 4096 }
    /// Chunks that are had from the allocator at a time.
    @inlinable public static var chunksPerSegment: Int { 8 }

    @usableFromInline var bytes: SegmentedArray<UInt8>
    /// Links the free chunks.
    @usableFromInline var links: SegmentedArray<Slot>
    @usableFromInline var firstFree: Slot
    @usableFromInline var fresh: Int
    /// The most chunks, reserved or taken.
    @usableFromInline var limit: Int
    @usableFromInline var reservations: Int
    @usableFromInline var reservedInUse: Int
    @usableFromInline var unreservedInUse: Int
    /// Chunks beyond reservations that whoever is served now may still take.
    @usableFromInline var allowance: Int
    @usableFromInline var openedWith: Int

    @usableFromInline static var unlimited: Int { .max / 2 }

    /// - Parameter limitBytes: the most memory that chunks may take, in bytes.
    public init(limitBytes: Int) {
        bytes = SegmentedArray(segmentSize: Self.chunkSize * Self.chunksPerSegment, filler: 0)
        links = SegmentedArray(segmentSize: 64, filler: .none)
        firstFree = .none
        fresh = 0
        limit = max(limitBytes, 0) / Self.chunkSize
        reservations = 0
        reservedInUse = 0
        unreservedInUse = 0
        allowance = Self.unlimited
        openedWith = Self.unlimited
    }

    /// Chunks in use now.
    @inlinable public var inUse: Int { reservedInUse &+ unreservedInUse }
    /// Chunks promised, used or not.
    @inlinable public var reserved: Int { reservations }
    /// The most chunks there can be.
    @inlinable public var chunkLimit: Int { limit }
    /// Bytes that no one uses, no reservation covers and the open account may take.
    @inlinable public var freeBytes: Int {
        Swift.max(Swift.min(limit &- reservations &- unreservedInUse, allowance), 0) &* Self.chunkSize
    }
    /// Bytes held from the allocator.
    @inlinable public var allocatedBytes: Int { bytes.allocatedBytes &+ links.allocatedBytes }

    /// Promises `count` chunks to someone.
    /// - Returns: false when the limit leaves no room for the promise.
    @inlinable public mutating func reserve(_ count: Int) -> Bool {
        guard reservations &+ unreservedInUse &+ count <= limit else { return false }
        reservations &+= count
        return true
    }

    /// Takes a promise back. Its chunks must have been given back.
    @inlinable public mutating func unreserve(_ count: Int) { reservations &-= count }

    /// A chunk, with whatever bytes it held.
    /// - Parameter reserved: whether this is the chunk that a reservation promised.
    /// - Returns: `nil` when it is not promised and the limit is reached.
    @inlinable public mutating func take(reserved: Bool) -> Slot? {
        if reserved {
            guard reservedInUse < reservations else { return nil }
            reservedInUse &+= 1
        } else {
            guard reservations &+ unreservedInUse < limit, allowance > 0 else { return nil }
            unreservedInUse &+= 1
            allowance &-= 1
        }
        if !firstFree.isNone {
            let chunk = firstFree
            firstFree = links[chunk.index]
            return chunk
        }
        if fresh &* Self.chunkSize == bytes.count { bytes.grow() }
        if fresh == links.count { links.grow() }
        fresh &+= 1
        return Slot(UInt32(truncatingIfNeeded: fresh &- 1))
    }

    /// Gives a chunk back.
    @inlinable public mutating func give(_ chunk: Slot, reserved: Bool) {
        if reserved {
            reservedInUse &-= 1
        } else {
            unreservedInUse &-= 1
            allowance &+= 1
        }
        links[chunk.index] = firstFree
        firstFree = chunk
    }

    /// From here on chunks are taken for one owner, who may have so many beyond reservations.
    @inlinable public mutating func openAccount(allowance chunks: Int) {
        allowance = chunks
        openedWith = chunks
    }

    /// The owner is served.
    /// - Returns: the chunks beyond reservations that it took, less those that it gave back.
    @inlinable public mutating func closeAccount() -> Int {
        let taken = openedWith &- allowance
        allowance = Self.unlimited
        openedWith = Self.unlimited
        return taken
    }

    /// Bytes of a chunk.
    @_lifetime(borrow self)
    @inlinable public func span(_ chunk: Slot, at offset: Int, count: Int) -> Span<UInt8> {
        bytes.span(at: chunk.index &* Self.chunkSize &+ offset, count: count)
    }

    /// Bytes of a chunk, for writing.
    @_lifetime(&self)
    @inlinable public mutating func mutableSpan(_ chunk: Slot, at offset: Int, count: Int) -> MutableSpan<UInt8> {
        bytes.mutableSpan(at: chunk.index &* Self.chunkSize &+ offset, count: count)
    }

    /// A deep copy.
    public func copy() -> ChunkPool { ChunkPool(copying: self) }

    init(copying other: borrowing ChunkPool) {
        bytes = other.bytes.copy()
        links = other.links.copy()
        firstFree = other.firstFree
        fresh = other.fresh
        limit = other.limit
        reservations = other.reservations
        reservedInUse = other.reservedInUse
        unreservedInUse = other.unreservedInUse
        allowance = other.allowance
        openedWith = other.openedWith
    }
}
