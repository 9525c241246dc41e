import NetPrimitives
public import Netstack

/// One byte there and one byte back over an open connection: the unit is a round trip.
public struct Echo: Workload, ~Copyable {
    private var pair: StackPair
    private let client: ConnectionID
    private let server: ConnectionID
    private var byte: [UInt8] = [0]

    /// Round trips a step.
    static let roundTrips = 64

    public init() throws(StackError) {
        var pair = try StackPair(packets: 64)
        (client, server) = try pair.open(port: 7)
        self.pair = pair
    }

    public mutating func step() throws(StackError) -> Int {
        var done = 0
        for _ in 0..<Self.roundTrips {
            try Self.write(&pair.client, client, byte)
            pair.turn()
            guard try Self.read(&pair.server, server, into: &byte) else { continue }
            try Self.write(&pair.server, server, byte)
            pair.turn()
            if try Self.read(&pair.client, client, into: &byte) { done += 1 }
        }
        return done
    }

    private static func write(_ stack: inout NetworkStack, _ id: ConnectionID, _ byte: [UInt8]) throws(StackError) {
        _ = try stack.write(id, byte.span)
    }

    /// What a driver does with its events: the byte is read when the stack says that it is there.
    private static func read(_ stack: inout NetworkStack, _ id: ConnectionID, into byte: inout [UInt8])
        throws(StackError) -> Bool
    {
        var isThere = false
        while let event = stack.nextEvent() { isThere = isThere || event == .readable(id) }
        guard isThere else { return false }
        var target = byte.mutableSpan
        return try stack.read(id, into: &target) == 1
    }
}
