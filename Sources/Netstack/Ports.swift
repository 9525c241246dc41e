import NetPrimitives

/// Counters of RFC 6056, 3.3.4: connections to different peers do not show each other's number.
struct PortCounters: BitwiseCopyable, Sendable {
    private var counters: [64 of UInt16]

    init(_ generator: inout Generator) {
        counters = [64 of UInt16](repeating: 0)
        for index in 0..<64 { counters[index] = UInt16(truncatingIfNeeded: generator.next()) }
    }

    subscript(index: UInt64) -> UInt16 {
        get { counters[Int(truncatingIfNeeded: index & 63)] }
        set { counters[Int(truncatingIfNeeded: index & 63)] = newValue }
    }

    func encode(into sink: inout SipHash) {
        for index in 0..<64 { sink.combine(UInt64(counters[index])) }
    }
}

extension NetworkStack {
    /// A free port for a connection to the tuple's remote end (RFC 6056, algorithm 4, double hash).
    /// - Parameter tuple: its local port is put in by this call.
    /// - Returns: `nil` when all ports of the range are taken for this peer.
    mutating func chooseEphemeralPort(_ tuple: FourTuple) -> UInt16? {
        let range = configuration.ephemeralPorts
        var unbound = tuple
        unbound.localPort = 0
        let offset = UInt32(truncatingIfNeeded: unbound.hash(SipHash(key: keys.portOffset)))
        let place = unbound.hash(SipHash(key: keys.portTable))
        var candidate = tuple
        let start = offset % range.count &+ UInt32(ports[place])
        for tried in 1...range.count {
            ports[place] &+= 1
            // Steps in a row, across the counter's end too, so that no port is left out.
            let step = (start &+ tried) % range.count
            candidate.localPort = range.first &+ UInt16(truncatingIfNeeded: step)
            if flows.find(candidate) == nil, !listeners.hasPort(of: candidate) { return candidate.localPort }
        }
        return nil
    }
}
