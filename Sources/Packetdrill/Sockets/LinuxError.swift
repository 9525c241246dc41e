/// An error number as Linux on x86-64 counts them.
// Their names are older than any rule for names.
// swift-format-ignore: AlwaysUseLowerCamelCase
public struct LinuxError: Error, RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The errors that these calls give, under their usual names.
    public static let EINTR = LinuxError(rawValue: 4)
    public static let EBADF = LinuxError(rawValue: 9)
    public static let EAGAIN = LinuxError(rawValue: 11)
    public static let ENOMEM = LinuxError(rawValue: 12)
    public static let EFAULT = LinuxError(rawValue: 14)
    public static let EEXIST = LinuxError(rawValue: 17)
    public static let ENOENT = LinuxError(rawValue: 2)
    public static let EINVAL = LinuxError(rawValue: 22)
    public static let EMFILE = LinuxError(rawValue: 24)
    public static let ENOTTY = LinuxError(rawValue: 25)
    public static let EPIPE = LinuxError(rawValue: 32)
    public static let ENONET = LinuxError(rawValue: 64)
    public static let EPROTO = LinuxError(rawValue: 71)
    public static let ENOTSOCK = LinuxError(rawValue: 88)
    public static let EDESTADDRREQ = LinuxError(rawValue: 89)
    public static let ENOPROTOOPT = LinuxError(rawValue: 92)
    public static let EPROTONOSUPPORT = LinuxError(rawValue: 93)
    public static let EOPNOTSUPP = LinuxError(rawValue: 95)
    public static let EAFNOSUPPORT = LinuxError(rawValue: 97)
    public static let EADDRINUSE = LinuxError(rawValue: 98)
    public static let EADDRNOTAVAIL = LinuxError(rawValue: 99)
    public static let ENETUNREACH = LinuxError(rawValue: 101)
    public static let ECONNABORTED = LinuxError(rawValue: 103)
    public static let ECONNRESET = LinuxError(rawValue: 104)
    public static let ENOBUFS = LinuxError(rawValue: 105)
    public static let EISCONN = LinuxError(rawValue: 106)
    public static let ENOTCONN = LinuxError(rawValue: 107)
    public static let ETIMEDOUT = LinuxError(rawValue: 110)
    public static let ECONNREFUSED = LinuxError(rawValue: 111)
    public static let EHOSTDOWN = LinuxError(rawValue: 112)
    public static let EHOSTUNREACH = LinuxError(rawValue: 113)
    public static let EALREADY = LinuxError(rawValue: 114)
    public static let EINPROGRESS = LinuxError(rawValue: 115)
}

extension LinuxError: CustomStringConvertible {
    /// The name, `ECONNRESET`; the number where there is none.
    public var description: String { Self.names.first { $0.number == rawValue }?.name ?? "errno \(rawValue)" }

    /// What `strerror` says, where packetdrill scripts write it behind the name.
    static let names: [(name: String, number: Int32)] = [
        ("EPERM", 1), ("ENOENT", 2), ("ESRCH", 3), ("EINTR", 4), ("EIO", 5), ("ENXIO", 6), ("E2BIG", 7),
        ("ENOEXEC", 8), ("EBADF", 9), ("ECHILD", 10), ("EAGAIN", 11), ("EWOULDBLOCK", 11), ("ENOMEM", 12),
        ("EACCES", 13), ("EFAULT", 14), ("ENOTBLK", 15), ("EBUSY", 16), ("EEXIST", 17), ("EXDEV", 18), ("ENODEV", 19),
        ("ENOTDIR", 20), ("EISDIR", 21), ("EINVAL", 22), ("ENFILE", 23), ("EMFILE", 24), ("ENOTTY", 25),
        ("ETXTBSY", 26), ("EFBIG", 27), ("ENOSPC", 28), ("ESPIPE", 29), ("EROFS", 30), ("EMLINK", 31), ("EPIPE", 32),
        ("EDOM", 33), ("ERANGE", 34), ("EDEADLK", 35), ("ENAMETOOLONG", 36), ("ENOLCK", 37), ("ENOSYS", 38),
        ("ENOTEMPTY", 39), ("ELOOP", 40), ("ENOMSG", 42), ("ENODATA", 61), ("ETIME", 62), ("ENONET", 64),
        ("EPROTO", 71), ("EBADMSG", 74), ("EOVERFLOW", 75), ("EILSEQ", 84), ("ENOTSOCK", 88), ("EDESTADDRREQ", 89),
        ("EMSGSIZE", 90), ("EPROTOTYPE", 91), ("ENOPROTOOPT", 92), ("EPROTONOSUPPORT", 93), ("ESOCKTNOSUPPORT", 94),
        ("EOPNOTSUPP", 95), ("ENOTSUP", 95), ("EPFNOSUPPORT", 96), ("EAFNOSUPPORT", 97), ("EADDRINUSE", 98),
        ("EADDRNOTAVAIL", 99), ("ENETDOWN", 100), ("ENETUNREACH", 101), ("ENETRESET", 102), ("ECONNABORTED", 103),
        ("ECONNRESET", 104), ("ENOBUFS", 105), ("EISCONN", 106), ("ENOTCONN", 107), ("ESHUTDOWN", 108),
        ("ETOOMANYREFS", 109), ("ETIMEDOUT", 110), ("ECONNREFUSED", 111), ("EHOSTDOWN", 112), ("EHOSTUNREACH", 113),
        ("EALREADY", 114), ("EINPROGRESS", 115), ("ESTALE", 116), ("EREMOTEIO", 121), ("EDQUOT", 122),
        ("ENOMEDIUM", 123), ("ECANCELED", 125), ("ENOKEY", 126),
    ]
}
