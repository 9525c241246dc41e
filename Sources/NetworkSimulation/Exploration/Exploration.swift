public import NetPrimitives
public import Netstack

/// How far an exploration goes. Within these bounds it leaves nothing out.
public struct ExplorationBounds: Hashable, Sendable {
    /// The most packets in flight at one time, 1...12. A step that would send more is not taken, and counted.
    public var inFlight = 4
    /// Packets that the network may lose, and how often it may double one, all in all.
    public var losses: UInt8 = 2
    public var duplicates: UInt8 = 2
    /// How often a timer may fire, at each end.
    public var timers: UInt8 = 3
    /// How many of the ``Injection``s may arrive, all in all.
    public var injections: UInt8 = 0
    /// Begin where an undisturbed network has delivered everything, not with the first packet.
    public var beginsConnected = false

    public init() {}
}

/// A packet from outside, which may arrive at any moment.
public struct Injection: Hashable, Sendable {
    /// What a picture calls it: "an old SYN".
    public var name: String
    public var packet: ExploredPacket
    /// Whether it may end a connection by rights: a RST with the right number. Laws are told when one has arrived.
    public var disturbs: Bool

    public init(_ name: String, _ packet: ExploredPacket, disturbs: Bool = false) {
        self.name = name
        self.packet = packet
        self.disturbs = disturbs
    }
}

/// What must hold. Each law looks at both ends and says in words what is wrong, or `nil`.
public struct ExplorationLaws<View: Sendable>: Sendable {
    /// - Parameter isDisturbed: an ``Injection`` that may end connections has arrived.
    public typealias Law = @Sendable (_ left: View, _ right: View, _ isDisturbed: Bool) -> String?

    /// In every state, those of healed networks too.
    public var always: Law
    /// When the network was healed and has come to rest: nothing is in flight and no timer runs.
    public var atRest: Law
    /// When the programs then have done all that they do at the end.
    public var atEnd: Law

    public init(always: @escaping Law, atRest: @escaping Law, atEnd: @escaping Law) {
        self.always = always
        self.atRest = atRest
        self.atEnd = atEnd
    }
}

/// Two real stacks with programs above them, and all that can happen between them within bounds: any packet may arrive
/// next, or be lost, or doubled; any timer may fire; a program may do what it may do; a packet may come from outside.
///
/// The search goes breadth first over states of the network, told from each other by a digest, so that what breaks a
/// law is found on a shortest way. From each state the network is also *healed*: what is prompt is done, what is in
/// flight arrives in the order in which such packets were first sent, then time passes until the earliest deadline,
/// until all is quiet; what remains must satisfy the laws too.
///
/// The ends have clocks of their own. Time passes at an end only when a timer of it fires, while packets stay in flight
/// as long as the network likes. Two things follow the clock of the world nevertheless: TIME-WAIT ends only when
/// nothing is in flight and the other end waits for nothing but the end of a TIME-WAIT itself (that is what twice the
/// longest life of a segment means), and in a healed network both clocks go on together.
public final class Exploration<Program: ExploredProgram> {
    private let left: EndRoster<Program>
    private let right: EndRoster<Program>
    private let search: Search

    /// - Parameters:
    ///   - left: a stack with an interface, number 0, and an address. The same for `right`.
    ///   - injections: what may come from outside, as far as the bounds allow.
    public init(
        left: consuming NetworkStack, _ leftProgram: Program, right: consuming NetworkStack, _ rightProgram: Program,
        bounds: ExplorationBounds, injections: [Injection] = [], laws: ExplorationLaws<Program.View>
    ) {
        let leftRoster = EndRoster(left, leftProgram)
        let rightRoster = EndRoster(right, rightProgram)
        search = Search(leftRoster, rightRoster, bounds, injections) { law, left, right, isDisturbed in
            let views = (leftRoster.view(left), rightRoster.view(right))
            switch law {
            case .always: return laws.always(views.0, views.1, isDisturbed)
            case .atRest: return laws.atRest(views.0, views.1, isDisturbed)
            case .atEnd: return laws.atEnd(views.0, views.1, isDisturbed)
            }
        }
        self.left = leftRoster
        self.right = rightRoster
    }

    /// Explores until a law is broken or nothing is left.
    /// - Parameter limit: the most states of the network to visit.
    public func run(limit: Int = .max) -> ExplorationResult { search.run(limit: limit) }
}

/// What an exploration found.
public struct ExplorationResult: Sendable {
    public var counts: ExplorationCounts
    /// The shortest way to a state that breaks a law; `nil` when there is none.
    public var counterexample: Counterexample?
    /// Whether the limit on states ended the search.
    public var isCutShort: Bool
}

/// How much an exploration saw.
public struct ExplorationCounts: Hashable, Sendable {
    /// States of the network with different digests: both ends, what is in flight, and what may still happen.
    public var states = 0
    /// Those that differ in more than what may still happen.
    public var situations = 0
    /// Steps from one state to another.
    public var transitions = 0
    /// Steps that were not taken because too much would have been in flight.
    public var cut = 0
    /// The most steps from the beginning to a state.
    public var depth = 0
    /// States that either end was seen in, with different digests.
    public var leftStates = 0
    public var rightStates = 0
    /// Runs of a stack: a state of an end and what happened to it.
    public var runs = 0
    /// Different packets.
    public var packets = 0
    /// Situations from which a healed network came to a good end, those on the way included.
    public var healed = 0
    /// Pairs of stacks with the same digest that were compared with each other.
    public var comparisons = 0
}

/// The way to a state that breaks a law.
public struct Counterexample: Sendable {
    /// What is wrong, in words.
    public var verdict: String
    /// From the beginning on.
    public var events: [ExplorationEvent]
    /// The number of events before the network was healed; `nil` when it was not.
    public var healedAfter: Int?

    /// Steps that the network took before it was healed, or all.
    public var steps: Int { (healedAfter ?? events.count) - 1 }
}

/// One step of an explored network.
public struct ExplorationEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable {
        /// The programs began.
        case began
        /// A packet in flight arrived, was lost, was doubled.
        case delivered(ExploredPacket)
        case lost(ExploredPacket)
        case doubled(ExploredPacket)
        /// A timer fired, and how much later than what happened before at that end.
        case timer(ExploredSide, after: Interval)
        /// A program did what is called so.
        case chose(ExploredSide, String)
        /// A packet that is called so arrived from outside.
        case injected(ExploredPacket, String)
        /// Time passed at both ends, and what was due fired.
        case waited(Interval)
    }

    public var kind: Kind
    /// What was sent because of it.
    public var sent: [ExploredPacket]
    /// The captions of both ends afterwards.
    public var left: String
    public var right: String
}

extension ExplorationCounts: CustomStringConvertible {
    /// All of them, in a line.
    public var description: String {
        "\(situations) situations, \(states) states, \(transitions) steps (\(cut) cut), \(depth) deep; healed from "
            + "\(healed); \(leftStates) and \(rightStates) states of the ends, \(runs) runs of stacks, \(packets) packets, "
            + "\(comparisons) comparisons"
    }
}
