public import NetPrimitives

/// A link between two nodes: two directions, each with conditions, rules and a queue of its own.
public final class Link {
    /// The link's place in ``Simulation/links``.
    public let number: Int
    /// The nodes at its two ends, in the order in which they were named.
    public let ends: (first: any Node, second: any Node)
    /// The number of the link's interface at each end.
    public let interfaces: (first: InterfaceID, second: InterfaceID)
    /// From the first node to the second.
    public var forward: LinkDirection
    /// From the second node to the first.
    public var backward: LinkDirection

    init(
        number: Int, ends: (any Node, any Node), interfaces: (InterfaceID, InterfaceID),
        conditions: (LinkConditions, LinkConditions), seed: UInt64
    ) {
        self.number = number
        self.ends = ends
        self.interfaces = interfaces
        let label = "link \(number) \(ends.0.name) \(ends.1.name)"
        forward = LinkDirection(conditions.0, seed: seed, label: label + " forward")
        backward = LinkDirection(conditions.1, seed: seed, label: label + " backward")
    }

    /// The direction that leads away from one of the ends.
    public subscript(from side: Side) -> LinkDirection {
        get { side == .first ? forward : backward }
        _modify {
            switch side {
            case .first: yield &forward
            case .second: yield &backward
            }
        }
    }

    /// Takes the link down, or up again, in both directions. What is on its way still arrives.
    public var isUp: Bool {
        get { forward.isUp && backward.isUp }
        set {
            forward.isUp = newValue
            backward.isUp = newValue
        }
    }

    /// One of the two ends.
    public enum Side: Hashable, Sendable {
        case first, second

        /// The side across the link.
        public var other: Side { self == .first ? .second : .first }
    }

    func node(at side: Side) -> any Node { side == .first ? ends.first : ends.second }
    func interface(at side: Side) -> InterfaceID { side == .first ? interfaces.first : interfaces.second }
}
