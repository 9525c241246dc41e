import NetPrimitives

/// A picture of a conversation: two lifelines, the packets between them, what happened at either end beside them, and
/// below what it meant. At most 80 columns wide.
public struct Ladder: Hashable, Sendable {
    /// The characters to draw with.
    public var charset: LadderCharset
    /// With the colours of an ANSI terminal.
    public var coloured: Bool
    /// Sequence numbers as they are on the wire, not counted from each side's initial number.
    public var absoluteNumbers: Bool

    public init(charset: LadderCharset = .unicode, coloured: Bool = false, absoluteNumbers: Bool = false) {
        self.charset = charset
        self.coloured = coloured
        self.absoluteNumbers = absoluteNumbers
    }

    /// The picture and its explanation, as lines without their ends.
    public func lines(_ conversation: Conversation) -> [String] {
        picture(conversation) + exhibits(conversation) + [""] + meaning(conversation)
    }

    /// The picture alone.
    public func picture(_ conversation: Conversation) -> [String] {
        let layout = LadderLayout(
            conversation, absolute: absoluteNumbers || conversation.showsAbsoluteNumbers, charset: charset)
        let geometry = layout.geometry
        var canvas = LadderCanvas(width: LadderGeometry.width, height: layout.height, charset: charset)
        canvas.lifeline(geometry.leftLine, .quiet)
        canvas.lifeline(geometry.rightLine, .quiet)
        for flight in layout.flights { draw(flight, conversation.packets[flight.packet], geometry, on: &canvas) }
        for flight in layout.flights { label(flight, conversation.packets[flight.packet], on: &canvas) }
        for time in layout.times {
            canvas.write(time.text, time.row, geometry.timeColumn(time.side, time.text), .quiet)
        }
        for remark in layout.remarks {
            let column = geometry.textColumn(remark.side, remark.text, alone: remark.ink.standsAlone)
            canvas.write(remark.text, remark.row, column, remark.ink)
        }
        for words in layout.announcements {
            let column = words.side == .left ? geometry.leftLine + 2 : geometry.rightLine - 1 - words.text.count
            canvas.write(words.text, words.row, column, words.ink)
        }
        for pause in layout.pauses {
            let column = geometry.middle - pause.text.count / 2
            canvas.put(charset.pause, pause.row, geometry.leftLine, .quiet)
            canvas.put(charset.pause, pause.row, geometry.rightLine, .quiet)
            canvas.write(pause.text, pause.row, column, .quiet)
        }
        return heading(conversation, geometry) + canvas.lines(coloured: coloured) + legend(conversation)
    }

    /// What the picture shows, in words.
    public func meaning(_ conversation: Conversation) -> [String] {
        var lines = [paint("What it meant", .strong)]
        for sentence in Meaning(conversation).sentences {
            let wrapped = LadderGeometry.wrapped(LadderLabel.printable(sentence), LadderGeometry.width - 4)
            for (offset, line) in wrapped.enumerated() { lines.append((offset == 0 ? "  - " : "    ") + line) }
        }
        return lines
    }

    /// What other tools would have shown, each after an empty line.
    private func exhibits(_ conversation: Conversation) -> [String] {
        conversation.exhibits.flatMap { exhibit in
            let title = LadderGeometry.wrapped(LadderLabel.printable(exhibit.title), LadderGeometry.width)
            let lines = exhibit.lines.map { "  " + LadderLabel.printable($0).prefix(LadderGeometry.width - 2) }
            return [""] + title + lines
        }
    }

    /// What the states in the picture are called elsewhere, where that differs.
    private func legend(_ conversation: Conversation) -> [String] {
        let others = [("SYN-RECEIVED", "SYN-RECV (netstat: SYN_RECV)"), ("ESTABLISHED", "ESTAB")]
        let used = others.filter { state, _ in
            conversation.moments.contains { moment in
                if case .entered(_, state) = moment.event { true } else { false }
            }
        }
        guard !used.isEmpty else { return [] }
        return ["", paint("ss shows " + used.map { "\($0.0) as \($0.1)" }.joined(separator: ", ") + ".", .quiet)]
    }

    private func paint(_ text: String, _ ink: LadderInk) -> String {
        coloured ? ink.escape + text + "\u{1B}[0m" : text
    }
}

// MARK: - Drawing

