// The example of the README over two TUN devices: a client's stack on one, a server's on the other, and the kernel
// routing in between. Needs root and a kernel that forwards (sysctl -w net.ipv4.ip_forward=1).
import AsyncNetstack
import NetPrimitives
import NetworkDevices

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A stack at 10.SUBNET.0.2, the kernel's end of the device at 10.SUBNET.0.1.
func stack(on device: String, subnet: UInt8) throws -> TCPStack {
    let host = IPPrefix(.v4(IPv4Address(10, subnet, 0, 1)), length: 24)
    let own = IPPrefix(host: .v4(IPv4Address(10, subnet, 0, 2)))
    return try .tun(TUNOptions(device: .init(name: device, hostAddresses: [host].compactMap { $0 }), addresses: [own]))
}

do {
    let client = try stack(on: "greet0", subnet: 77)
    let server = try stack(on: "greet1", subnet: 78)
    // Before anybody connects.
    let listener = try server.listen(on: "10.78.0.2:80", backlog: 128)
    let serving = Task { try await serve(listener) }
    print(try await greet("world", at: "10.78.0.2:80", from: client))
    serving.cancel()
    await client.close()
    await server.close()
} catch {
    print("greeting:", error)
    exit(1)
}
