#if os(Linux)
    import Glibc

    /// A file descriptor that is closed with the value.
    struct Descriptor: ~Copyable, Sendable {
        let number: Int32

        /// - Parameters:
        ///   - result: a descriptor, or a negated errno.
        ///   - failure: makes the error of it.
        init(_ result: Int32, orThrow failure: (_ code: Int32) -> DeviceError) throws(DeviceError) {
            guard result >= 0 else { throw failure(-result) }
            number = result
        }

        deinit { close(number) }
    }
#endif
