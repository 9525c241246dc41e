import NetPrimitives
import Netstack
import TCPStateMachine

@testable import Packetdrill

/// Faults of what is sent.
enum SendingMutants {
    private static let fin: UInt8 = 1
    private static let syn: UInt8 = 2
    private static let rst: UInt8 = 4
    private static let psh: UInt8 = 8
    private static let ack: UInt8 = 16

    private static func out(_ packet: PacketEditor, after delay: Interval = .zero) -> [Tampering.Outgoing] {
        [Tampering.Outgoing(bytes: packet.packet, delay: delay)]
    }

    static let segments: [Mutant] = [
        .sends("33, 59", "a RST that answers an ACK has another number", "passive/33-ack.pkt") { p in
            if p.has(rst), !p.has(ack) { p.sequence &+= 1 }
        },
        .sends("59", "a RST that answers a SYN acknowledges one too many", "reset/59-closed-port-syn.pkt") { p in
            if p.has(rst), p.has(ack) { p.acknowledgment &+= 1 }
        },
        .sends("33, 59", "a RST that answers an ACK has an ACK itself", "passive/33-ack.pkt") { p in
            if p.has(rst) { p.flags |= ack }
        },
        .sends("61", "a RST offers a window", "reset/59-closed-port-syn.pkt") { p in
            if p.has(rst) { p.window = 1 }
        },
        .sends("61", "a RST carries options", "reset/59-closed-port-syn.pkt") { p in
            if p.has(rst) { p.options = [.maximumSegmentSize(1460)] }
        },
        .sends("1", "the window of a SYN is one less", "active/01-syn.pkt") { p in
            if p.flags == syn { p.window -= 1 }
        },
        .sends("1", "the MSS of a SYN is one more", "active/01-syn.pkt") { p in
            if p.flags == syn {
                p.options = p.options.map {
                    if case .maximumSegmentSize(let mss) = $0 { .maximumSegmentSize(mss + 1) } else { $0 }
                }
            }
        },
        .sends("1", "the window scale comes before the MSS", "active/01-syn.pkt") { p in
            if p.flags == syn, !p.options.isEmpty { p.options = p.options.suffix(2) + p.options.dropLast(2) }
        },
        .sends("2", "the MSS that the user sets is ignored", "active/02-mss-option.pkt") { p in
            if p.flags == syn {
                p.options = p.options.map { $0.kind == 2 ? .maximumSegmentSize(1460) : $0 }
            }
        },
        .sends("3", "the window scale offered is one more", "active/01-syn.pkt") { p in
            if p.has(syn) {
                p.options = p.options.map { if case .windowScale(let s) = $0 { .windowScale(s + 1) } else { $0 } }
            }
        },
        .sends("4", "a SYN forgets SACK", "active/01-syn.pkt") { p in
            if p.flags == syn { p.options = p.options.map { $0 == .sackPermitted ? .noOperation : $0 } }
        },
        .sends("40", "a SYN-ACK offers a window scale that nobody asked for", "passive/40-nothing-negotiated.pkt") {
            p in
            if p.flags == syn | ack, !p.options.contains(where: { $0.kind == 3 }) {
                p.options += [.noOperation, .windowScale(8)]
            }
        },
        .sends("21", "a SYN-ACK acknowledges the SYN's data", "passive/21-syn-with-data.pkt") { p in
            if p.flags == syn | ack { p.acknowledgment &+= 100 }
        },
        .sends("23", "a SYN-ACK acknowledges the SYN itself", "passive/23-completing-ack.pkt") { p in
            if p.flags == syn | ack { p.acknowledgment &-= 1 }
        },
        .sends("35", "a SYN-ACK does not agree to ECN", "passive/35-ecn-setup.pkt") { p in p.flags &= ~0x40 },
        .sends("35", "a SYN-ACK agrees to ECN unasked", "passive/35-no-ecn-setup.pkt") { p in
            if p.flags == syn | ack { p.flags |= 0x40 }
        },
        .sends("35", "text is not ECN-capable though both agreed", "passive/35-ecn-setup.pkt") { p in
            p.trafficClass &= ~3
        },
        .sends("2883", "no duplicate is told of", "duplicates/2883-twice.pkt") { p in
            p.options.removeAll { $0.kind == 5 }
        },
        .sends("25", "an acknowledgement is one short", "passive/25-completing-ack-with-data.pkt") { p in
            if p.isPureAcknowledgment { p.acknowledgment &-= 1 }
        },
        .sends("77", "a FIN does not come with its flag", "closing/77-fin-after-data.pkt") { p in p.flags &= ~fin },
        .sends("77", "a FIN comes one number late", "closing/77-fin-after-data.pkt") { p in
            if p.has(fin) { p.sequence &+= 1 }
        },
        .sends("77", "the last of the data has no PSH", "closing/77-data-then-fin.pkt") { p in p.flags &= ~psh },
        .sends("3", "windows are not scaled once the connection stands", "active/03-scale-agreed.pkt") { p in
            if !p.has(syn), p.window == 256 { p.window = 65535 }
        },
        .sends(
            "75", "a RST at the end of a connection has a number that the peer does not take",
            "reset/68-linger-zero.pkt"
        ) { p in
            if p.has(rst) { p.sequence &-= 1 }
        },
        .sends("1", "timestamps are missing behind the handshake", "passive/40-negotiated.pkt") { p in
            if !p.has(syn) { p.options = p.options.filter { $0.kind != 8 && $0.kind != 1 } }
        },
        .sends("9293, 3.1", "a reserved bit is set", "active/01-syn.pkt") { p in p.reserved = 2 },
        .sends("126", "the urgent pointer points", "active/01-syn.pkt") { p in p.urgentPointer = 1 },
        .sends("77", "a byte of the data is another", "closing/77-data-then-fin.pkt") { p in
            if !p.payload.isEmpty { p.payload[p.payload.count - 1] = 1 }
        },
        Mutant(rule: "9293, 3.1", name: "the checksum is wrong", killer: "active/01-syn.pkt") {
            let tampering = Tampering()
            tampering.outgoing = { bytes in
                var bytes = bytes
                bytes[bytes.count - 1] ^= 1
                return [Tampering.Outgoing(bytes: bytes)]
            }
            return tampering
        },
    ]

