import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where bytes go: standard output or a file. Whoever writes learns of every failure, those of closing included.
struct OutputFile: ~Copyable, Sendable {
    private let descriptor: Int32
    private let name: String

    /// Standard output, standard error.
    static var standardOutput: OutputFile { OutputFile(descriptor: STDOUT_FILENO, name: "standard output") }
    static var standardError: OutputFile { OutputFile(descriptor: STDERR_FILENO, name: "standard error") }

    private init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Creates a file or empties the one that is there; `-` is standard output.
    init(path: String) throws {
        if path == "-" {
            self = .standardOutput
            return
        }
        var descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        if (0...STDERR_FILENO).contains(descriptor) {
            // Our caller has closed a standard stream, and the file got its number: what is printed would go into it.
            let elsewhere = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
            _ = systemClose(descriptor)
            descriptor = elsewhere
        }
        guard descriptor >= 0 else { throw OutputError.cannotCreate(path, errno) }
        self.init(descriptor: descriptor, name: path)
    }

    /// Writes all of the bytes.
    borrowing func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe systemWrite(descriptor, buffer.baseAddress, buffer.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw OutputError(writing: name, errno)
            }
        }
    }

    /// Writes lines, each with its end.
    borrowing func write(lines: [String]) throws {
        try write(Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Closes a file; the standard streams stay open.
    consuming func close() throws {
        guard descriptor > STDERR_FILENO else { return }
        if systemClose(descriptor) != 0 { throw OutputError(writing: name, errno) }
    }
}

/// Why output did not get to where it should.
enum OutputError: Error, CustomStringConvertible {
    case cannotCreate(String, Int32)
    case cannotWrite(String, Int32)
    /// Whoever was reading has gone, which is his right and nobody's fault.
    case readerGone
    /// Some of it was not written, which was said when it happened.
    case incomplete

    init(writing name: String, _ code: Int32) {
        self = code == EPIPE ? .readerGone : .cannotWrite(name, code)
    }

    var description: String {
        switch self {
        case .cannotCreate(let name, let code): "cannot create \(name): \(Self.text(code))"
        case .cannotWrite(let name, let code): "cannot write to \(name): \(Self.text(code))"
        case .readerGone: "nobody reads any more"
        case .incomplete: "not all was written"
        }
    }

    /// The exit status: those of sysexits.h, and the shell's for a process that SIGPIPE ended.
    var exitCode: ExitCode {
        switch self {
        case .cannotCreate: ExitCode(73)
        case .cannotWrite, .incomplete: ExitCode(74)
        case .readerGone: ExitCode(128 + 13)
        }
    }

    static func text(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}

/// The system calls, whose names the methods of ``OutputFile`` share.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
