import Dispatch
public import NetPrimitives
import NetworkDevices

/// From names to addresses.
public struct Resolver: Sendable {
    private let look: @Sendable (String) async throws -> [IPAddress]

    /// - Parameter look: the addresses of a host, in the order of preference.
    public init(_ look: @escaping @Sendable (_ host: String) async throws -> [IPAddress]) { self.look = look }

    /// The system's, on threads of its own: it blocks.
    public static let system = Resolver { host in
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { () throws in try SystemResolver.addresses(of: host) })
            }
        }
    }

    /// A table of names, for simulations.
    public static func table(_ hosts: [String: [IPAddress]]) -> Resolver { Resolver { hosts[$0] ?? [] } }

    /// The addresses of a host; an address is its own.
    func addresses(of host: String, family: AddressFamily?) async throws -> [IPAddress] {
        let all: [IPAddress]
        if let address = IPAddress(host) {
            all = [address]
        } else {
            do {
                all = try await look(host)
            } catch let failure as SystemResolver.Failure {
                throw NetstackError.noAddress(host, reason: failure.reason)
            }
        }
        let wanted = all.filter { family?.includes($0) ?? true }
        if wanted.isEmpty {
            throw NetstackError.noAddress(host, reason: all.isEmpty ? "unknown" : "none of the family asked for")
        }
        return wanted
    }
}

/// `HOST:PORT` as text.
enum HostAndPort {
    static func parse(_ text: String) throws(NetstackError) -> (host: String, port: UInt16) {
        if let endpoint = Endpoint(text) { return (endpoint.address.description, endpoint.port) }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .invalidAddress(text)
        }
        let host = String(text[..<colon])
        guard !host.isEmpty, !host.contains(":") else { throw .invalidAddress(text) }
        return (host, port)
    }
}

/// What is said where nobody asked for it: of connections that were forgotten (debug builds), of key files.
enum Complaint {
    @Sendable static func print(_ text: String) {
        StandardErrorStream.write("AsyncNetstack: " + text + "\n")
    }
}
