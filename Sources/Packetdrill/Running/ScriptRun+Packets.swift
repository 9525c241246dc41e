internal import NetPrimitives

/// Packet lines: what is injected, and what must come out.
extension ScriptRun {
    /// A segment of the connection under test that the stack has sent.
    private struct Arrival {
        var segment: WireSegment
        var packet: SentPacket

        var at: Instant { packet.at }
    }

    // MARK: Outbound

    func expect(_ packet: PacketSyntax, within times: ClosedRange<Instant>?, since base: Instant) throws(RunEnd) {
        let tcp = try plainTCP(packet)
        let deadline = times.map { max($0.upperBound, layer.now) + .seconds(2) } ?? layer.now + .seconds(3600)
        while true {
            guard var arrival = takeNext(until: deadline) else {
                if match == .lenient, tcp.isPureAcknowledgment, saysNothingNew(tcp) { return }
                let waited = (deadline - base).secondsText
                throw failure(
                    packet.position, "no packet of the connection came within \(waited) s",
                    expected: text(packet.ip, tcp))
            }
            try merge(&arrival, upTo: tcp, packet, until: deadline)
            guard let flow else { return }
            let words = flow.outbound(arrival.segment, expected: tcp)
            let differences = compare(tcp, words, packet.ip, arrival.segment, flow, since: base)
            if differences.isEmpty {
                noteTimestamp(tcp, arrival.segment, flow)
                if let acknowledgment = words.acknowledgment { flow.lastAcknowledgment = acknowledgment }
                return try checkTime(arrival.at, within: times, since: base, packet, words)
            }
            if match == .lenient, isSuperfluous(words, before: tcp) { continue }
            if match == .lenient, isOvertaken(tcp, by: words) {
                layer.sent.insert(arrival.packet, at: 0)
                return
            }
            throw failure(
                packet.position, "the packet differs in \(differences.map(\.field).joined(separator: ", "))",
                expected: text(packet.ip, tcp), actual: text(IPInformation(), words), differences)
        }
    }

    private func text(_ ip: IPInformation, _ tcp: TCPSyntax) -> String { "> \(ip.text)\(tcp.text)" }

    /// A line about a plain TCP segment, or the end of the script: nothing else comes out of this stack's sockets.
    private func plainTCP(_ packet: PacketSyntax) throws(RunEnd) -> TCPSyntax {
        if !packet.encapsulations.isEmpty { throw skip(.packet, "tunnels", packet.position) }
        if packet.securityParameterIndex != nil { throw skip(.packet, "psp", packet.position) }
        switch packet.body {
        case .tcp(let tcp):
            noteWishes(tcp)
            return tcp
        case .udp: throw skip(.packet, "UDP", packet.position)
        case .icmp: throw skip(.packet, "outbound ICMP", packet.position)
        }
    }

    /// The next segment of the connection, letting time pass if none is there. Those of others are passed over.
    private func takeNext(until deadline: Instant) -> Arrival? {
        while true {
            while !layer.sent.isEmpty {
                let packet = layer.sent.removeFirst()
                guard let segment = WireSegment(packet.bytes), flow?.owns(segment) == true else { continue }
                return Arrival(segment: segment, packet: packet)
            }
            layer.advance(to: deadline, until: { [layer] in !layer.sent.isEmpty })
            if layer.sent.isEmpty { return nil }
        }
    }

