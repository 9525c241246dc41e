import NetPrimitives

/// Bytes from hexadecimal digits; spaces and line ends between them are for the reader.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(digits.count % 2 == 0, "two digits a byte")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// What `write` leaves in `count` bytes, which start as 0xA5: a byte that it forgets shows.
func written(_ count: Int, _ write: (inout MutableSpan<UInt8>) -> Void) -> [UInt8] {
    var octets = [UInt8](repeating: 0xA5, count: count)
    var span = octets.mutableSpan
    write(&span)
    return octets
}

/// The bytes of a span.
func bytes(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }

/// RFC 1071 by the letter: 16-bit words, one after the other, the carry added in each time.
func referenceSum(_ octets: some Collection<UInt8>, adding start: UInt32 = 0) -> UInt16 {
    var sum = (start & 0xFFFF) + (start >> 16)
    sum = (sum & 0xFFFF) + (sum >> 16)
    var isHigh = true
    for octet in octets {
        sum += isHigh ? UInt32(octet) << 8 : UInt32(octet)
        sum = (sum & 0xFFFF) + (sum >> 16)
        isHigh.toggle()
    }
    return UInt16(sum)
}

extension [UInt8] {
    /// A copy with some bytes replaced.
    func patched(_ patches: [Int: UInt8]) -> [UInt8] {
        var copy = self
        for (offset, value) in patches { copy[offset] = value }
        return copy
    }

    /// A copy with the 16 bits at `offset` replaced.
    func storing(_ value: UInt16, at offset: Int) -> [UInt8] {
        patched([offset: UInt8(value >> 8), offset + 1: UInt8(value & 0xFF)])
    }
}

extension Generator {
    /// `count` bytes.
    mutating func octets(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// A number of any integer type.
    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        Number(truncatingIfNeeded: next())
    }

    /// One of two, evenly.
    mutating func coin() -> Bool { next() & 1 == 0 }
}
