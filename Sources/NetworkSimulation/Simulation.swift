public import NetPrimitives

/// A network of nodes and links under a virtual clock.
///
/// Everything random comes from one seed and everything happens in a fixed order: by time, and at the same time in the
/// order in which it was arranged. So a seed and a program name one run, byte for byte. The clock jumps from event to
/// event: waiting costs nothing.
///
/// Calls into a node from outside (a `connect`, say) belong between steps or into ``schedule(at:_:)``; tell the
/// simulation of them by ``service(_:)`` unless the node does so itself.
public final class Simulation {
    /// The seed of the run.
    public let seed: UInt64
    /// The virtual time; starts at ``Instant/zero``.
    public private(set) var now = Instant.zero
    public private(set) var nodes: [any Node] = []
    public private(set) var links: [Link] = []
    public private(set) var trace: Trace
    /// Events that have been processed.
    public private(set) var steps = 0
    /// Called after a node has taken an event and its packets are on their way: the place to look at states and queues.
    public var onStep: ((_ node: any Node) -> Void)?

    private var queue = EventQueue<Event>()
    private var places: [Place] = []

    private enum Event {
        case arrival(link: Int, side: Link.Side, number: Int, copy: Int, bytes: [UInt8])
        /// A node's deadline, valid while its generation is the node's.
        case deadline(node: Int, generation: UInt64)
        case action(() -> Void)
    }

    /// What the simulation knows of a node.
    private struct Place {
        var attachments: [(interface: InterfaceID, link: Int, side: Link.Side)] = []
        var deadline: Instant?
        var generation: UInt64 = 0
        var needsService = false
    }

    /// - Parameters:
    ///   - seed: everything random follows from it.
    ///   - trace: how many packets are kept for looking at.
    public init(seed: UInt64, trace: Trace.Extent = .everything) {
        self.seed = seed
        self.trace = Trace(trace)
    }
}

// MARK: - Building

extension Simulation {
    /// Adds a node. Its name must be new.
    public func add(_ node: some Node) {
        precondition(!nodes.contains { $0.name == node.name }, "node names are unique")
        nodes.append(node)
        places.append(Place())
    }

    /// Links two nodes of this simulation with the same conditions in both directions.
    @discardableResult
    public func link(_ first: any Node, _ second: any Node, _ conditions: LinkConditions = LinkConditions()) -> Link {
        link(first, second, forward: conditions, backward: conditions)
    }

    /// Links two nodes of this simulation. Each gets an interface with the MTU of the direction away from it; a smaller
    /// MTU that is set on the link later is a narrow place on the path, which the interfaces do not know of.
    @discardableResult
    public func link(
        _ first: any Node, _ second: any Node, forward: LinkConditions, backward: LinkConditions
    ) -> Link {
        let (a, b) = (index(of: first), index(of: second))
        let link = Link(
            number: links.count, ends: (first, second),
            interfaces: (first.addInterface(mtu: forward.mtu), second.addInterface(mtu: backward.mtu)),
            conditions: (forward, backward), seed: seed)
        links.append(link)
        places[a].attachments.append((link.interfaces.first, link.number, .first))
        places[b].attachments.append((link.interfaces.second, link.number, .second))
        return link
    }

    /// A stream of random numbers for something of the caller's own; the same label gives the same stream.
    public func randomStream(_ label: String) -> RandomStream {
        RandomStream(seed: seed, label: "caller " + label)
    }

    /// Has `action` called at a time, which is now if it has passed.
    public func schedule(at time: Instant, _ action: @escaping () -> Void) {
        queue.add(.action(action), at: max(time, now))
    }

    /// Has `action` called after an interval.
    public func schedule(after interval: Interval, _ action: @escaping () -> Void) {
        schedule(at: now + interval, action)
    }

    /// Notes that a node may have something to send or a new deadline. It is asked before time goes on.
    public func service(_ node: any Node) {
        places[index(of: node)].needsService = true
    }

    /// Puts a packet on a link as if the node at one end had sent it.
    public func inject(_ packet: [UInt8], on link: Link, from side: Link.Side) {
        send(packet, on: link.number, from: side)
    }

    /// Puts a packet on a link that neither end has sent: a third party's in another's name, or an old one that the
    /// network has held. It needs the time of one that the far end sends now, and no rule and no fault is about it.
    public func inject(_ packet: [UInt8], on link: Link, towards side: Link.Side) {
        let latency = link[from: side.other].conditions.latency
        record(
            packet, on: link.number, from: side.other, [Arrival(time: now + latency, bytes: packet)], loss: nil,
            isFromRouter: true)
    }

    private func index(of node: any Node) -> Int {
        guard let index = nodes.firstIndex(where: { $0 === node }) else {
            preconditionFailure("a node of this simulation")
        }
        return index
    }
}

// MARK: - Running

