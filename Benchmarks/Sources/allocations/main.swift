import CountingAllocator
import Netstack
import Workloads

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// Counts what the heap is asked for once a workload has run for a while. It must be nothing.

/// Whether a workload, warm, asks for nothing.
func check(_ name: String, warmUp: Int, steps: Int, _ workload: consuming some Workload & ~Copyable) throws -> Bool {
    for _ in 0..<warmUp {
        try workload.prepare()
        _ = try workload.step()
    }
    let before = heap_allocations()
    var units = 0
    for _ in 0..<steps {
        try workload.prepare()
        units += try workload.step()
    }
    let count = heap_allocations() - before
    print("\(count == 0 && units > 0 ? "ok    " : "FAILED") \(name): \(count) allocations in \(units) units")
    return count == 0 && units > 0
}

/// Asks for memory at each step, on purpose: if this is not seen, nothing is.
struct Wasteful: Workload, ~Copyable {
    private var kept: [[UInt8]] = []
    mutating func step() -> Int {
        kept = [[UInt8](repeating: UInt8(truncatingIfNeeded: kept.count), count: 100)]
        return 1
    }
    static func isSeen() throws -> Bool {
        var workload = Wasteful()
        let before = heap_allocations()
        for _ in 0..<100 { _ = workload.step() }
        let count = heap_allocations() - before
        print("\(count >= 100 ? "ok    " : "FAILED") allocates on purpose: \(count) allocations in 100 units")
        return count >= 100
    }
}

guard heap_is_counted() else {
    print("skipped: allocations are counted with glibc only")
    exit(0)
}
var results: [Bool] = []
results.append(try Wasteful.isSeen())
results.append(try check("SYN, SYN-ACK", warmUp: 1_100, steps: 2_000, SynFlood(.listener(standing: 0))))
results.append(try check("SYN dropped", warmUp: 10, steps: 2_000, SynFlood(.fullQueue(cookies: nil))))
results.append(try check("SYN, cookie", warmUp: 10, steps: 2_000, SynFlood(.fullQueue(cookies: .classic))))
results.append(try check("SYN, fleet cookie", warmUp: 10, steps: 2_000, SynFlood(.fullQueue(cookies: .fleet))))
results.append(try check("ACK, no cookie", warmUp: 10, steps: 2_000, SynFlood(.forgedAcks)))
results.append(try check("SYN refused", warmUp: 10, steps: 2_000, SynFlood(.closedPort)))
results.append(try check("connect, accept, abort", warmUp: 100, steps: 2_000, Handshakes(width: 32)))
results.append(try check("one byte there and back", warmUp: 100, steps: 2_000, Echo()))
results.append(try check("bulk, MTU 1500", warmUp: 1_000, steps: 5_000, Transfer(mtu: 1_500, packets: 64)))
results.append(try check("bulk, MTU 65535", warmUp: 1_000, steps: 5_000, Transfer(mtu: 65_535, packets: 2)))
exit(results.allSatisfy { $0 } ? 0 : 1)
