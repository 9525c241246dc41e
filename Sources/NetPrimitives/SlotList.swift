/// The neighbours of a slot in a list.
public struct SlotLinks: Hashable, Sendable, BitwiseCopyable {
    public var previous: Slot
    public var next: Slot

    /// In no list.
    @inlinable public init() {
        previous = .none
        next = .none
    }
}

/// A value that can stand in lists of its table's slots, with links of its own for each.
public protocol Listed: Slotted {
    /// The links of list `list`; a value that stands in one list only pays no heed to the number.
    subscript(links list: Int) -> SlotLinks { get set }
}

/// A queue of slots, threaded through the values themselves: it takes no memory, and removing from its middle takes no
/// search. Its operations belong to the table that holds the values.
public struct SlotList: Hashable, Sendable, BitwiseCopyable {
    public var first: Slot
    public var last: Slot
    public var count: Int

    @inlinable public init() {
        first = .none
        last = .none
        count = 0
    }

    @inlinable public var isEmpty: Bool { first.isNone }
}

extension SlotTable where Element: Listed {
    /// Puts `slot`, which is in no such list, at the end.
    @inlinable public mutating func append(_ slot: Slot, to list: inout SlotList, links: Int = 0) {
        var own = SlotLinks()
        own.previous = list.last
        self[slot][links: links] = own
        if list.last.isNone { list.first = slot } else { self[list.last][links: links].next = slot }
        list.last = slot
        list.count &+= 1
    }

    /// Takes `slot` out of the list that it is in.
    @inlinable public mutating func remove(_ slot: Slot, from list: inout SlotList, links: Int = 0) {
        let own = self[slot][links: links]
        if own.previous.isNone { list.first = own.next } else { self[own.previous][links: links].next = own.next }
        if own.next.isNone { list.last = own.previous } else { self[own.next][links: links].previous = own.previous }
        self[slot][links: links] = SlotLinks()
        list.count &-= 1
    }

    /// Takes the first slot out, if there is one.
    @inlinable public mutating func popFirst(from list: inout SlotList, links: Int = 0) -> Slot? {
        guard !list.first.isNone else { return nil }
        let slot = list.first
        remove(slot, from: &list, links: links)
        return slot
    }
}
