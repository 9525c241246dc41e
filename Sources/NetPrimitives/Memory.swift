// The one file of the core that handles raw memory, and so the one to audit.
//
// Everything here checks its bounds before it touches memory, hands out nothing but spans whose lifetime the compiler
// follows, and owns what it allocates. The rest of the core is written in the safe language on top of it.

/// Takes no room and makes whatever holds it *stay where it is*: a value with one inside is passed by address, also
/// when it is only read. Without it the compiler hands a copy to each function that only reads a large value, and a
/// stack is some thousands of bytes. Embedded Swift cannot destroy such values yet and does without.
#if hasFeature(Embedded)
    public struct StaysInPlace: ~Copyable, Sendable {
        @inlinable public init() {}
    }
#else
    @_rawLayout(size: 0, alignment: 1)
    public struct StaysInPlace: ~Copyable, @unchecked Sendable {
        @inlinable public init() {}
    }
#endif

/// An array of plain values in segments of a fixed size.
///
/// Growing adds a segment and moves nothing, so a table of a million entries never pays for a copy and a budget can
/// count what it holds. Elements are bitwise copyable: a deep copy is a copy of memory.
@safe
public struct SegmentedArray<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline var segments: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    /// How many segment pointers fit before the directory itself must grow.
    @usableFromInline var directoryCapacity: Int
    @usableFromInline var segmentCount: Int
    @usableFromInline let shift: Int
    @usableFromInline let filler: Element
    @usableFromInline let place = StaysInPlace()

    /// - Parameters:
    ///   - segmentSize: elements per segment; a power of two, at least 1.
    ///   - filler: what new elements hold.
    @inlinable public init(segmentSize: Int, filler: Element) {
        precondition(segmentSize > 0 && segmentSize & (segmentSize - 1) == 0, "segment size is a power of two")
        shift = segmentSize.trailingZeroBitCount
        directoryCapacity = 4
        segmentCount = 0
        unsafe segments = .allocate(capacity: 4)
        self.filler = filler
    }

    @inlinable deinit {
        for index in 0..<segmentCount { unsafe segments[index].deallocate() }
        unsafe segments.deallocate()
    }

    /// The number of elements; a multiple of the segment size.
    @inline(__always) @inlinable public var count: Int { segmentCount << shift }

    /// Bytes that this array holds from the allocator.
    @inlinable public var allocatedBytes: Int {
        count * MemoryLayout<Element>.stride + directoryCapacity * MemoryLayout<Int>.stride
    }

    /// Element `index`, in place. The index must be below ``count``.
    @inlinable public subscript(index: Int) -> Element {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(address(of: index)) }
        @inline(__always) unsafeMutableAddress { unsafe address(of: index) }
    }

    @inline(__always) @inlinable func address(of index: Int) -> UnsafeMutablePointer<Element> {
        precondition(index >= 0 && index < count, "index in range")
        return unsafe segments[index >> shift] + (index & ((1 << shift) &- 1))
    }

    /// Adds one segment of fillers.
    @inlinable public mutating func grow() {
        let segment = UnsafeMutablePointer<Element>.allocate(capacity: 1 << shift)
        unsafe segment.initialize(repeating: filler, count: 1 << shift)
        unsafe add(segment)
    }

    @inlinable mutating func add(_ segment: UnsafeMutablePointer<Element>) {
        if segmentCount == directoryCapacity {
            let wider = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: directoryCapacity * 2)
            unsafe wider.initialize(from: segments, count: segmentCount)
            unsafe segments.deallocate()
            unsafe segments = wider
            directoryCapacity *= 2
        }
        unsafe (segments + segmentCount).initialize(to: segment)
        segmentCount += 1
    }

    /// Gives the last segment back to the allocator.
    @inlinable public mutating func shrink() {
        precondition(segmentCount > 0, "a segment to give back")
        segmentCount -= 1
        unsafe segments[segmentCount].deallocate()
    }

    /// A deep copy.
    @inlinable public func copy() -> SegmentedArray<Element> {
        var twin = SegmentedArray(segmentSize: 1 << shift, filler: filler)
        for index in 0..<segmentCount {
            let segment = UnsafeMutablePointer<Element>.allocate(capacity: 1 << shift)
            unsafe segment.initialize(from: segments[index], count: 1 << shift)
            unsafe twin.add(segment)
        }
        return twin
    }

    /// The elements `start ..< start + count`, which must lie in one segment.
    @_lifetime(borrow self)
    @inlinable public func span(at start: Int, count: Int) -> Span<Element> {
        checkWithinSegment(start, count)
        let base = unsafe UnsafePointer(segments[start >> shift] + (start & ((1 << shift) &- 1)))
        return unsafe _overrideLifetime(Span(_unsafeStart: base, count: count), borrowing: self)
    }

    /// The elements `start ..< start + count` for writing, which must lie in one segment.
    @_lifetime(&self)
    @inlinable public mutating func mutableSpan(at start: Int, count: Int) -> MutableSpan<Element> {
        checkWithinSegment(start, count)
        let base = unsafe segments[start >> shift] + (start & ((1 << shift) &- 1))
        return unsafe _overrideLifetime(MutableSpan(_unsafeStart: base, count: count), mutating: &self)
    }

    @inlinable func checkWithinSegment(_ start: Int, _ count: Int) {
        precondition(start >= 0 && count >= 0 && start < self.count, "start in range")
        precondition((start & ((1 << shift) &- 1)) &+ count <= 1 << shift, "within one segment")
    }
}

