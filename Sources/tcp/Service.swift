import AsyncNetstack

/// What a server does with a connection.
enum Service: Sendable {
    case echo
    case discard
    case chargen
    case send(String)

    /// How many bytes went each way.
    struct Tally: Sendable {
        var received = 0
        var sent = 0
    }

    /// How long the end of a file waits for the client's.
    private static let patience = Duration.seconds(1)

    /// Whether the service can do its work at all.
    /// - Throws: ``InputError``.
    func check() throws {
        if case .send(let path) = self { _ = try InputFile(path: path) }
    }

    /// Serves one connection to its end. Whatever happens, it is closed afterwards.
    /// - Parameter tally: counts on, also when it throws.
    func serve(_ connection: TCPConnection, on stack: TCPStack, _ tally: inout Tally) async throws {
        switch self {
        case .echo:
            while case let bytes = try await connection.read(), !bytes.isEmpty {
                tally.received += bytes.count
                try await connection.write(bytes)
                tally.sent += bytes.count
            }
        case .discard:
            tally.received = try await Self.drain(connection)
        case .chargen:
            try await generate(to: connection, &tally)
        case .send(let path):
            try await send(InputFile(path: path), to: connection, on: stack, &tally)
        }
        await connection.close()
    }

    private static func drain(_ connection: TCPConnection) async throws -> Int {
        var count = 0
        while case let bytes = try await connection.read(), !bytes.isEmpty { count += bytes.count }
        return count
    }

    /// RFC 864: lines of 72 characters, each beginning one further on, until the client has had enough.
    private static let characters: [UInt8] = {
        let printable = Array(UInt8(0x20)...0x7E)
        let lines = printable.indices.map { start in
            (0..<72).map { printable[(start + $0) % printable.count] } + [0x0D, 0x0A]
        }
        return Array(lines.joined())
    }()

    private func generate(to connection: TCPConnection, _ tally: inout Tally) async throws {
        try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask { try await Self.drain(connection) }
            group.addTask {
                while true { try await connection.write(Self.characters) }
            }
            // The client's FIN ends it; a failure of either side throws.
            if case let received?? = try await group.next() { tally.received = received }
            await connection.close()
            group.cancelAll()
        }
    }

    private func send(
        _ file: InputFile, to connection: TCPConnection, on stack: TCPStack, _ tally: inout Tally
    ) async throws {
        var sent = 0
        defer { tally.sent = sent }
        tally.received = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { (try? await Self.drain(connection)) ?? 0 }
            while case let bytes = try await file.next(), !bytes.isEmpty {
                try await connection.write(bytes)
                sent += bytes.count
            }
            try await connection.closeWrite()
            group.addTask {
                try? await stack.pause(for: Self.patience)
                return 0
            }
            let received = try await group.next() ?? 0
            // Before the reader is cancelled, for that would abort the connection.
            await connection.close()
            group.cancelAll()
            return received
        }
    }
}
