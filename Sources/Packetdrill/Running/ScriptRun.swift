internal import NetPrimitives
internal import Netstack
internal import PacketPrinting

/// How a run ends before its script does.
enum RunEnd: Error {
    case failed(DrillFailure)
    case skipped(DrillSkip)
}

/// One run of a script: the stack, the clock and how far it has come.
final class ScriptRun {
    let script: Script
    let settings: ScriptSettings
    let options: DrillOptions
    let match: DrillMatch
    let layer: SocketLayer

    /// The script's descriptors and what they really are.
    var descriptors: [Int: Int] = [:]
    /// What packet lines speak of; `nil` while the newest socket listens, or is only just there.
    var flow: FlowUnderTest?
    /// Connections that inbound packets began, for accept() to be joined with.
    var children: [FlowUnderTest] = []
    /// The script's descriptor of the newest socket, as long as no connection has taken its place.
    var freshSocket: Int?
    var nextRemotePort: UInt16 = 53_100
    /// The call that blocks, if one does.
    var blocked: BlockedCall?
    var snapshots: [CodeSnapshot] = []
    var warnings: [String] = []
    var trace: [String] = []
    /// The counters at the last `nstat -n`.
    var counterBase = Counters()
    /// When the previous event was to happen, and what it was.
    var previousScheduled = Instant.zero
    var previousWasInbound = false

    private var printer: PacketPrinter

    init(
        _ script: Script, _ options: DrillOptions, match: DrillMatch, tampering: Tampering? = nil
    ) throws(RunEnd) {
        self.script = script
        self.options = options
        self.match = match
        do { settings = try ScriptSettings(script, options) } catch { throw .skipped(error) }
        let configuration = options.profile ?? DrillProfile.named("linux-defaults") ?? Configuration()
        let stack = NetworkStack(
            configuration: configuration, seed: Seed(options.seed))
        let start = SourcePosition(line: 1, column: 1)
        guard let prefix = IPPrefix(settings.local, length: settings.localPrefix),
            let layer = try? SocketLayer(stack, addresses: [prefix], mtu: settings.mtu)
        else { throw .skipped(DrillSkip(kind: .option, what: "local_ip", position: start)) }
        self.layer = layer
        layer.tampering = tampering
        tampering?.configure(&layer.configuration)
        var printing = PacketPrinter.Options()
        printing.numeric = true
        printing.time = .none
        printer = PacketPrinter(options: printing)
        layer.onSent = { [unowned self] packet in note(packet.bytes, at: packet.at, mark: ">") }
    }

    /// Runs all events, then the code.
    func run() throws(RunEnd) {
        for command in settings.initScripts { try perform(command) }
        if let command = script.initCommand { try perform(command) }
        for event in script.events {
            do {
                try perform(event)
            } catch {
                throw explained(error)
            }
        }
        try finish()
    }

    /// A failure of a script that asked for what the stack does not have is no failure of the stack.
    private func explained(_ end: RunEnd) -> RunEnd {
        guard case .failed(let failure) = end, let feature = layer.wanted.first else { return end }
        trace.append("(\(failure.message))")
        return .skipped(DrillSkip(kind: .feature, what: feature, position: failure.position))
    }

    private func finish() throws(RunEnd) {
        try settleBlockedCall(waiting: .seconds(1), for: nil)
        var program = CodeProgram()
        do {
            try program.run(snapshots)
        } catch {
            throw explained(Self.end(of: error))
        }
        for line in program.printed { trace.append("printed: \(line)") }
        let left = layer.sent.filter { packet in WireSegment(packet.bytes).map { flow?.owns($0) ?? false } ?? false }
        if !left.isEmpty {
            warnings.append(
                "\(left.count) packet\(left.count == 1 ? "" : "s") of the connection after the last expected one")
        }
    }

    private static func end(of error: CodeError) -> RunEnd {
        switch error.reason {
        case .assertion(let message, let comparison):
            return .failed(
                DrillFailure(
                    position: error.position, message: message ?? "the assertion does not hold",
                    actual: comparison))
        case .unknownName(let name):
            return .skipped(DrillSkip(kind: .code, what: name, position: error.position))
        case .malformed(let expected):
            return .skipped(DrillSkip(kind: .code, what: expected, position: error.position))
        }
    }

    // MARK: Events

    private func perform(_ event: ScriptEvent) throws(RunEnd) {
        guard layer.steps < options.stepLimit else {
            throw failure(event.position, "the stack took more than \(options.stepLimit) turns")
        }
        let base = previousWasInbound && event.isInboundPacket ? previousScheduled : layer.now
        let times = event.time.bounds(from: base)
        if let first = times?.lowerBound, first - .zero > Self.longestScript {
            throw failure(event.position, "this is later than a script may last")
        }
        switch event.action {
        case .packet(let packet) where packet.direction == .outbound:
            try expect(packet, within: times, since: base)
        case .packet(let packet):
            wait(until: times?.lowerBound)
            try inject(packet)
        case .call(let call):
            wait(until: times?.lowerBound)
            try perform(call, base: base)
        case .command(let command):
            wait(until: times?.lowerBound)
            try perform(command)
        case .code(let code):
            wait(until: times?.lowerBound)
            snapshots.append(CodeSnapshot(code: code, variables: variables()))
        }
        try checkBlockedCall()
        previousScheduled = times?.lowerBound ?? layer.now
        previousWasInbound = event.isInboundPacket
    }

    private func wait(until time: Instant?) {
        if let time { layer.advance(to: time) }
    }

    /// A day: no timer that a script may wait for is longer.
    static let longestScript = Interval.seconds(86_400)

    // MARK: Words

    func failure(
        _ position: SourcePosition, _ message: String, expected: String? = nil, actual: String? = nil,
        _ differences: [DrillFailure.Difference] = []
    ) -> RunEnd {
        .failed(
            DrillFailure(
                position: position, message: message, expected: expected, actual: actual, differences: differences))
    }

    func skip(_ kind: DrillSkip.Kind, _ what: String, _ position: SourcePosition) -> RunEnd {
        .skipped(DrillSkip(kind: kind, what: what, position: position))
    }

    /// A line of the trace for a packet.
    func note(_ packet: [UInt8], at time: Instant, mark: String) {
        guard trace.count < 10_000 else { return }
        trace.append("\(time.secondsText) \(mark) \(printer.line(for: packet, at: time))")
    }

    /// A line of the trace for something else.
    func note(_ text: String) {
        guard trace.count < 10_000 else { return }
        trace.append("\(layer.now.secondsText) \(text)")
    }
}

extension ScriptEvent {
    var isInboundPacket: Bool {
        if case .packet(let packet) = action { packet.direction == .inbound } else { false }
    }
}

extension EventTime {
    /// When the event is to happen, at the earliest and at the latest; `nil` for any time.
    func bounds(from base: Instant) -> ClosedRange<Instant>? {
        switch self {
        case .absolute(let time): return Instant.zero + time...Instant.zero + time
        case .relative(let time): return base + time...base + time
        case .any: return nil
        case .absoluteRange(let first, let last):
            return Instant.zero + first...Instant.zero + max(first, last)
        case .relativeRange(let first, let last): return base + first...base + max(first, last)
        }
    }
}

extension Instant {
    /// Seconds with six digits.
    var secondsText: String { (self - Instant.zero).secondsText }
}

extension Interval {
    /// Seconds with six digits.
    var secondsText: String {
        let all = abs(microseconds)
        let fraction = String(all % 1_000_000)
        return (microseconds < 0 ? "-" : "") + "\(all / 1_000_000)."
            + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}