extension Ladder {
    /// The names and addresses over their lifelines.
    private func heading(_ conversation: Conversation, _ geometry: LadderGeometry) -> [String] {
        var canvas = LadderCanvas(width: LadderGeometry.width, height: 2, charset: charset)
        for side in Conversation.Side.allCases {
            let room = side == .left ? 0..<geometry.middle : geometry.middle + 1..<LadderGeometry.width
            let host = conversation[side]
            for (row, text, ink) in [(0, host.name, LadderInk.strong), (1, host.address, .plain)] {
                let text = String(LadderLabel.printable(text).prefix(room.count))
                let centred = geometry.lifeline(side) - text.count / 2
                canvas.write(text, row, max(room.lowerBound, min(centred, room.upperBound - text.count)), ink)
            }
        }
        return canvas.lines(coloured: coloured)
    }

    /// The colour of a packet's line.
    private func ink(_ flight: LadderLayout.Flight, _ packet: Conversation.Packet) -> LadderInk {
        if case .lost = packet.fate { return .alarm }
        if packet.segment?.flags.contains(.rst) ?? true { return .alarm }
        return flight.label.repeats ? .warning : .plain
    }

    /// The line of a packet.
    private func draw(
        _ flight: LadderLayout.Flight, _ packet: Conversation.Packet, _ geometry: LadderGeometry,
        on canvas: inout LadderCanvas
    ) {
        let ink = ink(flight, packet)
        let step = packet.from == .left ? 1 : -1
        let tip = geometry.lifeline(packet.from.opposite) - step
        guard packet.arrivedAt != nil else {
            drawBroken(flight, step, geometry, ink, on: &canvas)
            return
        }
        if let bend = flight.bend, let arrival = flight.arrival {
            canvas.horizontal(flight.departure, flight.start, bend, ink)
            canvas.vertical(bend, flight.departure, arrival, ink)
            canvas.horizontal(arrival, bend, tip, ink)
        } else {
            canvas.horizontal(flight.departure, flight.start, tip, ink)
        }
        let head = packet.from == .left ? charset.arrowRight : charset.arrowLeft
        canvas.put(head, flight.arrival ?? flight.departure, tip, ink)
        if packet.router != nil { canvas.put(charset.router, flight.departure, flight.start, ink) }
    }

    /// The line of a packet that never arrives: one that is lost ends half-way, one that is dropped ends at
    /// the door of whoever drops it.
    private func drawBroken(
        _ flight: LadderLayout.Flight, _ step: Int, _ geometry: LadderGeometry, _ ink: LadderInk,
        on canvas: inout LadderCanvas
    ) {
        let isLost = flight.label.fate == "lost"
        let row = flight.departure
        let door = geometry.router(before: step > 0 ? .right : .left)
        let end = isLost ? door - step * 3 : door
        canvas.horizontal(row, flight.start, flight.start + step, ink)
        for (offset, column) in stride(from: flight.start + step, to: end, by: step).enumerated() {
            canvas.put(charset.broken[offset % charset.broken.count], row, column, ink)
        }
        canvas.put(charset.lost, row, end, ink)
        if isLost { canvas.write("lost", row, step > 0 ? end + 2 : end - 5, ink) }
    }

    /// The words on a packet's line and below it.
    private func label(
        _ flight: LadderLayout.Flight, _ packet: Conversation.Packet, on canvas: inout LadderCanvas
    ) {
        let (label, free, row) = (flight.label, flight.free, flight.departure)
        let ink = ink(flight, packet)
        let room = LadderLabel.room(free.count, arrives: packet.arrivedAt != nil)
        let (on, below) = label.split(room: room)
        let column = packet.from == .left ? free.lowerBound + 2 : free.upperBound - 2 - on.count
        canvas.write(" " + on + " ", row, column - 1, ink == .plain ? .strong : ink)
        let words = LadderLabel.line(below, room: free.count - 2, separator: " ")
        let must = [words, label.fate == "lost" ? "" : label.fate].filter { !$0.isEmpty }
        let isWhole = words == below.joined(separator: " ")
        let detail = LadderLabel.line(isWhole ? must + label.details : must, room: free.count - 2)
        let indent = on.hasPrefix("(") ? 4 : 0
        let from = max(free.lowerBound + 1, min(column + indent, free.upperBound - 1 - detail.count))
        guard !detail.isEmpty, canvas.isEmpty(row + 1, from - 1..<from + detail.count + 1) else { return }
        canvas.write(detail, row + 1, from, .quiet)
    }
}
