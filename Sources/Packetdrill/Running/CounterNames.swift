internal import Netstack

/// The counters of `nstat` that the stack keeps, by the names that `nstat` has for them.
enum CounterNames {
    static func knows(_ name: String) -> Bool { value(of: name, Counters()) != nil }

    /// What was counted since; `nil` for a name that is not known.
    static func count(_ name: String, _ now: Counters, since then: Counters) -> UInt64? {
        guard let now = value(of: name, now), let then = value(of: name, then) else { return nil }
        return now &- then
    }

    private static func value(of name: String, _ counters: Counters) -> UInt64? {
        var found: UInt64?
        counters.forEachNamed { known, value in
            if known.description == name { found = value }
        }
        return found
    }
}
