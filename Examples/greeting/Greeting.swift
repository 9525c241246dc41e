import AsyncNetstack

/// Greets whoever connects and says a name.
func serve(_ listener: TCPListener) async throws {
    for try await connection in listener {
        let name = String(decoding: try await connection.read(), as: UTF8.self)
        try await connection.write("hello, \(name)")
        await connection.close()
    }
}

/// Says a name and waits for the whole answer.
func greet(_ name: String, at address: String, from stack: TCPStack) async throws -> String {
    let connection = try await stack.connect(to: address, timeout: .seconds(5))
    try await connection.write(name)
    var answer: [UInt8] = []
    while case let bytes = try await connection.read(), !bytes.isEmpty { answer += bytes }
    await connection.close()
    return String(decoding: answer, as: UTF8.self)
}