    /// A device that cuts segments is not between this stack and the script: pieces are put together until they are as
    /// long as expected. The last one's header counts, with the number of the first.
    private func merge(
        _ arrival: inout Arrival, upTo tcp: TCPSyntax, _ packet: PacketSyntax, until deadline: Instant
    ) throws(RunEnd) {
        let first = arrival.segment
        guard !settings.strictSegments, !first.payload.isEmpty else { return }
        var length = first.payload.count
        while length < Int(tcp.length) {
            guard let next = takeNext(until: deadline) else {
                throw failure(
                    packet.position, "only \(length) of \(tcp.length) bytes came", expected: text(packet.ip, tcp))
            }
            if let difference = disagreement(first, next.segment, offset: length) {
                throw failure(
                    packet.position,
                    "the pieces of the segment do not belong together: \(difference.field) changes on the way",
                    expected: text(packet.ip, tcp), actual: nil, [difference])
            }
            length += next.segment.payload.count
            let payload = arrival.segment.payload + next.segment.payload
            arrival = next
            arrival.segment.payload = payload
            arrival.segment.sequence = first.sequence
            arrival.segment.flags = next.segment.flags & ~TCPFlagsSyntax.cwr | first.flags & TCPFlagsSyntax.cwr
            if next.segment.payload.count != first.payload.count { break }
        }
    }

    /// In what a later piece is not like the first.
    private func disagreement(_ first: WireSegment, _ next: WireSegment, offset: Int) -> DrillFailure.Difference? {
        let ignored = TCPFlagsSyntax.fin | TCPFlagsSyntax.psh | TCPFlagsSyntax.cwr
        let fields: [(String, Int, Int)] = [
            ("flags", Int(first.flags & ~ignored), Int(next.flags & ~ignored)),
            ("seq", Int(first.sequence &+ UInt32(offset)), Int(next.sequence)),
            ("ack", Int(first.acknowledgment), Int(next.acknowledgment)),
            ("win", Int(first.window), Int(next.window)), ("tos", Int(first.trafficClass), Int(next.trafficClass)),
            ("ttl", Int(first.hopLimit), Int(next.hopLimit)),
            ("length of options", first.options.count, next.options.count),
        ]
        for (name, one, other) in fields where one != other {
            return DrillFailure.Difference(field: name, expected: String(one), actual: String(other))
        }
        return nil
    }

    private func compare(
        _ tcp: TCPSyntax, _ words: TCPSyntax, _ ip: IPInformation, _ segment: WireSegment, _ flow: FlowUnderTest,
        since base: Instant
    ) -> [DrillFailure.Difference] {
        var comparison = PacketComparison(match: match)
        let live = liveTimestamp(segment)
        comparison.compare(tcp, words, ip: ip, segment: segment, flowLabels: &flow.flowLabels) { value, _ in
            guard settings.timestampTick > .zero, let live, let error = flow.timestamps.error(script: value, live: live)
            else { return false }
            let off = settings.timestampTick * Int64(error.magnitude)
            return off > tolerance(for: layer.now - .zero)
        }
        return comparison.differences
    }

    private func liveTimestamp(_ segment: WireSegment) -> UInt32? {
        for case .timestamps(let value, _) in WireWriter.options(of: segment.options) { return value }
        return nil
    }

    private func noteTimestamp(_ tcp: TCPSyntax, _ segment: WireSegment, _ flow: FlowUnderTest) {
        guard case .list(let options) = tcp.options, let live = liveTimestamp(segment) else { return }
        for case .timestamps(let value, _) in options { flow.timestamps.note(script: value, live: live) }
        flow.timestamps.isScaled = settings.echoesAreScaled
    }

    // MARK: Time

    /// How far off the time of an event may be that comes so long after the one before.
    func tolerance(for distance: Interval) -> Interval {
        let share = Double(max(distance.nanoseconds, 0)) * settings.tolerancePercent / 100
        return max(settings.tolerance, .nanoseconds(Int64(min(share, 9e18))))
    }

    private func checkTime(
        _ actual: Instant, within times: ClosedRange<Instant>?, since base: Instant, _ packet: PacketSyntax,
        _ words: TCPSyntax
    ) throws(RunEnd) {
        guard let times else { return }
        let early = times.lowerBound - tolerance(for: times.lowerBound - base)
        let late = times.upperBound + tolerance(for: times.upperBound - base)
        guard actual < early || actual > late else { return }
        let isEarly = actual < early
        let distance = isEarly ? times.lowerBound - actual : actual - times.upperBound
        throw failure(
            packet.position, "the packet came \(distance.secondsText) s too \(isEarly ? "early" : "late")",
            expected: "at \((isEarly ? times.lowerBound : times.upperBound).secondsText): \(words.text)",
            actual: "at \(actual.secondsText): \(words.text)",
            [
                DrillFailure.Difference(
                    field: "time", expected: (isEarly ? times.lowerBound : times.upperBound).secondsText,
                    actual: actual.secondsText)
            ])
    }

