import AsyncNetstack
import ConnectionAnalysis
import NetPrimitives
import NetworkSimulation
import Synchronization

/// Tells a handshake while it happens, with the times at which its packets passed the device: SYN, SYN-ACK, ACK, the
/// first byte each way, and what ended it instead.
final class HandshakeStory: Sendable {
    private let report: Report
    private let state = Mutex(State())

    private struct State {
        /// Conversations by our port, since each attempt has one of its own.
        var attempts: [UInt16: Attempt] = [:]
    }

    private struct Attempt {
        let began: Instant
        var synCount = 0
        var told: Set<Step> = []
    }

    private enum Step: String {
        case synAck = "SYN-ACK"
        case ack = "ACK"
        case firstSent = "first byte sent"
        case firstReceived = "first byte received"
        case reset = "RST"
        case fin = "FIN"
    }

    /// For programs.
    private struct Moment: Encodable {
        var event = "packet"
        let what: String
        let peer: String
        let sent: Bool
        let milliseconds: Double
    }

    init(_ report: Report) { self.report = report }

    /// Looks at packets as they pass.
    func observe(_ packets: [ObservedPacket]) {
        for packet in packets {
            guard let summary = PacketSummary(packet.bytes) else { continue }
            switch summary.transport {
            case .tcp(let tcp): observe(tcp, summary, packet)
            case .icmp(let type, let code) where summary.isICMPError: observe(type, code, summary, packet)
            default: break
            }
        }
    }

    private func observe(_ tcp: TCPSummary, _ summary: PacketSummary, _ packet: ObservedPacket) {
        let port = packet.isOutgoing ? tcp.sourcePort : tcp.destinationPort
        let peer = packet.isOutgoing ? summary.destination : summary.source
        let peerPort = packet.isOutgoing ? tcp.destinationPort : tcp.sourcePort
        let words = state.withLock { state -> [(String, Interval)] in
            if packet.isOutgoing, tcp.flags.contains(.syn), state.attempts[port] == nil {
                state.attempts[port] = Attempt(began: packet.time)
            }
            guard var attempt = state.attempts[port] else { return [] }
            let words = Self.words(tcp, isOutgoing: packet.isOutgoing, &attempt)
            state.attempts[port] = attempt
            return words.map { ($0, packet.time - attempt.began) }
        }
        for (what, time) in words { tell(what, Endpoint(peer, peerPort).description, packet.isOutgoing, time) }
    }

    private static func words(_ tcp: TCPSummary, isOutgoing: Bool, _ attempt: inout Attempt) -> [String] {
        if isOutgoing, tcp.flags.contains(.syn) {
            attempt.synCount += 1
            return [attempt.synCount == 1 ? "SYN" : "SYN, attempt \(attempt.synCount)"]
        }
        var steps: [Step] = []
        if tcp.flags.contains(.rst) {
            steps = [.reset]
        } else if tcp.flags.contains(.syn) {
            steps = [.synAck]
        } else {
            if isOutgoing, attempt.told.contains(.synAck) { steps.append(.ack) }
            if tcp.payloadLength > 0 { steps.append(isOutgoing ? .firstSent : .firstReceived) }
        }
        return steps.filter { attempt.told.insert($0).inserted }.map { step in
            step == .ack ? "ACK: ESTABLISHED" : step.rawValue
        }
    }

    private func observe(_ type: UInt8, _ code: UInt8, _ summary: PacketSummary, _ packet: ObservedPacket) {
        guard !packet.isOutgoing else { return }
        let meaning = ICMPWords.meaning(type: type, code: code, isIPv6: summary.source.isIPv6)
        let began = state.withLock { $0.attempts.values.map(\.began).max() }
        guard let began else { return }
        tell("ICMP \(meaning)", "\(summary.source)", false, packet.time - began)
    }

    private func tell(_ what: String, _ peer: String, _ isSent: Bool, _ time: Interval) {
        let thousandths = (time.nanoseconds + 500) / 1000
        let stamp = "\(thousandths / 1000)." + String(1000 + thousandths % 1000).dropFirst()
        let column = String(repeating: " ", count: max(0, 10 - stamp.count)) + stamp
        report.say(
            "\(column) ms  \(isSent ? "->" : "<-") \(peer)  \(what)",
            Moment(what: what, peer: peer, sent: isSent, milliseconds: Double(thousandths) / 1000))
    }
}
