import NetPrimitives
import TCPStateMachine

/// What the application has to be told of a connection.
struct Readiness: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8
    static let established = Readiness(rawValue: 1 << 0)
    static let readable = Readiness(rawValue: 1 << 1)
    static let writable = Readiness(rawValue: 1 << 2)
    static let readClosed = Readiness(rawValue: 1 << 3)
    static let closed = Readiness(rawValue: 1 << 4)
}

/// Facts about a connection's place in the stack.
struct EntryFlags: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8
    /// The application has a handle.
    static let held = EntryFlags(rawValue: 1 << 0)
    /// In the index: segments find it.
    static let indexed = EntryFlags(rawValue: 1 << 1)
    /// In the list of those with something to tell.
    static let ready = EntryFlags(rawValue: 1 << 2)
    /// In the list of those with something to send.
    static let output = EntryFlags(rawValue: 1 << 3)
    /// In its listener's accept queue.
    static let queued = EntryFlags(rawValue: 1 << 4)
    /// A RST is to be sent before it is forgotten.
    static let resetDue = EntryFlags(rawValue: 1 << 5)
}

/// A connection in its table.
struct ConnectionEntry: Listed, Sendable {
    var tcb: Connection
    var generation: UInt32
    var link: Slot
    var key: FlowKey
    var interface: InterfaceID
    var flags: EntryFlags
    var readiness: Readiness
    /// Why it ended, plus one; 0 as long as it has not.
    var endCode: UInt8
    /// The last ICMP error about it: type and code.
    var icmp: UInt16
    var listener: UInt16
    /// The IPv6 flow label (RFC 6437).
    var flowLabel: UInt32
    /// When the peer was last heard of, in seconds of the caller's clock.
    var heardAt: UInt32 = 0
    /// Where the peer's prefix is counted.
    var prefix: PrefixPlace
    /// The record of its opening, as long as somebody may want it.
    var attempt: Slot
    /// Links of the ready list or the accept queue (0), and of the output list (1).
    var links: [2 of SlotLinks]

    subscript(links list: Int) -> SlotLinks {
        get { links[list] }
        set { links[list] = newValue }
    }

    var end: ConnectionEnd? { endCode == 0 ? nil : ConnectionEnd(rawValue: endCode - 1) }

    static let readyLinks = 0
    static let outputLinks = 1
    static let noListener: UInt16 = .max

    init(
        _ tcb: Connection, key: FlowKey, prefix: PrefixPlace, interface: InterfaceID, flowLabel: UInt32,
        generation: UInt32
    ) {
        self.tcb = tcb
        self.generation = generation
        link = .none
        self.key = key
        self.interface = interface
        flags = []
        readiness = []
        endCode = 0
        icmp = 0
        listener = Self.noListener
        self.flowLabel = flowLabel
        self.prefix = prefix
        attempt = .none
        links = [2 of SlotLinks](repeating: SlotLinks())
    }

    static var vacant: ConnectionEntry {
        ConnectionEntry(
            .vacant, key: .empty, prefix: .none, interface: InterfaceID(0), flowLabel: 0, generation: 0)
    }
}

/// An entry of the SYN queue: 56 bytes, and four in the index.
struct HalfOpenEntry: Listed, Sendable {
    var halfOpen: HalfOpen
    var link: Slot
    var key: FlowKey
    var listener: UInt16
    /// Links of the deadline list of its retransmission count, or of the list of answers due.
    var neighbours: SlotLinks

    subscript(links list: Int) -> SlotLinks {
        get { neighbours }
        set { neighbours = newValue }
    }

    static var vacant: HalfOpenEntry {
        HalfOpenEntry(halfOpen: .vacant, link: .none, key: .empty, listener: 0, neighbours: SlotLinks())
    }
}

/// A TIME-WAIT: 56 bytes, and four in the index.
struct TimeWaitEntry: Listed, Sendable {
    var timeWait: TimeWait
    var link: Slot
    var key: FlowKey
    /// Links of the list in order of expiry.
    var neighbours: SlotLinks

    subscript(links list: Int) -> SlotLinks {
        get { neighbours }
        set { neighbours = newValue }
    }

    static var vacant: TimeWaitEntry {
        TimeWaitEntry(timeWait: .vacant, link: .none, key: .empty, neighbours: SlotLinks())
    }
}