    // MARK: Lenience

    /// An acknowledgement that came although the expected packet says the same or more.
    private func isSuperfluous(_ words: TCPSyntax, before tcp: TCPSyntax) -> Bool {
        guard words.isPureAcknowledgment, !tcp.flags.has(TCPFlagsSyntax.rst) else { return false }
        if tcp.isPureAcknowledgment, words.acknowledgment == tcp.acknowledgment { return false }
        return Int32(truncatingIfNeeded: (words.acknowledgment ?? 0) &- (tcp.acknowledgment ?? 0)) <= 0
    }

    /// An acknowledgement that was expected before a packet that says the same or more.
    private func isOvertaken(_ tcp: TCPSyntax, by words: TCPSyntax) -> Bool {
        guard tcp.isPureAcknowledgment, words.acknowledgment != nil, !words.flags.has(TCPFlagsSyntax.rst) else {
            return false
        }
        if words.isPureAcknowledgment, words.acknowledgment == tcp.acknowledgment { return false }
        return Int32(truncatingIfNeeded: (words.acknowledgment ?? 0) &- (tcp.acknowledgment ?? 0)) >= 0
    }

    private func saysNothingNew(_ tcp: TCPSyntax) -> Bool {
        guard let last = flow?.lastAcknowledgment else { return false }
        return Int32(truncatingIfNeeded: (tcp.acknowledgment ?? 0) &- last) <= 0
    }

    // MARK: Inbound

    func inject(_ packet: PacketSyntax) throws(RunEnd) {
        if !packet.encapsulations.isEmpty { throw skip(.packet, "tunnels", packet.position) }
        if packet.securityParameterIndex != nil { throw skip(.packet, "psp", packet.position) }
        switch packet.body {
        case .tcp(let tcp): try inject(tcp, packet)
        case .icmp(let icmp): try inject(icmp, packet)
        case .udp: throw skip(.packet, "UDP", packet.position)
        }
    }

    /// What options in a script speak of that the stack does not do.
    private func noteWishes(_ tcp: TCPSyntax) {
        guard case .list(let options) = tcp.options else { return }
        for option in options {
            switch option {
            case .fastOpen, .experimentalFastOpen: layer.want("TCP_FASTOPEN")
            case .md5: layer.want("TCP_MD5SIG")
            case .accurateECN: layer.want("AccECN")
            default: break
            }
        }
    }

    private func inject(_ tcp: TCPSyntax, _ packet: PacketSyntax) throws(RunEnd) {
        noteWishes(tcp)
        let flow = flowForInbound(packet.ports)
        let live: TCPSyntax
        do {
            live = try flow.inbound(tcp)
        } catch {
            switch error {
            case .unknownTimestamp(let echo):
                throw failure(packet.position, "the echoed timestamp \(echo) was never expected from the stack")
            }
        }
        var options: [UInt8] = []
        if case .list(let list) = live.options { options = WireWriter.bytes(of: list) }
        let local = flow.local ?? Endpoint(settings.local, settings.bindPort)
        let bytes = WireWriter.segment(
            live, source: packet.ports?.source ?? flow.remote.port,
            destination: packet.ports?.destination ?? local.port, options: options)
        guard bytes.count <= 65_535 - 20 else { throw skip(.packet, "a packet beyond 65535 bytes", packet.position) }
        deliver(
            WireWriter.packet(
                from: flow.remote.address, to: local.address, protocol: 6, bytes, checksumOffset: 16,
                facts: facts(packet.ip)))
    }

