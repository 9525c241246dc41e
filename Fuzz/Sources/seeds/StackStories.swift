import Fuzzing

/// What happens to two stacks, as the target reads it.
struct StackStory {
    private(set) var bytes: [UInt8]

    /// - Parameters:
    ///   - world: the first byte of an input: cookies and limits.
    ///   - tcp: the next two: options and buffers.
    init(world: UInt8 = 0, tcp: (UInt8, UInt8) = (0, 0x0A)) { bytes = [world, tcp.0, tcp.1] }

    enum Side: UInt8 {
        case left = 0
        case right = 0x80
    }

    mutating func call(_ call: StacksTarget.Call, _ side: Side = .left, _ argument: UInt8 = 0) {
        guard let number = StacksTarget.Call.allCases.firstIndex(of: call) else { return }
        bytes.append(UInt8(number) | side.rawValue)
        if call != .fork, call != .deliverAll { bytes.append(argument) }
    }

    mutating func move(_ call: StacksTarget.Call, _ side: Side, _ count: UInt16, of conversation: UInt8 = 0) {
        self.call(call, side, conversation)
        bytes += [UInt8(count >> 8), UInt8(count & 0xFF)]
    }

    /// A byte of the oldest packet is changed.
    mutating func damage(_ side: Side, at offset: UInt16, by change: UInt8) {
        call(.damage, side)
        bytes += [UInt8(offset >> 8), UInt8(offset & 0xFF), change]
    }

    /// A packet of these bytes.
    mutating func forge(_ side: Side, _ packet: [UInt8]) {
        call(.forge, side, UInt8(packet.count))
        bytes += packet
    }

    /// Packets go to and fro so often.
    mutating func exchange(_ times: Int) {
        for _ in 0..<times {
            call(.deliverAll, .right)
            call(.deliverAll, .left)
        }
    }

    /// The right end listens, the left connects, and the right accepts.
    mutating func open(isIPv6: Bool = false, backlog: UInt8 = 1) {
        call(.listen, .right, (isIPv6 ? 1 : 0) | backlog << 2)
        call(.connect, .left, isIPv6 ? 1 : 0)
        exchange(2)
        call(.accept, .right)
    }

    mutating func close() {
        call(.shutdown, .left)
        exchange(1)
        move(.read, .right, 200)
        call(.shutdown, .right)
        exchange(2)
        call(.close, .left)
        call(.close, .right)
    }
}

enum StackStories {
    static var all: [SeedInput] {
        var stories: [SeedInput] = []
        func tell(_ name: String, _ story: StackStory, _ body: (inout StackStory) -> Void) {
            var story = story
            body(&story)
            stories.append((name, story.bytes))
        }
        for isIPv6 in [false, true] {
            tell("talk-\(isIPv6 ? "ipv6" : "ipv4")", StackStory()) {
                $0.open(isIPv6: isIPv6)
                $0.move(.write, .left, 100)
                $0.exchange(1)
                $0.move(.read, .right, 40)
                $0.move(.write, .right, 60)
                $0.exchange(2)
                $0.move(.read, .left, 200)
                $0.close()
            }
        }
        tell("cookies", StackStory(world: 1)) {
            $0.open()
            $0.move(.write, .left, 50)
            $0.exchange(2)
            $0.close()
        }
        tell("plain", StackStory(tcp: (0x0E, 0x0A))) {
            $0.open()
            $0.move(.write, .left, 2_000)
            $0.exchange(3)
            $0.close()
        }
        loss(tell)
        ends(tell)
        return stories
    }

    private typealias Tell = (String, StackStory, (inout StackStory) -> Void) -> Void

    private static func loss(_ tell: Tell) {
        tell("lost", StackStory()) {
            $0.open()
            $0.move(.write, .left, 9_000)
            $0.call(.drop, .right, 1)
            $0.call(.duplicate, .right, 2)
            $0.call(.rotate, .right)
            $0.exchange(3)
            $0.move(.read, .right, 9_000)
            $0.call(.fire)
            $0.exchange(3)
            $0.close()
        }
        tell("lost-third-ack", StackStory()) {
            $0.call(.listen, .right)
            $0.call(.connect)
            $0.call(.deliverAll, .right)
            $0.call(.deliverAll, .left)
            $0.call(.drop, .right)
            $0.call(.fire)
            $0.exchange(2)
            $0.call(.accept, .right)
            $0.close()
        }
        tell("full", StackStory(world: 2)) {
            $0.call(.listen, .right)
            for _ in 0..<4 { $0.call(.connect) }
            $0.exchange(2)
            $0.call(.wait, .left, 10)
            $0.exchange(2)
            $0.call(.accept, .right)
            $0.call(.fire)
            $0.exchange(2)
        }
        tell("closed-window", StackStory(tcp: (0, 0))) {
            $0.open()
            $0.move(.write, .left, 5_000)
            $0.exchange(3)
            for _ in 0..<4 { $0.call(.fire) }
            $0.exchange(1)
            $0.move(.read, .right, 4_000)
            $0.exchange(2)
            $0.close()
        }
    }

    private static func ends(_ tell: Tell) {
        tell("simultaneous", StackStory()) {
            $0.call(.simultaneous)
            $0.exchange(2)
            $0.move(.write, .right, 30)
            $0.exchange(1)
            $0.close()
        }
        tell("copied", StackStory()) {
            $0.open()
            $0.call(.fork)
            $0.move(.write, .left, 3_000)
            $0.exchange(2)
            $0.call(.wait, .left, 9)
            $0.close()
        }
        tell("aborted", StackStory()) {
            $0.open()
            $0.move(.write, .left, 30)
            $0.exchange(1)
            $0.call(.abort, .right)
            $0.exchange(2)
        }
        tell("refused", StackStory()) {
            $0.call(.connect)
            $0.exchange(2)
        }
        tell("damaged", StackStory()) {
            $0.open()
            $0.move(.write, .left, 30)
            $0.damage(.right, at: 33, by: 0x11)
            $0.forge(.left, [0x45, 0, 0, 20])
            $0.exchange(2)
        }
    }
}
