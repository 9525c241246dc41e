import NetPrimitives
public import Netstack

/// Bytes in one direction over an open connection, written from one buffer of the application and read into another:
/// the unit is a byte read.
public struct Transfer: Workload, ~Copyable {
    private var pair: StackPair
    private let client: ConnectionID
    private let server: ConnectionID
    private let source: [UInt8]
    private var sink: [UInt8]

    /// - Parameters:
    ///   - mtu: of both interfaces.
    ///   - packets: the most packets that a device hands over at a time. The application writes as much for each turn.
    public init(mtu: Int, packets: Int) throws(StackError) {
        var pair = try StackPair(mtu: mtu, packets: packets)
        (client, server) = try pair.open(port: 9)
        self.pair = pair
        // IPv4, TCP and timestamps take 52 bytes of each packet.
        source = (0..<(mtu - 52) * packets).map { UInt8(truncatingIfNeeded: $0) }
        sink = [UInt8](repeating: 0, count: 65_536)
    }

    public mutating func step() throws(StackError) -> Int {
        try Self.fill(&pair.client, client, from: source)
        pair.turn()
        while pair.client.nextEvent() != nil {}
        var isThere = false
        while let event = pair.server.nextEvent() { isThere = isThere || event == .readable(server) }
        return isThere ? try Self.drain(&pair.server, server, into: &sink) : 0
    }

    /// Writes once, as much as there is room for.
    private static func fill(_ stack: inout NetworkStack, _ id: ConnectionID, from source: [UInt8]) throws(StackError) {
        do throws(StackError) {
            _ = try stack.write(id, source.span)
        } catch {
            guard error == .wouldBlock else { throw error }
        }
    }

    /// Reads until nothing is left.
    private static func drain(_ stack: inout NetworkStack, _ id: ConnectionID, into sink: inout [UInt8])
        throws(StackError) -> Int
    {
        var total = 0
        while true {
            var target = sink.mutableSpan
            let count = try stack.read(id, into: &target)
            total += count
            if count < sink.count { return total }
        }
    }
}
