import NetPrimitives
import TCPStateMachine

/// What a 4-tuple belongs to, and where it is kept.
enum Flow: Equatable {
    case connection(Slot)
    case halfOpen(Slot)
    case timeWait(Slot)
}

/// Every 4-tuple that is taken: connections, half-open entries and TIME-WAITs, in tables of their own under one index.
///
/// The index is a linear hash table (Litwin, 1980) of chains that run through the entries themselves: four bytes a
/// bucket, a bucket an entry, one bucket split for each entry that comes and one merged for each that goes. So it
/// never pauses to double, and its overhead is the same at any size. Chains hold the slot with its kind in the two
/// highest bits.
struct FlowTable: ~Copyable, Sendable {
    var connections = SlotTable<ConnectionEntry>(segmentSize: 64, filler: ConnectionEntry.vacant)
    var halfOpens = SlotTable<HalfOpenEntry>(segmentSize: 256, filler: HalfOpenEntry.vacant)
    var timeWaits = SlotTable<TimeWaitEntry>(segmentSize: 256, filler: TimeWaitEntry.vacant)
    var pairs = SlotTable<AddressPair>(segmentSize: 256, filler: AddressPair(local: .any, remote: .any))
    private var heads: SegmentedArray<Slot>
    private var buckets: Int
    private var entries: Int
    private let state: SipHash

    static let leastBuckets = 64
    static var leastBytes: Int { 256 * MemoryLayout<Slot>.stride }

    init(key: SipKey) {
        heads = SegmentedArray(segmentSize: 256, filler: .none)
        heads.grow()
        buckets = Self.leastBuckets
        entries = 0
        // SipHash-1-3: enough to keep chains short against an adversary who sees no hash (Aumasson, 2012, 7).
        state = SipHash(key: key, compressionRounds: 1, finalizationRounds: 3)
    }

    /// 4-tuples in the index.
    var count: Int { entries }

    /// Bytes held from the allocator by the index and the tables.
    var allocatedBytes: Int {
        heads.allocatedBytes + connections.allocatedBytes + halfOpens.allocatedBytes + timeWaits.allocatedBytes
            + pairs.allocatedBytes
    }

    func copy() -> FlowTable { FlowTable(copying: self) }

    private init(copying other: borrowing FlowTable) {
        connections = other.connections.copy()
        halfOpens = other.halfOpens.copy()
        timeWaits = other.timeWaits.copy()
        pairs = other.pairs.copy()
        heads = other.heads.copy()
        buckets = other.buckets
        entries = other.entries
        state = other.state
    }
}

// MARK: - Finding

extension FlowTable {
    func find(_ tuple: FourTuple) -> Flow? {
        var place = heads[bucket(tuple.hash(state))]
        while !place.isNone {
            let slot = Slot(place.rawValue & Self.slotMask)
            switch place.rawValue >> 30 {
            case 0:
                if matches(connections[slot].key, tuple) { return .connection(slot) }
                place = connections[slot].link
            case 1:
                if matches(halfOpens[slot].key, tuple) { return .halfOpen(slot) }
                place = halfOpens[slot].link
            default:
                if matches(timeWaits[slot].key, tuple) { return .timeWait(slot) }
                place = timeWaits[slot].link
            }
        }
        return nil
    }

    @inline(__always) private func matches(_ key: FlowKey, _ tuple: FourTuple) -> Bool {
        guard key.remotePort == tuple.remotePort, key.localPort == tuple.localPort, key.isIPv6 == tuple.isIPv6,
            key.scope == tuple.scope
        else { return false }
        if !key.isIPv6 {
            return UInt64(key.remote) == tuple.remoteLow && UInt64(key.local) == tuple.localLow
        }
        let pair = pairs[Slot(key.local)]
        return pair.remote.low == tuple.remoteLow && pair.remote.high == tuple.remoteHigh
            && pair.local.low == tuple.localLow && pair.local.high == tuple.localHigh
    }

    func tuple(_ key: FlowKey) -> FourTuple {
        FourTuple(key: key, pair: key.isIPv6 ? pairs[Slot(key.local)] : nil)
    }
}

// MARK: - Keys

