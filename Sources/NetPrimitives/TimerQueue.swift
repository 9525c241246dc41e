/// The deadlines of many owners, one entry an owner, the earliest at hand: a heap of four children a node.
///
/// An owner's entry is moved lazily. A deadline that becomes *earlier* moves its entry at once; one that becomes later
/// leaves it where it is, and the owner, asked when the entry fires, names the deadline that holds then. A
/// retransmission timer that every acknowledgement pushes back costs nothing this way. Entries for the same instant
/// fire in the order in which they were armed.
public struct TimerQueue: ~Copyable, Sendable {
    @usableFromInline struct Entry: BitwiseCopyable, Sendable {
        @usableFromInline var deadline: Instant
        /// Counts armings, so that ties have an order; compared on a circle of 2^32.
        @usableFromInline var order: UInt32
        @usableFromInline var owner: Slot

        @inlinable init(_ deadline: Instant, order: UInt32, owner: Slot) {
            self.deadline = deadline
            self.order = order
            self.owner = owner
        }

        @inlinable func isBefore(_ other: Entry) -> Bool {
            deadline != other.deadline
                ? deadline < other.deadline : Int32(truncatingIfNeeded: order &- other.order) < 0
        }
    }

    @usableFromInline var heap: SegmentedArray<Entry>
    /// Where the entry of each owner stands in the heap, plus one; 0 for none.
    @usableFromInline var places: SegmentedArray<UInt32>
    @usableFromInline var entryCount: Int
    @usableFromInline var armings: UInt32

    /// Bytes that one owner takes.
    public static var bytesPerOwner: Int { MemoryLayout<Entry>.stride + MemoryLayout<UInt32>.stride }

    public init() {
        heap = SegmentedArray(segmentSize: 256, filler: Entry(.zero, order: 0, owner: .none))
        places = SegmentedArray(segmentSize: 256, filler: 0)
        entryCount = 0
        armings = 0
    }

    /// Owners with an entry.
    @inlinable public var count: Int { entryCount }
    /// Bytes held from the allocator.
    @inlinable public var allocatedBytes: Int { heap.allocatedBytes &+ places.allocatedBytes }
    /// When the first entry fires: no later than the first deadline, earlier when a deadline was moved back.
    @inlinable public var earliest: Instant? {
        @inline(__always) get { entryCount == 0 ? nil : heap[0].deadline }
    }

    /// Sees to it that `owner` is asked at `deadline` or before.
    @inlinable public mutating func arm(_ owner: Slot, at deadline: Instant) {
        while owner.index >= places.count { places.grow() }
        let place = Int(places[owner.index])
        if place == 0 {
            if entryCount == heap.count { heap.grow() }
            entryCount &+= 1
            settle(Entry(deadline, order: nextOrder(), owner: owner), from: entryCount &- 1)
        } else if deadline < heap[place &- 1].deadline {
            settle(Entry(deadline, order: nextOrder(), owner: owner), from: place &- 1)
        }
    }

    /// Removes the entry of `owner`, if it has one.
    @inlinable public mutating func disarm(_ owner: Slot) {
        guard owner.index < places.count else { return }
        let place = Int(places[owner.index])
        if place != 0 { remove(at: place &- 1) }
    }

    /// Takes out the first entry if it has fired by `now`.
    /// - Returns: its owner, who arms the queue again if there is a deadline still to come.
    @inlinable public mutating func popFired(at now: Instant) -> Slot? {
        guard entryCount > 0, heap[0].deadline <= now else { return nil }
        let owner = heap[0].owner
        remove(at: 0)
        return owner
    }

    /// A deep copy.
    public func copy() -> TimerQueue { TimerQueue(copying: self) }

    init(copying other: borrowing TimerQueue) {
        heap = other.heap.copy()
        places = other.places.copy()
        entryCount = other.entryCount
        armings = other.armings
    }
}

// MARK: - The heap

extension TimerQueue {
    @inlinable mutating func nextOrder() -> UInt32 {
        armings &+= 1
        return armings
    }

    @inlinable mutating func remove(at index: Int) {
        places[heap[index].owner.index] = 0
        entryCount &-= 1
        if index < entryCount { settle(heap[entryCount], from: index) }
    }

    /// Puts `entry` where it belongs, starting at `index`, whose own entry is overwritten.
    @inlinable mutating func settle(_ entry: Entry, from index: Int) {
        var index = index
        while index > 0 {
            let parent = (index &- 1) / 4
            guard entry.isBefore(heap[parent]) else { break }
            put(heap[parent], at: index)
            index = parent
        }
        while true {
            let first = index &* 4 &+ 1
            guard first < entryCount else { break }
            var least = first
            for child in first &+ 1..<Swift.max(first &+ 1, Swift.min(first &+ 4, entryCount))
            where heap[child].isBefore(heap[least]) {
                least = child
            }
            guard heap[least].isBefore(entry) else { break }
            put(heap[least], at: index)
            index = least
        }
        put(entry, at: index)
    }

    @inlinable mutating func put(_ entry: Entry, at index: Int) {
        heap[index] = entry
        places[entry.owner.index] = UInt32(truncatingIfNeeded: index &+ 1)
    }
}
