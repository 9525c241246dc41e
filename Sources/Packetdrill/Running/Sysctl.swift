internal import NetPrimitives
internal import Netstack
internal import TCPStateMachine

/// Linux's settings by their names, as far as the stack has them or can do without them.
enum Sysctl {
    /// Sets one.
    /// - Parameters:
    ///   - name: `net.ipv4.tcp_sack`, or its path below `/proc/sys`.
    ///   - value: as it is written behind the `=`.
    /// - Returns: false for a name that is not known, or a value that cannot be read.
    static func apply(_ name: String, _ value: String, to layer: SocketLayer) -> Bool {
        let key = name.split(whereSeparator: { $0 == "." || $0 == "/" }).last.map(String.init) ?? ""
        let fields = value.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "," })
        let numbers = fields.compactMap { Int($0) }
        if key == "tcp_congestion_control" {
            if value != "reno", value != "cubic" { layer.want("congestion control \(value)") }
            return true
        }
        if harmless.contains(key) { return true }
        if let (usual, feature) = missing[key] {
            if value != usual { layer.want(feature) }
            return true
        }
        guard let number = numbers.first, number >= 0 else { return false }
        if key == "somaxconn" {
            layer.longestBacklog = number
            return true
        }
        if key == "tcp_ecn" {
            guard let use = UInt8(exactly: number).flatMap({ ECNUse(rawValue: $0) }) else {
                layer.want("AccECN")
                return true
            }
            layer.configuration.tcp.ecn = use
            return true
        }
        return set(key, number, numbers, &layer.configuration)
    }

    private static func set(_ key: String, _ number: Int, _ numbers: [Int], _ configuration: inout Configuration)
        -> Bool
    {
        let byte = UInt8(clamping: number)
        switch key {
        case "tcp_syn_retries": configuration.tcp.setLinuxSYNRetries(number)
        case "tcp_syn_linear_timeouts":
            let retries = configuration.tcp.linuxSYNRetries
            configuration.tcp.synLinearTimeouts = byte
            configuration.tcp.setLinuxSYNRetries(retries)
        case "tcp_synack_retries": configuration.tcp.synAckRetries = byte
        case "tcp_sack": configuration.tcp.offersSACK = number != 0
        case "tcp_dsack": configuration.tcp.reportsDuplicates = number != 0
        case "tcp_timestamps": configuration.tcp.offersTimestamps = number != 0
        case "tcp_window_scaling": configuration.tcp.offersWindowScale = number != 0
        case "tcp_rmem":
            guard numbers.count == 3 else { return false }
            // The window begins at 64 KiB whatever the buffer; the scale covers the largest it may become.
            configuration.tcp.windowScale = WindowScale.covering(UInt32(clamping: numbers[2])).rawValue
            configuration.tcp.receiveBuffer = UInt32(clamping: min(numbers[1], 65_535))
            configuration.tcp.synWindow = UInt16(clamping: min(numbers[1], 65_535))
        case "tcp_wmem":
            guard numbers.count == 3 else { return false }
            configuration.tcp.sendBuffer = UInt32(clamping: numbers[1])
        case "tcp_fin_timeout": configuration.tcp.finWait2 = .seconds(Int64(number))
        case "tcp_retries2": configuration.tcp.dataRetries = byte
        case "tcp_rto_min_us": configuration.tcp.minimumRTO = .microseconds(Int64(number))
        case "tcp_rto_max_ms": configuration.tcp.maximumRTO = .milliseconds(Int64(number))
        case "tcp_invalid_ratelimit": configuration.tcp.challengeAckGap = .milliseconds(Int64(number))
        case "ip_default_ttl": configuration.hopLimit = byte
        case "ip_local_port_range":
            guard numbers.count == 2 else { return false }
            configuration.ephemeralPorts = ClosedRange16(UInt16(clamping: numbers[0]), UInt16(clamping: numbers[1]))
        case "tcp_syncookies":
            configuration.synCookies = number == 0 ? .off : number == 1 ? .whenFull : .always
        case "tcp_max_syn_backlog": configuration.synBacklogLimit = number
        case "tcp_abort_on_overflow": configuration.abortsOnOverflow = number != 0
        case "tcp_max_tw_buckets": configuration.timeWaitLimit = number
        case "icmp_echo_ignore_all": configuration.answersEcho = number == 0
        default: return false
        }
        return true
    }

    /// Settings that change nothing of what scripts can see here.
    private static let harmless: Set<String> = [
        "tcp_fack", "tcp_reordering", "tcp_max_reordering", "tcp_no_metrics_save", "tcp_moderate_rcvbuf",
        "tcp_autocorking", "tcp_limit_output_bytes", "tcp_challenge_ack_limit",
        "tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_min_tso_segs", "tcp_pacing_ss_ratio",
        "tcp_pacing_ca_ratio", "tcp_tso_win_divisor", "tcp_tso_rtt_log", "tcp_adv_win_scale", "tcp_app_win",
        "tcp_base_mss", "tcp_min_snd_mss", "tcp_mtu_probe_floor", "tcp_probe_interval", "tcp_probe_threshold",
        "tcp_thin_linear_timeouts", "tcp_available_congestion_control", "tcp_allowed_congestion_control",
        "tcp_slow_start_after_idle", "tcp_orphan_retries", "tcp_max_orphans", "tcp_stdurg",
        "tcp_workaround_signed_windows",
        "tcp_fastopen_key", "tcp_fastopen_blackhole_timeout_sec", "tcp_comp_sack_nr", "tcp_comp_sack_delay_ns",
        "tcp_comp_sack_slack_ns", "tcp_early_retrans", "tcp_recovery", "tcp_frto", "tcp_mem",
        "tcp_retries1", "tcp_fastopen", "rmem_max", "wmem_max", "rmem_default", "wmem_default", "default_qdisc",
        "tcp_notsent_lowat", "tcp_ecn_fallback", "icmp_ratelimit", "icmp_msgs_per_sec", "icmp_msgs_burst",
        "tcp_early_demux",
        "ip_early_demux", "netdev_max_backlog", "tcp_reflect_tos", "tcp_plb_enabled", "tcp_child_ehash_entries",
        "disable_ipv6", "forwarding", "accept_dad", "tcp_tw_reuse_delay", "tcp_backlog_ack_defer", "rp_filter",
    ]

    /// Settings that the stack has at their usual value only, and what another one asks for.
    private static let missing: [String: (usual: String, feature: String)] = [
        "tcp_ecn_option": ("0", "AccECN"), "tcp_mtu_probing": ("0", "MTU probing"),
        "tcp_rfc1337": ("0", "tcp_rfc1337"), "tcp_tw_reuse": ("2", "tcp_tw_reuse"),
        "tcp_shrink_window": ("0", "tcp_shrink_window"), "tcp_migrate_req": ("0", "tcp_migrate_req"),
        "ip_no_pmtu_disc": ("0", "ip_no_pmtu_disc"), "tcp_l3mdev_accept": ("0", "l3mdev"),
    ]

    /// `ip route ... initcwnd N`, and what else of `ip` needs nothing done.
    static func route(_ words: [String], _ layer: SocketLayer) -> Bool {
        guard words.count > 1 else { return false }
        if words[1] == "tcp_metrics" || words[1] == "link" || words[1] == "addr" { return true }
        guard words[1] == "route" || words[1] == "ro" || words[1] == "-6" || words[1] == "-4" else { return false }
        for (word, value) in zip(words, words.dropFirst()) {
            guard let number = Int(value) else { continue }
            switch word {
            case "initcwnd": layer.configuration.tcp.initialWindow = UInt8(clamping: number)
            case "advmss": layer.configuration.tcp.maximumSegment = UInt16(clamping: number)
            case "mtu", "quickack", "initrwnd", "hoplimit", "rto_min", "window", "cwnd", "ssthresh", "reordering":
                layer.want("ip route \(word)")
            default: break
            }
        }
        return true
    }
}
