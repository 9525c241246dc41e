import NetPrimitives
public import Netstack

/// connect, accept, abort, again and again: the unit is a connection. Four packets
/// each: SYN, SYN-ACK, ACK and the RST that ends it.
public struct Handshakes: Workload, ~Copyable {
    private var pair: StackPair
    private let listener: ListenerID
    private let width: Int
    private var opened: [ConnectionID]
    private var accepted: [ConnectionID]

    /// - Parameter width: connections that are opened side by side.
    public init(width: Int) throws(StackError) {
        var pair = try StackPair(packets: max(width, 1))
        listener = try pair.server.listen(on: Endpoint(pair.serverAddress, 80), backlog: width)
        self.pair = pair
        self.width = width
        opened = []
        accepted = []
        opened.reserveCapacity(width)
        accepted.reserveCapacity(width)
    }

    public mutating func step() throws(StackError) -> Int {
        opened.removeAll(keepingCapacity: true)
        accepted.removeAll(keepingCapacity: true)
        let server = Endpoint(pair.serverAddress, 80)
        for _ in 0..<width { _ = try pair.client.connect(to: server, at: pair.now) }
        // SYN and SYN-ACK; then ACK.
        pair.turn()
        pair.turn()
        while let event = pair.client.nextEvent() {
            if case .established(let id) = event { opened.append(id) }
        }
        while let event = pair.server.nextEvent() {
            guard case .acceptable(let listener) = event else { continue }
            while accepted.count < width { accepted.append(try pair.server.accept(listener)) }
        }
        for id in opened { try pair.client.abort(id, at: pair.now) }
        // RST.
        pair.turn()
        while let event = pair.server.nextEvent() {
            if case .closed(let id) = event { try pair.server.close(id, at: pair.now) }
        }
        return opened.count
    }

    /// Whether nothing is left behind at either end, as it should be between steps.
    public var isClean: Bool { pair.client.tables.isEmpty && pair.server.tables.isEmpty }
}
