#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard error, unbuffered.
enum StandardErrorStream {
    static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { buffer in unsafe systemWrite(buffer.baseAddress, buffer.count) }
    }
}

private func systemWrite(_ bytes: UnsafeRawPointer?, _ count: Int) -> Int { unsafe write(STDERR_FILENO, bytes, count) }
