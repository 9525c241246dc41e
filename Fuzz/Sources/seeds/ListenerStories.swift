import Fuzzing

/// What comes to a listening stack, as the target reads it.
struct ListenerStory {
    private(set) var bytes: [UInt8]

    /// - Parameter mode: 0 for cookies when full, 1 for always, 2 for never.
    init(mode: UInt8, backlog: UInt8 = 1) { bytes = [mode | 0x20, 0, 0x0A, 1, backlog] }

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
        var stories: [SeedInput] = []
        for (name, mode) in [("full", 0), ("always", 1), ("never", 2)] as [(String, UInt8)] {
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
            stories.append(("crowd-\(name)", story.bytes))
        }
        var forged = ListenerStory(mode: 1)
        forged.handshake(1)
        forged.call(.ack, [1, 3, 5, 0, 0, 0, 1])
        forged.call(.segment, [2, 0x10, 0, 1, 0, 1, 0x10, 0, 0, 3])
        forged.call(.keys, [9])
        forged.call(.ack, [1, 0])
        forged.call(.icmp, [1, 3, 1, 0, 0])
        forged.call(.altered, [1, 0, 13, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        stories.append(("forged", forged.bytes))
        var changed = ListenerStory(mode: 0, backlog: 0)
        for peer in 0..<3 as Range<UInt8> { changed.handshake(peer) }
        changed.call(.backlog, [4])
        changed.call(.fork)
        changed.call(.mode, [2])
        changed.call(.fire)
        changed.call(.transmit)
        for peer in 0..<3 as Range<UInt8> { changed.call(.ack, [peer, 0]) }
        changed.call(.accept)
        changed.call(.application, [0, 4])
        changed.call(.relisten, [2])
        changed.call(.raw, [4, 0x45, 0, 0, 20])
        stories.append(("changed", changed.bytes))
        return stories
    }
}
