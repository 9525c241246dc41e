public import NetPrimitives

/// Both ends of a conversation as one flat value: what the demultiplexer looks for.
///
/// IPv4 addresses stand in the low words. The scope is the interface for link-local addresses, which mean nothing
/// without it (RFC 4007), and 0 for all others.
public struct FourTuple: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline var localHigh: UInt64
    @usableFromInline var localLow: UInt64
    @usableFromInline var remoteHigh: UInt64
    @usableFromInline var remoteLow: UInt64
    public var localPort: UInt16
    public var remotePort: UInt16
    public var isIPv6: Bool
    @usableFromInline var scope: UInt8

    @inlinable public init(
        local: IPAddress, localPort: UInt16, remote: IPAddress, remotePort: UInt16, interface: InterfaceID
    ) {
        (localHigh, localLow) = Self.words(local)
        (remoteHigh, remoteLow) = Self.words(remote)
        self.localPort = localPort
        self.remotePort = remotePort
        isIPv6 = local.isIPv6
        scope = local.isLinkLocal || remote.isLinkLocal ? UInt8(truncatingIfNeeded: interface.rawValue &+ 1) : 0
    }

    init(key: FlowKey, pair: AddressPair?) {
        if let pair {
            (localHigh, localLow) = (pair.local.high, pair.local.low)
            (remoteHigh, remoteLow) = (pair.remote.high, pair.remote.low)
        } else {
            (localHigh, localLow) = (0, UInt64(key.local))
            (remoteHigh, remoteLow) = (0, UInt64(key.remote))
        }
        localPort = key.localPort
        remotePort = key.remotePort
        isIPv6 = key.isIPv6
        scope = key.scope
    }

    @inlinable static func words(_ address: IPAddress) -> (UInt64, UInt64) {
        switch address {
        case .v4(let a): (0, UInt64(a.rawValue))
        case .v6(let a): (a.high, a.low)
        }
    }

    /// Our end and the peer's.
    @inlinable public var localAddress: IPAddress { address(localHigh, localLow) }
    @inlinable public var remoteAddress: IPAddress { address(remoteHigh, remoteLow) }
    @inlinable public var local: Endpoint { Endpoint(localAddress, localPort) }
    @inlinable public var remote: Endpoint { Endpoint(remoteAddress, remotePort) }
    /// What a peer that tells of no MSS accepts (RFC 9293, 3.7.1, MUST-15).
    @inlinable public var defaultMSS: UInt16 { isIPv6 ? 1220 : 536 }

    @inlinable func address(_ high: UInt64, _ low: UInt64) -> IPAddress {
        isIPv6
            ? .v6(IPv6Address(high: high, low: low)) : .v4(IPv4Address(UInt32(truncatingIfNeeded: low)))
    }

    /// A keyed hash: nobody outside can aim connections at one bucket.
    func hash(_ state: SipHash) -> UInt64 {
        var state = state
        if isIPv6 {
            state.combine(localHigh)
            state.combine(localLow)
            state.combine(remoteHigh)
            state.combine(remoteLow)
        } else {
            state.combine(localLow << 32 | remoteLow)
        }
        return state.finish(
            tail: UInt64(localPort) | UInt64(remotePort) << 16 | UInt64(scope) << 32 | (isIPv6 ? 1 << 40 : 0), count: 6)
    }
}

/// A 4-tuple as tables keep it: an IPv4 one in 14 bytes; the addresses of an IPv6 one lie in an ``AddressPair`` whose
/// slot stands in `local`.
struct FlowKey: Hashable, BitwiseCopyable, Sendable {
    var local: UInt32
    var remote: UInt32
    var localPort: UInt16
    var remotePort: UInt16
    var isIPv6: Bool
    var scope: UInt8

    static var empty: FlowKey {
        FlowKey(local: 0, remote: 0, localPort: 0, remotePort: 0, isIPv6: false, scope: 0)
    }
}

/// The addresses of an IPv6 conversation.
struct AddressPair: Slotted, Sendable {
    var local: IPv6Address
    var remote: IPv6Address

    /// A free pair keeps its link where its address was.
    var link: Slot {
        get { Slot(UInt32(truncatingIfNeeded: local.high)) }
        set { local.high = UInt64(newValue.rawValue) }
    }
}
