public import NetPrimitives

/// A system call on descriptors, with what it is given. Numbers are those of Linux: see ``LinuxSymbols``.
public enum SystemCall: Hashable, Sendable {
    case socket(domain: Int, type: Int, protocol: Int)
    case bind(Int, Endpoint)
    case listen(Int, backlog: Int)
    case accept(Int, flags: Int = 0)
    /// To nowhere, AF_UNSPEC, the connection is dissolved.
    case connect(Int, Endpoint?)
    /// read, readv, recv, recvfrom and recvmsg.
    case receive(Int, limit: Int, flags: Int = 0)
    /// write, writev, send, sendto and sendmsg.
    case send(Int, [UInt8], flags: Int = 0)
    case fcntl(Int, command: Int, argument: Int)
    case ioctl(Int, request: Int, argument: Int)
    case close(Int)
    case shutdown(Int, how: Int)
    case getOption(Int, level: Int, option: Int)
    case setOption(Int, level: Int, option: Int, OptionValue)
    case poll([PollEntry], timeout: Int)
    case epollCreate
    case epollControl(Int, operation: Int, descriptor: Int, EpollEvent?)
    case epollWait(Int, limit: Int, timeout: Int)
}

/// The value of a socket option.
public enum OptionValue: Hashable, Sendable {
    case integer(Int)
    case bytes([UInt8])
    case linger(isOn: Bool, seconds: Int)
    case time(Interval)
}

/// What `poll` is asked about one descriptor, and what it answers.
public struct PollEntry: Hashable, Sendable {
    public var descriptor: Int
    public var events: Int
    public var returned: Int

    public init(descriptor: Int, events: Int, returned: Int = 0) {
        self.descriptor = descriptor
        self.events = events
        self.returned = returned
    }
}

/// What an epoll instance is asked about a descriptor: a mask and a number for the caller's use.
public struct EpollEvent: Hashable, Sendable {
    public var events: Int
    public var data: UInt64

    public init(events: Int, data: UInt64) {
        self.events = events
        self.data = data
    }
}

/// A control message that came with data.
public struct ControlMessage: Hashable, Sendable {
    public var level: Int
    public var type: Int
    public var value: Int
}

/// What a system call has returned.
public struct CallResult: Hashable, Sendable {
    /// What the call hands back beside its result.
    public enum Output: Hashable, Sendable {
        case nothing
        case bytes([UInt8], flags: Int, control: [ControlMessage])
        case integer(Int)
        case option(OptionValue)
        case polled([PollEntry])
        case events([EpollEvent])
    }

    /// At least 0, or -1 with an ``error``.
    public var value: Int
    public var error: LinuxError?
    public var output: Output = .nothing

    /// Success.
    public static func done(_ value: Int, _ output: Output = .nothing) -> CallResult {
        CallResult(value: value, error: nil, output: output)
    }

    /// Failure.
    public static func failed(_ error: LinuxError) -> CallResult {
        CallResult(value: -1, error: error, output: .nothing)
    }
}

/// A system call that has begun. Over when it has a ``result``; until then it is blocked, and
/// ``SocketLayer`` asks it again after each step of the stack.
public final class OngoingCall {
    public let call: SystemCall
    /// When it returns whatever happens; `nil` when only an event can end it.
    public internal(set) var deadline: Instant?
    /// What it has returned.
    public internal(set) var result: CallResult?
    /// When it returned.
    public internal(set) var finishedAt: Instant?
    /// Bytes already sent, or received, by a call that is not yet satisfied.
    var sent = 0
    var received: [UInt8] = []
    /// The call has been asked before.
    var hasBegun = false

    init(_ call: SystemCall) { self.call = call }
}
