public import NetPrimitives

/// Whether a listener answers at once or asks first.
public enum ListenerMode: Hashable, Sendable, BitwiseCopyable {
    /// A SYN is answered at once; the application sees connections.
    case immediate
    /// A SYN makes a ``ConnectionRequest``. Nothing is answered before ``NetworkStack/decide(_:_:at:)``, so that a
    /// client learns what the application finds out, that a port is open where it is, not everywhere.
    ///
    /// SYN cookies do not apply, and ``Configuration/requestLimit`` takes the place of the backlog in the SYN queue.
    /// - undecided: what is done with a request that is undecided when its time is up.
    case requests(undecided: RequestDecision = .ignore)

    /// For a digest.
    var code: UInt64 {
        switch self {
        case .immediate: 0
        case .requests(.accept): 1
        case .requests(.refuse): 2
        case .requests(.ignore): 3
        case .requests(.reject(let reason)): 4 + UInt64(reason.rawValue)
        }
    }
}

/// What an application makes of a ``ConnectionRequest``.
public enum RequestDecision: Hashable, Sendable, BitwiseCopyable {
    /// Answer with a SYN-ACK. All rules of SYN-RECEIVED and of the accept queue hold from then on.
    case accept
    /// Answer with a RST, as a port does at which nobody listens.
    case refuse
    /// Answer with an ICMP error: "destination unreachable".
    case reject(UnreachableReason)
    /// Answer nothing, neither now nor to the SYNs that follow, until the client's attempt is over.
    case ignore
}

/// Why a destination cannot be reached, in either family: what a router or a firewall says by ICMP.
public enum UnreachableReason: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
    case network
    case host
    case transport
    case port
    case networkProhibited
    case hostProhibited
    case administrativelyProhibited

    /// ICMP's code (RFC 792; RFC 1122, 3.2.2.1; RFC 1812, 5.2.7.1; RFC 4443, 3.1). ICMPv6 has fewer: the nearest.
    public func code(isIPv6: Bool) -> UInt8 {
        switch self {
        case .network: 0
        case .host: isIPv6 ? 3 : 1
        case .transport: isIPv6 ? 4 : 2
        case .port: isIPv6 ? 4 : 3
        case .networkProhibited: isIPv6 ? 1 : 9
        case .hostProhibited: isIPv6 ? 1 : 10
        case .administrativelyProhibited: isIPv6 ? 1 : 13
        }
    }

    /// ICMP's type: "destination unreachable".
    public static func type(isIPv6: Bool) -> UInt8 { isIPv6 ? 1 : 3 }
}

/// Why there is nothing more to decide about a request.
public enum Withdrawal: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// The client has sent a RST.
    case reset
    /// No SYN has come for two and a half times as long as between the last two, or for 3 s: the client has given up.
    case silent
    /// As long has passed as a half-open entry lives. What the listener does with the undecided is done.
    case overdue
    /// The listener was closed.
    case listenerClosed
}

/// A request of a stack. Stale once it is decided or withdrawn.
public struct RequestID: Hashable, Sendable, BitwiseCopyable {
    let slot: Slot
    /// 24 bits that count, and the client's number: who could have both the same is the same SYN.
    let serial: UInt32
    let irs: SequenceNumber
}

/// Somebody wants a connection, and waits for an answer.
public struct ConnectionRequest: Hashable, Sendable, BitwiseCopyable {
    /// What ``NetworkStack/decide(_:_:at:)`` takes.
    public let id: RequestID
    /// Whom it has come to.
    public let listener: ListenerID
    /// Who asks (`remote`), and to where (`local`), which may be any host's that the stack is the gateway of.
    public let tuple: FourTuple
    /// What the client accepts in a segment, in bytes; what RFC 9293, 3.7.1 assumes when it told of nothing.
    public let maximumSegment: UInt16
    /// The client's window scale, when it offers to scale.
    public let windowScale: UInt8?
    /// Whether the client offers selective acknowledgements and timestamps.
    public let offersSACK: Bool
    public let offersTimestamps: Bool
    /// When the first SYN came; after repeated ones to about a millisecond.
    public let since: Instant
    /// SYNs that have come, at most 255.
    public let synCount: Int
}
