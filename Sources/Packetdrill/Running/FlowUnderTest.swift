internal import NetPrimitives

/// The connection that packet lines speak of, and how their numbers become those of the wire.
final class FlowUnderTest {
    enum Origin {
        /// connect() was called; its SYN names the local port.
        case active
        /// A packet came for a listener, or for nobody.
        case passive
    }

    let origin: Origin
    /// Both ends as they stand on the wire; the local one is `nil` until a SYN has been seen.
    var local: Endpoint?
    var remote: Endpoint
    /// The script's descriptor for it, once there is one.
    var descriptor: Int?
    /// Our initial number, in the script and on the wire.
    var localInitial: (script: UInt32, live: UInt32)?
    /// The peer's, which the script gives literally.
    var remoteInitial: UInt32?
    var lastInboundSYN: UInt32?
    /// A SYN-ACK has left: accept() may come.
    var hasAnswered = false
    var timestamps = TimestampMap()
    /// Flow labels of the script and what they turned out to be.
    var flowLabels: [UInt32: UInt32] = [:]
    /// The highest acknowledgement that the stack has sent, in the script's numbers.
    var lastAcknowledgment: UInt32?

    init(_ origin: Origin, local: Endpoint?, remote: Endpoint) {
        self.origin = origin
        self.local = local
        self.remote = remote
    }

    /// Whether a packet from the stack belongs here. A SYN without a home is the first of an active open.
    func owns(_ segment: WireSegment) -> Bool {
        guard segment.destination == remote else { return false }
        if let local { return segment.source == local }
        guard origin == .active, segment.has(TCPFlagsSyntax.syn) else { return false }
        local = segment.source
        return true
    }

    // MARK: Into the stack

    /// An inbound segment with the numbers of the wire.
    func inbound(_ tcp: TCPSyntax) throws(FlowError) -> TCPSyntax {
        var live = tcp
        let isSYN = tcp.flags.has(TCPFlagsSyntax.syn)
        if isSYN {
            if remoteInitial == nil { remoteInitial = tcp.sequence }
            lastInboundSYN = tcp.sequence
        } else {
            live.sequence = tcp.sequence &+ (remoteInitial ?? 0)
        }
        if tcp.flags.has(TCPFlagsSyntax.ack) {
            let initial = localInitial ?? (0, 0)
            let acknowledgment = tcp.acknowledgment ?? 0
            live.acknowledgment = initial.live &+ acknowledgment &- (isSYN ? initial.script : 0)
        }
        guard case .list(let options) = tcp.options else { return live }
        var mapped: [TCPOptionSyntax] = []
        for option in options { mapped.append(try inbound(option, tcp)) }
        live.options = .list(mapped)
        return live
    }

    private func inbound(_ option: TCPOptionSyntax, _ tcp: TCPSyntax) throws(FlowError) -> TCPOptionSyntax {
        switch option {
        case .sack(let edges):
            let initial = localInitial?.live ?? 0
            return .sack(edges.map { .init(left: $0.left &+ initial, right: $0.right &+ initial) })
        case .timestamps(let value, let echo):
            guard let live = timestamps.live(for: echo) else {
                if echo == 0 || !tcp.flags.has(TCPFlagsSyntax.ack) { return option }
                throw .unknownTimestamp(echo)
            }
            return .timestamps(value: value, echo: live)
        default:
            return option
        }
    }

    // MARK: Out of the stack

    /// A segment of the stack in the script's numbers.
    /// - Parameter expected: what the script has for it: the first SYN fixes what our initial number is called.
    func outbound(_ segment: WireSegment, expected: TCPSyntax?) -> TCPSyntax {
        let isSYN = segment.has(TCPFlagsSyntax.syn)
        if isSYN { learnInitial(segment, expected) }
        let initial = localInitial ?? (0, 0)
        let flags = TCPFlagsSyntax(
            bits: segment.flags, accurateECN: segment.reserved & 1 != 0,
            counter: expected?.flags.counter == nil
                ? nil : (segment.reserved & 1) << 2 | (segment.flags >> 7) << 1 | segment.flags >> 6 & 1)
        var words = TCPSyntax(
            flags: flags, sequence: segment.sequence &- initial.live &+ (isSYN ? initial.script : 0),
            length: UInt16(truncatingIfNeeded: segment.payload.count), window: segment.window,
            urgentPointer: segment.urgentPointer == 0 ? nil : segment.urgentPointer)
        if segment.has(TCPFlagsSyntax.ack) {
            words.acknowledgment = segment.acknowledgment &- (isSYN ? 0 : remoteInitial ?? 0)
        } else if segment.acknowledgment != 0 {
            words.acknowledgment = segment.acknowledgment
        }
        let options = WireWriter.options(of: segment.options)
        if !options.isEmpty { words.options = .list(options.map { outbound($0) }) }
        return words
    }

    private func learnInitial(_ segment: WireSegment, _ expected: TCPSyntax?) {
        // A SYN-ACK to another SYN than the first, on the same ports: the connection before is history.
        if segment.has(TCPFlagsSyntax.ack), let syn = lastInboundSYN, syn != remoteInitial,
            segment.acknowledgment == syn &+ 1
        {
            remoteInitial = syn
            localInitial = nil
            timestamps = TimestampMap()
        }
        if localInitial == nil { localInitial = (expected?.sequence ?? 0, segment.sequence) }
        if segment.has(TCPFlagsSyntax.ack) { hasAnswered = true }
    }

    private func outbound(_ option: TCPOptionSyntax) -> TCPOptionSyntax {
        switch option {
        case .sack(let edges):
            let initial = remoteInitial ?? 0
            return .sack(edges.map { .init(left: $0.left &- initial, right: $0.right &- initial) })
        case .timestamps(let value, let echo):
            return .timestamps(value: timestamps.script(for: value), echo: echo)
        default:
            return option
        }
    }
}

/// A script's numbers that cannot be mapped.
enum FlowError: Error {
    /// An echo of a timestamp that was never expected outbound.
    case unknownTimestamp(UInt32)
}

/// The stack's timestamps and what the script calls them.
struct TimestampMap {
    private var first: (script: UInt32, live: UInt32)?
    private var known: [UInt32: UInt32] = [:]
    /// Inbound echoes that no outbound value matches are shifted like the first one, instead of being refused.
    var isScaled = false

    /// Notes a pair.
    mutating func note(script: UInt32, live: UInt32) {
        if first == nil { first = (script, live) }
        known[script] = live
    }

    /// What an echo in the script stands for.
    func live(for script: UInt32) -> UInt32? {
        if let live = known[script] { return live }
        guard isScaled, let first else { return nil }
        return first.live &+ (script &- first.script)
    }

    /// What a value of the stack is called, by the first pair's offset.
    func script(for live: UInt32) -> UInt32 {
        guard let first else { return live }
        return live &- first.live &+ first.script
    }

    /// How many ticks `script` is off from what `live` should be called; `nil` for the first pair.
    func error(script: UInt32, live: UInt32) -> Int32? {
        guard first != nil else { return nil }
        return Int32(truncatingIfNeeded: self.script(for: live) &- script)
    }
}
