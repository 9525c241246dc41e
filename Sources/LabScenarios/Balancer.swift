import NetPrimitives
import Netstack
import NetworkSimulation

/// What stands before machines that share one address: hands each packet to one of them, and theirs on to whom they are
/// for. It takes no time and keeps nothing of connections.
final class Balancer: Node {
    let name = "balancer"
    /// Which machine takes a packet for the shared address: the number of its interface here.
    var choose: (_ packet: PacketSummary) -> InterfaceID = { _ in InterfaceID(1) }
    /// Where the others are.
    private var routes: [(address: IPAddress, interface: InterfaceID)] = []
    private var outbox: [(packet: [UInt8], interface: InterfaceID)] = []
    private var interfaceCount: UInt16 = 0

    func addInterface(mtu: Int) -> InterfaceID {
        defer { interfaceCount += 1 }
        return InterfaceID(interfaceCount)
    }

    func addRoute(to address: IPAddress, by interface: InterfaceID) { routes.append((address, interface)) }

    func receive(_ packet: [UInt8], on interface: InterfaceID, at now: Instant) {
        guard let summary = PacketSummary(packet) else { return }
        let route = routes.first { $0.address == summary.destination }?.interface
        outbox.append((packet, route ?? choose(summary)))
    }

    func timersFired(at now: Instant) {}

    func transmit(at now: Instant, send: (_ packet: [UInt8], _ interface: InterfaceID) -> Void) {
        for (packet, interface) in outbox { send(packet, interface) }
        outbox.removeAll(keepingCapacity: true)
    }

    func nextDeadline() -> Instant? { nil }
}

extension Laboratory {
    /// One more machine behind the balancer, at the server's address and out of the picture.
    /// - Returns: it, and the balancer's interface that leads to it.
    func addMachine(_ name: String, behind balancer: Balancer) -> (host: LabHost, interface: InterfaceID) {
        let host = addHost(name, addresses.server)
        return (host, simulation.link(balancer, host).interfaces.first)
    }

    /// A client out of the picture, next to the balancer.
    func addBystander(at balancer: Balancer) -> LabHost {
        let host = addHost("bystander", addresses.bystander)
        balancer.addRoute(to: host.address, by: simulation.link(balancer, host).interfaces.first)
        return host
    }

    private func addHost(_ name: String, _ address: IPAddress) -> LabHost {
        let host = makeHost(name, address)
        simulation.add(host)
        return host
    }
}
