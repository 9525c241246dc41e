import NetPrimitives

/// The secrets of a stack, each for one purpose, so that what one of them shows tells nothing of another.
struct StackKeys: BitwiseCopyable, Sendable {
    /// Initial sequence numbers (RFC 6528).
    let sequence: SipKey
    /// Timestamp offsets (RFC 7323, 5.4).
    let timestamp: SipKey
    /// Flow labels (RFC 6437).
    let flowLabel: SipKey
    /// Ephemeral ports: the offset and the place of its counter (RFC 6056, 3.3.4).
    let portOffset: SipKey
    let portTable: SipKey

    init(_ generator: inout Generator) {
        sequence = generator.sipKey()
        timestamp = generator.sipKey()
        flowLabel = generator.sipKey()
        portOffset = generator.sipKey()
        portTable = generator.sipKey()
    }

    func encode(into sink: inout SipHash) {
        sequence.encode(into: &sink)
        timestamp.encode(into: &sink)
        flowLabel.encode(into: &sink)
        portOffset.encode(into: &sink)
        portTable.encode(into: &sink)
    }
}

extension SipKey {
    func encode(into sink: inout SipHash) {
        sink.combine(k0)
        sink.combine(k1)
    }
}

extension NetworkStack {
    /// ISS for a connection between these ends (RFC 6528, 3): `M + F(local, remote, secret)`, where M is a clock of 4
    /// us and F is SipHash-2-4: nobody who lacks the key can tell one connection's numbers from another's.
    func initialSequence(for tuple: FourTuple, at now: Instant) -> SequenceNumber {
        if let fixed = configuration.fixedInitialSequence { return SequenceNumber(fixed) }
        let step = max(configuration.sequenceClock.nanoseconds, 1)
        let clock = UInt32(truncatingIfNeeded: now.nanoseconds / step)
        return SequenceNumber(clock &+ UInt32(truncatingIfNeeded: tuple.hash(SipHash(key: keys.sequence))))
    }

    /// What is added to the timestamps of a connection, so that they do not tell how long the host has been up.
    func timestampOffset(for tuple: FourTuple) -> UInt32 {
        UInt32(truncatingIfNeeded: tuple.hash(SipHash(key: keys.timestamp)))
    }

    /// The flow label of a connection: 20 bits, the same for all its packets, unrelated to others' (RFC 6437, 3).
    func flowLabel(for tuple: FourTuple) -> UInt32 {
        tuple.isIPv6 ? UInt32(truncatingIfNeeded: tuple.hash(SipHash(key: keys.flowLabel))) & 0xF_FFFF : 0
    }
}