    private func facts(_ ip: IPInformation) -> WireWriter.IPFacts {
        var facts = WireWriter.IPFacts()
        switch ip.trafficClass {
        case .whole(let byte): facts.trafficClass = byte
        case .ect0, .ect0or1: facts.trafficClass = 2
        case .ect1: facts.trafficClass = 1
        case .congestionExperienced: facts.trafficClass = 3
        case .notECNCapable, nil: break
        }
        facts.hopLimit = ip.hopLimit ?? 255
        facts.flowLabel = ip.flowLabel ?? 0
        return facts
    }

    private func deliver(_ bytes: [UInt8]) {
        note(bytes, at: layer.now, mark: "<")
        layer.receive(bytes)
    }

    /// The connection that an inbound line belongs to: what is under test, or a new one for the listener or for nobody.
    private func flowForInbound(_ ports: PacketSyntax.Ports?) -> FlowUnderTest {
        if let flow {
            if flow.local == nil { findPort(of: flow) }
            return flow
        }
        let remote = Endpoint(settings.remote, ports?.source ?? nextRemotePort)
        nextRemotePort &+= 1
        let local = Endpoint(settings.local, ports?.destination ?? settings.bindPort)
        let child = FlowUnderTest(.passive, local: local, remote: remote)
        children.append(child)
        flow = child
        return child
    }

    /// An active open whose SYN the script did not look at: its port and number are taken as they are.
    func findPort(of flow: FlowUnderTest) {
        for packet in layer.sent {
            guard let segment = WireSegment(packet.bytes), flow.owns(segment) else { continue }
            _ = flow.outbound(segment, expected: nil)
            return
        }
    }

    private func inject(_ icmp: ICMPSyntax, _ packet: PacketSyntax) throws(RunEnd) {
        let isIPv6 = settings.version == .ipv6
        guard let (type, code) = ICMPNames.numbers(of: icmp, isIPv6: isIPv6) else {
            throw skip(.packet, "icmp \(icmp.type) \(icmp.code ?? "")", packet.position)
        }
        let flow = flowForInbound(nil)
        let local = flow.local ?? Endpoint(settings.local, settings.bindPort)
        var bytes: [UInt8] = [type, code, 0, 0]
        if let identifier = icmp.identifier {
            bytes.append32(UInt32(identifier) << 16)
        } else {
            bytes.append32(icmp.mtu ?? 0)
        }
        switch icmp.echoed {
        case .tcp(let sequence, let length):
            bytes += quoted(flow, local, sequence: sequence, length: Int(length), isIPv6: isIPv6)
        case nil where icmp.identifier == nil:
            bytes += quoted(flow, local, sequence: 0, length: 0, isIPv6: isIPv6)
        case nil: break
        case .udp, .raw: throw skip(.packet, "ICMP about UDP", packet.position)
        }
        deliver(
            WireWriter.packet(
                from: flow.remote.address, to: local.address, protocol: isIPv6 ? 58 : 1, bytes, checksumOffset: 2,
                facts: facts(packet.ip)))
    }

    /// The beginning of a packet of ours, as an ICMP error shows it.
    private func quoted(
        _ flow: FlowUnderTest, _ local: Endpoint, sequence: UInt32, length: Int, isIPv6: Bool
    ) -> [UInt8] {
        var bytes = WireWriter.header(
            from: local.address, to: flow.remote.address, protocol: 6, length: 20 + length)
        bytes.append16(local.port)
        bytes.append16(flow.remote.port)
        bytes.append32(sequence &+ (flow.localInitial?.live ?? 0))
        return bytes
    }
}

extension TCPSyntax {
    /// ACK and nothing else: no data, no SYN, FIN or RST, no selective acknowledgement.
    var isPureAcknowledgment: Bool {
        let others = TCPFlagsSyntax.syn | TCPFlagsSyntax.fin | TCPFlagsSyntax.rst
        guard length == 0, flags.has(TCPFlagsSyntax.ack), flags.bits & others == 0 else { return false }
        guard case .list(let list) = options else { return true }
        return !list.contains { if case .sack = $0 { true } else { false } }
    }
}
