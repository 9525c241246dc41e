import NetPrimitives
import Netstack
import TCPStateMachine

/// Two stacks, their applications, and a network between them that loses, repeats, reorders and damages packets, or has
/// forged ones. A copy of both can be taken, and lives the same life from then on.
public struct StacksTarget: ~Copyable {
    /// What an input does next: the low five bits of a byte. Bit 7 says at which end; with bit 6 nothing is sent
    /// afterwards.
    public enum Call: UInt8, CaseIterable {
        case connect, listen, accept, write, read, shutdown, close, abort, deliver, drop, duplicate, rotate, damage
        case forge, wait, fire, fork, noDelay, simultaneous, closeListener, deliverAll
    }

    public static func run(_ bytes: [UInt8]) { _ = packets(bytes) }

    /// Runs an input.
    /// - Returns: every packet that was sent, for seeds that are made of them.
    public static func packets(_ bytes: [UInt8]) -> [[UInt8]] {
        var input = Input(bytes)
        var world = StackWorld(&input)
        var twin: StackWorld?
        var steps = 0
        while !input.isEmpty {
            let step = StackStep(&input)
            if step.call == .fork {
                // One copy at a time: it doubles the work.
                twin = world.fork()
            } else {
                world.take(step)
                twin?.take(step)
            }
            steps += 1
            guard steps % 8 == 0, let digests = twin?.digests else { continue }
            check(digests == world.digests, "a copy lives the same life")
        }
        let sent = world.sent
        world.heal()
        twin?.heal()
        let digests = twin?.digests
        if let digests { check(digests == world.digests, "a copy comes to the same end") }
        world.end()
        return sent
    }
}

/// One thing that happens, read from the input before it happens to both worlds.
struct StackStep {
    let call: StacksTarget.Call
    let isLeft: Bool
    let isSilent: Bool
    let place: Int
    let amount: Int
    let bytes: [UInt8]

    init(_ input: inout Input) {
        let byte = input.byte()
        let calls = StacksTarget.Call.allCases
        call = calls[Int(byte & 31) % calls.count]
        isLeft = byte & 0x80 == 0
        isSilent = byte & 0x40 != 0
        switch call {
        case .write, .read:
            place = Int(input.byte())
            amount = Int(input.word()) % 12_000
            bytes = []
        case .damage:
            place = Int(input.byte())
            amount = Int(input.word())
            bytes = [input.byte()]
        case .forge:
            place = 0
            amount = 0
            bytes = input.take(Int(input.byte()))
        case .fork, .deliverAll:
            (place, amount, bytes) = (0, 0, [])
        default:
            place = Int(input.byte())
            amount = place
            bytes = []
        }
    }
}
