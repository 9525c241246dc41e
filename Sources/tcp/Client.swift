import ArgumentParser
import AsyncNetstack
import ConnectionAnalysis
import NetPrimitives
import Netstack

/// A client from its first word to its last.
struct Client: Sendable {
    /// Where to connect, and how.
    struct Destination: Sendable {
        let host: String
        let port: UInt16
        let sourcePort: UInt16?
        let family: AddressFamily?
        let timeout: Interval?
    }

    private let stack: TCPStack
    private let destination: Destination
    private let report: Report
    private let recorder: PacketRecorder?
    private let story: HandshakeStory?

    /// How long what was written may take to arrive once both sides have said all. A signal ends it sooner.
    private static let deliveryGrace = Duration.seconds(60)
    /// How long a peer that has nothing to read may take to close.
    private static let probeGrace = Duration.milliseconds(200)

    /// - Parameter isReporting: whether standard output is for reports, not for the peer.
    init(_ arguments: TUNArguments, to destination: Destination, isReporting: Bool) throws {
        self.destination = destination
        report = Report(json: arguments.json, verbose: arguments.verbose, keepsOutputClear: !isReporting)
        let recorder = try arguments.showsPackets ? PacketRecorder(arguments, keepsOutputClear: !isReporting) : nil
        let story = arguments.verbose || arguments.json ? HandshakeStory(report) : nil
        self.recorder = recorder
        self.story = story
        let watch: PacketObserver = { packets in
            story?.observe(packets)
            recorder?.observer(packets)
        }
        stack = try arguments.open(arguments.configuration, observer: recorder == nil && story == nil ? nil : watch)
    }

    private func connect() async throws -> TCPConnection {
        let local = destination.sourcePort.map { Endpoint(.v4(.any), $0) }
        return try await stack.connect(
            to: destination.host, port: destination.port, from: local, family: destination.family,
            timeout: destination.timeout.map { .nanoseconds($0.nanoseconds) })
    }

    // MARK: Ways to be used

    /// `-z`: one connection, opened and closed.
    func probe() async -> ExitCode {
        await untilSignal {
            let (connection, took) = try await open()
            report.sayResult(
                "connected to \(connection.remote) in \(took.brief)", Established(connection, took))
            await connection.close()
        }
    }

    /// `-c`: many of them, and what they took.
    func ping(_ count: Int, every interval: Interval) async -> ExitCode {
        let statistics = PingStatistics("\(destination.host):\(destination.port)")
        let code = await untilSignal {
            for number in 1...count {
                if number > 1 { try await stack.pause(for: .nanoseconds(interval.nanoseconds)) }
                do {
                    let (connection, took) = try await open()
                    statistics.add(took)
                    report.sayResult(
                        "connected to \(connection.remote): seq=\(number) time=\(took.brief)",
                        Established(connection, took, number: number))
                    await connection.close()
                } catch let error where Failure.exitCode(error) != Failure.local && !(error is CancellationError) {
                    statistics.add(error)
                    report.sayResult("\(error): seq=\(number)", Failed(error, number: number))
                }
            }
        }
        report.sayResult(statistics.words, statistics.record)
        if code != .success && code != Failure.interrupted { return code }
        return statistics.exitCode
    }

    /// Standard input to the peer, the peer to standard output, until both have ended.
    func converse() async -> ExitCode {
        await untilSignal(grace: Self.deliveryGrace) {
            let (connection, took) = try await open()
            if report.json { report.say("", Established(connection, took)) }
            // Reading standard input cannot be interrupted: the wait for its end can.
            let (end, finish) = AsyncStream<Result<Void, any Error>>.makeStream()
            Task { await Self.send(.standardInput, to: connection, finish) }
            do {
                try await Self.copy(from: connection)
            } catch NetstackError.closed {
                for await result in end { try result.get() }
                throw NetstackError.closed
            } catch {
                connection.abort()
                throw error
            }
            for await result in end { try result.get() }
            await connection.close()
        }
    }

    private func open() async throws -> (TCPConnection, Interval) {
        let began = await stack.now
        let connection = try await connect()
        return (connection, await stack.now - began)
    }

    /// Sends all there is to read, then a FIN. What cannot be read cannot be sent whole: the peer is to know.
    private static func send(
        _ input: InputFile, to connection: TCPConnection, _ finish: AsyncStream<Result<Void, any Error>>.Continuation
    ) async {
        do {
            while case let bytes = try await input.next(), !bytes.isEmpty { try await connection.write(bytes) }
            try await connection.closeWrite()
            finish.yield(.success(()))
        } catch let error as InputError {
            finish.yield(.failure(error))
            connection.abort()
        } catch {
            finish.yield(.failure(error))
        }
        finish.finish()
    }

    private static func copy(from connection: TCPConnection) async throws {
        let output = BlockingOutput()
        while case let bytes = try await connection.read(upTo: 1 << 20), !bytes.isEmpty {
            try await output.write(bytes)
        }
    }

    // MARK: Ends

    /// Does something until it is done or a signal comes; then ends the stack and says what went wrong.
    /// - Parameter grace: how long connections then have to close; those that have not are reset.
    private func untilSignal(
        grace: Duration = probeGrace, _ body: @escaping @Sendable () async throws -> Void
    ) async -> ExitCode {
        let signals = Signals()
        let failure = await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                await signals.first() == nil ? nil : NetstackError.closed
            }
            group.addTask {
                do {
                    try await body()
                    return nil
                } catch {
                    return error
                }
            }
            let failure = await group.next() ?? nil
            if failure == nil {
                // What was written is on its way: only a second signal cuts that short.
                let closing = Task { await stack.close(within: grace) }
                group.addTask {
                    if await signals.first() != nil { await stack.close(within: .zero) }
                    return nil
                }
                await closing.value
            } else {
                await stack.close(within: .zero)
            }
            group.cancelAll()
            return failure
        }
        let isWhole = recorder?.finish() ?? true
        guard let failure else { return isWhole ? .success : OutputError.incomplete.exitCode }
        if case NetstackError.closed = failure { return Failure.interrupted }
        if case OutputError.readerGone = failure { return OutputError.readerGone.exitCode }
        if report.json { report.sayResult("", Failed(failure)) } else { Report.complain("\(failure)") }
        return Failure.exitCode(failure)
    }
}

// MARK: - What is said

private struct Established: Encodable {
    var event = "established"
    let peer: String
    let local: String
    let milliseconds: Double
    let seq: Int?

    init(_ connection: TCPConnection, _ took: Interval, number: Int? = nil) {
        peer = "\(connection.remote)"
        local = "\(connection.local)"
        milliseconds = Double(took.microseconds) / 1000
        seq = number
    }
}

private struct Failed: Encodable {
    var event = "failed"
    let verdict: String
    let evidence: String
    let exitCode: Int32
    let seq: Int?

    init(_ error: any Error, number: Int? = nil) {
        verdict = Failure.verdict(error)
        evidence = "\(error)"
        exitCode = Failure.exitCode(error).rawValue
        seq = number
    }
}