extension FlowTable {
    /// A key for `tuple`; an IPv6 one takes a slot for its addresses until ``release(_:)``.
    mutating func makeKey(_ tuple: FourTuple) -> FlowKey {
        var key = FlowKey(
            local: UInt32(truncatingIfNeeded: tuple.localLow), remote: UInt32(truncatingIfNeeded: tuple.remoteLow),
            localPort: tuple.localPort, remotePort: tuple.remotePort, isIPv6: tuple.isIPv6, scope: tuple.scope)
        if tuple.isIPv6 {
            let pair = AddressPair(
                local: IPv6Address(high: tuple.localHigh, low: tuple.localLow),
                remote: IPv6Address(high: tuple.remoteHigh, low: tuple.remoteLow))
            key.local = pairs.insert(pair).rawValue
            key.remote = 0
        }
        return key
    }

    /// The key is of no use any more.
    mutating func release(_ key: FlowKey) {
        if key.isIPv6 { pairs.remove(Slot(key.local)) }
    }
}

// MARK: - The index

extension FlowTable {
    private static var slotMask: UInt32 { 1 << 30 - 1 }

    /// The bucket of a hash: of the bits that the larger power of two uses, or one less where that bucket is yet to
    /// come.
    private func bucket(_ hash: UInt64) -> Int {
        let half = 1 << (Int.bitWidth - 1 - buckets.leadingZeroBitCount)
        let index = Int(truncatingIfNeeded: hash) & (2 * half - 1)
        return index < buckets ? index : index & (half - 1)
    }

    /// A hash of something else under the index's key.
    func hash(_ word: UInt64) -> UInt64 {
        var state = state
        state.combine(word)
        return state.finish()
    }

    private func place(of flow: Flow) -> Slot {
        switch flow {
        case .connection(let slot): slot
        case .halfOpen(let slot): Slot(slot.rawValue | 1 << 30)
        case .timeWait(let slot): Slot(slot.rawValue | 2 << 30)
        }
    }

    private func key(at place: Slot) -> FlowKey {
        let slot = Slot(place.rawValue & Self.slotMask)
        switch place.rawValue >> 30 {
        case 0: return connections[slot].key
        case 1: return halfOpens[slot].key
        default: return timeWaits[slot].key
        }
    }

    private func next(after place: Slot) -> Slot {
        let slot = Slot(place.rawValue & Self.slotMask)
        switch place.rawValue >> 30 {
        case 0: return connections[slot].link
        case 1: return halfOpens[slot].link
        default: return timeWaits[slot].link
        }
    }

    private mutating func setNext(after place: Slot, to next: Slot) {
        let slot = Slot(place.rawValue & Self.slotMask)
        switch place.rawValue >> 30 {
        case 0: connections[slot].link = next
        case 1: halfOpens[slot].link = next
        default: timeWaits[slot].link = next
        }
    }

    private func hash(at place: Slot) -> UInt64 { tuple(key(at: place)).hash(state) }

    /// Puts a flow, whose entry has its key, into the index. Its tuple must not be there yet.
    mutating func add(_ flow: Flow) {
        let place = place(of: flow)
        push(place, onto: bucket(hash(at: place)))
        entries += 1
        if entries > buckets { split() }
    }

    /// Takes a flow out of the index. Its entry stays as it is.
    mutating func remove(_ flow: Flow) {
        let place = place(of: flow)
        let index = bucket(hash(at: place))
        if heads[index] == place {
            heads[index] = next(after: place)
        } else {
            var before = heads[index]
            while next(after: before) != place { before = next(after: before) }
            setNext(after: before, to: next(after: place))
        }
        entries -= 1
        if buckets > Self.leastBuckets, entries < buckets / 2 { merge() }
    }

    private mutating func push(_ place: Slot, onto bucket: Int) {
        setNext(after: place, to: heads[bucket])
        heads[bucket] = place
    }

    /// One bucket more: half of an older one moves there.
    private mutating func split() {
        if buckets == heads.count { heads.grow() }
        let fresh = buckets
        let half = 1 << (Int.bitWidth - 1 - fresh.leadingZeroBitCount)
        buckets += 1
        var place = heads[fresh - half]
        heads[fresh - half] = .none
        heads[fresh] = .none
        while !place.isNone {
            let following = next(after: place)
            push(place, onto: bucket(hash(at: place)))
            place = following
        }
    }

    /// One bucket less: the last one goes back to where it came from.
    private mutating func merge() {
        buckets -= 1
        let half = 1 << (Int.bitWidth - 1 - buckets.leadingZeroBitCount)
        var place = heads[buckets]
        heads[buckets] = .none
        while !place.isNone {
            let following = next(after: place)
            push(place, onto: buckets - half)
            place = following
        }
    }
}
