#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tells threads apart.
enum ThreadNumber {
    /// That of the running thread: never 0.
    static var current: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: unsafe pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }
}
