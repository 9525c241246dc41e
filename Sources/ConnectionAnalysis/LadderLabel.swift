import NetPrimitives

/// The words on an arrow, in the order in which they may be left out from the end.
struct LadderLabel {
    /// What must be readable: on the arrow, or below it when the arrow is too short.
    var essentials: [String]
    /// What is good to know where there is room below the arrow.
    var details: [String]
    /// Whether the packet repeats another.
    var repeats: Bool
    /// Why the packet never arrived; empty when it did.
    var fate: String

    init(_ packet: Conversation.Packet, _ reading: PacketReading, absolute: Bool) {
        repeats = reading.repeats != nil
        switch packet.content {
        case .icmp(let text):
            essentials = [Self.printable(text)]
            details = packet.router.map { ["from " + Self.printable($0)] } ?? []
        case .tcp(let segment):
            let step = reading.handshakeStep.map { "(\($0)) " } ?? ""
            essentials = [step + segment.flags.name]
            let seq = absolute ? segment.seq.rawValue : segment.seq - (reading.seqBase ?? SequenceNumber(0))
            essentials.append(segment.length > 0 ? "seq \(seq):\(seq &+ UInt32(segment.length))" : "seq \(seq)")
            if segment.flags.contains(.ack) {
                let base = absolute ? SequenceNumber(0) : reading.ackBase ?? SequenceNumber(0)
                essentials.append("ack \(segment.ack - base)")
            }
            if let router = packet.router { essentials.append("from " + Self.printable(router)) }
            if segment.length > 0 { essentials.append("len \(segment.length)") }
            details = segment.options.map(Self.printable)
            if !segment.payload.isEmpty { details.append(Self.printable(segment.payload)) }
            if repeats {
                essentials.append("again")
                details = []
            }
        }
        fate = ""
        if case .lost(let reason) = packet.fate { fate = Self.printable(reason) }
    }

    /// The words that fit on an arrow with `room` columns, and those that have to go below it.
    func split(room: Int) -> (on: String, below: [String]) {
        var on = essentials[0]
        var taken = 1
        while taken < essentials.count, on.count + 1 + essentials[taken].count <= room {
            on += " " + essentials[taken]
            taken += 1
        }
        return (String(on.prefix(max(room, 0))), Array(essentials[taken...]))
    }

    /// The columns that words may take on a line, of those where nothing is in its way.
    static func room(_ free: Int, arrives: Bool) -> Int { arrives ? free - 3 : free - 10 }

    /// Whether there is more that must be readable than goes on a line with `room` columns.
    func needsTwoRows(room: Int) -> Bool {
        !split(room: room).below.isEmpty || !(fate.isEmpty || fate == "lost")
    }

    /// As many of `parts` as fit a line of `room` columns.
    static func line(_ parts: [String], room: Int, separator: String = ", ") -> String {
        var text = ""
        for part in parts {
            let next = text.isEmpty ? part : text + separator + part
            guard next.count <= room else { break }
            text = next
        }
        return text
    }

    /// The text with everything but printable ASCII replaced, so that one character is one column.
    static func printable(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.value >= 0x20 && $0.value < 0x7F ? Character($0) : "." })
    }
}
