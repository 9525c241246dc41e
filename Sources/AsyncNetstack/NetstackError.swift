import ConnectionAnalysis
public import NetPrimitives
public import Netstack
public import NetworkDevices

/// Why a call on a stack, a connection or a listener failed, with the evidence.
public enum NetstackError: Error, Hashable, Sendable {
    /// The connection could not be opened, or did not end well.
    case connection(ConnectionFailure, peer: Endpoint)
    /// The stack cannot do what was asked: no route, an address in use, a side that is closed.
    case call(StackError)
    /// The name has no address that this stack could use.
    case noAddress(String, reason: String)
    /// A text that is no `HOST:PORT`.
    case invalidAddress(String)
    /// There is nothing more to decide about a request: why.
    case withdrawn(Withdrawal)
    /// A request was accepted, and the client did not complete the handshake.
    case notCompleted
    /// This program has closed the connection, the listener or the stack, or decided about the request already.
    case closed
    /// The device failed under the stack.
    case device(DeviceError)
    /// A simulation in which nothing will ever happen again, while the program waits for it.
    case stalled
}

extension NetstackError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .connection(let failure, let peer): failure.evidence(peer: peer.address)
        case .call(let error): error.reason
        case .noAddress(let host, let reason): "no address for \(host): \(reason)"
        case .invalidAddress(let text): "'\(text)' is no HOST:PORT, such as 10.77.0.1:80, [fd00::1]:80 or localhost:80"
        case .withdrawn(let reason): "withdrawn: \(reason.evidence)"
        case .notCompleted: "accepted, and the client did not complete the handshake"
        case .closed: "closed by this program"
        case .device(let error): error.description
        case .stalled: "the simulation has come to rest, and nothing it waits for will ever happen"
        }
    }
}
