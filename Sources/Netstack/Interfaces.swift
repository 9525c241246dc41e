import NetPrimitives

/// What an interface carries.
public enum Medium: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// IP packets, nothing around them: TUN, a simulated link.
    case ip
    /// Reserved: Ethernet frames, with ARP and neighbour discovery.
    case ethernet
}

/// An interface as the driver describes it.
public struct InterfaceConfiguration: Hashable, Sendable, BitwiseCopyable {
    public var medium: Medium = .ip
    /// The largest packet, in bytes: 68...65535 (RFC 791, 3.2); 1280 at least for IPv6 (RFC 8200, 5).
    public var mtu: Int
    /// The device completes the checksum of TCP segments that go out.
    public var offloadsChecksum: Bool = false
    /// The most payload of a segment that the device cuts into MSS-sized ones itself; 0 when it does not.
    public var segmentationLimit: Int = 0

    public init(mtu: Int = 1500) { self.mtu = mtu }

    /// What one TCP segment may carry (RFC 9293, 3.7.1).
    func mss(isIPv6: Bool) -> UInt16 { UInt16(clamping: max(mtu - (isIPv6 ? 60 : 40), 1)) }
}

/// An address of ours.
struct LocalAddress: BitwiseCopyable, Sendable {
    var prefix: IPPrefix
    var interface: InterfaceID
}

/// Where packets for a network go.
struct Route: BitwiseCopyable, Sendable {
    var destination: IPPrefix
    var interface: InterfaceID
}

/// Interfaces, the addresses that are ours, and the way to the others.
struct InterfaceTable: ~Copyable, Sendable {
    private(set) var interfaces = PlainList<InterfaceConfiguration>(segmentSize: 4, filler: InterfaceConfiguration())
    private(set) var addresses = PlainList<LocalAddress>(
        segmentSize: 8, filler: LocalAddress(prefix: IPPrefix(host: .v4(.any)), interface: InterfaceID(0)))
    private(set) var routes = PlainList<Route>(
        segmentSize: 8, filler: Route(destination: IPPrefix(host: .v4(.any)), interface: InterfaceID(0)))
    /// Networks whose hosts we speak for.
    private(set) var gateways = PlainList<LocalAddress>(
        segmentSize: 8, filler: LocalAddress(prefix: IPPrefix(host: .v4(.any)), interface: InterfaceID(0)))
    private(set) var largestMTU = 0

    init() {}

    func copy() -> InterfaceTable {
        InterfaceTable(
            interfaces: interfaces.copy(), addresses: addresses.copy(), routes: routes.copy(),
            gateways: gateways.copy(), largestMTU: largestMTU)
    }

    private init(
        interfaces: consuming PlainList<InterfaceConfiguration>, addresses: consuming PlainList<LocalAddress>,
        routes: consuming PlainList<Route>, gateways: consuming PlainList<LocalAddress>, largestMTU: Int
    ) {
        self.interfaces = interfaces
        self.addresses = addresses
        self.routes = routes
        self.gateways = gateways
        self.largestMTU = largestMTU
    }

    /// Bytes held from the allocator.
    var allocatedBytes: Int {
        interfaces.allocatedBytes + addresses.allocatedBytes + routes.allocatedBytes + gateways.allocatedBytes
    }

    subscript(interface: InterfaceID) -> InterfaceConfiguration { interfaces[Int(interface.rawValue)] }

    func has(_ interface: InterfaceID) -> Bool { Int(interface.rawValue) < interfaces.count }

    mutating func add(_ configuration: InterfaceConfiguration) -> InterfaceID? {
        guard interfaces.count < 254 else { return nil }
        interfaces.append(configuration)
        largestMTU = max(largestMTU, max(configuration.mtu, configuration.segmentationLimit + 100))
        return InterfaceID(UInt16(interfaces.count - 1))
    }

    mutating func add(_ address: LocalAddress) { addresses.append(address) }

    mutating func add(_ route: Route) { routes.append(route) }

