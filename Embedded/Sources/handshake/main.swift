// The core in a program without a runtime library: two stacks, three packets, one line at the end.

import NetPrimitives
import Netstack
import TCPStateMachine

/// The two ends of a wire: what one sends the other receives, at once.
struct Wire: ~Copyable {
    var client = NetworkStack(seed: Seed(1))
    var server = NetworkStack(seed: Seed(2))
    var packets = 0

    static let clientAddress = IPAddress.v4(IPv4Address(192, 0, 2, 1))
    static let serverAddress = IPAddress.v4(IPv4Address(198, 51, 100, 1))

    init() throws(StackError) {
        try Self.attach(&client, Self.clientAddress)
        try Self.attach(&server, Self.serverAddress)
    }

    static func attach(_ stack: inout NetworkStack, _ address: IPAddress) throws(StackError) {
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1500))
        try stack.addAddress(IPPrefix(host: address), to: interface)
        if let everywhere = IPPrefix(.v4(.any), length: 0) { try stack.addRoute(everywhere, by: interface) }
    }

    /// Carries packets both ways until there are none.
    mutating func settle() {
        for _ in 0..<16 {
            var forth = PacketBatch(byteCapacity: 16_384, packetCapacity: 8)
            var back = PacketBatch(byteCapacity: 16_384, packetCapacity: 8)
            client.transmit(into: &forth, at: .zero)
            server.receive(forth, answers: &back, at: .zero)
            server.transmit(into: &back, at: .zero)
            let carried = forth.count + back.count
            forth.removeAll()
            client.receive(back, answers: &forth, at: .zero)
            packets += carried
            if carried == 0 { return }
        }
    }
}

func handshake() throws(StackError) -> Bool {
    var wire = try Wire()
    let listener = try wire.server.listen(on: Endpoint(Wire.serverAddress, 80), backlog: 1)
    let connection = try wire.client.connect(to: Endpoint(Wire.serverAddress, 80), at: .zero)
    wire.settle()
    let accepted = try wire.server.accept(listener)
    let client = try wire.client.info(of: connection).state
    let server = try wire.server.info(of: accepted).state
    let isOpen = client == .established && server == .established
    print(isOpen ? "ESTABLISHED after \(wire.packets) packets" : "no connection")
    return isOpen && wire.packets == 3
}

let succeeded = (try? handshake()) ?? false
precondition(succeeded, "a handshake of three packets")
