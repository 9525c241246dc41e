import Fuzzing

/// What comes to listening stacks, as the target reads it.
struct ListenerStory {
    private(set) var bytes: [UInt8]

    /// - Parameters:
    ///   - mode: 0 for cookies when full, 1 for always, 2 for never.
    ///   - choice: bit 0 for the fleet's codec, bits 1 and 2 for how many requests there may be, bit 3 for one RST a
    /// second.
    ///   - doors: for either family a backlog; plus 8 for request mode, and a decision in the upper bits.
    init(mode: UInt8, choice: UInt8 = 0, doors: [UInt8] = [1, 1]) { bytes = [mode | 0x20, choice, 0, 0x0A, 1] + doors }

    mutating func call(_ call: ListenerTarget.Call, _ arguments: [UInt8] = []) {
        bytes.append(UInt8(ListenerTarget.Call.allCases.firstIndex(of: call) ?? 0))
        bytes += arguments
    }

    mutating func handshake(_ peer: UInt8, options: UInt8 = 0x70) {
        call(.syn, [peer, 1, options])
        call(.ack, [peer, 0])
    }
}

enum ListenerStories {
    static var all: [SeedInput] {
        crowds + [("forged", forged), ("changed", changed), ("fleet", fleet), ("fleet-refused", refused)]
            + [("requests", requests), ("withdrawn", withdrawn), ("overdue", overdue)]
    }

    private static var crowds: [SeedInput] {
        [("full", 0), ("always", 1), ("never", 2)].map { (name: String, mode: UInt8) in
            var story = ListenerStory(mode: mode)
            // More peers of either family than there is room for, with timestamps and without.
            for peer in 0..<6 as Range<UInt8> { story.call(.syn, [peer * 2, 1, peer & 1 == 0 ? 0x30 : 0x70]) }
            for peer in 0..<6 as Range<UInt8> { story.call(.ack, [peer * 2, 0x20, 4]) }
            story.call(.accept)
            story.call(.application, [0, 1])
            story.call(.wait, [10])
            story.call(.fire)
            story.call(.transmit)
            for peer in 0..<6 as Range<UInt8> { story.call(.ack, [peer * 2, 0]) }
            story.call(.accept)
            story.call(.application, [0, 3])
            story.call(.transmit)
            return ("crowd-\(name)", story.bytes)
        }
    }

