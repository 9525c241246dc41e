import Dispatch

/// Standard output, written on a thread of its own: a slow reader holds up whoever waits for the write, and nobody
/// else.
final class BlockingOutput: Sendable {
    private let queue = DispatchQueue(label: "standard output")

    /// Waits until all of the bytes are written.
    /// - Throws: ``OutputError``.
    func write(_ bytes: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { continuation.resume(with: Result { try OutputFile.standardOutput.write(bytes) }) }
        }
    }
}
