/// The fuzzer's bytes as a source of decisions. They are read from the front; when they are used up all is 0.
public struct Input {
    private let bytes: [UInt8]
    private var position = 0

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public var isEmpty: Bool { position >= bytes.count }

    public mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    /// A number below `bound`, which is at most 256.
    public mutating func below(_ bound: Int) -> Int { Int(byte()) % bound }

    public mutating func word() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    public mutating func number() -> UInt32 { UInt32(word()) << 16 | UInt32(word()) }

    /// Some bytes as they are: fewer than asked for at the end.
    public mutating func take(_ count: Int) -> [UInt8] {
        let end = min(position + count, bytes.count)
        defer { position = end }
        return Array(bytes[position..<end])
    }

    /// All that is left.
    public mutating func rest() -> [UInt8] { take(bytes.count) }
}

/// Ends the program when something does not hold: libFuzzer then keeps the input.
public func check(_ holds: Bool, _ law: @autoclosure () -> String) {
    if !holds { fatalError("does not hold: \(law())") }
}
