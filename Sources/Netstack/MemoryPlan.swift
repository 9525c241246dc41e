import NetPrimitives
import TCPStateMachine

/// How a stack divides its budget, reckoned once from what an entry of each kind can take at most.
///
/// Each table has a limit in entries, and all tables at their limits, with IPv6 everywhere and every segment begun,
/// still fit into the budget together. So nothing has to be weighed against anything while packets come: a flood of
/// SYNs fills the SYN queue's share and cannot touch a buffer, and no buffer keeps a SYN out.
struct MemoryPlan: BitwiseCopyable, Sendable {
    /// Half-open entries: at most a sixteenth of the budget.
    let halfOpens: Int
    /// TIME-WAITs: at most a sixteenth.
    let timeWaits: Int
    /// Fragments, at most an eighth together with the packet that they become: bytes of data, and datagrams begun.
    let fragmentBytes: Int
    let fragmentedDatagrams: Int
    /// Listeners: at most a sixty-fourth.
    let listeners: Int
    /// Connections get what is left: bytes of buffers, of which each reserves two chunks, and sets of ranges.
    let bufferBytes: Int
    let ranges: Int

    /// Connections that can exist at a time, as each reserves its chunks.
    var connections: Int { bufferBytes / (2 * ChunkPool.chunkSize) }

    init(_ configuration: Configuration) {
        let budget = min(max(configuration.budget, 0), .max / 1024)
        let bucket = 4
        let entry = MemoryLayout<AddressPair>.stride + bucket
        // Not what the configuration allows now: its limits may be raised while running.
        halfOpens = budget / 16 / (MemoryLayout<HalfOpenEntry>.stride + entry)
        timeWaits = budget / 16 / (MemoryLayout<TimeWaitEntry>.stride + entry)
        listeners = min(
            budget / 64 / MemoryLayout<ListenerEntry>.stride, Int(ConnectionEntry.noListener))

        let datagram = MemoryLayout<PartialDatagram>.stride
        let whole = budget / 8 - ReassembledPacket.capacity
        fragmentedDatagrams = min(max(configuration.fragmentedDatagramLimit, 0), max(whole / 2 / datagram, 0))
        fragmentBytes = min(
            max(configuration.fragmentMemoryLimit, 0), Self.segments(whole - fragmentedDatagrams * datagram))
        let fragments =
            ReassembledPacket.capacity + fragmentedDatagrams * datagram
            + Self.segments(fragmentBytes + Self.segment - 1)

        let shares =
            halfOpens * (MemoryLayout<HalfOpenEntry>.stride + entry)
            + timeWaits * (MemoryLayout<TimeWaitEntry>.stride + entry)
            + listeners * MemoryLayout<ListenerEntry>.stride + fragments
        // Directories of segments, and what the allocator adds to each.
        let left = budget - budget / 64 - Self.base - shares
        let connection =
            MemoryLayout<ConnectionEntry>.stride + entry + TimerQueue.bytesPerOwner + MemoryLayout<InFlight>.stride
            + MemoryLayout<AttemptEntry>.stride + MemoryLayout<SequenceRanges>.stride / 4
        bufferBytes = Self.segments(
            max(left, 0) / (2 * (ChunkPool.chunkSize + bucket) + connection) * 2 * ChunkPool.chunkSize)
        ranges = bufferBytes / (8 * ChunkPool.chunkSize)
    }

    /// Bytes that a pool of chunks has from the allocator at a time.
    private static var segment: Int { ChunkPool.chunkSize * ChunkPool.chunksPerSegment }
    /// As many bytes as whole segments take.
    private static func segments(_ bytes: Int) -> Int { max(bytes, 0) / segment * segment }

    /// Interfaces, addresses and routes of a usual host, and the beginnings of all the tables.
    private static var interfaces: Int { 8 << 10 }

    /// What a stack holds whatever its limits: queues of a fixed size, and one segment of each table, for a limit may
    /// lie anywhere in one.
    private static var base: Int {
        let tables =
            256 * (MemoryLayout<HalfOpenEntry>.stride + MemoryLayout<TimeWaitEntry>.stride)
            + 256 * MemoryLayout<AddressPair>.stride + 64 * MemoryLayout<ConnectionEntry>.stride
            + 64 * MemoryLayout<InFlight>.stride + 16 * MemoryLayout<SequenceRanges>.stride
            + 16 * MemoryLayout<AttemptEntry>.stride + 16 * MemoryLayout<ListenerEntry>.stride
            + 4 * MemoryLayout<PartialDatagram>.stride + 256 * TimerQueue.bytesPerOwner
        return tables + AttemptQueue.capacity * MemoryLayout<ConnectionAttempt>.stride + 3 * PrefixShares.bytes
            + SummaryBoard.bytes + FloodBoard.bytes + AnswerLimits.bytes
            + FlowTable.leastBytes + interfaces
    }
}
