import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import WireFormats

/// Bugs that stacks have had, each planted into one end. RFC 9293 unless another one is named.
extension PlantedBug {
    static let all: [PlantedBug] = opening + strangers + simultaneous + closing

    private static let opening: [PlantedBug] = [
        // 3.10.7.4, first.
        PlantedBug(
            "the sequence number of text is not looked at", in: .handshake,
            .takes(.right) { letter, end in
                if end.isOpen, !letter.text.isEmpty, let rcv = end.rcv { letter.segment.seq = rcv.nxt }
            }, "has received what the left end never sent"),
        // 3.10.7.2, third: RCV.NXT is SEG.SEQ + 1.
        PlantedBug(
            "a SYN-ACK acknowledges one too many", in: .handshake,
            .sends(.right) { letter, _ in
                if letter.has(.syn), letter.has(.ack) { letter.segment.ack += 1 }
            }, "failed: timed out"),
        // 3.4.1: an ISS for a connection, not for a segment.
        PlantedBug(
            "a SYN-ACK that is sent again has another number", in: .handshake,
            .sends(.right) { letter, end in
                if letter.has(.syn), letter.has(.ack), end.synCount > 1 { letter.segment.seq += 1 }
            }, "failed"),
        // RFC 5961, 4.2.
        PlantedBug(
            "an old SYN in ESTABLISHED opens a new connection", in: .handshake,
            .hears(.right) { letter, end, _ in
                guard end.isOpen, letter.has(.syn), !letter.has(.ack), let rcv = end.rcv else { return [letter] }
                return [Letter(from: letter.from, .rst, seq: rcv.nxt.rawValue), letter]
            }, "failed"),
        // 3.10.7.4, fifth.
        PlantedBug(
            "a connection is put into the accept queue by its SYN", in: .handshake,
            .hears(.right) { letter, end, _ in
                guard end.state == .closed, letter.has(.syn), !letter.has(.ack) else { return [letter] }
                let seq = letter.segment.seq.rawValue
                return [letter, Letter(from: letter.from, .ack, seq: seq &+ 1, ack: Model.iss(.right) &+ 1)]
            }, "a connection that did not complete"),
        // 3.8.1 and 3.10.8.
        PlantedBug(
            "a SYN is never sent again", in: .handshake,
            .omits(.left) { letter, end in letter.has(.syn) && end.synCount > 1 },
            "failed: timed out"),
        // 3.10.7.3, fourth: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.
        PlantedBug(
            "an ACK waits for text to go with", in: .rightSpeaks,
            .omits(.left) { letter, _ in letter.segment.flags == .ack && letter.text.isEmpty },
            "the ends are not established"),
    ]

    private static let strangers: [PlantedBug] = [
        // 3.10.7.4, fifth: SND.UNA < SEG.ACK =< SND.NXT, or a RST.
        PlantedBug(
            "SYN-RECEIVED takes any acknowledgement", in: .handshakeWithDuplicate,
            .takes(.right) { letter, end in
                if end.isHalfOpen, letter.segment.flags == .ack { letter.segment.ack = end.incarnation.iss + 1 }
            }, "a connection that did not complete"),
        // 3.10.7.3, first.
        PlantedBug(
            "SYN-SENT takes any SYN-ACK", in: .handshakeWithDuplicate,
            .takes(.left) { letter, end in
                if end.state == .synSent, letter.has(.syn), letter.has(.ack) {
                    letter.segment.ack = end.incarnation.iss + 1
                }
            }, "failed"),
        // RFC 5961, 5.2.
        PlantedBug(
            "an open connection takes any acknowledgement", in: .handshakeWithDuplicate,
            .takes(.right) { letter, end in
                if end.isOpen, letter.has(.ack), let snd = end.snd, letter.segment.ack.isAfter(snd.max) {
                    letter.segment.ack = snd.max
                }
            }, "which is not what the other wrote"),
        // 3.10.7.2, third: text is queued until the connection is established.
        PlantedBug(
            "text is delivered in SYN-RECEIVED", in: .handshakeWithDuplicate,
            .hears(.right) { letter, end, memory in
                if end.isHalfOpen { memory.conversation.received += letter.text }
                return [letter]
            }, "which is not what the other wrote"),
        // RFC 5961, 3.2.
        PlantedBug(
            "an open connection takes any RST", in: .handshakeWithReset,
            .takes(.right) { letter, end in
                if end.isOpen, letter.has(.rst), let rcv = end.rcv { letter.segment.seq = rcv.nxt }
            }, "failed"),
        // 3.10.7.4, first and second, for SYN-RECEIVED.
        PlantedBug(
            "SYN-RECEIVED takes any RST", in: .handshakeWithReset,
            .takes(.right) { letter, end in
                if end.isHalfOpen, letter.has(.rst) { letter.segment.seq = end.incarnation.irs + 1 }
            }, "failed"),
        // 3.10.7.3, second.
        PlantedBug(
            "SYN-SENT takes any RST", in: .handshakeWithReset,
            .takes(.left) { letter, end in
                guard end.state == .synSent, letter.has(.rst) else { return }
                letter.segment.flags.insert(.ack)
                letter.segment.ack = end.incarnation.iss + 1
            }, "failed"),
    ]

    private static let simultaneous: [PlantedBug] = [
        // Figure 7: <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>.
        PlantedBug(
            "the SYN-ACK of a simultaneous open takes the next number", in: .simultaneous,
            .sends(.left) { letter, _ in
                if letter.has(.syn), letter.has(.ack) { letter.segment.seq += 1 }
            }, "failed: reset")
    ]

    private static let closing: [PlantedBug] = [
        // 3.4: the FIN takes a number, and is acknowledged as text is.
        PlantedBug(
            "a FIN is not counted", in: .closing,
            .sends(.right) { letter, end in
                if [.closeWait, .lastAck, .closing, .timeWait].contains(end.state) {
                    letter.segment.ack = letter.segment.ack - 1
                }
            }, "failed"),
        // 3.10.7.4, eighth: only TIME-WAIT can say the last ACK again.
        PlantedBug(
            "TIME-WAIT is skipped", in: .closing, .configured(.left) { $0.tcp.timeWait = .zero }, "failed"),
        // 3.10.7.4, first: segments with higher beginning numbers wait.
        PlantedBug(
            "a FIN overtakes the text before it", in: .closingWithText,
            .takes(.right) { letter, end in
                if end.isOpen, letter.has(.fin), letter.text.isEmpty, let rcv = end.rcv {
                    letter.segment.seq = .earliest(letter.segment.seq, rcv.nxt)
                }
            }, "before all had come"),
    ]
}
