public import NetPrimitives
public import Netstack

/// Two stacks in one process, each other's network: what one transmits, the other receives from the same batch.
///
/// Time is virtual, a microsecond a turn, so that a run does the same each time and no clock is part of what is
/// measured.
public struct StackPair: ~Copyable {
    public var client: NetworkStack
    public var server: NetworkStack
    public private(set) var now = Instant.zero
    private var toServer: PacketBatch
    private var toClient: PacketBatch

    /// A server's address of either family; the client has `clientAddress(0)` and any number more.
    public let serverAddress: IPAddress
    private let isIPv6: Bool

    /// - Parameters:
    ///   - packets: the most packets that a device hands over at a time.
    ///   - clientAddresses: how many the client has; each has 16,384 ports to connect from.
    public init(
        configuration: Configuration = Configuration(), mtu: Int = 1500, packets: Int = 64, isIPv6: Bool = false,
        clientAddresses: UInt16 = 1
    ) throws(StackError) {
        client = NetworkStack(configuration: configuration, seed: Seed(1))
        server = NetworkStack(configuration: configuration, seed: Seed(2))
        toServer = PacketBatch(byteCapacity: mtu * packets, packetCapacity: packets)
        toClient = PacketBatch(byteCapacity: mtu * packets, packetCapacity: packets)
        self.isIPv6 = isIPv6
        serverAddress = Self.address(network: 2, host: 1, isIPv6: isIPv6)
        let near = try client.addInterface(InterfaceConfiguration(mtu: mtu))
        let far = try server.addInterface(InterfaceConfiguration(mtu: mtu))
        let everywhere = Self.prefix(isIPv6 ? .v6(.any) : .v4(.any), length: 0)
        for host in 0..<clientAddresses {
            let address = Self.address(network: 1, host: host + 1, isIPv6: isIPv6)
            try client.addAddress(Self.prefix(address, length: isIPv6 ? 64 : 16), to: near)
        }
        try server.addAddress(Self.prefix(serverAddress, length: isIPv6 ? 64 : 16), to: far)
        try client.addRoute(everywhere, by: near)
        try server.addRoute(everywhere, by: far)
    }

    /// Address number `index` of the client's.
    public func clientAddress(_ index: UInt16) -> IPAddress {
        Self.address(network: 1, host: index + 1, isIPv6: isIPv6)
    }

    /// Hosts of the networks for benchmarks: 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180).
    private static func address(network: UInt16, host: UInt16, isIPv6: Bool) -> IPAddress {
        isIPv6
            ? .v6(IPv6Address(high: 0x2001_0002_0000_0000 | UInt64(network), low: UInt64(host)))
            : .v4(IPv4Address(0xC612_0000 + UInt32(network - 1) << 16 + UInt32(host)))
    }

    private static func prefix(_ address: IPAddress, length: Int) -> IPPrefix {
        IPPrefix(address, length: length) ?? IPPrefix(host: address)
    }

    /// From the client's transmit to its receive, with the server's part between: one turn of both drivers.
    public mutating func turn() {
        now = now + .microseconds(1)
        Self.wake(&client, at: now)
        client.transmit(into: &toServer, at: now)
        server.receive(toServer, answers: &toClient, at: now)
        toServer.removeAll()
        Self.wake(&server, at: now)
        server.transmit(into: &toClient, at: now)
        client.receive(toClient, answers: &toServer, at: now)
        toClient.removeAll()
    }

    private static func wake(_ stack: inout NetworkStack, at now: Instant) {
        if let deadline = stack.nextDeadline(), deadline <= now { stack.timersFired(at: now) }
    }

    /// Lets time pass in which nothing happens but timers.
    public mutating func wait(_ interval: Interval) {
        now = now + interval
        turn()
    }

    /// A connection from the client's first address, open at both ends.
    public mutating func open(port: UInt16) throws(StackError) -> (client: ConnectionID, server: ConnectionID) {
        let listener = try server.listen(on: Endpoint(serverAddress, port), backlog: 16)
        let near = try client.connect(to: Endpoint(serverAddress, port), at: now)
        turn()
        turn()
        let far = try server.accept(listener)
        while client.nextEvent() != nil {}
        while server.nextEvent() != nil {}
        return (near, far)
    }
}