extension SlotTable {
    /// The value in a slot that is taken, in place.
    @inlinable public subscript(slot: Slot) -> Element {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(storage.address(of: slot.index)) }
        @inline(__always) unsafeMutableAddress { unsafe storage.address(of: slot.index) }
    }
}

/// A block of bytes of a fixed size.
@safe
public struct ByteBlock: ~Copyable, @unchecked Sendable {
    @usableFromInline let base: UnsafeMutablePointer<UInt8>
    /// The size in bytes.
    public let count: Int

    /// - Parameter count: size in bytes, at least 0; the bytes start as zero.
    @inlinable public init(count: Int) {
        precondition(count >= 0, "a size is not negative")
        unsafe base = .allocate(capacity: max(count, 1))
        unsafe base.initialize(repeating: 0, count: max(count, 1))
        self.count = count
    }

    @inlinable deinit { unsafe base.deallocate() }

    /// The bytes `start ..< start + count`, which must lie in the block.
    @_lifetime(borrow self)
    @inlinable public func span(at start: Int, count length: Int) -> Span<UInt8> {
        precondition(start >= 0 && length >= 0 && start <= count && length <= count - start, "range in the block")
        let span = unsafe Span(_unsafeStart: UnsafePointer(base + start), count: length)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The bytes `start ..< start + count` for writing, which must lie in the block.
    @_lifetime(&self)
    @inlinable public mutating func mutableSpan(at start: Int, count length: Int) -> MutableSpan<UInt8> {
        precondition(start >= 0 && length >= 0 && start <= count && length <= count - start, "range in the block")
        let span = unsafe MutableSpan(_unsafeStart: base + start, count: length)
        return unsafe _overrideLifetime(span, mutating: &self)
    }
}

// MARK: - Octets: big-endian fields, copies, sums

extension Span<UInt8> {
    /// The 16 bits at `offset` in network byte order. The offset must be within the span.
    @inlinable public func uint16(at offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset <= count &- 2, "field in range")
        return unsafe UInt16(bigEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self))
    }

    /// The 32 bits at `offset` in network byte order. The offset must be within the span.
    @inlinable public func uint32(at offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset <= count &- 4, "field in range")
        return unsafe UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    }

    /// The 64 bits at `offset` in network byte order. The offset must be within the span.
    @inlinable public func uint64(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= count &- 8, "field in range")
        return unsafe UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// The ones' complement sum of the bytes as 16-bit words (RFC 1071), an odd last byte padded with zero.
    ///
    /// Words are summed in the machine's byte order and the result, folded to 16 bits, is returned in *network* order:
    /// sums of even-length pieces can be added and folded again.
    @inlinable public func onesComplementSum() -> UInt16 {
        unsafe withUnsafeBytes { octets in
            let blocks = octets.count & ~63
            var sum: UInt64 = blocks == 0 ? 0 : unsafe Self.vectorSum(octets)
            unsafe Self.add(octets, from: blocks, to: &sum)
            sum = (sum & 0xFFFF_FFFF) &+ (sum >> 32)
            sum = (sum & 0xFFFF) &+ (sum >> 16)
            sum = (sum & 0xFFFF) &+ (sum >> 16)
            sum = (sum & 0xFFFF) &+ (sum >> 16)
            return UInt16(truncatingIfNeeded: sum).bigEndian
        }
    }

    /// The sum of the 32-bit words of all whole 64-byte blocks; exact for fewer than 2^34 bytes.
    ///
    /// Per lane, `all` is the sum of 64-bit words modulo 2^64 and `high` that of their upper halves. What `all` lacks
    /// of `high` times 2^32 is the sum of the lower halves, exactly: so three operations add 16 bytes.
    @usableFromInline static func vectorSum(_ octets: UnsafeRawBufferPointer) -> UInt64 {
        var all = SIMD8<UInt64>()
        var high = SIMD8<UInt64>()
        var offset = 0
        while offset &+ 64 <= octets.count {
            let words = unsafe octets.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
            all &+= words
            high &+= words &>> 32
            offset &+= 64
        }
        let low = all &- high &<< 32
        return low.wrappedSum() &+ high.wrappedSum()
    }

    /// Adds the fewer than 64 bytes from `start` on: no loop, each power of two at once, for that is all that most
    /// headers are.
    @inline(__always) @inlinable
    static func add(_ octets: UnsafeRawBufferPointer, from start: Int, to sum: inout UInt64) {
        let rest = octets.count &- start
        var offset = start
        if rest & 32 != 0 {
            let words = unsafe octets.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self)
            sum &+= ((words & SIMD4(repeating: 0xFFFF_FFFF)) &+ words &>> 32).wrappedSum()
            offset &+= 32
        }
        if rest & 16 != 0 {
            let w0 = unsafe octets.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let w1 = unsafe octets.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self)
            sum &+= (w0 & 0xFFFF_FFFF) &+ (w0 >> 32) &+ (w1 & 0xFFFF_FFFF) &+ (w1 >> 32)
            offset &+= 16
        }
        if rest & 8 != 0 {
            let word = unsafe octets.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            sum &+= (word & 0xFFFF_FFFF) &+ (word >> 32)
            offset &+= 8
        }
        if rest & 4 != 0 {
            sum &+= unsafe UInt64(octets.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            offset &+= 4
        }
        if rest & 2 != 0 {
            sum &+= unsafe UInt64(octets.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            offset &+= 2
        }
        if rest & 1 != 0 { sum &+= UInt64(UInt16(littleEndian: UInt16(unsafe octets[offset]))) }
    }

    /// Whether both spans hold the same bytes.
    @inlinable public func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}

extension MutableSpan<UInt8> {
    /// Writes 16 bits at `offset` in network byte order.
    @_lifetime(self: copy self)
    @inlinable public mutating func store(_ value: UInt16, at offset: Int) {
        precondition(offset >= 0 && offset <= count &- 2, "field in range")
        unsafe withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
        }
    }

    /// Writes 32 bits at `offset` in network byte order.
    @_lifetime(self: copy self)
    @inlinable public mutating func store(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset <= count &- 4, "field in range")
        unsafe withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
        }
    }

    /// Writes 64 bits at `offset` in network byte order.
    @_lifetime(self: copy self)
    @inlinable public mutating func store(_ value: UInt64, at offset: Int) {
        precondition(offset >= 0 && offset <= count &- 8, "field in range")
        unsafe withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
        }
    }

    /// Copies all of `source` to `offset`, which must leave room for it.
    @_lifetime(self: copy self)
    @inline(__always) @inlinable public mutating func copy(from source: Span<UInt8>, at offset: Int = 0) {
        precondition(offset >= 0 && source.count <= count &- offset, "room for the copy")
        if source.isEmpty { return }
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { bytes in
                unsafe (target.baseAddress! + offset).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            }
        }
    }
}