    static let timing: [Mutant] = [
        .replies("32", "a SYN-ACK is never sent again", "passive/32-syn-ack-retransmission.pkt") { p, count in
            p.flags == syn | ack && count > 0 ? [] : out(p)
        },
        .replies("32", "a SYN-ACK sent again has another number", "passive/32-syn-ack-retransmission.pkt") { p, count in
            if p.flags == syn | ack, count > 0 { p.sequence &+= 1 }
            return out(p)
        },
        .replies("5", "a SYN is never sent again", "active/05-syn-retransmission.pkt") { p, count in
            p.flags == syn && count > 0 ? [] : out(p)
        },
        .replies("5", "a SYN sent again is half a second late", "active/05-syn-retransmission.pkt") { p, count in
            out(p, after: p.flags == syn && count > 0 ? .milliseconds(500) : .zero)
        },
        .replies("5", "a SYN sent again forgets its options", "active/05-syn-retransmission.pkt") { p, count in
            if p.flags == syn, count > 0 { p.options = [] }
            return out(p)
        },
        .replies("5", "a SYN sent again has another number", "active/05-syn-retransmission.pkt") { p, count in
            if p.flags == syn, count > 0 { p.sequence &+= 1 }
            return out(p)
        },
        .replies("1", "a SYN goes out twice", "active/05-syn-retransmission.pkt") { p, _ in
            p.flags == syn ? out(p) + out(p) : out(p)
        },
        .replies("78", "a FIN is never sent again", "closing/78-fin-wait-1.pkt") { p, count in
            p.has(fin) && count > 0 ? [] : out(p)
        },
        .replies("78", "a FIN sent again is one further", "closing/78-fin-wait-1.pkt") { p, count in
            if p.has(fin), count > 0 { p.sequence &+= 1 }
            return out(p)
        },
        .replies("63", "challenge ACKs are not sent", "reset/63-in-window.pkt") { p, _ in
            p.isPureAcknowledgment ? [] : out(p)
        },
        .replies("6", "giving up sends a RST", "active/06-give-up.pkt") { p, count in
            guard p.flags == syn, count == 2 else { return out(p) }
            var reset = p
            reset.flags = rst
            reset.options = []
            return out(p) + out(reset)
        },
        .replies("37", "a closed listener resets nobody", "passive/37-close-resets-queue.pkt") { p, _ in
            p.has(rst) ? [] : out(p)
        },
        .replies("67", "unread data is followed by a FIN", "reset/67-close-with-unread-data.pkt") { p, _ in
            if p.has(rst) { p.flags = fin | ack }
            return out(p)
        },
    ]

