public import NetPrimitives
import TCPStateMachine

/// A flood of SYNs that has begun or ended: more of them found a listener's SYN queue full than
/// ``Configuration/floodThreshold`` in a second.
public struct FloodReport: Hashable, Sendable, BitwiseCopyable {
    /// The listener's address and port.
    public var listener: Endpoint
    /// The flood is over: there were three seconds below the threshold, or the listener was closed.
    public var isOver = false
    /// When the threshold was passed, and when the last such SYN came.
    public var began: Instant
    public var last: Instant
    /// SYNs that found the queue full, in all and in the worst second.
    public var syns: UInt64
    public var peakRate: UInt32
    /// What the stack did: SYNs answered with a cookie, cookies that came back, SYNs dropped, entries that gave way.
    public var cookiesSent: UInt64 = 0
    public var cookiesReceived: UInt64 = 0
    public var dropped: UInt64 = 0
    public var evicted: UInt64 = 0
    /// The networks that most came from, by a sample of one in eight.
    public var top = TopPrefixes()
}

/// What was done with a SYN that found the queue full.
enum OverloadAnswer {
    case cookie
    case dropped
    case evicted
}

/// Floods under way, and reports that wait to be asked for, both of a fixed number.
struct FloodBoard: ~Copyable, Sendable {
    struct Watch: BitwiseCopyable, Sendable {
        var report: FloodReport
        var listener: Slot
        /// SYNs of the second under way.
        var current: UInt32 = 0
        var quietSeconds: UInt8 = 0
        var isOpen = false

        init(_ report: FloodReport, of listener: Slot) {
            self.report = report
            self.listener = listener
        }
    }

    /// Floods that are watched at a time, and reports kept.
    static let watchLimit = 8
    static let readyLimit = 16
    static var bytes: Int {
        watchLimit * MemoryLayout<Watch>.stride + readyLimit * MemoryLayout<FloodReport>.stride
    }

    var watches: SegmentedArray<Watch>
    private var ready: SegmentedArray<FloodReport>
    private var first = 0
    private var readyCount = 0
    /// When the second under way is over; `nil` while there is no flood.
    var deadline: Instant?

    init() {
        let none = FloodReport(listener: Endpoint(.v4(.any), 0), began: .zero, last: .zero, syns: 0, peakRate: 0)
        watches = SegmentedArray(segmentSize: Self.watchLimit, filler: Watch(none, of: .none))
        ready = SegmentedArray(segmentSize: Self.readyLimit, filler: none)
        watches.grow()
        ready.grow()
    }

    func copy() -> FloodBoard {
        var twin = FloodBoard()
        for index in 0..<Self.watchLimit { twin.watches[index] = watches[index] }
        for index in 0..<Self.readyLimit { twin.ready[index] = ready[index] }
        twin.first = first
        twin.readyCount = readyCount
        twin.deadline = deadline
        return twin
    }

    /// Bytes held from the allocator.
    var allocatedBytes: Int { watches.allocatedBytes + ready.allocatedBytes }

    func freeWatch() -> Int? { (0..<Self.watchLimit).first { !watches[$0].isOpen } }

    /// The oldest gives way: what matters is how things stand.
    mutating func tell(_ report: FloodReport) {
        if readyCount == Self.readyLimit {
            first = (first + 1) % Self.readyLimit
            readyCount -= 1
        }
        ready[(first + readyCount) % Self.readyLimit] = report
        readyCount += 1
    }

    mutating func popReady() -> FloodReport? {
        guard readyCount > 0 else { return nil }
        defer {
            first = (first + 1) % Self.readyLimit
            readyCount -= 1
        }
        return ready[first]
    }
}

extension NetworkStack {
    /// The next report of a flood that has begun or ended, or `nil`. Kept are 16; the oldest gives way.
    public mutating func nextFlood() -> FloodReport? { floods.popReady() }

    /// Seconds below the threshold that end a flood.
    private static var quietSeconds: UInt8 { 3 }

    /// A SYN has found the queue full.
    mutating func noteOverload(_ listener: Slot, _ tuple: FourTuple, _ answer: OverloadAnswer, at now: Instant) {
        floodsTick(at: now)
        let count = listeners.entries[listener].overload.next(at: now)
        let watch = Int(listeners.entries[listener].flood) - 1
        guard watch >= 0 else {
            if configuration.floodThreshold > 0, count >= configuration.floodThreshold {
                beginFlood(listener, tuple, answer, count: count, at: now)
            }
            return
        }
        floods.watches[watch].current &+= 1
        floods.watches[watch].report.last = now
        floods.watches[watch].report.syns &+= 1
        if floods.watches[watch].report.syns & 7 == 0 { floods.watches[watch].report.top.note(tuple, weight: 8) }
        floods.watches[watch].report.count(answer, 1)
    }

    /// A cookie has come back.
    mutating func noteCookieReturned(_ listener: Slot) {
        let watch = Int(listeners.entries[listener].flood) - 1
        if watch >= 0 { floods.watches[watch].report.cookiesReceived &+= 1 }
    }

    private mutating func beginFlood(
        _ listener: Slot, _ tuple: FourTuple, _ answer: OverloadAnswer, count: UInt32, at now: Instant
    ) {
        guard let place = floods.freeWatch() else { return }
        var report = FloodReport(
            listener: listeners.entries[listener].local, began: now, last: now, syns: UInt64(count), peakRate: count)
        report.top.note(tuple, weight: 8)
        report.count(answer, UInt64(count))
        var watch = FloodBoard.Watch(report, of: listener)
        watch.isOpen = true
        watch.current = count
        floods.watches[place] = watch
        listeners.entries[listener].flood = UInt8(place + 1)
        if floods.deadline == nil { floods.deadline = .zero + .seconds(now.seconds + 1) }
        floods.tell(report)
        hasReported = true
    }

    /// The second is over, and perhaps some more in which nobody looked.
    mutating func floodsTick(at now: Instant) {
        guard let deadline = floods.deadline, deadline <= now else { return }
        let missed = UInt8(clamping: (now - deadline).milliseconds / 1_000)
        floods.deadline = nil
        for index in 0..<FloodBoard.watchLimit where floods.watches[index].isOpen {
            let watch = floods.watches[index]
            floods.watches[index].report.peakRate = max(watch.report.peakRate, watch.current)
            floods.watches[index].current = 0
            let isQuiet = watch.current < max(configuration.floodThreshold, 1)
            let quiet = UInt8(clamping: Int(isQuiet ? watch.quietSeconds + 1 : 0) + Int(missed))
            floods.watches[index].quietSeconds = quiet
            if quiet >= Self.quietSeconds {
                endFlood(of: watch.listener)
            } else {
                floods.deadline = .zero + .seconds(now.seconds + 1)
            }
        }
    }

    /// A flood is over, or its listener is.
    mutating func endFlood(of listener: Slot) {
        let watch = Int(listeners.entries[listener].flood) - 1
        guard watch >= 0 else { return }
        listeners.entries[listener].flood = 0
        floods.watches[watch].isOpen = false
        var report = floods.watches[watch].report
        report.peakRate = max(report.peakRate, floods.watches[watch].current)
        report.isOver = true
        floods.tell(report)
        hasReported = true
    }
}

extension FloodReport {
    fileprivate mutating func count(_ answer: OverloadAnswer, _ number: UInt64) {
        switch answer {
        case .cookie: cookiesSent &+= number
        case .dropped: dropped &+= number
        case .evicted: evicted &+= number
        }
    }
}
