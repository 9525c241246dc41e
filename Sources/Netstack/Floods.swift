public import NetPrimitives
import TCPStateMachine

/// A flood that has begun or ended: in a second a listener had more than ``Configuration/floodThreshold`` of SYNs that
/// found a queue full or were answered with a cookie that has not come back, and of ACKs with no good cookie.
public struct FloodReport: Hashable, Sendable, BitwiseCopyable {
    /// The listener's address and port.
    public var listener: Endpoint
    /// The flood is over: there were three seconds below the threshold, or the listener was closed.
    public var isOver = false
    /// When the threshold was passed, and when the last such segment came.
    public var began: Instant
    public var last: Instant
    /// Such segments in the worst second, from its beginning.
    public var peakRate: UInt32
    /// SYNs since the threshold was passed, and ACKs with no good cookie.
    public var syns: UInt64 = 0
    public var badCookies: UInt64 = 0
    /// What the stack did: SYNs answered with a cookie, cookies that came back, SYNs dropped, entries that gave way.
    public var cookiesSent: UInt64 = 0
    public var cookiesReceived: UInt64 = 0
    public var dropped: UInt64 = 0
    public var evicted: UInt64 = 0
    /// The networks that most came from, by a sample of one in eight.
    public var top = TopPrefixes()
}

/// What there is too much of: SYNs, by what was done with them, and ACKs with no good cookie.
enum Overload {
    case cookie
    case dropped
    case evicted
    case badCookie
}

/// Floods under way, and reports that wait to be asked for, both of a fixed number.
struct FloodBoard: ~Copyable, Sendable {
    struct Watch: BitwiseCopyable, Sendable {
        var report: FloodReport
        var listener: Slot
        /// Segments of the second under way.
        var current: UInt32 = 0
        var quietSeconds: UInt8 = 0
        var isOpen = false
        /// The beginning was told, at the end of its second: by then the rate is known, and who it comes from.
        var isTold = false

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
        let none = FloodReport(listener: Endpoint(.v4(.any), 0), began: .zero, last: .zero, peakRate: 0)
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

    /// One more of what makes a flood.
    mutating func noteOverload(_ listener: Slot, _ tuple: FourTuple, _ kind: Overload, at now: Instant) {
        floodsTick(at: now)
        let count = listeners.entries[listener].overload.next(at: now)
        if listeners.entries[listener].flood == 0 {
            guard configuration.floodThreshold > 0, count >= configuration.floodThreshold else { return }
            beginFlood(listener, count: count, at: now)
        }
        let watch = Int(listeners.entries[listener].flood) - 1
        guard watch >= 0 else { return }
        floods.watches[watch].current &+= 1
        floods.watches[watch].report.last = now
        floods.watches[watch].report.count(kind)
        let report = floods.watches[watch].report
        if (report.syns &+ report.badCookies) & 7 == 1 { floods.watches[watch].report.top.note(tuple, weight: 8) }
    }

    /// A cookie has come back: the SYN that it was sent to was none of a flood.
    mutating func noteCookieReturned(_ listener: Slot, at now: Instant) {
        listeners.entries[listener].overload.takeBack(at: now)
        let watch = Int(listeners.entries[listener].flood) - 1
        if watch >= 0 { floods.watches[watch].report.cookiesReceived &+= 1 }
    }

    private mutating func beginFlood(_ listener: Slot, count: UInt32, at now: Instant) {
        guard let place = floods.freeWatch() else { return }
        var watch = FloodBoard.Watch(
            FloodReport(listener: listeners.entries[listener].local, began: now, last: now, peakRate: count),
            of: listener)
        watch.isOpen = true
        watch.current = count &- 1
        floods.watches[place] = watch
        listeners.entries[listener].flood = UInt8(place + 1)
        if floods.deadline == nil { floods.deadline = .zero + .seconds(now.seconds + 1) }
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
            if !watch.isTold { tellBeginning(of: index) }
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

    private mutating func tellBeginning(of watch: Int) {
        floods.watches[watch].isTold = true
        floods.tell(floods.watches[watch].report)
        hasReported = true
    }

    /// A flood is over, or its listener is.
    mutating func endFlood(of listener: Slot) {
        let watch = Int(listeners.entries[listener].flood) - 1
        guard watch >= 0 else { return }
        listeners.entries[listener].flood = 0
        floods.watches[watch].isOpen = false
        floods.watches[watch].report.peakRate = max(
            floods.watches[watch].report.peakRate, floods.watches[watch].current)
        if !floods.watches[watch].isTold { tellBeginning(of: watch) }
        var report = floods.watches[watch].report
        report.isOver = true
        floods.tell(report)
        hasReported = true
    }
}

extension FloodReport {
    fileprivate mutating func count(_ kind: Overload) {
        switch kind {
        case .cookie: cookiesSent &+= 1
        case .dropped: dropped &+= 1
        case .evicted: evicted &+= 1
        case .badCookie: badCookies &+= 1
        }
        if kind != .badCookie { syns &+= 1 }
    }
}
