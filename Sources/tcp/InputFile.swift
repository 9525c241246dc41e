import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file or standard input, read piece by piece on a thread of its own, since reading may block.
final class InputFile: Sendable {
    private let descriptor: Int32
    private let name: String
    private let queue: DispatchQueue

    /// Bytes of a piece.
    private static let size = 65_536

    static let standardInput = InputFile(descriptor: STDIN_FILENO, name: "standard input")

    private init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
        queue = DispatchQueue(label: name)
    }

    /// Opens a file; `-` is not one.
    /// - Throws: ``InputError``.
    convenience init(path: String) throws {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw InputError(name: path, code: errno) }
        self.init(descriptor: descriptor, name: path)
    }

    /// All that is in a file, a device or a pipe, at most so many bytes; the caller waits.
    /// - Throws: ``InputError``.
    static func contents(of path: String, upTo limit: Int) throws -> [UInt8] {
        let file = try InputFile(path: path)
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let piece = try file.read()
            if piece.isEmpty { break }
            bytes += piece
        }
        return bytes
    }

    deinit {
        if descriptor > STDERR_FILENO { closeDescriptor(descriptor) }
    }

    /// Waits for the next piece.
    /// - Returns: nothing at the end.
    func next() async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.read() }) }
        }
    }

    private func read() throws -> [UInt8] {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.size) { buffer, initialized in
            repeat {
                count = unsafe readDescriptor(descriptor, buffer.baseAddress, Self.size)
            } while count < 0 && errno == EINTR
            initialized = max(count, 0)
        }
        if count < 0 { throw InputError(name: name, code: errno) }
        return bytes
    }
}

/// A file that cannot be read.
struct InputError: Error, CustomStringConvertible {
    let name: String
    let code: Int32
    var description: String { "cannot read \(name): \(OutputError.text(code))" }
}

/// The system calls, whose names the methods share.
private func readDescriptor(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    unsafe read(descriptor, bytes, count)
}
private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
