import NetPrimitives

/// Several addresses of one host, tried so that a broken one costs little time (RFC 8305).
enum HappyEyeballs {
    /// RFC 8305, 5: how long one attempt goes on alone before the next begins.
    static let delay = Interval.milliseconds(250)

    /// RFC 8305, 4: families take turns, beginning with that of the first address; the order within each stays.
    static func order(_ addresses: [IPAddress]) -> [IPAddress] {
        guard let first = addresses.first else { return [] }
        let same = addresses.filter { $0.isIPv6 == first.isIPv6 }
        let other = addresses.filter { $0.isIPv6 != first.isIPv6 }
        var result: [IPAddress] = []
        for index in 0..<max(same.count, other.count) {
            if index < same.count { result.append(same[index]) }
            if index < other.count { result.append(other[index]) }
        }
        return result
    }

    private enum Outcome: Sendable {
        case connected(TCPConnection)
        case failed(any Error)
        /// The delay after attempt `number` is over.
        case timeForNext(after: Int)
    }

    /// The first connection that is established. When none is, the error of the attempt that began first, unless
    /// another says more than that there is no way.
    static func connect(
        to candidates: [Endpoint], from local: Endpoint?, timeout: Interval?, by engine: Engine
    ) async throws -> TCPConnection {
        if candidates.count == 1 { return try await engine.connect(to: candidates[0], from: local, timeout: timeout) }
        let began = await engine.now
        let deadline = timeout.map { began + $0 }
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            var begun = 0
            var running = 0
            var errors: [any Error] = []
            func beginNext(_ group: inout ThrowingTaskGroup<Outcome, any Error>) {
                guard begun < candidates.count else { return }
                let (number, candidate) = (begun, candidates[begun])
                begun += 1
                running += 1
                group.addTask { await attempt(candidate, from: local, by: deadline, engine) }
                guard begun < candidates.count else { return }
                group.addTask {
                    try? await engine.pause(delay)
                    return .timeForNext(after: number)
                }
            }
            beginNext(&group)
            while let outcome = try await group.next() {
                switch outcome {
                case .connected(let connection):
                    group.cancelAll()
                    // Two may have got through at the same moment.
                    while let late = try await group.next() {
                        if case .connected(let second) = late { second.abort() }
                    }
                    return connection
                case .failed(let error):
                    errors.append(error)
                    running -= 1
                    if begun < candidates.count { beginNext(&group) } else if running == 0 { group.cancelAll() }
                case .timeForNext(let number):
                    if number == begun - 1 { beginNext(&group) }
                }
            }
            try Task.checkCancellation()
            throw errors.first(where: { !isLocal($0) }) ?? errors.first ?? NetstackError.closed
        }
    }

    private static func attempt(
        _ candidate: Endpoint, from local: Endpoint?, by deadline: Instant?, _ engine: Engine
    ) async -> Outcome {
        do {
            let now = await engine.now
            let rest = deadline.map { max($0 - now, .zero) }
            return .connected(try await engine.connect(to: candidate, from: local, timeout: rest))
        } catch {
            return .failed(error)
        }
    }

    /// Whether an attempt failed before a packet was sent.
    private static func isLocal(_ error: any Error) -> Bool {
        if case NetstackError.call = error { true } else { false }
    }
}