    private static var forged: [UInt8] {
        var story = ListenerStory(mode: 1)
        story.handshake(1)
        story.call(.ack, [1, 3, 5, 0, 0, 0, 1])
        story.call(.segment, [2, 0x10, 0, 1, 0, 1, 0x10, 0, 0, 3])
        story.call(.keys, [9])
        story.call(.ack, [1, 0])
        story.call(.icmp, [1, 3, 1, 0, 0])
        story.call(.altered, [1, 0, 13, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        return story.bytes
    }

    private static var changed: [UInt8] {
        var story = ListenerStory(mode: 0, doors: [0, 1])
        for peer in 0..<3 as Range<UInt8> { story.handshake(peer) }
        story.call(.backlog, [4])
        story.call(.fork)
        story.call(.mode, [2])
        story.call(.fire)
        story.call(.transmit)
        for peer in 0..<3 as Range<UInt8> { story.call(.ack, [peer, 0]) }
        story.call(.accept)
        story.call(.application, [0, 4])
        story.call(.relisten, [2])
        story.call(.raw, [4, 0x45, 0, 0, 20])
        return story.bytes
    }

    /// What one machine began the other completes, with timestamps and without; some of it a minute later, some under
    /// the key before.
    private static var fleet: [UInt8] {
        var story = ListenerStory(mode: 1, choice: 1, doors: [4, 4])
        for peer in [0, 1, 2, 8, 9] as [UInt8] { story.call(.syn, [peer, 1, peer & 1 == 0 ? 0x30 : 0x70]) }
        story.call(.machine)
        story.call(.ack, [0, 0])
        story.call(.ack, [8, 0x20, 4])
        story.call(.keys, [0x06])
        story.call(.ack, [1, 0])
        story.call(.wait, [16])
        story.call(.ack, [9, 0])
        story.call(.accept)
        story.call(.application, [0, 0, 1])
        story.call(.transmit)
        story.call(.fork)
        story.call(.machine)
        story.call(.codec, [0])
        story.call(.ack, [2, 0])
        story.call(.codec, [1])
        story.call(.ack, [2, 0])
        return story.bytes
    }

    /// Under other keys, with another echo, too late, of another number.
    private static var refused: [UInt8] {
        var story = ListenerStory(mode: 2, choice: 9)
        for peer in [0, 1, 8] as [UInt8] { story.call(.syn, [peer, 1, 0x30]) }
        story.call(.mode, [1])
        for peer in [2, 3, 10] as [UInt8] { story.call(.syn, [peer, 1, 0x30]) }
        story.call(.ack, [2, 0x10, 0, 0, 0, 1])
        story.call(.ack, [3, 2, 0, 0, 1, 0])
        story.call(.ack, [10, 1, 3])
        story.call(.machine)
        story.call(.keys, [0x03])
        story.call(.ack, [2, 0])
        story.call(.wait, [18])
        story.call(.keys, [0x00])
        story.call(.ack, [3, 0])
        return story.bytes
    }

    /// Every decision, and none.
    private static var requests: [UInt8] {
        var story = ListenerStory(mode: 0, doors: [0x0A, 0x0A])
        for peer in [0, 1, 2, 3, 8, 9, 10, 11] as [UInt8] { story.call(.syn, [peer, 1, peer & 1 == 0 ? 0x30 : 0x70]) }
        story.call(.transmit)
        for decision in [0, 1, 2, 3, 0, 3, 0] as [UInt8] { story.call(.decide, [0, decision]) }
        story.call(.syn, [11, 0, 0x30])
        story.call(.syn, [2, 0, 0x30])
        story.call(.transmit)
        for peer in [0, 8, 10] as [UInt8] { story.call(.ack, [peer, 0]) }
        story.call(.accept)
        story.call(.fork)
        story.call(.application, [0, 0, 1])
        story.call(.transmit)
        return story.bytes
    }

    /// A RST, silence, more than there may be, and a listener that goes.
    private static var withdrawn: [UInt8] {
        var story = ListenerStory(mode: 0, choice: 4, doors: [0x09, 0x09])
        for peer in 0..<4 as Range<UInt8> { story.call(.syn, [peer, 1, 0x30]) }
        story.call(.syn, [8, 1, 0x70])
        story.call(.segment, [0, 4, 0, 1, 0, 0, 0, 0, 0, 0])
        story.call(.transmit)
        story.call(.segment, [1, 4, 0, 1, 0, 0, 0, 0, 0, 0])
        story.call(.decide, [0, 0])
        story.call(.wait, [10])
        story.call(.syn, [2, 0, 0x30])
        story.call(.fire)
        story.call(.transmit)
        story.call(.relisten, [0x80])
        story.call(.syn, [0, 1, 0x30])
        story.call(.relisten, [0x09])
        story.call(.transmit)
        return story.bytes
    }

    /// A client that asks for as long as it can, at a listener that lets the undecided in.
    private static var overdue: [UInt8] {
        var story = ListenerStory(mode: 0, doors: [0x09, 0x19])
        for seconds in [10, 11, 12, 13, 14, 15] as [UInt8] {
            for peer in [0, 8] as [UInt8] { story.call(.syn, [peer, 0, 0x30]) }
            story.call(.transmit)
            story.call(.wait, [seconds])
        }
        story.call(.fire)
        story.call(.fire)
        story.call(.transmit)
        story.call(.transmit)
        story.call(.ack, [0, 0])
        story.call(.accept)
        return story.bytes
    }
}
