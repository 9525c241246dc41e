import NetPrimitives
import WireFormats

/// Puts packets together that came in fragments, of both families (RFC 791, 3.2; RFC 8200, 4.5).
///
/// Bounded in every way: bytes of data, datagrams begun, fragments of each, time. When there is no room the oldest
/// datagram gives way, so a flood of fragments that never become whole costs others theirs, but the stack nothing more.
/// Memory is taken when the first fragment comes, and kept.
struct FragmentReassembler: ~Copyable, Sendable {
    /// How long the rest of a datagram is waited for: with IPv4 as long as Linux does, with IPv6 by RFC 8200, 4.5.
    static var ipv4TimeLimit: Interval { .seconds(30) }
    static var ipv6TimeLimit: Interval { .seconds(60) }

    private var datagrams: SlotTable<PartialDatagram>
    private var pool: ChunkPool
    /// In order of their deadlines, which is that of their arrival.
    private var ipv4 = SlotList()
    private var ipv6 = SlotList()
    /// Where packets become whole; lent out while one is looked at.
    private var scratch: ByteBlock?
    private let datagramLimit: Int

    /// - Parameters:
    ///   - byteLimit: the most memory for the data of fragments, in bytes; a datagram takes it in pieces of 4 KiB.
    ///   - datagramLimit: the most datagrams begun and not whole.
    init(byteLimit: Int, datagramLimit: Int) {
        datagrams = SlotTable(segmentSize: 4, filler: .vacant)
        pool = ChunkPool(limitBytes: byteLimit)
        self.datagramLimit = datagramLimit
    }

    func copy() -> FragmentReassembler { FragmentReassembler(copying: self) }

    private init(copying other: borrowing FragmentReassembler) {
        datagrams = other.datagrams.copy()
        pool = other.pool.copy()
        ipv4 = other.ipv4
        ipv6 = other.ipv6
        datagramLimit = other.datagramLimit
    }

    /// Datagrams that are not whole yet.
    var count: Int { datagrams.count }
    /// Bytes of memory that their data takes.
    var bytesInUse: Int { pool.inUse * ChunkPool.chunkSize }
    /// Bytes held from the allocator.
    var allocatedBytes: Int {
        datagrams.allocatedBytes + pool.allocatedBytes + (scratch == nil ? 0 : ReassembledPacket.capacity)
    }

    /// When the first datagram is given up.
    var nextDeadline: Instant? {
        switch (ipv4.isEmpty, ipv6.isEmpty) {
        case (true, true): nil
        case (false, true): datagrams[ipv4.first].deadline
        case (true, false): datagrams[ipv6.first].deadline
        case (false, false): min(datagrams[ipv4.first].deadline, datagrams[ipv6.first].deadline)
        }
    }
}

// MARK: - Fragments come

extension FragmentReassembler {
    /// A fragment has come.
    /// - Returns: the packet when this was the last piece of it; it is to be given back with ``takeBack(_:)``.
    mutating func fragmentArrives(
        _ fragment: Fragment, _ data: Span<UInt8>, counters: inout Counters, at now: Instant
    ) -> ReassembledPacket? {
        guard fragment.isSound(count: data.count),
            let slot = find(fragment.key) ?? begin(fragment.key, counters: &counters, at: now)
        else {
            counters.fragmentsDropped &+= 1
            return nil
        }
        switch datagrams[slot].fragmentArrives(fragment, count: data.count) {
        case .kept:
            break
        case .duplicate:
            counters.fragmentsDropped &+= 1
            return nil
        case .conflict:
            counters.fragmentsDropped &+= UInt64(datagrams[slot].rangeCount &+ 1)
            releaseChunks(of: slot)
            datagrams[slot].abandon()
            return nil
        }
        guard store(data, at: fragment.offset, of: slot, counters: &counters),
            let length = datagrams[slot].completeLength
        else { return nil }
        let packet = assemble(slot, length: length)
        if packet == nil { counters.fragmentsDropped &+= UInt64(datagrams[slot].rangeCount) }
        forget(slot)
        return packet
    }

    /// The memory of a packet that has been looked at.
    mutating func takeBack(_ packet: consuming ReassembledPacket) { scratch = packet.intoBlock() }

    private func find(_ key: FragmentKey) -> Slot? {
        var slot = key.source.isIPv6 ? ipv6.first : ipv4.first
        while !slot.isNone {
            if datagrams[slot].key == key { return slot }
            slot = datagrams[slot].neighbours.next
        }
        return nil
    }

    private mutating func begin(_ key: FragmentKey, counters: inout Counters, at now: Instant) -> Slot? {
        guard datagramLimit > 0 else { return nil }
        if datagrams.count >= datagramLimit { evict(oldest, counters: &counters) }
        let isIPv6 = key.source.isIPv6
        let limit = isIPv6 ? Self.ipv6TimeLimit : Self.ipv4TimeLimit
        let slot = datagrams.insert(PartialDatagram(key, until: now + limit))
        if isIPv6 { datagrams.append(slot, to: &ipv6) } else { datagrams.append(slot, to: &ipv4) }
        return slot
    }

