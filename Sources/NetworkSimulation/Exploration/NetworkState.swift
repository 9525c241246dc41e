internal import NetPrimitives

/// Packets in flight: a multiset, in order of their numbers.
struct Flight {
    /// The most packets that there is room for.
    static let capacity = 12
    private var numbers = [12 of UInt16](repeating: .max)
    private var used: UInt8 = 0

    var count: Int { Int(used) }

    subscript(index: Int) -> UInt16 { numbers[index] }

    /// - Returns: whether there was room.
    mutating func insert(_ number: UInt16) -> Bool {
        guard count < Self.capacity else { return false }
        var place = count
        while place > 0, numbers[place - 1] > number {
            numbers[place] = numbers[place - 1]
            place -= 1
        }
        numbers[place] = number
        used += 1
        return true
    }

    mutating func remove(at index: Int) {
        used -= 1
        for place in index..<count { numbers[place] = numbers[place + 1] }
        numbers[count] = .max
    }
}

/// Both ends by the numbers of their states, what is in flight between them, and what may still happen.
struct NetworkState {
    var left: UInt32
    var right: UInt32
    var flight = Flight()
    var spent = Spent()
    /// Something was injected that may end connections.
    var isDisturbed = false

    subscript(side: ExploredSide) -> UInt32 {
        get { side == .left ? left : right }
        set { if side == .left { left = newValue } else { right = newValue } }
    }
}

/// A step from one state of the network to the next, in 32 bits.
struct Step {
    enum Kind: UInt32 {
        /// Packet `argument` arrives, is lost, is doubled.
        case deliver, lose, duplicate
        /// The next timer of an end fires.
        case timer
        /// A program makes use of choice `argument`.
        case choose
        /// Injection `argument` arrives.
        case inject
        /// The clocks of both ends go on to the earliest deadline. In a healed network only.
        case wait
    }

    private var bits: UInt32

    init(_ kind: Kind, _ side: ExploredSide = .left, _ argument: UInt16 = 0) {
        bits = kind.rawValue << 24 | UInt32(side.rawValue) << 16 | UInt32(argument)
    }

    var kind: Kind { Kind(rawValue: bits >> 24) ?? .wait }
    var side: ExploredSide { bits >> 16 & 1 == 0 ? .left : .right }
    var argument: UInt16 { UInt16(bits & 0xFFFF) }
}
