import NetPrimitives

/// RFC 9293, 3.4.3: a host that has lost what it knew of the sequence numbers it used keeps silent for a maximum
/// segment lifetime, until what it sent before has left the network.
///
/// It begins with the first call that tells the time: the stack reads no clock.
struct QuietTime: BitwiseCopyable, Sendable {
    /// How long it lasts; zero when it is over.
    private var length: Interval
    /// When it ends; `nil` while it has not begun.
    private(set) var end: Instant?

    init(_ length: Interval) { self.length = max(length, .zero) }

    /// Whether the stack has to be silent now. The first call begins the time.
    mutating func isOn(at now: Instant) -> Bool {
        guard length > .zero else { return false }
        let end = end ?? now + length
        self.end = end
        if now < end { return true }
        length = .zero
        self.end = nil
        return false
    }

    func encode(into sink: inout SipHash, at now: Instant) {
        let isOver = length == .zero || end.map { $0 <= now } ?? false
        sink.combine(isOver ? 0 : UInt64(bitPattern: (end.map { $0 - now } ?? length).nanoseconds))
        sink.combine(isOver || end != nil ? 1 : 0)
    }
}
