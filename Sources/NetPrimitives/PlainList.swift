/// A list of plain values that keeps its memory and is never shared: reading it counts no references.
public struct PlainList<Element: BitwiseCopyable>: ~Copyable, Sendable {
    @usableFromInline var storage: SegmentedArray<Element>
    @usableFromInline var used: Int

    /// - Parameters:
    ///   - segmentSize: how many places are added at a time; a power of two.
    ///   - filler: what an unused place holds.
    @inlinable public init(segmentSize: Int, filler: Element) {
        self.init(SegmentedArray(segmentSize: segmentSize, filler: filler), used: 0)
    }

    @inlinable init(_ storage: consuming SegmentedArray<Element>, used: Int) {
        self.storage = storage
        self.used = used
    }

    @inlinable public var count: Int { used }
    @inlinable public var isEmpty: Bool { used == 0 }
    /// Bytes held from the allocator.
    @inlinable public var allocatedBytes: Int { storage.allocatedBytes }

    /// Element `index`, in place. The index must be below ``count``.
    @inlinable public subscript(index: Int) -> Element {
        _read {
            precondition(index < used, "an element of the list")
            yield storage[index]
        }
        _modify {
            precondition(index < used, "an element of the list")
            yield &storage[index]
        }
    }

    /// Adds an element at the end.
    @inlinable public mutating func append(_ element: Element) {
        if used == storage.count { storage.grow() }
        storage[used] = element
        used &+= 1
    }

    /// Removes the element at `index`; the ones behind it move up.
    @inlinable public mutating func remove(at index: Int) {
        precondition(index >= 0 && index < used, "an element of the list")
        for place in index &+ 1..<Swift.max(used, index &+ 1) { storage[place &- 1] = storage[place] }
        used &-= 1
    }

    /// A deep copy.
    @inlinable public func copy() -> PlainList<Element> { PlainList(storage.copy(), used: used) }
}
