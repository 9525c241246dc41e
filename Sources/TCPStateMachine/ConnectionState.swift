/// The eleven states of RFC 9293, 3.3.2.
public enum ConnectionState: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
    case closed
    case listen
    case synSent
    case synReceived
    case established
    case finWait1
    case finWait2
    case closeWait
    case closing
    case lastAck
    case timeWait

    /// Both ends have seen each other's SYN and know it: everything from ESTABLISHED on, TIME-WAIT included.
    @inlinable public var isSynchronized: Bool { rawValue >= ConnectionState.established.rawValue }

    /// This end may still send new data.
    @inlinable public var canSend: Bool { self == .established || self == .closeWait }

    /// The peer's FIN has not arrived, so data still may.
    @inlinable public var canReceive: Bool { self == .established || self == .finWait1 || self == .finWait2 }
}

extension ConnectionState: CustomStringConvertible {
    /// The name as RFC 9293 writes it.
    public var description: String {
        switch self {
        case .closed: "CLOSED"
        case .listen: "LISTEN"
        case .synSent: "SYN-SENT"
        case .synReceived: "SYN-RECEIVED"
        case .established: "ESTABLISHED"
        case .finWait1: "FIN-WAIT-1"
        case .finWait2: "FIN-WAIT-2"
        case .closeWait: "CLOSE-WAIT"
        case .closing: "CLOSING"
        case .lastAck: "LAST-ACK"
        case .timeWait: "TIME-WAIT"
        }
    }
}
