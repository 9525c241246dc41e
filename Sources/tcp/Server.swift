import AsyncNetstack
import ConnectionAnalysis
import NetPrimitives
import Netstack

/// A server from its first word to its last.
struct Server: Sendable {
    private let stack: TCPStack
    private let listeners: [TCPListener]
    private let service: Service
    private let report: Report
    private let recorder: PacketRecorder?
    private let decider: Decider

    /// How long connections have to close when the server ends.
    private static let grace = Duration.seconds(3)

    init(
        _ arguments: TUNArguments, _ configuration: Configuration, keyFile: String?, port: UInt16, backlog: Int,
        decisions: [UInt16: RequestDecision], after: Interval, service: Service
    ) throws {
        self.service = service
        let report = Report(json: arguments.json, verbose: arguments.verbose)
        self.report = report
        let decider = Decider(decisions: decisions, after: .nanoseconds(after.nanoseconds), report: report)
        self.decider = decider
        let recorder = arguments.showsPackets ? try PacketRecorder(arguments) : nil
        self.recorder = recorder
        var options = arguments.options(configuration, observer: recorder?.observer)
        if let keyFile { options.cookieKeys = .file(keyFile) }
        options.cookieKeyNews = { news in
            guard case .taken(let path) = news else { return Report.complain("\(news)") }
            report.say("\(news)", KeysTaken(file: path), detail: true)
        }
        let stack = try TCPStack.tun(options)
        self.stack = stack
        let ports = [port] + decisions.keys.filter { $0 != port }.sorted()
        listeners = try arguments.addresses.flatMap { prefix in
            try ports.map { port in
                try stack.listen(on: Endpoint(prefix.address, port), backlog: backlog, mode: decider.mode(of: port))
            }
        }
    }

    /// Serves until a signal or a failure of the device.
    func run() async throws {
        let signals = Signals(status: { Task { await tellStatus() } })
        for listener in listeners {
            let decision = decider.decisions[listener.local.port]?.argument
            report.say(
                "listening on \(listener.local)" + (decision.map { ", to \($0)" } ?? ""),
                Listening(address: "\(listener.local)", decision: decision))
        }
        let failure = await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                _ = await signals.first()
                return nil
            }
            for listener in listeners {
                group.addTask { await accept(from: listener) }
                if listener.mode != .immediate { group.addTask { await decide(for: listener) } }
            }
            group.addTask { await tellReports() }
            let failure = await group.next() ?? nil
            // Whoever serves a connection now sees its end and stops by itself.
            await stack.close(within: Self.grace)
            group.cancelAll()
            return failure
        }
        let isWhole = recorder?.finish() ?? true
        if let failure { throw failure }
        if !isWhole { throw OutputError.incomplete.exitCode }
    }

    /// - Returns: why nothing more can be accepted; `nil` when the listener was closed.
    private func accept(from listener: TCPListener) async -> (any Error)? {
        await withDiscardingTaskGroup { group in
            do {
                for try await connection in listener { group.addTask { await serve(connection) } }
                return nil
            } catch NetstackError.closed {
                return nil
            } catch {
                return error
            }
        }
    }

    /// - Returns: why nobody asks any more; `nil` when the listener was closed.
    private func decide(for listener: TCPListener) async -> (any Error)? {
        await withDiscardingTaskGroup { group in
            do {
                for try await request in listener.requests {
                    group.addTask {
                        if let connection = await decider.decide(request, on: stack) { await serve(connection) }
                    }
                }
                return nil
            } catch NetstackError.closed {
                return nil
            } catch {
                return error
            }
        }
    }

    private func serve(_ connection: TCPConnection) async {
        let peer = "\(connection.remote)"
        let began = await stack.now
        report.say("\(peer) connected", Opened(peer: peer, local: "\(connection.local)"), detail: true)
        var tally = Service.Tally()
        var end = "closed"
        do {
            try await service.serve(connection, on: stack, &tally)
        } catch {
            end = "\(error)"
            await connection.close()
        }
        let lasted = await stack.now - began
        report.say(
            "\(peer) \(end), after \(lasted.brief), \(tally.received) bytes in, \(tally.sent) bytes out",
            Closed(
                peer: peer, end: end, milliseconds: Double(lasted.microseconds) / 1000, bytesIn: tally.received,
                bytesOut: tally.sent),
            detail: true)
    }

    private func tellReports() async -> (any Error)? {
        do {
            while true {
                switch try await stack.nextReport() {
                case .flood(let flood): report.say(flood.words, FloodRecord(flood), detail: true)
                case .attempts(let summary): report.say(summary.words, SummaryRecord(summary), detail: true)
                }
            }
        } catch NetstackError.closed {
            return nil
        } catch {
            return error is CancellationError ? nil : error
        }
    }

    private func tellStatus() async {
        let (tables, counters, bytes) = await (stack.tables, stack.counters, stack.allocatedBytes)
        let drops = DropRecord(counters, deviceRefusals: await stack.deviceRefusals)
        report.say(drops.words, drops)
        let status = Status(tables, counters, allocatedBytes: bytes)
        report.say(status.words, status)
    }
}