    static let settings: [Mutant] = [
        .configured("6", "a SYN less is sent before giving up", "active/05-syn-doubling.pkt") { c in
            c.tcp.synRetries = c.tcp.synRetries.map { $0 > 1 ? $0 - 1 : 0 } ?? 1
            c.tcp.synTimeLimit = .seconds(10_000)
        },
        .configured("32", "a SYN-ACK less is sent before the request goes", "passive/32-syn-ack-retransmission.pkt") {
            c in
            c.tcp.synAckRetries = min(c.tcp.synAckRetries, 4)
        },
        .configured("32", "requests stay for a SYN-ACK more", "passive/32-request-gone.pkt") { c in
            c.tcp.synAckRetries = 6
        },
        .configured("65", "challenge ACKs have no limit", "reset/65-challenge-rate.pkt") { c in
            c.tcp.challengeAckGap = .zero
        },
        .configured("84", "TIME-WAIT lasts 30 s", "closing/84-time-wait.pkt") { c in c.tcp.timeWait = .seconds(30) },
        .configured("82", "FIN-WAIT-2 of an orphan lasts 30 s", "closing/82-fin-wait-2-lasts.pkt") { c in
            c.tcp.finWait2 = .seconds(30)
        },
        .configured("5", "the first timeout is 3 s", "active/05-syn-retransmission.pkt") { c in
            c.tcp.initialRTO = .seconds(3)
        },
        .configured("95", "the timeout never falls below a second", "timers/95-minimum.pkt") { c in
            c.tcp.minimumRTO = .seconds(1)
        },
        .configured("108", "no acknowledgement is quick", "timers/108-dialogue.pkt") { c in c.tcp.quickAcks = 0 },
        .configured("109", "small segments wait behind large ones", "timers/109-small-segments.pkt") { c in
            c.tcp.holdsBehindSmallOnly = false
        },
        .configured("109", "small segments never wait", "timers/109-small-segments.pkt") { c in
            c.tcp.usesNagle = false
        },
        .configured("132", "slow start is slower", "timers/132-slow-start.pkt") { c in c.tcp.slowStartLimit = 1 },
        .configured("132", "the first window is two segments", "timers/129-fast-retransmit.pkt") { c in
            c.tcp.initialWindow = 2
        },
        .configured("30", "every repeated SYN is answered", "passive/30-syn-again.pkt") { c in
            c.tcp.synAckMinimumGap = .zero
        },
        .configured("30", "a repeated SYN is never answered twice", "passive/30-syn-again.pkt") { c in
            c.tcp.synAckMinimumGap = .seconds(20)
        },
        .configured("17", "ICMP is mere advice to an attempt", "active/17-icmp-host.pkt") { c in
            c.tcp.treatsUnreachableAsSoftError = true
        },
        .configured("5", "timeouts double from the first on", "active/05-syn-retransmission.pkt") { c in
            c.tcp.synLinearTimeouts = 0
        },
        .configured("108", "acknowledgements wait 200 ms", "timers/108-dialogue.pkt") { c in
            c.tcp.delayedAck = .milliseconds(200)
        },
    ]
}

/// Faults of what is made of what comes.
enum ReceivingMutants {
    private static let fin: UInt8 = 1
    private static let syn: UInt8 = 2
    private static let rst: UInt8 = 4
    private static let ack: UInt8 = 16

