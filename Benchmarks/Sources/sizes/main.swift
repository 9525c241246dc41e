import CountingAllocator
import Workloads

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// What a stack holds for an entry of each kind: all tables, index, timers and lists included, divided by the number of
// entries, as the stack itself counts it and as the allocator does. Fails where a limit is exceeded or the two differ.

/// Bytes an entry may take.
func limit(_ kind: Population.Kind, isIPv6: Bool) -> Double {
    switch kind {
    case .halfOpen, .timeWait: isIPv6 ? 96 : 64
    case .accepted, .connected: isIPv6 ? 352 : 320
    }
}

func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(width - text.count, 1)) }

func tenths(_ value: Double) -> String { padded("\((value * 10).rounded() / 10)", 10) }

var failures = 0
print(
    padded("kind", 18) + padded("", 6) + padded("entries", 10) + padded("bytes", 10) + padded("by malloc", 10) + "limit"
)
for kind in Population.Kind.allCases {
    for isIPv6 in [false, true] {
        for count in [10_000, 65_536, 100_000] {
            let held = try Population(kind, count, isIPv6: isIPv6, probe: heap_bytes)
            let own = Double(held.allocatedAfter - held.allocatedBefore) / Double(count)
            let probed = Double(held.probedAfter - held.probedBefore) / Double(count)
            let agrees = !heap_is_counted() || abs(own - probed) <= own * 0.03
            let fits = own <= limit(kind, isIPv6: isIPv6)
            print(
                padded(kind.rawValue, 18) + padded(isIPv6 ? "IPv6" : "IPv4", 6) + padded("\(count)", 10)
                    + tenths(own) + (heap_is_counted() ? tenths(probed) : padded("-", 10))
                    + "\(Int(limit(kind, isIPv6: isIPv6)))" + (fits ? "" : "  TOO LARGE") + (agrees ? "" : "  DISAGREE")
            )
            if !fits || !agrees { failures += 1 }
        }
    }
}
exit(failures == 0 ? 0 : 1)