extension Simulation {
    /// The time of the next event, or `nil` when nothing will ever happen by itself.
    public var nextEventTime: Instant? {
        serviceAll()
        discardStaleDeadlines()
        return queue.nextTime
    }

    /// Goes to the next event and processes it.
    /// - Returns: false when there was none.
    @discardableResult
    public func step() -> Bool {
        serviceAll()
        discardStaleDeadlines()
        guard let (time, event) = queue.popFirst() else { return false }
        now = max(now, time)
        steps += 1
        process(event)
        return true
    }

    /// Processes all events up to a time, those of that time included, and sets the clock to it.
    public func run(until end: Instant, limit: Int = defaultStepLimit) throws(SimulationError) {
        try run(limit: limit) { $0 > end }
        now = max(now, end)
    }

    /// Processes events until none is left.
    /// - Parameters:
    ///   - end: the time by which that must be so.
    ///   - limit: the most events; a run that needs more is taken to be one that never ends.
    public func runUntilIdle(by end: Instant = .distantFuture, limit: Int = defaultStepLimit) throws(SimulationError) {
        try run(limit: limit) { $0 > end }
        if nextEventTime != nil { throw .timeLimit(end) }
    }

    /// Processes events until a condition holds, which is looked at before each.
    public func run(
        by end: Instant = .distantFuture, limit: Int = defaultStepLimit, until condition: () -> Bool
    ) throws(SimulationError) {
        var met = false
        try run(limit: limit) { time in
            met = condition()
            return met || time > end
        }
        if !met && !condition() {
            throw nextEventTime == nil ? .idle(now) : .timeLimit(end)
        }
    }

    /// Events that a run may take unless it is told otherwise.
    public static var defaultStepLimit: Int { 10_000_000 }

    /// Processes events until none is left or `stop` says so of the next one's time.
    private func run(limit: Int, stop: (Instant) -> Bool) throws(SimulationError) {
        var left = limit
        while let next = nextEventTime, !stop(next) {
            guard left > 0 else { throw .stepLimit(limit, at: now) }
            left -= 1
            step()
        }
    }

    private func process(_ event: Event) {
        switch event {
        case .arrival(let link, let side, let number, let copy, let bytes):
            trace.arrived(packet: number, copy: copy, at: now)
            let node = links[link].node(at: side)
            node.receive(bytes, on: links[link].interface(at: side), at: now)
            service(index(of: node))
        case .deadline(let node, _):
            places[node].deadline = nil
            nodes[node].timersFired(at: now)
            service(node)
        case .action(let action):
            action()
            serviceAll()
        }
    }

    private func serviceAll() {
        for index in places.indices where places[index].needsService { service(index) }
    }

    /// Sends what a node has to send, arms its deadline, and tells the observer.
    private func service(_ index: Int) {
        places[index].needsService = false
        let node = nodes[index]
        node.transmit(at: now) { packet, interface in
            guard let place = places[index].attachments.first(where: { $0.interface == interface }) else { return }
            send(packet, on: place.link, from: place.side)
        }
        arm(index, node.nextDeadline())
        onStep?(node)
    }

    private func arm(_ index: Int, _ deadline: Instant?) {
        // A deadline that has not changed keeps its place among those of the same time.
        guard deadline != places[index].deadline else { return }
        places[index].generation += 1
        places[index].deadline = deadline
        guard let deadline else { return }
        queue.add(.deadline(node: index, generation: places[index].generation), at: max(deadline, now))
    }

    private func discardStaleDeadlines() {
        while case .deadline(let node, let generation)? = queue.nextEvent, places[node].generation != generation {
            _ = queue.popFirst()
        }
    }

    private func send(_ packet: [UInt8], on link: Int, from side: Link.Side) {
        let passage = links[link][from: side].send(packet, at: now)
        record(packet, on: link, from: side, passage.arrivals, loss: passage.loss, isFromRouter: false)
        if let answer = passage.answer {
            record(answer.bytes, on: link, from: side.other, [answer], loss: nil, isFromRouter: true)
        }
    }

    private func record(
        _ packet: [UInt8], on link: Int, from side: Link.Side, _ arrivals: [Arrival], loss: LossReason?,
        isFromRouter: Bool
    ) {
        let number = trace.count
        trace.sent(
            TracedPacket(
                number: number, link: link, side: side, isFromRouter: isFromRouter, sentAt: now, bytes: packet,
                arrivals: arrivals, loss: loss))
        for (copy, arrival) in arrivals.enumerated() {
            queue.add(
                .arrival(link: link, side: side.other, number: number, copy: copy, bytes: arrival.bytes),
                at: arrival.time)
        }
    }
}

/// Why a run was broken off.
public enum SimulationError: Error, Hashable, Sendable {
    /// More events than were allowed: something answers itself for ever, or the limit is too low.
    case stepLimit(Int, at: Instant)
    /// Something was still to happen when the time was up.
    case timeLimit(Instant)
    /// Nothing will happen any more and the condition does not hold.
    case idle(Instant)
}
