#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file with cookie keys that is read when it has changed: another file, another time or another length.
struct KeyFile: Sendable {
    let path: String
    /// Whether others than its owner may read or write it.
    private(set) var isExposed = false
    private var seen: Identity?

    private struct Identity: Equatable {
        var error: Int32 = 0
        var device: UInt64 = 0
        var number: UInt64 = 0
        var length: Int64 = 0
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
    }

    /// More than two keys and any blanks between them.
    private static let largest = 4096

    init(_ path: String) { self.path = path }

    /// - Returns: the keys; `nil` when the file is as it was when it was last looked at.
    /// - Throws: ``CookieKeyError``, once for each change.
    mutating func keysIfChanged() throws(CookieKeyError) -> CookieKeyPair? {
        // A pipe without a writer must not stop the stack.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            guard isNew(Identity(error: code)) else { return nil }
            throw CookieKeyError(unsafe String(cString: strerror(code)), path: path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, isNew(Self.identity(status)) else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else { throw CookieKeyError("it is no plain file", path: path) }
        isExposed = status.st_mode & (S_IRWXG | S_IRWXO) != 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.largest) { buffer, count in
            count = unsafe max(readDescriptor(descriptor, buffer.baseAddress, Self.largest), 0)
        }
        do throws(CookieKeyError) {
            return try CookieKeyPair(parsing: bytes)
        } catch {
            throw CookieKeyError(error.reason, path: path)
        }
    }

    private mutating func isNew(_ identity: Identity) -> Bool {
        defer { seen = identity }
        return identity != seen
    }

    private static func identity(_ status: stat) -> Identity {
        #if canImport(Darwin)
            let changed = status.st_mtimespec
        #else
            let changed = status.st_mtim
        #endif
        return Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(truncatingIfNeeded: status.st_ino),
            length: Int64(status.st_size), seconds: Int64(changed.tv_sec), nanoseconds: Int64(changed.tv_nsec))
    }
}

private func readDescriptor(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    unsafe read(descriptor, bytes, count)
}
