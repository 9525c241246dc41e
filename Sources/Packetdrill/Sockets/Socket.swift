internal import NetPrimitives
internal import Netstack

/// One open socket: what stands behind a descriptor.
final class Socket {
    /// Where it is in its life, as far as the calls care.
    enum Stage {
        /// Neither listening nor connected, bound or not.
        case idle
        case listening([ListenerID])
        /// A connection, or an attempt at one; `isActive` until connect() has told of its outcome.
        case connection(ConnectionID, isConnecting: Bool)
        /// The connection is gone from the stack.
        case over
    }

    let domain: Int
    var stage = Stage.idle
    var flags: Int
    /// Given by bind().
    var local: Endpoint?
    var options: [OptionKey: OptionValue] = [:]
    /// SO_ERROR: what the next call is told, once.
    var pendingError: LinuxError?
    /// The end of the connection was noticed, with or without an error.
    var endWasNoticed = false
    /// The peer's FIN was seen before any failure.
    var peerHasClosed = false
    /// The peer opened at the same time: its SYN has come, our own is not yet acknowledged.
    var opensTogether = false
    var readIsShut = false
    var writeIsShut = false
    /// Bytes that MSG_PEEK has taken out of the stack ahead of their reader.
    var peeked: [UInt8] = []
    /// What the remote end was.
    var remote: Endpoint?
    /// The ICMP advice that SO_ERROR has already told of.
    var adviceTaken = 0
    /// Counts what may wake an edge-triggered waiter.
    var activity = 0

    init(domain: Int, flags: Int) {
        self.domain = domain
        self.flags = flags
    }

    var isNonblocking: Bool { flags & Linux.nonblock != 0 }

    var connection: ConnectionID? {
        if case .connection(let id, _) = stage { id } else { nil }
    }

    var listeners: [ListenerID]? {
        if case .listening(let ids) = stage { ids } else { nil }
    }

    func takeError() -> LinuxError? {
        defer { pendingError = nil }
        return pendingError
    }

    func integer(_ level: Int, _ option: Int) -> Int? {
        if case .integer(let value)? = options[OptionKey(level: level, option: option)] { value } else { nil }
    }
}

/// The name of a socket option.
struct OptionKey: Hashable {
    let level: Int
    let option: Int
}

/// What a descriptor stands for.
enum DescriptorEntry {
    case socket(Socket)
    case epoll(EpollInstance)
}

/// The descriptors that an epoll instance watches, in the order in which they were added.
final class EpollInstance {
    struct Watch {
        var descriptor: Int
        var event: EpollEvent
        /// What was last reported, for edge-triggered watches.
        var reportedMask = 0
        var reportedActivity = -1
        var isDisabled = false
    }

    var watches: [Watch] = []
}
