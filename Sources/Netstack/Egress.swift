public import NetPrimitives
import TCPStateMachine
import WireFormats

extension NetworkStack {
    /// The largest packet without data: IPv6, TCP, and all the options there can be.
    static var largestBareSegment: Int { 40 + 60 }
    /// Segments that one connection may send before the next has its turn.
    private static var quantum: Int { 16 }

    /// Packets to go out, as many as there are and as fit. Call it until the batch stays empty.
    ///
    /// A batch that cannot hold the largest packet of an interface holds nothing: give it that much.
    /// - Parameter now: the time; never earlier than that of any call before.
    public mutating func transmit(into batch: inout PacketBatch, at now: Instant) {
        if quiet.isOn(at: now) { return }
        transmitDecisions(into: &batch, at: now)
        transmitHalfOpens(into: &batch, at: now)
        var turns = output.count
        while turns > 0, let slot = flows.connections.popFirst(from: &output, links: ConnectionEntry.outputLinks) {
            flows.connections[slot].flags.remove(.output)
            if flows.connections[slot].flags.contains(.resetDue) {
                guard transmitReset(slot, into: &batch) else { return requeue(slot) }
                forgetIfUnused(slot)
                turns -= 1
                continue
            }
            openAccount(of: slot)
            let outcome = transmit(from: slot, into: &batch, at: now)
            closeAccount(of: slot)
            if let deadline = flows.connections[slot].tcb.nextDeadline { timers.arm(slot, at: deadline) }
            switch outcome {
            case .finished:
                turns -= 1
                forgetIfUnused(slot)
            case .quantumUsed:
                requeue(slot)
            case .batchFull:
                return requeue(slot)
            }
        }
    }

    private enum TurnOutcome {
        case finished
        case quantumUsed
        case batchFull
    }

    private mutating func requeue(_ slot: Slot) {
        flows.connections[slot].flags.insert(.output)
        flows.connections.append(slot, to: &output, links: ConnectionEntry.outputLinks)
    }

    /// One connection's turn.
    private mutating func transmit(from slot: Slot, into batch: inout PacketBatch, at now: Instant) -> TurnOutcome {
        let interface = flows.connections[slot].interface
        let device = interfaces[interface]
        let tuple = flows.tuple(flows.connections[slot].key)
        let largest = max(device.mtu, device.segmentationLimit &+ Self.largestBareSegment)
        for _ in 0..<Self.quantum {
            guard batch.hasRoom(for: largest) else { return .batchFull }
            let before = flows.connections[slot].tcb.snd.max
            let limit = max(device.segmentationLimit, flows.connections[slot].tcb.payloadLimit)
            guard
                let outgoing = flows.connections[slot].tcb.nextSegment(
                    upTo: limit, memory: &memory, configuration: configuration.tcp, at: now)
            else { return .finished }
            note(outgoing.segment, before: before, slot: slot, at: now)
            emit(outgoing, from: slot, tuple, device: device, into: &batch)
        }
        return .quantumUsed
    }

    /// Counts what goes out, and records the SYNs of an attempt.
    private mutating func note(_ seg: Segment, before: SequenceNumber, slot: Slot, at now: Instant) {
        if seg.flags.contains(.syn) {
            let attempt = flows.connections[slot].attempt
            if !attempt.isNone {
                if attempts[attempt].attempt.synCount > 0 {
                    counters.synRetransmits &+= 1
                    counters.segmentsRetransmitted &+= 1
                }
                attempts[attempt].attempt.noteSYN(at: now)
            }
        } else if seg.length > 0, seg.seq.isBefore(before) {
            counters.segmentsRetransmitted &+= 1
        }
    }

    private mutating func transmitReset(_ slot: Slot, into batch: inout PacketBatch) -> Bool {
        guard batch.hasRoom(for: Self.largestBareSegment) else { return false }
        flows.connections[slot].flags.remove(.resetDue)
        let tcb = flows.connections[slot].tcb
        emit(
            .ending(seq: tcb.snd.max, ack: tcb.rcv.nxt), flows.tuple(flows.connections[slot].key),
            by: flows.connections[slot].interface, into: &batch)
        return true
    }

    // MARK: Writing packets

