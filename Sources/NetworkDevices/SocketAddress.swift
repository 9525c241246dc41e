public import NetPrimitives

#if os(Linux)
    // Its header includes the C library's: which of the two modules the compiler calls the owner of a type is up to
    // chance.
    import CNetworkDevices
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension IPAddress {
    /// The address in a socket address of the C library; `nil` for other families.
    init?(_ address: UnsafePointer<sockaddr>?) {
        guard let address = unsafe address else { return nil }
        switch Int32(unsafe address.pointee.sa_family) {
        case AF_INET:
            self = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                .v4(IPv4Address(UInt32(bigEndian: unsafe $0.pointee.sin_addr.s_addr)))
            }
        case AF_INET6:
            self = unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                var octets = unsafe pointer.pointee.sin6_addr
                return unsafe withUnsafeBytes(of: &octets) { bytes in
                    let high = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
                    let low = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                    return .v6(IPv6Address(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low)))
                }
            }
        default:
            return nil
        }
    }
}

/// The system's resolver: files, DNS, whatever the machine is set up with. It blocks, so never call it on a stack's
/// thread.
public enum SystemResolver {
    /// - Returns: the addresses of a host, in the order of the resolver's preference (RFC 6724), each once.
    /// - Throws: ``Failure``.
    public static func addresses(of host: String) throws(Failure) -> [IPAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(bitPattern: UInt32(truncatingIfNeeded: streamType))
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { throw Failure(host: host, reason: unsafe String(cString: gai_strerror(code))) }
        defer { unsafe freeaddrinfo(list) }
        var result: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe IPAddress(entry.pointee.ai_addr), !result.contains(address) {
                result.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        return result
    }

    private static var streamType: Int {
        #if os(Linux)
            Int(SOCK_STREAM.rawValue)
        #else
            Int(SOCK_STREAM)
        #endif
    }

    /// A name that the resolver has no address for.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public let host: String
        public let reason: String
        public var description: String { "no address for \(host): \(reason)" }
    }
}
