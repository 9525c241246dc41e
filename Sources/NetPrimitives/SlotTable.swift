/// What a ``SlotTable`` holds: a plain value with room for one link, which the table uses while the slot is free and
/// the owner may use while it is taken.
public protocol Slotted: BitwiseCopyable {
    /// The next slot of some chain, or ``Slot/none``.
    var link: Slot { get set }
}

/// The place of a value in a ``SlotTable``.
public struct Slot: Hashable, Sendable, BitwiseCopyable {
    public var rawValue: UInt32
    @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// No slot: the end of a chain, the value not held.
    @inlinable public static var none: Slot { Slot(.max) }
    @inlinable public var isNone: Bool { rawValue == .max }
    @inlinable public var index: Int { Int(rawValue) }
}

/// Values that come and go, each in a place of its own: no overhead per value, no moving, no allocation once as many
/// places exist as are ever in use at one time.
public struct SlotTable<Element: Slotted>: ~Copyable, Sendable {
    @usableFromInline var storage: SegmentedArray<Element>
    @usableFromInline var firstFree: Slot
    /// The number of places that were ever taken; those beyond have never been used.
    @usableFromInline var fresh: Int
    @usableFromInline var taken: Int

    /// - Parameters:
    ///   - segmentSize: how many places are added at a time; a power of two.
    ///   - filler: what an unused place holds.
    @inlinable public init(segmentSize: Int, filler: Element) {
        self.init(SegmentedArray(segmentSize: segmentSize, filler: filler), firstFree: .none, fresh: 0, taken: 0)
    }

    @inlinable init(_ storage: consuming SegmentedArray<Element>, firstFree: Slot, fresh: Int, taken: Int) {
        self.storage = storage
        self.firstFree = firstFree
        self.fresh = fresh
        self.taken = taken
    }

    /// Values held now.
    @inlinable public var count: Int { taken }

    /// Bytes held from the allocator, used or not.
    @inlinable public var allocatedBytes: Int { storage.allocatedBytes }

    /// The slots that were ever used: `0 ..< capacityUsed`. A walk over them meets free ones too.
    @inlinable public var capacityUsed: Int { fresh }

    /// Puts a value into a free place; adds a segment when there is none.
    @inlinable public mutating func insert(_ element: Element) -> Slot {
        taken &+= 1
        if !firstFree.isNone {
            let slot = firstFree
            firstFree = storage[slot.index].link
            storage[slot.index] = element
            return slot
        }
        if fresh == storage.count { storage.grow() }
        let slot = Slot(UInt32(truncatingIfNeeded: fresh))
        fresh &+= 1
        storage[slot.index] = element
        return slot
    }

    /// Frees a place. The value stays readable until the place is taken again, but for its link.
    @inlinable public mutating func remove(_ slot: Slot) {
        storage[slot.index].link = firstFree
        firstFree = slot
        taken &-= 1
        if taken == 0 { reset() }
    }

    /// An empty table starts again at its first slot, so that its history does not decide what comes next.
    @inlinable mutating func reset() {
        firstFree = .none
        fresh = 0
    }

    /// A deep copy.
    @inlinable public func copy() -> SlotTable<Element> {
        SlotTable(storage.copy(), firstFree: firstFree, fresh: fresh, taken: taken)
    }
}
