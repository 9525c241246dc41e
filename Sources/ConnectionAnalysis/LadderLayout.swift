import NetPrimitives

/// Where everything stands in the picture: rows from the top, columns from the left.
///
/// Time runs downwards and is common to both sides: a later instant never stands above an earlier one. Within an
/// instant each side fills its own rows, and an arrow takes a row on which nothing is in its way.
struct LadderLayout {
    /// A packet's way: along the row of its departure to the bend, down, and along the row of its arrival.
    struct Flight {
        var packet: Int
        var label: LadderLabel
        /// The column where it begins: a lifeline, or a router's place between them.
        var start: Int
        var departure: Int
        /// The column where it turns down; `nil` for a way that stays on one row.
        var bend: Int?
        /// The row of its arrival; `nil` for a packet that never arrives.
        var arrival: Int?
        /// The columns between which its label finds nothing in its way.
        var free: Range<Int>
    }

    /// Words beside a lifeline or between the two.
    struct Remark {
        var row: Int
        var side: Conversation.Side
        var text: String
        var ink: LadderInk
    }

    private(set) var geometry: LadderGeometry
    private(set) var flights: [Flight] = []
    private(set) var remarks: [Remark] = []
    private(set) var times: [Remark] = []
    /// Words inside, next to a side's lifeline.
    private(set) var announcements: [Remark] = []
    /// Rows that stand for a long time in which nothing happens, and its length in words.
    private(set) var pauses: [(row: Int, text: String)] = []
    private(set) var height = 0

    /// What is known of a side while the rows are filled.
    private struct Lane {
        var lastArrow = -1
        var lastText = -1
        var shownTime: Instant?
    }

    private let conversation: Conversation
    private var left = Lane()
    private var right = Lane()
    private var now: Instant?
    /// The first row of the present instant.
    private var floor = 0
    /// The columns taken by lines and reserved for labels, by row.
    private var taken: [Int: [ClosedRange<Int>]] = [:]
    /// The flights under way, by the index of their packet.
    private var active: [Int: Int] = [:]

    init(_ conversation: Conversation, absolute: Bool, charset: LadderCharset) {
        self.conversation = conversation
        geometry = LadderGeometry(conversation, charset: charset)
        let readings = conversation.readings()
        // A silence of three round trips, or, where none is known, one before anything was heard at all.
        let pause =
            conversation.roundTrip.map { $0 * 3 } ?? conversation.packets.compactMap(\.arrivedAt).first.map {
                $0 - Instant.zero
            } ?? .zero
        for moment in conversation.chronicle {
            advance(to: moment.at, pause: pause)
            switch moment.event {
            case .sent(let index):
                let label = LadderLabel(conversation.packets[index], readings[index], absolute: absolute)
                depart(index, label)
            case .arrived(let index): arrive(index)
            default: remark(moment.event, charset: charset)
            }
        }
        height = max(height, floor)
    }

    private subscript(side: Conversation.Side) -> Lane {
        get { side == .left ? left : right }
        set { if side == .left { left = newValue } else { right = newValue } }
    }
}

// MARK: - Filling the rows

extension LadderLayout {
    /// Begins the rows of a new instant below all others.
    private mutating func advance(to instant: Instant, pause: Interval) {
        defer { now = instant }
        guard let before = now, instant > before else { return }
        floor = height
        if active.isEmpty, instant - before > pause {
            pauses.append((floor, (instant - before).readable))
            floor += 1
        }
    }

    private mutating func use(_ row: Int) { height = max(height, row + 1) }

    /// The first row from `candidate` on where nothing stands in `columns`, which are then taken.
    private mutating func takeRow(from candidate: Int, _ columns: ClosedRange<Int>) -> Int {
        var row = candidate
        while taken[row, default: []].contains(where: { $0.overlaps(columns) }) { row += 1 }
        taken[row, default: []].append(columns)
        use(row)
        return row
    }

    /// Shows the time beside `row` unless the side shows it already.
    private mutating func stamp(_ row: Int, _ side: Conversation.Side) {
        guard let now, self[side].shownTime != now else { return }
        self[side].shownTime = now
        times.append(Remark(row: row, side: side, text: now.readable, ink: .quiet))
    }