    static let handshake: [Mutant] = [
        .takes("23", "a half-open entry takes any acknowledgement", "passive/23-ack-too-high.pkt") { p, m in
            if p.isPureAcknowledgment, let initial = m.initial { p.acknowledgment = initial &+ 1 }
            return true
        },
        .takes("24", "a half-open entry takes any number", "passive/24-ack-outside-window.pkt") { p, m in
            if p.isPureAcknowledgment, let expected = m.expected { p.sequence = expected }
            return true
        },
        .takes("28", "a half-open entry ignores RSTs", "passive/28-reset-removes-request.pkt") { p, _ in !p.has(rst) },
        .takes("28, 63", "any RST in the window will do", "passive/28-reset-inexact.pkt") { p, m in
            if p.has(rst), let expected = m.expected { p.sequence = expected }
            return true
        },
        .takes("30", "a repeated SYN is ignored", "passive/30-syn-again.pkt") { p, m in !p.has(syn) || m.inbound == 0 },
        .takes("31", "another SYN in the window is taken for the first", "passive/31-other-syn-in-window.pkt") { p, m in
            if p.flags == syn, let initial = m.peerInitial { p.sequence = initial }
            return true
        },
        .takes("33", "a listener answers a FIN", "passive/33-fin.pkt") { p, _ in
            if p.flags == fin { p.flags = fin | ack }
            return true
        },
        .takes("33", "a listener answers a segment without flags", "passive/33-null.pkt") { p, _ in
            if p.flags == 0 { p.flags = ack }
            return true
        },
        .takes("33", "a listener takes a SYN with a FIN", "passive/33-syn-fin.pkt") { p, _ in
            if p.flags & (syn | fin) == syn | fin { p.flags = syn }
            return true
        },
        .takes("33, 60", "a RST is answered with a RST", "reset/60-closed-port-rst.pkt") { p, _ in
            if p.has(rst) { p.flags = p.flags & ~rst | ack }
            return true
        },
        .takes("22", "the peer's MSS is ignored", "passive/22-peer-mss.pkt") { p, _ in
            if p.has(syn) { p.options = [.maximumSegmentSize(1460)] + p.options.filter { $0.kind != 2 } }
            return true
        },
        .takes("22", "a missing MSS means as much as can be", "../DrillIPv4/passive/22-no-mss.pkt") { p, _ in
            if p.has(syn), !p.options.contains(where: { $0.kind == 2 }) {
                p.options = [.maximumSegmentSize(1460)] + p.options
            }
            return true
        },
        .takes("26", "a FIN with the third packet is lost", "passive/26-completing-ack-with-fin.pkt") { p, _ in
            if !p.has(syn) { p.flags &= ~fin }
            return true
        },
        .takes("25", "data with the third packet is lost", "passive/25-completing-ack-with-data.pkt") { p, _ in
            p.payload = []
            return true
        },
        .takes("40", "the third packet's window is ignored", "passive/40-final-window.pkt") { p, m in
            if p.isPureAcknowledgment, m.inbound == 1 { p.window = 32_792 }
            return true
        },
        .takes("40", "windows have a sign", "passive/40-window-is-unsigned.pkt") { p, _ in
            if p.window > 32_767 { p.window = 0 }
            return true
        },
        .takes("10", "a RST without ACK ends an attempt", "active/10-reset-without-ack.pkt") { p, m in
            if p.flags == rst, let next = m.next {
                p.flags |= ack
                p.acknowledgment = next
            }
            return true
        },
        .takes("10", "a RST with any ACK ends an attempt", "active/10-reset-wrong-ack.pkt") { p, m in
            if p.has(rst), p.has(ack), let next = m.next { p.acknowledgment = next }
            return true
        },
        .takes("11", "an attempt takes any acknowledgement", "active/11-unacceptable-syn-ack-too-high.pkt") { p, m in
            if p.has(syn), let next = m.next { p.acknowledgment = next }
            return true
        },
        .takes("12", "an ACK alone opens a connection", "active/12-ack-dropped.pkt") { p, _ in
            if p.isPureAcknowledgment { p.flags |= syn }
            return true
        },
        .takes("13", "a SYN does not meet a SYN", "active/13-simultaneous-open.pkt") { p, _ in p.flags != syn },
        .takes("9", "a refusal is not heard", "active/09-refused.pkt") { p, _ in !p.has(rst) },
        .hears("17", "ICMP is not heard", "active/17-icmp-host.pkt") { _, _ in [] },
        .hears("17", "ICMP about any number ends an attempt", "active/17-icmp-foreign-sequence.pkt") { bytes, initial in
            var bytes = bytes
            guard bytes[0] >> 4 == 4 else { return [bytes] }
            var message = Array(bytes[20...])
            message.patch16(initial >> 16, at: 32)
            message.patch16(initial & 0xFFFF, at: 34)
            message.patch16(0, at: 2)
            bytes = WireWriter.packet(
                from: .v4(IPv4Address(bytes.long(12))), to: .v4(IPv4Address(bytes.long(16))), protocol: 1, message,
                checksumOffset: 2)
            return [bytes]
        },
    ]