    /// Copies a fragment's data to its place; older datagrams give way to it.
    /// - Returns: false when the datagram itself was the oldest, and gave way.
    private mutating func store(_ data: Span<UInt8>, at offset: Int, of slot: Slot, counters: inout Counters) -> Bool {
        var done = 0
        while done < data.count {
            let (ordinal, within) = (offset &+ done).quotientAndRemainder(dividingBy: ChunkPool.chunkSize)
            while datagrams[slot].chunks[ordinal].isNone {
                if let chunk = pool.take(reserved: false) {
                    datagrams[slot].chunks[ordinal] = chunk
                } else {
                    let victim = oldest
                    evict(victim, counters: &counters)
                    if victim == slot { return false }
                }
            }
            let length = min(data.count &- done, ChunkPool.chunkSize &- within)
            var target = pool.mutableSpan(datagrams[slot].chunks[ordinal], at: within, count: length)
            target.copy(from: data.extracting(done..<done &+ length))
            done &+= length
        }
        return true
    }

    /// Writes the packet that all of a datagram's fragments make, its options and extension headers left out.
    private mutating func assemble(_ slot: Slot, length: Int) -> ReassembledPacket? {
        guard let trafficClass = datagrams[slot].wholeTrafficClass else { return nil }
        var block = scratch.take() ?? ByteBlock(count: ReassembledPacket.capacity)
        let header = writeHeader(of: slot, length: length, trafficClass: trafficClass, into: &block)
        var done = 0
        while done < length {
            let piece = min(length &- done, ChunkPool.chunkSize)
            let chunk = datagrams[slot].chunks[done / ChunkPool.chunkSize]
            var target = block.mutableSpan(at: header &+ done, count: piece)
            target.copy(from: pool.span(chunk, at: 0, count: piece))
            done &+= piece
        }
        return ReassembledPacket(in: block, count: header &+ length)
    }

    private func writeHeader(of slot: Slot, length: Int, trafficClass: UInt8, into block: inout ByteBlock) -> Int {
        let key = datagrams[slot].key
        var target = block.mutableSpan(at: 0, count: IPv6Header.length)
        switch (key.source, key.destination) {
        case (.v4(let source), .v4(let destination)):
            var header = IPv4Header(
                source: source, destination: destination, protocol: datagrams[slot].nextHeader, payloadLength: length,
                timeToLive: datagrams[slot].hopLimit)
            header.trafficClass = trafficClass
            header.identification = UInt16(truncatingIfNeeded: key.identification)
            header.dontFragment = false
            header.emit(into: &target)
            return IPv4Header.length
        case (.v6(let source), .v6(let destination)):
            var header = IPv6Header(
                source: source, destination: destination, nextHeader: datagrams[slot].nextHeader, payloadLength: length,
                hopLimit: datagrams[slot].hopLimit, flowLabel: datagrams[slot].flowLabel)
            header.trafficClass = trafficClass
            header.emit(into: &target)
            return IPv6Header.length
        default:
            preconditionFailure("a packet has one family")
        }
    }
}

// MARK: - Datagrams go

extension FragmentReassembler {
    /// Gives up the datagrams whose time is over.
    mutating func expire(counters: inout Counters, at now: Instant) {
        while let deadline = nextDeadline, deadline <= now {
            let isFirst = !ipv4.isEmpty && datagrams[ipv4.first].deadline <= now
            let slot = isFirst ? ipv4.first : ipv6.first
            if !datagrams[slot].isAbandoned { counters.reassemblyTimeouts &+= 1 }
            counters.fragmentsDropped &+= UInt64(datagrams[slot].rangeCount)
            forget(slot)
        }
    }

    /// The datagram that was begun first; there must be one.
    private var oldest: Slot {
        if ipv4.isEmpty { return ipv6.first }
        if ipv6.isEmpty { return ipv4.first }
        let began4 = datagrams[ipv4.first].deadline - Self.ipv4TimeLimit
        let began6 = datagrams[ipv6.first].deadline - Self.ipv6TimeLimit
        return began6 < began4 ? ipv6.first : ipv4.first
    }

    private mutating func evict(_ slot: Slot, counters: inout Counters) {
        counters.reassemblyEvictions &+= 1
        counters.fragmentsDropped &+= UInt64(datagrams[slot].rangeCount)
        forget(slot)
    }

    private mutating func forget(_ slot: Slot) {
        releaseChunks(of: slot)
        if datagrams[slot].key.source.isIPv6 {
            datagrams.remove(slot, from: &ipv6)
        } else {
            datagrams.remove(slot, from: &ipv4)
        }
        datagrams.remove(slot)
    }

    private mutating func releaseChunks(of slot: Slot) {
        for index in 0..<16 where !datagrams[slot].chunks[index].isNone {
            pool.give(datagrams[slot].chunks[index], reserved: false)
            datagrams[slot].chunks[index] = .none
        }
    }

    /// All that decides behaviour, for a digest: the datagrams in order of age with what has come of them.
    func encode(into sink: inout SipHash, at now: Instant) {
        encode(ipv4, into: &sink, at: now)
        encode(ipv6, into: &sink, at: now)
    }

    private func encode(_ list: SlotList, into sink: inout SipHash, at now: Instant) {
        sink.combine(UInt64(truncatingIfNeeded: list.count))
        var slot = list.first
        while !slot.isNone {
            datagrams[slot].encode(into: &sink, at: now)
            for index in 0..<datagrams[slot].rangeCount { encodeData(datagrams[slot][index], of: slot, into: &sink) }
            slot = datagrams[slot].neighbours.next
        }
    }

    private func encodeData(_ range: FragmentRange, of slot: Slot, into sink: inout SipHash) {
        for position in Int(range.start)..<Int(range.end) {
            let chunk = datagrams[slot].chunks[position / ChunkPool.chunkSize]
            sink.combine(UInt64(pool.span(chunk, at: position % ChunkPool.chunkSize, count: 1)[0]))
        }
    }
}
