/// A queue of bytes in chunks of a ``ChunkPool``: read at the front, written anywhere behind it.
///
/// Small: twenty bytes while it holds nothing, and it holds chunks only while it holds bytes. The first chunk is the
/// one that its owner has reserved. A ring that outgrows it takes a *directory*: one more chunk that lists the others,
/// so that every byte is found at once however long the queue is.
///
/// Bytes `0 ..< count` are in order and readable. A receive queue also writes *beyond* them (data that came out of
/// order) and calls ``extend(by:)`` when the gap is filled; chunks of a gap that nothing was written to do not exist.
public struct ByteRing: BitwiseCopyable, Sendable {
    /// No chunk, the only chunk, or the directory.
    @usableFromInline var root: Slot = .none
    /// Readable bytes.
    @usableFromInline var readable: UInt32 = 0
    /// Where the furthest byte ends, counted from the front; at least `readable`.
    @usableFromInline var written: UInt32 = 0
    /// Where the first byte lies in the first chunk.
    @usableFromInline var base: UInt16 = 0
    /// The directory's entry for the first chunk.
    @usableFromInline var firstEntry: UInt16 = 0
    @usableFromInline var hasDirectory: Bool = false
    /// Whether the chunk that was reserved is among those held.
    @usableFromInline var usesReserve: Bool = false

    @inlinable public init() {}

    /// Entries of a directory.
    @usableFromInline static var entries: Int { ChunkPool.chunkSize / 4 }

    /// The most bytes that a ring can span: 4 MiB less one chunk.
    @inlinable public static var maximumCount: Int { (entries - 1) * ChunkPool.chunkSize }

    /// Readable bytes.
    @inlinable public var count: Int { Int(readable) }
    @inlinable public var isEmpty: Bool { readable == 0 }
    /// Whether the ring holds any memory.
    @inlinable public var holdsMemory: Bool { !root.isNone }

    // MARK: Writing

    /// Copies `source` to the place `offset` bytes behind the front, or as much of it as memory allows.
    /// - Returns: the bytes copied; fewer than asked when the pool refuses a chunk or the ring has its full span.
    @inlinable public mutating func write(_ source: Span<UInt8>, at offset: Int, pool: inout ChunkPool) -> Int {
        let room = Swift.min(source.count, Self.maximumCount &- offset)
        var done = 0
        while done < room {
            let position = Int(base) &+ offset &+ done
            guard let chunk = chunkForWriting(position / ChunkPool.chunkSize, pool: &pool) else { break }
            let within = position % ChunkPool.chunkSize
            let length = Swift.min(room &- done, ChunkPool.chunkSize &- within)
            var target = pool.mutableSpan(chunk, at: within, count: length)
            target.copy(from: source.extracting(done..<done &+ length))
            done &+= length
            written = Swift.max(written, UInt32(truncatingIfNeeded: offset &+ done))
        }
        if written == 0 { releaseAll(pool: &pool) }
        return done
    }

    /// Copies `source` behind the readable bytes and makes it readable.
    /// - Returns: the bytes copied.
    @inlinable public mutating func append(_ source: Span<UInt8>, pool: inout ChunkPool) -> Int {
        let done = write(source, at: count, pool: &pool)
        readable &+= UInt32(truncatingIfNeeded: done)
        return done
    }

    /// Makes `length` bytes that were written behind the readable ones readable.
    @inlinable public mutating func extend(by length: Int) {
        precondition(length >= 0 && count &+ length <= Int(written), "only what was written")
        readable &+= UInt32(truncatingIfNeeded: length)
    }

    /// Forgets what was written beyond the readable bytes.
    @inlinable public mutating func dropUnreadable(pool: inout ChunkPool) {
        guard written > readable else { return }
        if readable == 0 { return removeAll(pool: &pool) }
        let keep = chunkCount(for: Int(readable))
        let held = chunkCount(for: Int(written))
        written = readable
        for ordinal in keep..<held { release(ordinal, pool: &pool) }
    }

    // MARK: Reading

    /// Copies `length` readable bytes from `offset` on to `position` in `target`; they stay in the ring.
    @_lifetime(target: copy target)
    @inlinable public func copy(
        at offset: Int, count length: Int, into target: inout MutableSpan<UInt8>, at position: Int = 0,
        pool: borrowing ChunkPool
    ) {
        precondition(offset >= 0 && length >= 0 && length <= count &- offset, "only what is readable")
        var done = 0
        while done < length {
            let place = Int(base) &+ offset &+ done
            let within = place % ChunkPool.chunkSize
            let piece = Swift.min(length &- done, ChunkPool.chunkSize &- within)
            let chunk = chunk(place / ChunkPool.chunkSize, pool: pool)
            target.copy(from: pool.span(chunk, at: within, count: piece), at: position &+ done)
            done &+= piece
        }
    }

