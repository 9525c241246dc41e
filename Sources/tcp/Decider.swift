import AsyncNetstack
import ConnectionAnalysis
import NetPrimitives
import Netstack

/// Decides about connection requests as the command line says, after a time that stands for whatever a gateway has to
/// find out first.
struct Decider: Sendable {
    /// By port; at other ports nobody is asked.
    let decisions: [UInt16: RequestDecision]
    let after: Duration
    let report: Report

    /// How to listen at a port. What is undecided when its time is up is decided in the same way.
    func mode(of port: UInt16) -> ListenerMode { decisions[port].map { .requests(undecided: $0) } ?? .immediate }

    /// Thinks, then decides; gives up when the client does.
    /// - Returns: the connection, when it was accepted and came about.
    func decide(_ request: TCPRequest, on stack: TCPStack) async -> TCPConnection? {
        guard let decision = decisions[request.local.port] else { return nil }
        let (peer, local) = ("\(request.remote)", "\(request.local)")
        let began = await stack.now
        report.say("\(peer) asks for \(local)", Asked(peer: peer, local: local, request.details), detail: true)
        do {
            return try await request.whileUndecided {
                do {
                    if after > .zero { try await stack.pause(for: after) }
                } catch is CancellationError {
                    await tell("stopped deciding", peer, local, since: began, on: stack)
                    throw CancellationError()
                }
                let count = try request.current.synCount
                await tell(decision.deed, peer, local, since: began, on: stack, synCount: count)
                return try await carryOut(decision, on: request)
            }
        } catch {
            await tell("\(error)", peer, local, since: began, on: stack)
            return nil
        }
    }

    private func carryOut(_ decision: RequestDecision, on request: TCPRequest) async throws -> TCPConnection? {
        switch decision {
        case .accept: return try await request.accept()
        case .refuse: try await request.refuse()
        case .reject(let reason): try await request.reject(reason)
        case .ignore: try await request.ignore()
        }
        return nil
    }

    private func tell(
        _ what: String, _ peer: String, _ local: String, since began: Instant, on stack: TCPStack, synCount: Int? = nil
    ) async {
        let took = await stack.now - began
        let count = synCount.map { $0 == 1 ? ", 1 SYN" : ", \($0) SYNs" } ?? ""
        report.say(
            "\(peer) \(what), after \(took.brief)\(count)",
            Told(
                peer: peer, local: local, what: what, milliseconds: Double(took.microseconds) / 1000, synCount: synCount
            ),
            detail: true)
    }
}

// MARK: - What is said

private struct Asked: Encodable {
    var event = "requested"
    let peer: String
    let local: String
    let maximumSegment: Int
    let windowScale: Int?
    let sack: Bool
    let timestamps: Bool

    init(peer: String, local: String, _ details: ConnectionRequest) {
        self.peer = peer
        self.local = local
        maximumSegment = Int(details.maximumSegment)
        windowScale = details.windowScale.map { Int($0) }
        sack = details.offersSACK
        timestamps = details.offersTimestamps
    }
}

private struct Told: Encodable {
    var event = "decision"
    let peer: String
    let local: String
    let what: String
    let milliseconds: Double
    let synCount: Int?
}
