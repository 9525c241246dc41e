public import NetPrimitives
public import Netstack

extension Simulation {
    /// Adds a host. Its seed follows from the simulation's and its name.
    /// - Parameters:
    ///   - addresses: go to the first interface, that is, the first link; so do the default routes.
    ///   - records: keep an ``InputLog``.
    @discardableResult
    public func addHost(
        _ name: String, configuration: Configuration = Configuration(), addresses: [IPPrefix], records: Bool = false
    ) -> Host {
        let host = Host(name, in: self, configuration: configuration, addresses: addresses, records: records)
        add(host)
        return host
    }

    /// A client and a server with a link between them; forward is from the client to the server.
    /// - Parameter server: the server's configuration; `nil` for the client's.
    public func twoHosts(
        _ conditions: LinkConditions = LinkConditions(), configuration: Configuration = Configuration(),
        server: Configuration? = nil, records: Bool = false
    ) -> TwoHosts {
        let left = addHost(
            "client", configuration: configuration, addresses: TwoHosts.prefixes(1), records: records)
        let right = addHost(
            "server", configuration: server ?? configuration, addresses: TwoHosts.prefixes(2), records: records)
        return TwoHosts(client: left, server: right, link: link(left, right, conditions))
    }
}

/// A client and a server on one link, each with an address of either family from the blocks for documentation
/// (RFC 5737, RFC 3849).
public struct TwoHosts {
    public let client: Host
    public let server: Host
    public let link: Link

    /// The client's address of one family.
    public static func clientAddress(ipv6: Bool) -> IPAddress { address(1, ipv6: ipv6) }
    /// The server's address of one family.
    public static func serverAddress(ipv6: Bool) -> IPAddress { address(2, ipv6: ipv6) }

    private static func address(_ number: UInt8, ipv6: Bool) -> IPAddress {
        ipv6
            ? .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: UInt64(number)))
            : .v4(IPv4Address(192, 0, 2, number))
    }

    fileprivate static func prefixes(_ number: UInt8) -> [IPPrefix] {
        [IPPrefix(address(number, ipv6: false), length: 24), IPPrefix(address(number, ipv6: true), length: 64)]
            .compactMap { $0 }
    }
}
