import NetPrimitives
public import Netstack

/// connect() to ESTABLISHED, one connection at a time: the unit is a connection. Accepting and aborting it is no part
/// of a step.
public struct Opening: Workload, ~Copyable {
    private var pair: StackPair
    private let listener: ListenerID
    private var opened: ConnectionID?

    public init() throws(StackError) {
        var pair = try StackPair(packets: 1)
        listener = try pair.server.listen(on: Endpoint(pair.serverAddress, 80), backlog: 1)
        self.pair = pair
    }

    public mutating func prepare() throws(StackError) {
        guard let id = opened else { return }
        opened = nil
        pair.turn()
        let accepted = try pair.server.accept(listener)
        try pair.client.abort(id, at: pair.now)
        pair.turn()
        while pair.server.nextEvent() != nil {}
        try pair.server.close(accepted, at: pair.now)
    }

    public mutating func step() throws(StackError) -> Int {
        let id = try pair.client.connect(to: Endpoint(pair.serverAddress, 80), at: pair.now)
        pair.turn()
        guard pair.client.nextEvent() == .established(id) else { return 0 }
        opened = id
        return 1
    }
}
