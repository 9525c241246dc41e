internal import NetPrimitives
internal import Netstack
internal import NetworkSimulation
internal import TCPStateMachine

/// TCP_INFO as scripts see it: names and numbers.
extension SocketLayer {
    /// The fields of TCP_INFO and SO_MEMINFO that can be told of a socket, by the names that scripts use. Those of a
    /// socket without a connection are 0, but for its state.
    public func tcpInfo(of fd: Int) -> [String: Int64] {
        guard let socket = try? find(fd) else { return [:] }
        guard let info = info(of: socket) else {
            var fields = [String: Int64](uniqueKeysWithValues: Self.always.map { ($0, 0) })
            fields["tcpi_state"] = socket.listeners == nil ? 7 : 10
            // Of a listener these two are the accept queue's length and the backlog, as ss shows them.
            for id in socket.listeners ?? [] {
                guard let listener = try? driven.stack.info(of: id) else { continue }
                fields["tcpi_unacked", default: 0] += Int64(listener.acceptQueueLength)
                fields["tcpi_sacked"] = Int64(listener.backlog)
            }
            return fields
        }
        var fields = [String: Int64](uniqueKeysWithValues: Self.always.map { ($0, 0) })
        let mss = max(Int64(info.mss), 1)
        let flight = Int64(info.snd.max - info.snd.una)
        fields["tcpi_state"] = Self.stateNumber(info.state)
        fields["tcpi_ca_state"] =
            info.flight.isRecovering ? 3 : info.flight.timeouts > 0 ? 4 : info.flight.duplicateAcks > 0 ? 1 : 0
        fields["tcpi_retransmits"] = Int64(info.flight.timeouts)
        fields["tcpi_probes"] = Int64(info.flight.probes)
        fields["tcpi_backoff"] = Int64(info.backoff)
        fields["tcpi_options"] =
            (info.hasTimestamps ? 1 : 0) | (info.hasSACK ? 2 : 0) | (info.hasWindowScaling ? 4 : 0)
            | (info.hasECN ? 8 : 0)
        fields["tcpi_snd_wscale"] = Int64(info.sendScale.rawValue)
        fields["tcpi_rcv_wscale"] = Int64(info.receiveScale.rawValue)
        fields["tcpi_rto"] = Int64(info.retransmissionTimeout)
        fields["tcpi_ato"] = configuration.tcp.delayedAck.microseconds
        fields["tcpi_snd_mss"] = mss
        fields["tcpi_rcv_mss"] = mss
        fields["tcpi_advmss"] = Int64(info.advertisedMSS) - (info.hasTimestamps ? 12 : 0)
        fields["tcpi_unacked"] = (flight + mss - 1) / mss
        fields["tcpi_sacked"] = (Int64(info.flight.sackedBytes) + mss - 1) / mss
        fields["tcpi_rtt"] = Int64(info.smoothedRoundTrip)
        fields["tcpi_rttvar"] = Int64(info.roundTripVariation)
        fields["tcpi_snd_cwnd"] = Int64(info.congestionWindow) / mss
        fields["tcpi_snd_ssthresh"] =
            info.slowStartThreshold == .max ? 0x7FFF_FFFF : Int64(info.slowStartThreshold) / mss
        fields["tcpi_reordering"] = 3
        fields["tcpi_rcv_space"] = Int64(info.rcv.wnd)
        fields["tcpi_notsent_bytes"] = Int64(info.unacknowledgedBytes) - Int64(info.snd.nxt - info.snd.una)
        fields["SK_MEMINFO_RCVBUF"] = 2 * Int64(socket.integer(1, 8) ?? Int(configuration.tcp.receiveBuffer) / 2)
        fields["SK_MEMINFO_SNDBUF"] = 2 * Int64(socket.integer(1, 7) ?? Int(configuration.tcp.sendBuffer) / 2)
        fields["SK_MEMINFO_RMEM_ALLOC"] = Int64(readableBytes(socket))
        fields["SK_MEMINFO_WMEM_QUEUED"] = Int64(info.unacknowledgedBytes)
        return fields
    }

    /// The fields that are known of every socket. Others are unknown names: code that wants them is told so.
    private static let always = [
        "tcpi_state", "tcpi_ca_state", "tcpi_retransmits", "tcpi_probes", "tcpi_backoff", "tcpi_options",
        "tcpi_snd_wscale", "tcpi_rcv_wscale", "tcpi_rto", "tcpi_ato", "tcpi_snd_mss", "tcpi_rcv_mss", "tcpi_unacked",
        "tcpi_sacked", "tcpi_rtt", "tcpi_rttvar", "tcpi_snd_ssthresh", "tcpi_snd_cwnd", "tcpi_advmss",
        "tcpi_reordering", "tcpi_rcv_space", "tcpi_notsent_bytes",
    ]

    static func stateNumber(_ state: ConnectionState) -> Int64 {
        switch state {
        case .established: 1
        case .synSent: 2
        case .synReceived: 3
        case .finWait1: 4
        case .finWait2: 5
        case .timeWait: 6
        case .closed: 7
        case .closeWait: 8
        case .lastAck: 9
        case .listen: 10
        case .closing: 11
        }
    }
}