// MARK: - What is said

private struct Listening: Encodable {
    var event = "listening"
    let address: String
    let decision: String?
}

private struct KeysTaken: Encodable {
    var event = "cookie-keys"
    let file: String
}

private struct Opened: Encodable {
    var event = "connected"
    let peer: String
    let local: String
}

private struct Closed: Encodable {
    var event = "closed"
    let peer: String
    let end: String
    let milliseconds: Double
    let bytesIn: Int
    let bytesOut: Int
}

private struct Status: Encodable {
    var event = "status"
    let connections: Int
    let halfOpen: Int
    let timeWaits: Int
    let listeners: Int
    let chunksInUse: Int
    let chunksReserved: Int
    let allocatedBytes: Int
    let refused: Refusals
    let packetsIn: UInt64
    let packetsOut: UInt64
    let segmentsRetransmitted: UInt64
    let passiveOpens: UInt64
    let listenDrops: UInt64
    let cookiesSent: UInt64
    let cookiesReceived: UInt64
    let cookiesFailed: UInt64
    /// What has been counted, by the names of `nstat`.
    let nstat: [String: UInt64]

    init(_ tables: TableCounts, _ counters: Counters, allocatedBytes: Int) {
        connections = tables.connections
        halfOpen = tables.halfOpen
        timeWaits = tables.timeWaits
        listeners = tables.listeners
        chunksInUse = tables.chunksInUse
        chunksReserved = tables.chunksReserved
        self.allocatedBytes = allocatedBytes
        refused = Refusals(counters)
        packetsIn = counters.packetsIn
        packetsOut = counters.packetsOut
        segmentsRetransmitted = counters.segmentsRetransmitted
        passiveOpens = counters.passiveOpens
        listenDrops = counters.listenDrops
        cookiesSent = counters.cookiesSent
        cookiesReceived = counters.cookiesReceived
        cookiesFailed = counters.cookiesFailed
        var nstat: [String: UInt64] = [:]
        counters.forEachNamed { name, value in
            if value > 0 { nstat[name.description] = value }
        }
        self.nstat = nstat
    }

    var words: String {
        "\(connections) connections, \(halfOpen) half-open, \(timeWaits) in TIME-WAIT; \(chunksInUse) buffers of 4 KiB "
            + "in use, \(allocatedBytes) bytes held; \(packetsIn) packets in, \(packetsOut) out, "
            + "\(segmentsRetransmitted) sent again; \(passiveOpens) accepted, \(listenDrops) dropped, "
            + "\(cookiesSent) cookies sent, \(cookiesReceived) back; "
            + "\(refused.connectionsByBudget + refused.connectionsByNetwork) refused for lack of memory"
            + nstat.sorted { $0.key < $1.key }.map { "\n  \($0.key) \($0.value)" }.joined()
    }
}

/// What did not fit into the budget, by its kind and by its cause.
private struct Refusals: Encodable {
    let connectionsByBudget: UInt64
    let connectionsByNetwork: UInt64
    let listeners: UInt64
    let synsByTable: UInt64
    let halfOpensEvicted: UInt64
    let idleEvicted: UInt64
    let timeWaitsCutShort: UInt64
    let segmentsOutOfOrder: UInt64
    let outOfOrderGivenUp: UInt64
    let segmentsInOrder: UInt64
    let writes: UInt64
    let dataByBudget: UInt64
    let dataByNetwork: UInt64

    init(_ counters: Counters) {
        connectionsByBudget = counters.memoryRefusals
        connectionsByNetwork = counters.prefixRefusals
        listeners = counters.listenersRefused
        synsByTable = counters.synTableDrops
        halfOpensEvicted = counters.halfOpenEvictions
        idleEvicted = counters.idleEvictions
        timeWaitsCutShort = counters.timeWaitOverflows
        segmentsOutOfOrder = counters.outOfOrderRefused
        outOfOrderGivenUp = counters.outOfOrderDropped
        segmentsInOrder = counters.inOrderRefused
        writes = counters.writesRefused
        dataByBudget = counters.memoryShortages
        dataByNetwork = counters.prefixShortages
    }
}
