/// An error number as Linux on x86-64 counts them.
public struct LinuxError: Error, RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The errors that these calls give, under their usual names in small letters.
    public static let eintr = LinuxError(rawValue: 4)
    public static let ebadf = LinuxError(rawValue: 9)
    public static let eagain = LinuxError(rawValue: 11)
    public static let enomem = LinuxError(rawValue: 12)
    public static let efault = LinuxError(rawValue: 14)
    public static let eexist = LinuxError(rawValue: 17)
    public static let enoent = LinuxError(rawValue: 2)
    public static let einval = LinuxError(rawValue: 22)
    public static let emfile = LinuxError(rawValue: 24)
    public static let enotty = LinuxError(rawValue: 25)
    public static let epipe = LinuxError(rawValue: 32)
    public static let enonet = LinuxError(rawValue: 64)
    public static let eproto = LinuxError(rawValue: 71)
    public static let enotsock = LinuxError(rawValue: 88)
    public static let edestaddrreq = LinuxError(rawValue: 89)
    public static let enoprotoopt = LinuxError(rawValue: 92)
    public static let eprotonosupport = LinuxError(rawValue: 93)
    public static let eopnotsupp = LinuxError(rawValue: 95)
    public static let eafnosupport = LinuxError(rawValue: 97)
    public static let eaddrinuse = LinuxError(rawValue: 98)
    public static let eaddrnotavail = LinuxError(rawValue: 99)
    public static let enetunreach = LinuxError(rawValue: 101)
    public static let econnaborted = LinuxError(rawValue: 103)
    public static let econnreset = LinuxError(rawValue: 104)
    public static let enobufs = LinuxError(rawValue: 105)
    public static let eisconn = LinuxError(rawValue: 106)
    public static let enotconn = LinuxError(rawValue: 107)
    public static let etimedout = LinuxError(rawValue: 110)
    public static let econnrefused = LinuxError(rawValue: 111)
    public static let ehostdown = LinuxError(rawValue: 112)
    public static let ehostunreach = LinuxError(rawValue: 113)
    public static let ealready = LinuxError(rawValue: 114)
    public static let einprogress = LinuxError(rawValue: 115)
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
