import NetPrimitives
import NetworkSimulation
import WireFormats

/// What may come from outside: RSTs of an attacker who does not see the conversation, and segments of an earlier
/// connection between the same ports.
///
/// Those that may end a connection by rights are marked. All others must not.
enum Injections {
    /// The number that the receiver of a side's packets expects first.
    private static func first(_ side: ExploredSide) -> UInt32 { Model.iss(side) &+ 1 }
    /// So far away that no window reaches it.
    private static let far: UInt32 = 200_000

    // MARK: RSTs

    /// RSTs for `target`, as if from the other end.
    static func resets(to target: ExploredSide) -> [Injection] {
        let source = target.opposite
        let exact = first(source)
        func reset(_ name: String, seq: UInt32, ack: UInt32? = nil, disturbs: Bool = false) -> Injection {
            let flags: WireFormats.TCPFlags = ack == nil ? .rst : [.rst, .ack]
            return Injection(name, Letter(from: source, flags, seq: seq, ack: ack ?? 0).packet, disturbs: disturbs)
        }
        return [
            reset("a RST beyond the window", seq: exact &+ far),
            reset("a RST before the window", seq: exact &- 20),
            // RFC 5961, 3.2: a challenge ACK, no more.
            reset("a RST inside the window", seq: exact &+ 1000),
            // RFC 9293, 3.10.7.3, second: without an acceptable ACK it proves nothing in SYN-SENT.
            reset("a RST with an old ACK", seq: exact &+ far, ack: first(target) &- 500),
            reset("a RST with the right number", seq: exact, disturbs: true),
            reset("a RST that acknowledges our SYN", seq: exact &+ far, ack: first(target), disturbs: true),
        ]
    }

    // MARK: Old duplicates

    /// Segments of an earlier connection for `target`, whose numbers overlap with those of the present one.
    /// - Parameter isListening: `target` waits for a SYN; otherwise it has sent one itself.
    static func duplicates(to target: ExploredSide, isListening: Bool) -> [Injection] {
        let source = target.opposite
        let (exact, own) = (first(source), first(target))
        func old(
            _ name: String, _ flags: WireFormats.TCPFlags, seq: UInt32, ack: UInt32 = 0, text: String = "",
            disturbs: Bool = false
        ) -> Injection {
            Injection(name, Letter(from: source, flags, seq: seq, ack: ack, text: text).packet, disturbs: disturbs)
        }
        return [
            // RFC 9293, figure 8: the answer makes the other end reset what this one began. Whoever has sent a SYN
            // takes it for a simultaneous open, whose reset is a refusal.
            old("an old SYN", .syn, seq: exact &- 1 &- far, disturbs: !isListening),
            // Linux: inside the window it ends what is in SYN-RECEIVED, or is what the real SYN then ends.
            old("an old SYN close by", .syn, seq: exact &+ 1000, disturbs: true),
            old("an old SYN-ACK", [.syn, .ack], seq: exact &- far, ack: own &- 500),
            old("an old ACK", .ack, seq: exact, ack: own &- far),
            old("an ACK of what was never sent", .ack, seq: exact, ack: own &+ 3000),
            old("old text with the right number", .ack, seq: exact, ack: own &+ 3000, text: "X"),
            // RFC 5961, 5.2: its ACK may pass for an old one of the present connection. It waits for a gap to close.
            old("old text inside the window", .ack, seq: exact &+ 100, ack: own &- 10, text: "X"),
            old("an old FIN with the right number", [.fin, .ack], seq: exact, ack: own &- far),
            old("an old FIN inside the window", [.fin, .ack], seq: exact &+ 100, ack: own &- 10),
        ]
    }
}
