import CountingAllocator
import Netstack
import Workloads

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// A stack with a budget, besieged: what it holds after each packet, as it says itself and as the allocator does. Fails
// where the budget is passed, where the two differ by more than a twentieth, where what did not fit was not counted by
// its reason, and where an honest connection from another network does not bring its megabyte.

struct Worst {
    var held = 0
    var byMalloc = 0
    var largestDifference = 0.0
}

/// - Parameter networks: from how many networks the attack comes. One holds at most half of the memory; from more of
///   them it is used up, and whoever comes then is refused.
func besiege(budget: Int, networks: Int = 1) throws -> Bool {
    let before = heap_bytes()
    var siege = try Siege(budget: budget)
    let batches = Int(heap_bytes() - before) - siege.server.allocatedBytes
    var worst = Worst()
    func look(_ siege: borrowing Siege) {
        let held = siege.server.allocatedBytes
        worst.held = max(worst.held, held)
        guard heap_is_counted() else { return }
        let byMalloc = Int(heap_bytes() - before) - batches - siege.clientGrowth
        worst.byMalloc = max(worst.byMalloc, byMalloc)
        worst.largestDifference = max(worst.largestDifference, abs(Double(byMalloc - held)) / Double(held))
    }
    for number in 0..<10_000 {
        for _ in 0..<100 {
            siege.sendSyn()
            look(siege)
        }
        guard let peer = siege.open(number, network: number % networks) else { continue }
        look(siege)
        for step in 0..<24 {
            // In order, then with a hole before each.
            siege.send(1_000, at: UInt32(step < 8 ? 1_000 * step : 2_000 * step), from: peer)
            look(siege)
        }
    }
    let read = networks == 1 ? try siege.carry(1 << 20, afterPacket: look) : 0
    look(siege)
    let (tables, counters) = (siege.server.tables, siege.server.counters)
    let isKept = worst.held <= budget && worst.byMalloc <= budget && worst.largestDifference <= 0.05
    let isServed = networks > 1 || read == 1 << 20
    // Each of those who are not in was refused at least once, for one of two reasons, and so was what others sent.
    let outside = 10_000 - tables.connections
    let isCounted =
        Int(counters.prefixRefusals + counters.memoryRefusals) >= outside
        && (networks > 1 ? counters.memoryRefusals > 0 : counters.memoryRefusals == 0 && counters.prefixShortages > 0)
        && counters.outOfOrderRefused > 0 && counters.inOrderRefused > 0
    print(
        "\(isKept && isServed && isCounted ? "ok    " : "FAILED") a budget of \(budget / 1_024) KiB, "
            + "attacked from \(networks) networks"
    )
    print(
        "       held at most \(worst.held) bytes, by malloc \(worst.byMalloc); they differ by "
            + "\((worst.largestDifference * 1_000).rounded() / 10) % at most")
    print(
        "       \(tables.connections) connections, \(tables.halfOpen) half-open, \(counters.cookiesSent) cookies sent")
    print(
        "       refused: \(counters.prefixRefusals) connections by their network's share, \(counters.memoryRefusals) "
            + "by the budget, \(counters.outOfOrderRefused) segments out of order, "
            + "\(counters.inOrderRefused) in order; "
            + "\(counters.outOfOrderDropped) times what was out of order gave way")
    print(
        "       the cause: \(counters.prefixShortages) times their network's share, \(counters.memoryShortages) times "
            + "the budget")
    if networks == 1 { print("       an honest connection brought \(read) bytes") }
    return isKept && isServed && isCounted
}

let results = [
    try besiege(budget: 16 << 20), try besiege(budget: 1 << 20), try besiege(budget: 16 << 20, networks: 4),
    try besiege(budget: 1 << 20, networks: 4),
]
exit(results.allSatisfy { $0 } ? 0 : 1)
