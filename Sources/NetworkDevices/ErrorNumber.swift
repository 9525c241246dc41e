#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The error numbers that mean something to a device, and the system's words for all of them.
enum ErrorNumber {
    static var accessDenied: Int32 { EACCES }
    static var notPermitted: Int32 { EPERM }

    static func text(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
