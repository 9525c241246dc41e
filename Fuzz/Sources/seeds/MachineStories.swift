import Fuzzing

/// What happens to one connection, as the target reads it.
struct MachineStory {
    private(set) var bytes: [UInt8]

    init(_ beginning: MachineTarget.Beginning, tcp: (UInt8, UInt8) = (0, 0x0A), sizes: UInt8 = 0x32) {
        bytes = [tcp.0, tcp.1, sizes, UInt8(MachineTarget.Beginning.allCases.firstIndex(of: beginning) ?? 0)]
    }

    mutating func call(_ call: MachineTarget.Call, _ arguments: [UInt8] = []) {
        bytes.append(UInt8(MachineTarget.Call.allCases.firstIndex(of: call) ?? 0))
        bytes += arguments
    }

    /// A segment in its place: flags, a window of 8,192 and so much text.
    mutating func segment(_ flags: UInt8, options: [UInt8] = [0], text: UInt8 = 0) {
        call(.segment, [0, flags, 0x20, 0] + options + [text])
    }

    /// A segment `ahead` bytes further on.
    mutating func segment(ahead: UInt8, _ flags: UInt8, text: UInt8) {
        call(.segment, [64, flags, 0, ahead, 0x20, 0, 0, text])
    }
}

enum MachineStories {
    private static let (ack, finAck, rst, syn): (UInt8, UInt8, UInt8, UInt8) = (0x10, 0x11, 0x04, 0x02)

    static var all: [SeedInput] {
        MachineTarget.Beginning.allCases.map { beginning in
            // Without timestamps, so that segments need none.
            var story = MachineStory(beginning, tcp: (4, 0x0A))
            story.segment(ack, text: 100)
            story.call(.write, [0x10, 0])
            story.segment(ahead: 50, ack, text: 20)
            story.segment(ack, text: 50)
            story.call(.read, [0, 60])
            story.call(.fire, [0])
            story.segment(ack)
            story.call(.shutdown)
            story.segment(finAck)
            story.call(.wait, [17])
            story.segment(rst)
            return ("\(beginning)", story.bytes)
        } + [
            ("challenged", challenged.bytes), ("probed", probed.bytes), ("timestamps", timestamps.bytes),
            ("released", released.bytes), ("recovers", recovers.bytes),
        ]
    }

    private static var challenged: MachineStory {
        var story = MachineStory(.established)
        story.segment(ahead: 9, rst, text: 0)
        story.segment(syn)
        story.call(.wait, [9])
        story.segment(ahead: 200, ack, text: 0)
        return story
    }

    private static var probed: MachineStory {
        var story = MachineStory(.established, tcp: (4, 0x0A))
        story.call(.segment, [0, ack, 0, 0, 0, 0])
        story.call(.write, [1, 0])
        for _ in 0..<3 { story.call(.fire, [0]) }
        story.segment(ack)
        return story
    }

    private static var timestamps: MachineStory {
        var story = MachineStory(.passive)
        story.segment(ack, options: [1, 5, 0], text: 10)
        story.segment(ack, options: [1, 0x80, 0], text: 10)
        story.call(.unreachable, [0])
        story.call(.pathCarries, [0, 2, 0])
        return story
    }

    private static var released: MachineStory {
        var story = MachineStory(.closeWait, tcp: (4, 0x0A))
        story.call(.write, [0, 30])
        story.call(.release)
        story.segment(ack)
        return story
    }

    /// Selective acknowledgements of what is on its way, then nothing: a timeout.
    private static var recovers: MachineStory {
        var story = MachineStory(.established, tcp: (4, 0x0E))
        story.call(.write, [0x30, 0])
        for _ in 0..<4 { story.call(.segment, [3 << 3, ack, 0x20, 0, 2, 0x05, 0xB4, 0x05, 0xB4, 0]) }
        story.call(.fire, [0])
        story.segment(ack)
        return story
    }
}
