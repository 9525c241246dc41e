package import NetPrimitives

/// Events by time; events of the same time in the order in which they were added.
///
/// A binary heap over (time, number of the addition): the number makes the order total, so no tie is ever left to
/// chance.
package struct EventQueue<Event> {
    package init() {}

    private struct Entry {
        let time: Instant
        let number: UInt64
        let event: Event

        func isBefore(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : number < other.number
        }
    }

    private var heap: [Entry] = []
    private var additions: UInt64 = 0

    package var count: Int { heap.count }
    package var nextTime: Instant? { heap.first?.time }
    package var nextEvent: Event? { heap.first?.event }

    package mutating func add(_ event: Event, at time: Instant) {
        heap.append(Entry(time: time, number: additions, event: event))
        additions += 1
        siftUp(from: heap.count - 1)
    }

    package mutating func popFirst() -> (time: Instant, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return (first.time, first.event)
    }

    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            if least == parent { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