    private mutating func depart(_ index: Int, _ label: LadderLabel) {
        let packet = conversation.packets[index]
        let side = packet.from
        let isRouter = packet.router != nil
        let start = isRouter ? geometry.router(before: side) : geometry.lifeline(side)
        let bend = packet.arrivedAt == nil ? nil : bend(for: packet)
        let end = bend ?? geometry.lifeline(side.opposite)
        var candidate = floor
        if !isRouter { candidate = max(candidate, self[side].lastArrow + 1, self[side].lastText) }
        let row = takeRow(from: candidate, min(start, end)...max(start, end))
        let free = freeColumns(between: start, and: end)
        let room = LadderLabel.room(free.count, arrives: packet.arrivedAt != nil)
        if label.needsTwoRows(room: room) {
            _ = takeRow(from: row + 1, free.lowerBound...max(free.lowerBound, free.upperBound - 1))
        }
        if packet.arrivedAt != nil {
            active[index] = flights.count
        } else if !label.details.isEmpty {
            use(row + 1)
        }
        flights.append(Flight(packet: index, label: label, start: start, departure: row, bend: bend, free: free))
        guard !isRouter else { return }
        self[side].lastArrow = row
        self[side].lastText = row
        stamp(row, side)
    }

    private mutating func arrive(_ index: Int) {
        guard let flight = active.removeValue(forKey: index) else { return }
        let side = conversation.packets[index].from.opposite
        guard let bend = flights[flight].bend else {
            flights[flight].arrival = flights[flight].departure
            return
        }
        let line = geometry.lifeline(side)
        let candidate = max(
            floor, flights[flight].departure + 1, self[side].lastArrow + 1, self[side].lastText + 1)
        let row = takeRow(from: candidate, min(bend, line)...max(bend, line))
        flights[flight].arrival = row
        self[side].lastArrow = row
        // What the packet brings about is told on the same row.
        self[side].lastText = row - 1
        stamp(row, side)
    }

    /// Where a packet turns down: the nearer to its destination the better, but on this side of those before it.
    /// - Returns: `nil` when too many are under way for a column of its own.
    private func bend(for packet: Conversation.Packet) -> Int? {
        let bends = active.values.filter { conversation.packets[flights[$0].packet].from == packet.from }
            .compactMap { flights[$0].bend }
        if packet.from == .left {
            let bend = min(geometry.rightLine - 3, (bends.min() ?? .max) - 2)
            return bend > geometry.middle ? bend : nil
        }
        let bend = max(geometry.leftLine + 3, (bends.max() ?? .min / 2) + 2)
        return bend < geometry.middle ? bend : nil
    }

    /// The widest run of columns between two where no packet's way leads down.
    private func freeColumns(between a: Int, and b: Int) -> Range<Int> {
        let (low, high) = (min(a, b), max(a, b))
        let ways = active.values.compactMap { flights[$0].bend }.filter { $0 > low && $0 < high }.sorted()
        var best = low + 1..<low + 1
        for (from, to) in zip([low] + ways, ways + [high]) where to - from - 1 > best.count {
            best = from + 1..<to
        }
        return best
    }

    private mutating func remark(_ event: Conversation.Event, charset: LadderCharset) {
        guard let (side, text, ink) = event.remark(charset) else { return }
        for line in geometry.wrapped(text, side, alone: ink.standsAlone) {
            var row = max(floor, self[side].lastText + 1)
            stamp(row, side)
            if ink.standsAlone, times.contains(where: { $0.row == row && $0.side == side }) { row += 1 }
            remarks.append(Remark(row: row, side: side, text: line, ink: ink))
            self[side].lastText = row
            use(row)
        }
        if case .entered(_, "ESTABLISHED") = event { announce(side) }
    }

    /// Says inside the picture that a side may send now, if there is room for it.
    private mutating func announce(_ side: Conversation.Side) {
        let line = geometry.lifeline(side)
        let free = freeColumns(between: geometry.leftLine, and: geometry.rightLine)
        guard side == .left ? free.lowerBound == line + 1 : free.upperBound == line else { return }
        let texts = ["ESTABLISHED, ready to send data", "ready to send data"]
        guard let text = texts.first(where: { $0.count + 2 <= free.count }) else { return }
        let row = takeRow(
            from: max(floor, self[side].lastArrow + 1), free.lowerBound...max(free.lowerBound, free.upperBound - 1))
        announcements.append(Remark(row: row, side: side, text: text, ink: .established))
        self[side].lastArrow = row
    }
}

extension Conversation.Event {
    /// The words beside a lifeline; `nil` for packets.
    func remark(_ charset: LadderCharset) -> (side: Conversation.Side, text: String, ink: LadderInk)? {
        switch self {
        case .sent, .arrived: nil
        case .called(let side, let text): (side, LadderLabel.printable(text), .call)
        case .failed(let side, let failure): (side, "error \(failure.name)", .alarm)
        case .entered(let side, let state):
            (side, LadderLabel.printable(state), state == "ESTABLISHED" ? .established : .state)
        case .queued(let side, let queue, let from, let to):
            (side, "\(queue.rawValue) \(from)\(charset.becomes)\(to)", .queue)
        case .noted(let side, let text): (side, LadderLabel.printable(text), .quiet)
        }
    }
}
