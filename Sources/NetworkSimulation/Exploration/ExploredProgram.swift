public import NetPrimitives
public import Netstack

/// One of the two ends of an explored network.
public enum ExploredSide: UInt8, Hashable, Sendable, CaseIterable {
    case left
    case right

    /// The other one.
    public var opposite: ExploredSide { self == .left ? .right : .left }
}

/// A packet on its way to one of the ends.
public struct ExploredPacket: Hashable, Sendable {
    public let bytes: [UInt8]
    public let destination: ExploredSide

    /// - Parameter bytes: an IP packet, complete.
    public init(_ bytes: [UInt8], to destination: ExploredSide) {
        self.bytes = bytes
        self.destination = destination
    }
}

/// Something that a program may do of its own accord.
public struct ExploredChoice: Hashable, Sendable {
    /// When it may be done.
    public enum Moment: Hashable, Sendable {
        /// At any time, and in a healed network before anything else: taking a connection out of an accept queue.
        case prompt
        /// At any time, and in a healed network when it has come to rest: closing.
        case anyTime
        /// Only when a healed network has come to rest: what ends a conversation that the model leaves open.
        case atRest
    }

    /// What ``ExploredProgram/perform(_:_:at:)`` knows it by.
    public var number: UInt8
    /// What a picture calls it: "accept()".
    public var name: String
    public var moment: Moment

    public init(_ number: UInt8, _ name: String, _ moment: Moment) {
        self.number = number
        self.name = name
        self.moment = moment
    }
}

/// What runs above a stack in an exploration, and all that it remembers: a value that is copied when its stack is
/// forked.
///
/// It must be a function of what happens to it, as the stack is, and tell in ``encode(into:)`` all that decides what
/// it does.
public protocol ExploredProgram: Sendable {
    /// What the laws of an exploration see of an end.
    associatedtype View: Sendable

    /// The first call: opens a listener, or connects.
    mutating func begin(_ stack: inout NetworkStack, at now: Instant)
    /// The stack has something to tell. The program answers at once.
    mutating func handle(_ event: StackEvent, _ stack: inout NetworkStack, at now: Instant)
    /// What it may do now of its own accord.
    func choices(_ stack: borrowing NetworkStack) -> [ExploredChoice]
    /// Does one of its ``choices(_:)``.
    mutating func perform(_ choice: UInt8, _ stack: inout NetworkStack, at now: Instant)
    /// All that decides what it does next and what the laws see of it, but for the stack; no handles, which say
    /// nothing.
    func encode(into sink: inout SipHash)
    /// What the laws see of this end.
    func view(_ stack: borrowing NetworkStack) -> View
    /// What a picture says of this end: the name of a state.
    func caption(_ stack: borrowing NetworkStack) -> String

    /// What the stack gets to see instead of a packet that comes in. An honest program leaves it as it is; one that
    /// stands for a faulty stack does not.
    mutating func arriving(_ packet: [UInt8], at stack: borrowing NetworkStack) -> [[UInt8]]
    /// What leaves instead of a packet that the stack sends.
    mutating func leaving(_ packet: [UInt8], from stack: borrowing NetworkStack) -> [[UInt8]]
}

extension ExploredProgram {
    /// As it is.
    public func arriving(_ packet: [UInt8], at stack: borrowing NetworkStack) -> [[UInt8]] { [packet] }
    /// As it is.
    public func leaving(_ packet: [UInt8], from stack: borrowing NetworkStack) -> [[UInt8]] { [packet] }
}
