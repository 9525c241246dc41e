public import NetPrimitives
public import Netstack

/// All that was done to a stack from its beginning, and what came of it: enough to do it again.
public struct InputLog: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let time: Instant
        public let input: StackInput
        public let outcome: StackOutcome
    }

    /// What the stack was made with.
    public let configuration: Configuration
    public let seed: Seed
    public private(set) var entries: [Entry] = []
    /// Whether everything is in here. Direct access by ``Host/withStack(_:)`` leaves no entry.
    public internal(set) var isComplete = true

    init(configuration: Configuration, seed: Seed) {
        self.configuration = configuration
        self.seed = seed
    }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Does it all again on a fresh stack.
    public func replay() -> Replay {
        replay(on: DrivenStack(NetworkStack(configuration: configuration, seed: seed)))
    }

    /// Does what was done from entry `first` on to a stack in the state that the recorded one had then.
    public func replay(on stack: consuming DrivenStack, from first: Int = 0) -> Replay {
        var stack = stack
        var divergence: Int?
        for (number, entry) in entries.enumerated().dropFirst(first) {
            let outcome = stack.perform(entry.input, at: entry.time)
            if divergence == nil, outcome != entry.outcome { divergence = number }
        }
        let end = entries.last?.time ?? .zero
        return Replay(divergence: divergence, digest: stack.stack.digest(at: end), end: end)
    }
}

/// How a replay went.
public struct Replay: Hashable, Sendable {
    /// The first entry with another outcome than the recorded one; `nil` when all packets, events and results agree.
    public let divergence: Int?
    /// The stack's digest after the last entry.
    public let digest: UInt64
    /// The time of the last entry.
    public let end: Instant
}
