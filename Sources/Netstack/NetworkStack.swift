public import NetPrimitives
import TCPStateMachine

/// A TCP/IP stack as a value: packets in, packets out, connections for the application in between.
///
/// It does no I/O, reads no clock and draws no randomness but from its seed: the same calls give the same packets. It
/// is owned by one thread or event loop, moved and never shared; more cores mean more stacks.
///
/// The driver's calls, in the order of a turn:
/// - ``receive(_:answers:at:)`` with what came; `answers` is what goes out at once.
/// - ``timersFired(at:)`` when ``nextDeadline()`` has come.
/// - ``nextEvent()`` until `nil`: what the application has to know; it answers with read, write, accept and so on.
/// - ``transmit(into:at:)`` until the batch stays empty: what goes out.
public struct NetworkStack: ~Copyable, Sendable {
    /// How the stack behaves. May be changed at any time; what has begun goes on as it began.
    public var configuration: Configuration
    /// What was counted. Only ever read by the stack's owner.
    public internal(set) var counters = Counters()

    var interfaces: InterfaceTable
    var flows: FlowTable
    var memory: ConnectionMemory
    /// How the budget is divided.
    let plan: MemoryPlan
    /// Chunks that each prefix of peers holds or has reserved, sets of ranges, and half-open entries that it has.
    var memoryShares: PrefixShares
    var rangeShares: PrefixShares
    var halfOpenShares: PrefixShares
    var listeners: ListenerTable
    var reassembler: FragmentReassembler
    var timers: TimerQueue
    var attempts: SlotTable<AttemptEntry>
    var attemptQueue: AttemptQueue
    var summaries: SummaryBoard
    var floods: FloodBoard
    /// There is a report that no event has told of.
    var hasReported = false
    var generator: Generator
    var keys: StackKeys
    var cookieKeys: CookieKeys
    var ports: PortCounters
    var quiet: QuietTime
    var answerLimits: AnswerLimits
    /// Connections with something to tell, and listeners.
    var readyConnections = SlotList()
    var readyListeners = SlotList()
    /// Connections with something to send.
    var output = SlotList()
    /// Where the search for a half-open entry to give way goes on.
    var evictionCursor = Slot.none
    /// Not before this are idle connections looked for again; see ``Configuration/evictIdle``.
    var nextEviction = Instant.zero
    /// Half-open entries by the number of times their SYN-ACK was repeated: each list in order of its deadlines.
    var halfOpenLists: HalfOpenLists
    /// Requests of listeners that ask before they answer.
    var requestLists = RequestLists()
    /// TIME-WAITs in order of expiry.
    var timeWaitList = SlotList()
    /// Counts handles given out, so that none is ever the same as another.
    var generations: UInt32 = 0

    /// - Parameters:
    ///   - configuration: how it behaves.
    ///   - seed: 256 bits that nobody else knows; in a test, any number.
    public init(configuration: Configuration = Configuration(), seed: Seed) {
        self.configuration = configuration
        var generator = Generator(seed: seed)
        keys = StackKeys(&generator)
        flows = FlowTable(key: generator.sipKey())
        ports = PortCounters(&generator)
        cookieKeys = CookieKeys(current: generator.sipKey())
        let answerKey = generator.sipKey()
        self.generator = generator
        interfaces = InterfaceTable()
        plan = MemoryPlan(configuration)
        memory = ConnectionMemory(bufferLimit: plan.bufferBytes, rangeLimit: plan.ranges)
        memoryShares = PrefixShares()
        rangeShares = PrefixShares()
        halfOpenShares = PrefixShares()
        listeners = ListenerTable()
        reassembler = FragmentReassembler(
            byteLimit: plan.fragmentBytes, datagramLimit: plan.fragmentedDatagrams)
        timers = TimerQueue()
        attempts = SlotTable(segmentSize: 16, filler: .vacant)
        attemptQueue = AttemptQueue()
        summaries = SummaryBoard()
        floods = FloodBoard()
        quiet = QuietTime(configuration.quietTime)
        answerLimits = AnswerLimits(key: answerKey)
        halfOpenLists = HalfOpenLists()
    }

    /// A deep copy: tables, buffers, timers, generator. Fed alike, both give the same bytes.
    public func fork() -> NetworkStack { NetworkStack(copying: self) }

    private init(copying other: borrowing NetworkStack) {
        configuration = other.configuration
        counters = other.counters
        interfaces = other.interfaces.copy()
        flows = other.flows.copy()
        memory = other.memory.copy()
        plan = other.plan
        memoryShares = other.memoryShares.copy()
        rangeShares = other.rangeShares.copy()
        halfOpenShares = other.halfOpenShares.copy()
        listeners = other.listeners.copy()
        reassembler = other.reassembler.copy()
        timers = other.timers.copy()
        attempts = other.attempts.copy()
        attemptQueue = other.attemptQueue.copy()
        summaries = other.summaries.copy()
        floods = other.floods.copy()
        hasReported = other.hasReported
        generator = other.generator
        keys = other.keys
        cookieKeys = other.cookieKeys
        ports = other.ports
        quiet = other.quiet
        answerLimits = other.answerLimits.copy()
        readyConnections = other.readyConnections
        readyListeners = other.readyListeners
        output = other.output
        halfOpenLists = other.halfOpenLists
        evictionCursor = other.evictionCursor
        nextEviction = other.nextEviction
        requestLists = other.requestLists
        timeWaitList = other.timeWaitList
        generations = other.generations
    }
}

// MARK: - Interfaces, addresses, routes

extension NetworkStack {
    /// Adds an interface.
    /// - Throws: ``StackError/limitReached`` beyond 254 of them.
    public mutating func addInterface(_ configuration: InterfaceConfiguration) throws(StackError) -> InterfaceID {
        guard configuration.medium == .ip, configuration.mtu >= 68, configuration.mtu <= 65535 else {
            throw .addressNotUsable
        }
        guard let interface = interfaces.add(configuration) else { throw .limitReached }
        return interface
    }

    /// Gives an interface an address; the prefix's network is reached through it.
    public mutating func addAddress(_ prefix: IPPrefix, to interface: InterfaceID) throws(StackError) {
        guard interfaces.has(interface) else { throw .staleHandle }
        guard prefix.address.isUnicast, !interfaces.isLocal(prefix.address) else { throw .addressNotUsable }
        interfaces.add(LocalAddress(prefix: prefix, interface: interface))
    }

    /// Sends packets for a network out of an interface; length 0 makes it the default route.
    public mutating func addRoute(_ destination: IPPrefix, by interface: InterfaceID) throws(StackError) {
        guard interfaces.has(interface) else { throw .staleHandle }
        interfaces.add(Route(destination: destination, interface: interface))
    }

    /// Makes the stack the gateway of a network: TCP that comes in by this interface for any host of it is for the
    /// listeners here that take every address, and answers carry the address that was asked for. Length 0 takes what is
    /// for anybody. Nothing else is answered in those hosts' names, neither echo requests nor UDP.
    public mutating func addGateway(of network: IPPrefix, on interface: InterfaceID) throws(StackError) {
        guard interfaces.has(interface) else { throw .staleHandle }
        interfaces.add(gateway: LocalAddress(prefix: network, interface: interface))
    }
}