    /// Drops `length` readable bytes at the front, and the chunks that they leave empty.
    @inlinable public mutating func consume(_ length: Int, pool: inout ChunkPool) {
        precondition(length >= 0 && length <= count, "only what is readable")
        readable &-= UInt32(truncatingIfNeeded: length)
        if written == UInt32(truncatingIfNeeded: length) {
            written = 0
            return releaseAll(pool: &pool, holding: Int(base) &+ length)
        }
        written &-= UInt32(truncatingIfNeeded: length)
        var position = Int(base) &+ length
        while position >= ChunkPool.chunkSize {
            release(0, pool: &pool)
            firstEntry = UInt16(truncatingIfNeeded: (Int(firstEntry) &+ 1) % Self.entries)
            position &-= ChunkPool.chunkSize
        }
        base = UInt16(truncatingIfNeeded: position)
    }

    /// Drops everything.
    @inlinable public mutating func removeAll(pool: inout ChunkPool) {
        let held = Int(base) &+ Int(written)
        readable = 0
        written = 0
        releaseAll(pool: &pool, holding: held)
    }
}

extension ByteRing {
    /// The readable bytes, for a digest.
    public func encode(into sink: inout SipHash, pool: borrowing ChunkPool) {
        var offset = 0
        while offset < count {
            let position = Int(base) &+ offset
            let within = position % ChunkPool.chunkSize
            let length = Swift.min(count &- offset, ChunkPool.chunkSize &- within)
            let bytes = pool.span(chunk(position / ChunkPool.chunkSize, pool: pool), at: within, count: length)
            for index in bytes.indices { sink.combine(UInt64(bytes[index])) }
            offset &+= length
        }
    }
}

// MARK: - Chunks

extension ByteRing {
    /// Chunks that the first `length` bytes reach into.
    @inlinable func chunkCount(for length: Int) -> Int {
        length == 0 ? 0 : (Int(base) &+ length &+ ChunkPool.chunkSize &- 1) / ChunkPool.chunkSize
    }

    @inlinable func entryOffset(_ ordinal: Int) -> Int { 4 &* ((Int(firstEntry) &+ ordinal) % Self.entries) }

    @inlinable func chunk(_ ordinal: Int, pool: borrowing ChunkPool) -> Slot {
        hasDirectory ? Slot(pool.span(root, at: entryOffset(ordinal), count: 4).uint32(at: 0)) : root
    }

    @inlinable func setChunk(_ ordinal: Int, to chunk: Slot, pool: inout ChunkPool) {
        var entry = pool.mutableSpan(root, at: entryOffset(ordinal), count: 4)
        entry.store(chunk.rawValue, at: 0)
    }

    /// The chunk that holds byte range `ordinal`, taken from the pool when there is none yet.
    @inlinable mutating func chunkForWriting(_ ordinal: Int, pool: inout ChunkPool) -> Slot? {
        if ordinal == 0 && !hasDirectory {
            if root.isNone {
                guard let chunk = takeChunk(pool: &pool) else { return nil }
                root = chunk
            }
            return root
        }
        guard hasDirectory || addDirectory(pool: &pool) else { return nil }
        let held = chunkCount(for: Int(written))
        if ordinal < held {
            let present = chunk(ordinal, pool: pool)
            if !present.isNone { return present }
        }
        guard let fresh = takeChunk(pool: &pool) else { return nil }
        if ordinal > held { for gap in held..<ordinal { setChunk(gap, to: .none, pool: &pool) } }
        setChunk(ordinal, to: fresh, pool: &pool)
        return fresh
    }

    /// The reserved chunk when it is not in use, else one of the free ones.
    @inlinable mutating func takeChunk(pool: inout ChunkPool) -> Slot? {
        if !usesReserve, let chunk = pool.take(reserved: true) {
            usesReserve = true
            return chunk
        }
        return pool.take(reserved: false)
    }

    @inlinable mutating func giveChunk(_ chunk: Slot, pool: inout ChunkPool) {
        pool.give(chunk, reserved: usesReserve)
        usesReserve = false
    }

    @usableFromInline mutating func addDirectory(pool: inout ChunkPool) -> Bool {
        guard let directory = pool.take(reserved: false) else { return false }
        let first = root
        root = directory
        hasDirectory = true
        firstEntry = 0
        setChunk(0, to: first, pool: &pool)
        return true
    }

    @inlinable mutating func release(_ ordinal: Int, pool: inout ChunkPool) {
        let chunk = chunk(ordinal, pool: pool)
        if chunk.isNone { return }
        giveChunk(chunk, pool: &pool)
        if hasDirectory { setChunk(ordinal, to: .none, pool: &pool) } else { root = .none }
    }

    /// Gives back everything, given where the furthest byte ended counted from the start of the first chunk.
    @inlinable mutating func releaseAll(pool: inout ChunkPool, holding end: Int = 1) {
        if root.isNone { return }
        let held = hasDirectory ? Swift.max((end &+ ChunkPool.chunkSize &- 1) / ChunkPool.chunkSize, 1) : 1
        for ordinal in 0..<held { release(ordinal, pool: &pool) }
        if hasDirectory { pool.give(root, reserved: false) }
        root = .none
        base = 0
        firstEntry = 0
        hasDirectory = false
        usesReserve = false
    }
}
