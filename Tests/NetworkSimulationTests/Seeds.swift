import Foundation

/// Which seeds a test with many runs takes.
///
/// `SIMULATION_SEED=17` runs that one alone; `SIMULATION_SEEDS=1000` runs as many. A build without optimization runs a
/// few of them only.
enum Seeds {
    static func first(_ count: Int, debug: Int) -> [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SIMULATION_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        if let asked = environment["SIMULATION_SEEDS"].flatMap({ UInt64($0) }) { return Array(1...max(asked, 1)) }
        return Array(1...UInt64(isOptimized ? count : debug))
    }

    static var isOptimized: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }
}
