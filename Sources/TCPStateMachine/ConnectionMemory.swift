public import NetPrimitives

/// What is known of data on its way: held from the first unacknowledged byte to the last acknowledgement.
public struct InFlight: Slotted, Sendable {
    public var link: Slot = .none
    /// The peer's selective acknowledgements, in a slot of their own; none as long as there are none.
    var scoreboard: Slot = .none
    /// When ``timedSequence`` was first sent; after a timeout, when that was.
    var timedAt: Instant = .zero
    /// When this flight began, to tell evidence when it fails.
    var startedAt: Instant = .zero
    /// The acknowledgement that ends the measurement under way (RFC 6298, 3: none of what was retransmitted).
    var timedSequence: SequenceNumber = SequenceNumber(0)
    /// `recover` of RFC 6582: what was the highest number sent when recovery began.
    var recover: SequenceNumber = SequenceNumber(0)
    /// How far recovery has retransmitted holes already.
    var retransmittedTo: SequenceNumber = SequenceNumber(0)
    /// The highest number sent when the window was last reduced: once for each window of data is enough (RFC 3168,
    /// 6.1.2).
    var reducedAt: SequenceNumber = SequenceNumber(0)
    var isTiming = false
    var isRecovering = false
    var duplicateAcks: UInt8 = 0
    /// Retransmission timeouts in a row.
    var timeouts: UInt8 = 0
    /// Holes that recovery may fill now.
    var holesDue: UInt8 = 0

    init() {}
}

/// What gave way because memory was short, in the order in which it does.
public struct MemoryShortage: Hashable, Sendable, BitwiseCopyable {
    /// Segments out of order that were not kept; the peer was not told of them.
    public var outOfOrder: UInt32 = 0
    /// Times that what was kept out of order was dropped for data in order, though the peer had been told (RFC 2018, 8
    /// allows it: a SACK is no promise).
    public var reneged: UInt32 = 0
    /// Segments in order of which less than all was taken, and acknowledged.
    public var inOrder: UInt32 = 0
    /// Writes that found no memory, though the send buffer had room.
    public var writes: UInt32 = 0

    public init() {}

    /// Whether nothing was refused.
    @inlinable public var isNone: Bool { outOfOrder | reneged | inOrder | writes == 0 }
}

/// The memory that all connections of a stack share: buffers, and the slots for data in flight and out of order.
public struct ConnectionMemory: ~Copyable, Sendable {
    /// What rings are made of.
    public var chunks: ChunkPool
    /// Held by connections with unacknowledged data.
    public var inFlight: SlotTable<InFlight>
    /// Held by connections with holes in what they received, or that the peer has told them of.
    public var ranges: SlotTable<SequenceRanges>
    /// The most of ``ranges``.
    @usableFromInline let rangeLimit: Int
    /// How many of ``ranges`` there may be while one owner is served, and how many there were when that began.
    @usableFromInline var rangeAllowance: Int
    @usableFromInline var rangesBefore = 0
    /// What was refused for lack of memory since the owner last looked.
    public var shortage = MemoryShortage()

    /// - Parameters:
    ///   - bufferLimit: the most memory for buffers of all connections together, in bytes.
    ///   - rangeLimit: the most sets of ranges of all connections together; a connection can hold two.
    public init(bufferLimit: Int, rangeLimit: Int = .max) {
        self.rangeLimit = rangeLimit
        rangeAllowance = rangeLimit
        chunks = ChunkPool(limitBytes: bufferLimit)
        inFlight = SlotTable(segmentSize: 64, filler: InFlight())
        ranges = SlotTable(segmentSize: 16, filler: SequenceRanges())
    }

    /// A deep copy.
    public func copy() -> ConnectionMemory {
        ConnectionMemory(
            chunks: chunks.copy(), inFlight: inFlight.copy(), ranges: ranges.copy(), rangeLimit: rangeLimit,
            shortage: shortage)
    }

    init(
        chunks: consuming ChunkPool, inFlight: consuming SlotTable<InFlight>,
        ranges: consuming SlotTable<SequenceRanges>, rangeLimit: Int, shortage: MemoryShortage
    ) {
        self.rangeLimit = rangeLimit
        self.shortage = shortage
        rangeAllowance = rangeLimit
        self.chunks = chunks
        self.inFlight = inFlight
        self.ranges = ranges
    }

    /// From here on memory is taken for one owner, who may have so many chunks beyond its reservations, and so many
    /// sets of ranges, as long as there are any.
    @inlinable public mutating func openAccount(chunks allowance: Int, ranges more: Int) {
        chunks.openAccount(allowance: allowance)
        rangesBefore = ranges.count
        rangeAllowance = min(rangeLimit, rangesBefore &+ more)
    }

    /// The owner is served.
    /// - Returns: what it took, less what it gave back.
    @inlinable public mutating func closeAccount() -> (chunks: Int, ranges: Int) {
        rangeAllowance = rangeLimit
        return (chunks.closeAccount(), ranges.count &- rangesBefore)
    }

    /// A set of ranges, if there may be one more.
    mutating func takeRanges() -> Slot? {
        guard ranges.count < rangeAllowance else { return nil }
        return ranges.insert(SequenceRanges())
    }

    /// Whether nothing is held by anyone.
    public var isUnused: Bool {
        chunks.inUse == 0 && chunks.reserved == 0 && inFlight.count == 0 && ranges.count == 0
    }

    /// Bytes held from the allocator.
    public var allocatedBytes: Int { chunks.allocatedBytes + inFlight.allocatedBytes + ranges.allocatedBytes }
}
