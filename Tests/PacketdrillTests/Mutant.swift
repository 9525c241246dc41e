import NetPrimitives
import Netstack

@testable import Packetdrill

/// A deliberate fault, the rule that it breaks and the script that must notice.
struct Mutant: Sendable {
    let rule: String
    let name: String
    /// Below `Tests/Drill`.
    let killer: String
    let make: @Sendable () -> Tampering

    var label: String { "\(rule): \(name)" }

    /// A stack that is set otherwise than it should be.
    static func configured(
        _ rule: String, _ name: String, _ killer: String, _ configure: @escaping @Sendable (inout Configuration) -> Void
    ) -> Mutant {
        Mutant(rule: rule, name: name, killer: killer) {
            let tampering = Tampering()
            tampering.configure = configure
            return tampering
        }
    }

    /// A stack that writes segments otherwise than it should.
    static func sends(
        _ rule: String, _ name: String, _ killer: String, _ edit: @escaping @Sendable (inout PacketEditor) -> Void
    ) -> Mutant {
        replies(rule, name, killer) { packet, _ in
            edit(&packet)
            return [Tampering.Outgoing(bytes: packet.packet)]
        }
    }

    /// A stack that loses, doubles or delays what it should send.
    /// - Parameter fate: is told how many segments of the same flags have left before.
    static func replies(
        _ rule: String, _ name: String, _ killer: String,
        _ fate: @escaping @Sendable (inout PacketEditor, Int) -> [Tampering.Outgoing]
    ) -> Mutant {
        Mutant(rule: rule, name: name, killer: killer) {
            let tampering = Tampering()
            var counts: [UInt8: Int] = [:]
            tampering.outgoing = { bytes in
                guard var packet = PacketEditor(bytes) else { return [Tampering.Outgoing(bytes: bytes)] }
                let flags = packet.flags
                defer { counts[flags, default: 0] += 1 }
                return fate(&packet, counts[flags] ?? 0)
            }
            return tampering
        }
    }

    /// What a stack has told the peer of itself so far.
    struct Memory {
        var initial: UInt32?
        var next: UInt32?
        /// The last acknowledgement sent: what it expects next.
        var expected: UInt32?
        var window = 0
        /// The peer's SYN.
        var peerInitial: UInt32?
        var inbound = 0
    }

    /// A stack that takes segments for what they are not, or does not look.
    static func takes(
        _ rule: String, _ name: String, _ killer: String,
        _ fate: @escaping @Sendable (inout PacketEditor, Memory) -> Bool
    ) -> Mutant {
        Mutant(rule: rule, name: name, killer: killer) {
            let tampering = Tampering()
            var memory = Memory()
            tampering.outgoing = { bytes in
                if let packet = PacketEditor(bytes) {
                    if packet.has(2) { memory.initial = packet.sequence }
                    memory.next =
                        packet.sequence &+ UInt32(packet.payload.count) &+ UInt32(packet.flags & 3 == 0 ? 0 : 1)
                    if packet.has(0x10) { memory.expected = packet.acknowledgment }
                    memory.window = packet.window
                }
                return [Tampering.Outgoing(bytes: bytes)]
            }
            tampering.incoming = { bytes in
                guard var packet = PacketEditor(bytes) else { return [bytes] }
                defer { memory.inbound += 1 }
                guard fate(&packet, memory) else { return [] }
                if packet.has(2), memory.peerInitial == nil { memory.peerInitial = packet.sequence }
                return [packet.packet]
            }
            return tampering
        }
    }

    /// A stack that treats ICMP otherwise than it should.
    static func hears(
        _ rule: String, _ name: String, _ killer: String, _ fate: @escaping @Sendable ([UInt8], UInt32) -> [[UInt8]]
    ) -> Mutant {
        Mutant(rule: rule, name: name, killer: killer) {
            let tampering = Tampering()
            var initial: UInt32 = 0
            tampering.outgoing = { bytes in
                if let packet = PacketEditor(bytes), packet.has(2) { initial = packet.sequence }
                return [Tampering.Outgoing(bytes: bytes)]
            }
            tampering.incoming = { bytes in PacketEditor(bytes) == nil ? fate(bytes, initial) : [bytes] }
            return tampering
        }
    }
}
