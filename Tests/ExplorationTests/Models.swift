import NetPrimitives
import NetworkSimulation
import TCPStateMachine
import Testing

@testable import Netstack

extension Model: CustomTestStringConvertible {
    var testDescription: String { name }

    // MARK: The handshake

    static let handshake = Model("handshake, the left end speaks") {
        $0.speakers = [.left]
        $0.bounds.inFlight = 6
    }

    static let rightSpeaks = Model("handshake, the right end speaks") {
        $0.speakers = [.right]
        $0.bounds.inFlight = 6
    }

    static let simultaneous = Model("handshake, both ends connect") {
        $0.isSimultaneous = true
        $0.speakers = [.left]
        $0.bounds.inFlight = 5
    }

    static let handshakeWithReset = handshake.injecting("one RST", Injections.resets)

    static let handshakeWithDuplicate = handshake.injecting("one old duplicate") {
        Injections.duplicates(to: $0, isListening: $0 == .right)
    }

    static let simultaneousWithReset = simultaneous.injecting("one RST", Injections.resets)

    static let simultaneousWithDuplicate = simultaneous.injecting("one old duplicate") {
        Injections.duplicates(to: $0, isListening: false)
    }

    // MARK: The closing

    static let closing = Model("closing, by either end or both") {
        $0.speakers = []
        $0.ending = .shutdown
        $0.bounds.beginsConnected = true
        $0.bounds.inFlight = 6
    }

    static let closingWithText = Model("closing, after a word of the left end") {
        $0 = closing
        $0.name = "closing, after a word of the left end"
        $0.lastSpeakers = [.left]
        $0.configuration.tcp.reportsDuplicates = false
        $0.bounds.inFlight = 4
    }

    static let closingWithReset = closing.injecting("one RST", Injections.resets)

    static let closingWithDuplicate = closing.injecting("one old duplicate") {
        Injections.duplicates(to: $0, isListening: $0 == .right)
    }

    static let handshakes = [
        handshake, rightSpeaks, simultaneous, handshakeWithReset, handshakeWithDuplicate, simultaneousWithReset,
        simultaneousWithDuplicate,
    ]

    static let closings = [closing, closingWithText, closingWithReset, closingWithDuplicate]

    /// The same with one packet from outside, for either end, at any time.
    private func injecting(_ what: String, _ packets: (ExploredSide) -> [Injection]) -> Model {
        var model = self
        model.name += ", and " + what
        model.injections = ExploredSide.allCases.flatMap(packets)
        // What is told of duplicates decides nothing, and makes half as many situations again.
        model.configuration.tcp.reportsDuplicates = false
        model.bounds.injections = 1
        model.bounds.inFlight = 4
        return model
    }
}
