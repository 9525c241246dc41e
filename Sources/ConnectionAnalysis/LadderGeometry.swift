/// The columns of the picture: words and time on the left, the two lifelines, time and words on the right.
struct LadderGeometry {
    /// The width of a terminal that nobody has changed.
    static let width = 80
    /// The most columns that words beside a time take before they are wrapped.
    private static let widestWords = 13

    /// The columns of a side, between its lifeline and the edge.
    private struct Margin {
        var words = 0
        var time = 0
        /// A blank, the time, a blank, the words.
        var width: Int { words + time + 2 }
    }

    private var left = Margin()
    private var right = Margin()

    init(_ conversation: Conversation, charset: LadderCharset) {
        for moment in conversation.moments {
            for side in Conversation.Side.allCases where conversation.concerns(moment.event, side) {
                var margin = side == .left ? left : right
                margin.time = max(margin.time, moment.at.readable.count)
                if let remark = moment.event.remark(charset), !remark.ink.standsAlone {
                    for line in Self.wrapped(remark.text, Self.widestWords) {
                        margin.words = max(margin.words, line.count)
                    }
                }
                if side == .left { left = margin } else { right = margin }
            }
        }
        left.words = max(left.words, 10)
        right.words = max(right.words, 10)
    }

    var leftLine: Int { left.width }
    var rightLine: Int { Self.width - 1 - right.width }
    /// The column half-way between the lifelines.
    var middle: Int { (leftLine + rightLine) / 2 }

    func lifeline(_ side: Conversation.Side) -> Int { side == .left ? leftLine : rightLine }

    /// The place of a router, or of another who ends a packet's way, on the way to a side.
    func router(before side: Conversation.Side) -> Int { side == .left ? leftLine + 5 : rightLine - 5 }

    /// The column where a side's words begin: those that stand alone next to the lifeline, others beyond the time.
    func textColumn(_ side: Conversation.Side, _ text: String, alone: Bool) -> Int {
        switch side {
        case .left: alone ? leftLine - 1 - text.count : left.words - text.count
        case .right: alone ? rightLine + 2 : rightLine + 3 + right.time
        }
    }

    /// The column where a side's time begins.
    func timeColumn(_ side: Conversation.Side, _ text: String) -> Int {
        side == .left ? leftLine - 1 - text.count : rightLine + 2
    }

    /// A side's words in lines that fit beside a time, or in its place too where they stand alone.
    func wrapped(_ text: String, _ side: Conversation.Side, alone: Bool) -> [String] {
        let margin = side == .left ? left : right
        return Self.wrapped(text, alone ? margin.width - 1 : margin.words)
    }

    /// Breaks text at spaces, and words that are longer than a line anywhere.
    static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in phrases(text) {
            var word = word[...]
            if !line.isEmpty, line.count + 1 + word.count <= width {
                line += " " + word
                continue
            }
            if !line.isEmpty { lines.append(line) }
            while word.count > width, width > 0 {
                lines.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
            line = String(word)
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// The words of a text, a number and its unit being one.
    private static func phrases(_ text: String) -> [String] {
        let units: Set<Substring> = ["ns", "us", "ms", "s", "min", "h", "RTT"]
        return text.split(separator: " ").reduce(into: []) { phrases, word in
            if phrases.last?.last?.isNumber == true, units.contains(word.prefix { $0.isLetter }) {
                phrases[phrases.count - 1] += " " + word
            } else {
                phrases.append(String(word))
            }
        }
    }
}

extension Conversation {
    /// Whether an event's time is shown on a side.
    func concerns(_ event: Event, _ side: Side) -> Bool {
        switch event {
        case .sent(let index): packets[index].from == side && packets[index].router == nil
        case .arrived(let index): packets[index].from != side
        case .called(let host, _), .failed(let host, _), .entered(let host, _), .queued(let host, _, _, _),
            .noted(let host, _):
            host == side
        }
    }
}