    mutating func add(gateway: LocalAddress) { gateways.append(gateway) }

    /// Whether a packet to `address` is for us. The weak model of RFC 1122, 3.3.4.2: whichever interface it came by.
    func isLocal(_ address: IPAddress) -> Bool {
        for index in 0..<addresses.count where addresses[index].prefix.address == address { return true }
        return false
    }

    /// Whether `address` is in a network that we are the gateway of for what comes in by this interface.
    func isBehindGateway(_ address: IPAddress, _ interface: InterfaceID) -> Bool {
        for index in 0..<gateways.count
        where gateways[index].interface == interface && gateways[index].prefix.contains(address) { return true }
        return false
    }

    /// Whether `address` is the broadcast address of one of our IPv4 networks (RFC 1122, 3.3.6).
    func isBroadcast(_ address: IPAddress) -> Bool {
        guard case .v4(let v4) = address else { return false }
        if v4 == .broadcast { return true }
        for index in 0..<addresses.count {
            let prefix = addresses[index].prefix
            guard case .v4 = prefix.address, prefix.length < 31, prefix.contains(address) else { continue }
            let hostBits = UInt32.max >> UInt32(prefix.length)
            if v4.rawValue & hostBits == hostBits { return true }
        }
        return false
    }

    /// The interface that packets to `address` leave by: the longest prefix decides, our own networks included.
    func route(to address: IPAddress) -> InterfaceID? {
        var best: InterfaceID?
        var bestLength = -1
        for index in 0..<addresses.count {
            let prefix = addresses[index].prefix
            if Int(prefix.length) > bestLength, prefix.contains(address) {
                (best, bestLength) = (addresses[index].interface, Int(prefix.length))
            }
        }
        for index in 0..<routes.count {
            let prefix = routes[index].destination
            if Int(prefix.length) > bestLength, prefix.contains(address) {
                (best, bestLength) = (routes[index].interface, Int(prefix.length))
            }
        }
        return best
    }

    /// Interfaces, addresses, routes and gateways in their order, which decides between equals.
    func encode(into sink: inout SipHash) {
        for index in 0..<interfaces.count {
            let device = interfaces[index]
            sink.combine(UInt64(device.medium.rawValue) << 1 | (device.offloadsChecksum ? 1 : 0))
            sink.combine(
                UInt64(truncatingIfNeeded: device.mtu) << 32 | UInt64(truncatingIfNeeded: device.segmentationLimit))
        }
        for index in 0..<addresses.count { encode(addresses[index].prefix, addresses[index].interface, into: &sink) }
        sink.combine(UInt64(truncatingIfNeeded: addresses.count))
        for index in 0..<routes.count { encode(routes[index].destination, routes[index].interface, into: &sink) }
        sink.combine(UInt64(truncatingIfNeeded: routes.count))
        for index in 0..<gateways.count { encode(gateways[index].prefix, gateways[index].interface, into: &sink) }
    }

    private func encode(_ prefix: IPPrefix, _ interface: InterfaceID, into sink: inout SipHash) {
        let (high, low) = FourTuple.words(prefix.address)
        sink.combine(high)
        sink.combine(low)
        sink.combine(UInt64(interface.rawValue) << 16 | UInt64(prefix.length) << 1 | (prefix.address.isIPv6 ? 1 : 0))
    }

    /// The address to speak from: one of the interface, of the same family and scope, in the peer's own network if
    /// there is one (a short form of RFC 6724, 5).
    func source(for destination: IPAddress, by interface: InterfaceID) -> IPAddress? {
        var fallback: IPAddress?
        for index in 0..<addresses.count {
            let own = addresses[index]
            guard own.interface == interface, own.prefix.address.isIPv6 == destination.isIPv6 else { continue }
            if own.prefix.contains(destination) { return own.prefix.address }
            if fallback == nil, own.prefix.address.isLinkLocal == destination.isLinkLocal {
                fallback = own.prefix.address
            }
        }
        return fallback
    }
}
