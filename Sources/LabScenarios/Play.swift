import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation

/// A scenario as a value: how the stage is set, what must come of it, and what is worth saying afterwards.
struct Play {
    /// Faults, applications, and who does what when.
    var stage: (Laboratory) throws(StackError) -> Void
    var expectations: [Expectation]
    /// The times of the expectations hold whatever the settings are.
    var isAlwaysExact = false
    /// The memory that the server has, in bytes, where it is to be short.
    var serverBudget: Int?
    /// The server is several machines behind a balancer.
    var isBalanced = false
    /// The times of the expectations hold for round trips below this. The first timeout is 1 s.
    var longestRoundTrip: Interval = .seconds(1)
    /// The numbers themselves are the point of the picture.
    var showsAbsoluteNumbers = false
    /// Sentences for below the picture.
    var remarks: (Laboratory, Conversation) -> [String] = { _, _ in [] }

    init(_ expectations: [Expectation], stage: @escaping (Laboratory) throws(StackError) -> Void) {
        self.expectations = expectations
        self.stage = stage
    }

    /// The port of the server's listener.
    static let port: UInt16 = 80
}

extension Laboratory {
    /// The server listens and answers whoever asks.
    func serve(backlog: Int = 128) throws(StackError) {
        server.application = { [responder] in responder.take($1, at: $0) }
        try server.listen(Play.port, backlog: backlog)
    }

    /// The client connects, and asks when it is connected.
    func request() throws(StackError) {
        client.application = { [requester] in requester.take($1, at: $0) }
        try client.connect(to: server, port: Play.port)
    }
}