    static let connection: [Mutant] = [
        .takes("62", "an exact RST is ignored", "reset/62-exact.pkt") { p, _ in !p.has(rst) },
        .takes("63", "an inexact RST ends a connection", "reset/63-in-window.pkt") { p, m in
            if p.has(rst), let expected = m.expected { p.sequence = expected }
            return true
        },
        .takes("64", "a RST below the window is challenged", "reset/64-below.pkt") { p, m in
            if p.has(rst), let expected = m.expected { p.sequence = expected &+ 1 }
            return true
        },
        .takes("65", "a SYN in a connection is ignored", "reset/65-syn.pkt") { p, m in !p.has(syn) || m.inbound == 0 },
        .takes("66", "an ACK of what was never sent is taken", "reset/66-ack-above.pkt") { p, m in
            if p.has(ack), !p.has(syn), let next = m.next { p.acknowledgment = next }
            return true
        },
        .takes("67", "data for an orphan is ignored", "reset/67-data-after-close-fin-wait-2.pkt") { p, _ in
            p.payload.isEmpty
        },
        .takes("80", "nothing is received after a shutdown", "closing/80-half-close.pkt") { p, _ in p.payload.isEmpty },
        .takes("81", "two FINs do not cross", "closing/81-simultaneous-close.pkt") { p, m in !p.has(fin) },
        .takes("85", "a FIN again is ignored", "closing/85-fin-again.pkt") { p, m in !p.has(fin) || m.inbound < 3 },
        .takes("87", "an inexact RST ends TIME-WAIT", "closing/87-inexact-reset-in-time-wait.pkt") { p, m in
            if p.has(rst), let expected = m.expected { p.sequence = expected }
            return true
        },
        .takes("87", "no RST ends TIME-WAIT", "closing/87-reset-in-time-wait.pkt") { p, _ in !p.has(rst) },
        .takes("88", "a SYN in TIME-WAIT is ignored", "closing/88-syn-in-time-wait.pkt") { p, m in
            !p.has(syn) || m.inbound < 2
        },
        .takes("89", "old timestamps are as good as new ones", "closing/89-old-timestamp.pkt") { p, m in
            p.options = p.options.map {
                if case .timestamps(_, let echo) = $0 {
                    .timestamps(value: 1_000_000 + UInt32(m.inbound), echo: echo)
                } else {
                    $0
                }
            }
            return true
        },
        .takes("117", "a closed window is taken for an open one", "timers/117-window-probes.pkt") { p, _ in
            if p.window == 0 { p.window = 1000 }
            return true
        },
        .takes("97", "timestamps measure nothing", "timers/97-timestamps-measure.pkt") { p, m in
            if m.inbound == 2 {
                p.options = p.options.map {
                    if case .timestamps(let value, let echo) = $0 {
                        .timestamps(value: value, echo: echo &+ 5000)
                    } else {
                        $0
                    }
                }
            }
            return true
        },
        .takes("103", "keepalive probes are not answered", "timers/103-keepalive-is-answered.pkt") { p, m in
            m.inbound < 2
        },
        .takes("129", "duplicate acknowledgements are not counted", "timers/129-fast-retransmit.pkt") { p, m in
            m.inbound < 3 || !p.isPureAcknowledgment || m.inbound > 4
        },
        .takes("90", "a SYN-ACK in TIME-WAIT is ignored", "closing/90-syn-ack-in-time-wait.pkt") { p, m in
            p.flags & (syn | ack) != syn | ack
        },
    ]
}
