/// The characters that a picture is made of.
public enum LadderCharset: Hashable, Sendable {
    /// Box-drawing characters and arrows.
    case unicode
    /// Nothing beyond ASCII.
    case ascii

    var arrowRight: Character { self == .unicode ? "►" : ">" }
    var arrowLeft: Character { self == .unicode ? "◄" : "<" }
    var lost: Character { self == .unicode ? "✗" : "x" }
    var router: Character { self == .unicode ? "○" : "o" }
    var pause: Character { self == .unicode ? "┊" : ":" }
    var rule: Character { self == .unicode ? "─" : "-" }
    /// Between the two lengths of a queue.
    var becomes: String { self == .unicode ? "→" : "->" }
    /// The marks of a broken line, one after the other.
    var broken: [Character] { self == .unicode ? ["╌"] : ["-", " "] }

    /// The character where lines leave a cell in `directions`.
    func joint(_ directions: LineDirections) -> Character {
        switch self {
        case .unicode:
            switch directions {
            case [.left, .right], [.left], [.right]: "─"
            case [.up, .down], [.up], [.down]: "│"
            case [.left, .down]: "╮"
            case [.left, .up]: "╯"
            case [.right, .down]: "╭"
            case [.right, .up]: "╰"
            case [.up, .down, .right]: "├"
            case [.up, .down, .left]: "┤"
            case [.left, .right, .down]: "┬"
            case [.left, .right, .up]: "┴"
            default: "┼"
            }
        case .ascii:
            switch directions {
            case [.left, .right], [.left], [.right]: "-"
            case [.up, .down], [.up], [.down], [.up, .down, .right], [.up, .down, .left]: "|"
            case [.left, .down], [.right, .down]: "."
            case [.left, .up], [.right, .up]: "'"
            default: "+"
            }
        }
    }
}

/// The ways that a line leaves a cell.
struct LineDirections: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let up = LineDirections(rawValue: 1)
    static let down = LineDirections(rawValue: 2)
    static let left = LineDirections(rawValue: 4)
    static let right = LineDirections(rawValue: 8)
}

/// What a part of the picture is, for its colour.
enum LadderInk: Hashable, Sendable {
    case plain
    /// Lifelines, times and details: there, but behind the rest.
    case quiet
    case strong
    case state
    case established
    case call
    case queue
    /// Repeated packets.
    case warning
    /// Losses and errors.
    case alarm

    /// Whether words in it stand next to the lifeline, on a row without a time: the queues, which are the listener's
    /// and not the connection's.
    var standsAlone: Bool { self == .queue }

    /// The SGR sequence that begins it; empty for plain.
    var escape: String {
        switch self {
        case .plain: ""
        case .quiet: "\u{1B}[2m"
        case .strong: "\u{1B}[1m"
        case .state: "\u{1B}[36m"
        case .established: "\u{1B}[1;32m"
        case .call: "\u{1B}[1;34m"
        case .queue: "\u{1B}[35m"
        case .warning: "\u{1B}[33m"
        case .alarm: "\u{1B}[31m"
        }
    }
}

/// A sheet of cells to draw lines and text on: lines join where they meet, text goes where nothing is yet.
struct LadderCanvas {
    private struct Cell {
        var lines: LineDirections = []
        var character: Character?
        var ink = LadderInk.plain
    }

    let width: Int
    let charset: LadderCharset
    private var rows: [[Cell]]

    init(width: Int, height: Int, charset: LadderCharset) {
        self.width = width
        self.charset = charset
        rows = Array(repeating: Array(repeating: Cell(), count: width), count: height)
    }

    func isEmpty(_ row: Int, _ columns: Range<Int>) -> Bool {
        rows.indices.contains(row)
            && columns.allSatisfy { column in
                rows[row][column].lines.isEmpty && rows[row][column].character == nil
            }
    }

    /// Draws a line along a row, from the middle of one cell to the middle of another.
    mutating func horizontal(_ row: Int, _ a: Int, _ b: Int, _ ink: LadderInk) {
        let (first, last) = (min(a, b), max(a, b))
        for column in first...last {
            if column > first { rows[row][column].lines.insert(.left) }
            if column < last { rows[row][column].lines.insert(.right) }
            rows[row][column].ink = ink
        }
    }

    /// Draws a line down a column.
    mutating func vertical(_ column: Int, _ first: Int, _ last: Int, _ ink: LadderInk) {
        guard first < last else { return }
        for row in first...last {
            if row > first { rows[row][column].lines.insert(.up) }
            if row < last { rows[row][column].lines.insert(.down) }
            rows[row][column].ink = ink
        }
    }

    /// Draws a line down a column from the upper edge of the sheet to the lower one.
    mutating func lifeline(_ column: Int, _ ink: LadderInk) {
        for row in rows.indices {
            rows[row][column].lines.formUnion([.up, .down])
            rows[row][column].ink = ink
        }
    }

    /// Puts one character over whatever is there.
    mutating func put(_ character: Character, _ row: Int, _ column: Int, _ ink: LadderInk) {
        guard rows.indices.contains(row), rows[row].indices.contains(column) else { return }
        rows[row][column] = Cell(lines: [], character: character, ink: ink)
    }

    /// Writes text over whatever is there; what does not fit the sheet is cut.
    mutating func write(_ text: String, _ row: Int, _ column: Int, _ ink: LadderInk) {
        for (offset, character) in text.enumerated() { put(character, row, column + offset, ink) }
    }

    /// The sheet as lines without trailing spaces.
    func lines(coloured: Bool) -> [String] {
        rows.map { row in
            var line = ""
            var ink = LadderInk.plain
            let end = row.lastIndex { !$0.lines.isEmpty || ($0.character ?? " ") != " " }.map { $0 + 1 } ?? 0
            for cell in row[..<end] {
                let character = cell.character ?? (cell.lines.isEmpty ? " " : charset.joint(cell.lines))
                if coloured, character != " ", cell.ink != ink {
                    if ink != .plain { line += "\u{1B}[0m" }
                    line += cell.ink.escape
                    ink = cell.ink
                }
                line.append(character)
            }
            return ink == .plain ? line : line + "\u{1B}[0m"
        }
    }
}
