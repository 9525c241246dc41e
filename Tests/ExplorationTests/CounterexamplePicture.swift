import ConnectionAnalysis
import NetPrimitives
import NetworkSimulation
import WireFormats

/// A counterexample as a ladder. Its times count steps, as if each took a millisecond, and where time itself passes at
/// both ends that time.
struct CounterexamplePicture {
    private var conversation = Conversation(
        left: .init(name: "left", address: "\(Model.endpoint(.left))"),
        right: .init(name: "right", address: "\(Model.endpoint(.right))"))
    private var now = Instant.zero
    /// Packets in flight, and where the conversation has them.
    private var flight: [(packet: ExploredPacket, index: Int)] = []
    private var captions: (left: String, right: String) = ("", "")

    static func lines(_ counterexample: Counterexample) -> [String] {
        var picture = CounterexamplePicture()
        for (number, event) in counterexample.events.enumerated() {
            if number == counterexample.healedAfter { picture.note(.left, "healed from here on") }
            picture.draw(event)
        }
        return Ladder().picture(picture.conversation) + ["", "  " + counterexample.verdict]
    }

    private mutating func draw(_ event: ExplorationEvent) {
        now = now + .milliseconds(1)
        switch event.kind {
        case .began: break
        case .delivered(let packet): arrive(packet)
        case .lost(let packet):
            if let index = take(packet) { conversation.lose(index, because: "lost") }
        case .doubled(let packet): send(packet, by: "the network")
        case .timer(let side, let time): note(side, "timer, after \(time.milliseconds) ms")
        case .chose(let side, let name): conversation.record(.called(Self.side(side), name), at: now)
        case .injected(let packet, let name):
            send(packet, by: name)
            arrive(packet)
        case .waited(let time): now = now + time
        }
        enter(.left, event.left)
        enter(.right, event.right)
        for packet in event.sent { send(packet) }
    }

    private mutating func note(_ side: ExploredSide, _ text: String) {
        conversation.record(.noted(Self.side(side), text), at: now)
    }

    private mutating func enter(_ side: ExploredSide, _ caption: String) {
        if caption != (side == .left ? captions.left : captions.right) {
            conversation.record(.entered(Self.side(side), caption), at: now)
        }
        if side == .left { captions.left = caption } else { captions.right = caption }
    }

    private mutating func send(_ packet: ExploredPacket, by router: String? = nil) {
        guard let letter = Letter(packet.bytes) else { return }
        let seg = letter.segment
        let segment = Conversation.Segment(
            Conversation.Flags(rawValue: seg.flags.rawValue & 0x3F), seq: seg.seq, ack: seg.ack, window: seg.window,
            length: letter.text.count, payload: String(decoding: letter.text, as: UTF8.self))
        let side = Self.side(packet.destination.opposite)
        flight.append((packet, conversation.send(.init(from: side, router: router, .tcp(segment)), at: now)))
    }

    private mutating func take(_ packet: ExploredPacket) -> Int? {
        guard let place = flight.firstIndex(where: { $0.packet == packet }) else { return nil }
        return flight.remove(at: place).index
    }

    private mutating func arrive(_ packet: ExploredPacket) {
        if let index = take(packet) { conversation.arrive(index, at: now) }
    }

    private static func side(_ side: ExploredSide) -> Conversation.Side { side == .left ? .left : .right }
}