    /// A segment of a connection with its text: one copy, from the ring into the packet.
    private mutating func emit(
        _ outgoing: OutgoingSegment, from slot: Slot, _ tuple: FourTuple, device: InterfaceConfiguration,
        into batch: inout PacketBatch
    ) {
        let seg = outgoing.segment
        let header = seg.headerLength
        let length = header &+ seg.payloadLength
        let ip = tuple.isIPv6 ? IPv6Header.length : IPv4Header.length
        // What a device that cuts the segment puts into each piece: the options go onto all of them.
        let mss = Int(flows.connections[slot].tcb.mss) &- (header &- 20)
        guard
            let index = batch.appendUninitialized(
                length: ip &+ length, interface: flows.connections[slot].interface,
                segmentSize: seg.payloadLength > mss ? UInt16(truncatingIfNeeded: mss) : 0,
                checksum: device.offloadsChecksum ? .partial : .inPacket)
        else {
            counters.answersDropped &+= 1
            return
        }
        var packet = batch.mutableBytes(of: index)
        writeIP(tuple, flowLabel: flows.connections[slot].flowLabel, ecn: seg.ecn, length: length, into: &packet)
        var octets = batch.mutableBytes(of: index, from: ip)
        seg.emitHeader(into: &octets, sourcePort: tuple.localPort, destinationPort: tuple.remotePort)
        if seg.payloadLength > 0 {
            flows.connections[slot].tcb.copyPayload(of: outgoing, into: &octets, at: header, memory: memory)
        }
        finish(&octets, tuple, partial: device.offloadsChecksum)
        counters.segmentsOut &+= 1
        counters.packetsOut &+= 1
    }

    /// A segment without text, that may find no room: it is dropped and counted then.
    mutating func emit(_ seg: Segment, _ tuple: FourTuple, by interface: InterfaceID, into batch: inout PacketBatch) {
        let length = seg.headerLength
        let ip = tuple.isIPv6 ? IPv6Header.length : IPv4Header.length
        let offloads = interfaces[interface].offloadsChecksum
        guard
            let index = batch.appendUninitialized(
                length: ip &+ length, interface: interface, checksum: offloads ? .partial : .inPacket)
        else {
            counters.answersDropped &+= 1
            return
        }
        var packet = batch.mutableBytes(of: index)
        writeIP(tuple, flowLabel: flowLabel(for: tuple), ecn: seg.ecn, length: length, into: &packet)
        var octets = batch.mutableBytes(of: index, from: ip)
        seg.emitHeader(into: &octets, sourcePort: tuple.localPort, destinationPort: tuple.remotePort)
        finish(&octets, tuple, partial: offloads)
        counters.segmentsOut &+= 1
        counters.packetsOut &+= 1
    }

    /// A RST that answers a segment: what it is an answer to may be forged, so the sender's prefix has a limit.
    mutating func answer(
        _ reset: ResetReply, _ tuple: FourTuple, by interface: InterfaceID, into answers: inout PacketBatch,
        at now: Instant
    ) {
        guard answerLimits.take(.reset, to: tuple.remoteAddress, perSecond: configuration.resetsPerSecond, at: now)
        else {
            counters.resetsLimited &+= 1
            return
        }
        emit(reset, tuple, by: interface, into: &answers)
    }

    /// A RST.
    mutating func emit(
        _ reset: ResetReply, _ tuple: FourTuple, by interface: InterfaceID, into batch: inout PacketBatch
    ) {
        var seg = Segment()
        switch reset {
        case .bare(let seq):
            seg.seq = seq
            seg.flags = .rst
        case .acknowledging(let ack):
            seg.ack = ack
            seg.flags = [.rst, .ack]
        case .ending(let seq, let ack):
            seg.seq = seq
            seg.ack = ack
            seg.flags = [.rst, .ack]
        }
        counters.resetsOut &+= 1
        emit(seg, tuple, by: interface, into: &batch)
    }

    private func writeIP(
        _ tuple: FourTuple, flowLabel: UInt32, ecn: ECNCodepoint, length: Int, into packet: inout MutableSpan<UInt8>
    ) {
        let trafficClass = configuration.trafficClass & ~3 | ecn.rawValue
        switch (tuple.localAddress, tuple.remoteAddress) {
        case (.v4(let local), .v4(let remote)):
            IPv4Header(
                source: local, destination: remote, protocol: .tcp, payloadLength: length,
                trafficClass: trafficClass, timeToLive: configuration.hopLimit
            ).emit(into: &packet)
        case (.v6(let local), .v6(let remote)):
            IPv6Header(
                source: local, destination: remote, nextHeader: .tcp, payloadLength: length,
                hopLimit: configuration.hopLimit, trafficClass: trafficClass, flowLabel: flowLabel
            ).emit(into: &packet)
        default:
            break
        }
    }

    private func finish(_ octets: inout MutableSpan<UInt8>, _ tuple: FourTuple, partial: Bool) {
        let sum = InternetChecksum.pseudoHeaderSum(
            source: tuple.localAddress, destination: tuple.remoteAddress, protocol: .tcp, length: octets.count)
        if partial {
            // The device adds the rest: it wants the pseudo-header's sum, not complemented.
            octets.store(InternetChecksum.fold(UInt64(sum)), at: 16)
        } else {
            Segment.storeChecksum(in: &octets, pseudoHeaderSum: sum)
        }
    }
}
