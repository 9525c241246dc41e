import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine

/// Two ends that talk over a small bad network.
struct Model: Sendable {
    var name: String
    /// The right end connects too, at the same time.
    var isSimultaneous = false
    var ending = Talker.Ending.atRest
    /// Ends that have something to say when the connection is open.
    var speakers = ExploredSide.allCases
    /// Ends that may say another word before they close.
    var lastSpeakers: [ExploredSide] = []
    var bounds = ExplorationBounds()
    var injections: [Injection] = []
    /// What is wrong with one of the ends.
    var fault: Fault?
    var configuration = Self.plain

    init(_ name: String, _ change: (inout Model) -> Void = { _ in }) {
        self.name = name
        change(&self)
    }

    static func address(_ side: ExploredSide) -> IPAddress { .v4(IPv4Address(192, 0, 2, side == .left ? 1 : 2)) }

    static func endpoint(_ side: ExploredSide) -> Endpoint {
        Endpoint(address(side), side == .left ? 4000 : 80)
    }

    /// ISS of either end. Both wrap: the left end's SYN takes the last number there is, the right end's first byte.
    static func iss(_ side: ExploredSide) -> UInt32 { side == .left ? 0xFFFF_FFFF : 0xFFFF_FFFE }

    /// No timestamps, no cookies, a known initial number, no count of answers in this second: then what a stack does
    /// depends on no clock. A small window, so that a number that lies outside is not far away.
    static var plain: Configuration {
        var plain = Configuration()
        plain.tcp.offersTimestamps = false
        plain.tcp.offersWindowScale = false
        plain.tcp.receiveBuffer = window
        plain.synCookies = .off
        plain.resetsPerSecond = .max
        return plain
    }

    static let window: UInt32 = 4096

    func stack(_ side: ExploredSide) throws -> NetworkStack {
        var configuration = configuration
        configuration.fixedInitialSequence = Self.iss(side)
        if let fault, fault.side == side { fault.configure(&configuration) }
        var stack = NetworkStack(configuration: configuration, seed: Seed(UInt64(side.rawValue)))
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1500))
        guard let prefix = IPPrefix(Self.address(side), length: 24) else { throw StackError.addressNotUsable }
        try stack.addAddress(prefix, to: interface)
        return stack
    }

    private func program(_ side: ExploredSide) -> Talker {
        var program = Talker(side)
        program.isActive = side == .left || isSimultaneous
        program.ending = ending
        if !speakers.contains(side) { program.words.first = "" }
        if !lastSpeakers.contains(side) { program.words.second = "" }
        if let fault, fault.side == side { program.fault = fault }
        return program
    }

    func exploration() throws -> Exploration<Talker> {
        Exploration(
            left: try stack(.left), program(.left), right: try stack(.right), program(.right), bounds: bounds,
            injections: injections, laws: Laws.all)
    }
}
