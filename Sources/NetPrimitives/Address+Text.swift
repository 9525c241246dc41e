// Addresses as people write them, in both directions. What is printed reads back as the same value, and each value has
// one printed form: dotted decimal for IPv4, RFC 5952 for IPv6.

extension IPv4Address: LosslessStringConvertible {
    /// Dotted decimal: `192.0.2.1`.
    public var description: String {
        var text = ""
        for shift in [24, 16, 8, 0] as [UInt32] {
            if !text.isEmpty { text += "." }
            text += String(UInt8(truncatingIfNeeded: rawValue >> shift))
        }
        return text
    }

    /// Reads dotted decimal: four numbers up to 255 without leading zeros. The short, octal and hexadecimal forms that
    /// `inet_aton` takes are refused: they mean different addresses to different readers.
    public init?(_ description: String) {
        var reader = AddressReader(description)
        guard let address = reader.ipv4(), reader.isAtEnd else { return nil }
        self = address
    }
}

extension IPv6Address: LosslessStringConvertible {
    /// The canonical form of RFC 5952: `2001:db8::1`, and `::ffff:192.0.2.1` for an address that is IPv4-mapped.
    public var description: String {
        if isIPv4Mapped { return "::ffff:" + IPv4Address(UInt32(truncatingIfNeeded: low)).description }
        let gap = longestZeroRun
        var text = ""
        var index = 0
        while index < 8 {
            if index == gap.lowerBound && !gap.isEmpty {
                text += "::"
                index = gap.upperBound
                continue
            }
            if index > 0 && index != gap.upperBound { text += ":" }
            text += String(group(index), radix: 16)
            index += 1
        }
        return text
    }

    /// Reads the forms of RFC 4291, 2.2: eight groups of one to four hexadecimal digits, `::` once for at least one
    /// group of zeros, the last two groups as dotted decimal if wanted. No zone and no prefix length.
    public init?(_ description: String) {
        var reader = AddressReader(description)
        guard let address = reader.ipv6(), reader.isAtEnd else { return nil }
        self = address
    }

    /// One of the eight 16-bit groups, the first being 0.
    private func group(_ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)))
    }

    /// The groups that `::` stands for: the longest run of two or more zeros, the first of equals (RFC 5952, 4.2).
    private var longestZeroRun: Range<Int> {
        var best = 8..<8
        var start = 0
        for index in 0...8 where index == 8 || group(index) != 0 {
            if index - start >= 2 && index - start > best.count { best = start..<index }
            start = index + 1
        }
        return best
    }
}

extension IPAddress: LosslessStringConvertible {
    /// The address in the form of its family.
    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }

    /// Reads an address of either family.
    public init?(_ description: String) {
        if let address = IPv4Address(description) {
            self = .v4(address)
        } else if let address = IPv6Address(description) {
            self = .v6(address)
        } else {
            return nil
        }
    }
}

extension Endpoint: LosslessStringConvertible {
    /// `192.0.2.1:80` or `[2001:db8::1]:80` (RFC 5952, 6).
    public var description: String {
        switch address {
        case .v4(let address): address.description + ":" + String(port)
        case .v6(let address): "[" + address.description + "]:" + String(port)
        }
    }

    /// Reads an address and a port; IPv6 addresses must stand in brackets.
    public init?(_ description: String) {
        var reader = AddressReader(description)
        if reader.take("[") {
            guard let address = reader.ipv6(), reader.take("]") else { return nil }
            self.address = .v6(address)
        } else {
            guard let address = reader.ipv4() else { return nil }
            self.address = .v4(address)
        }
        guard reader.take(":"), let port = reader.decimal(upTo: 65_535), reader.isAtEnd else { return nil }
        self.port = UInt16(port)
    }
}

extension IPPrefix: LosslessStringConvertible {
    /// `10.0.0.0/8`, `2001:db8::/32`.
    public var description: String { address.description + "/" + String(length) }

    /// Reads an address, a slash and a length of at most 32 or 128. Bits behind the length may be set and are kept.
    public init?(_ description: String) {
        var reader = AddressReader(description)
        guard let address = reader.address(), reader.take("/") else { return nil }
        guard let length = reader.decimal(upTo: address.isIPv6 ? 128 : 32), reader.isAtEnd else { return nil }
        self.init(address, length: length)
    }
}

/// Reads the parts of an address from left to right. A part that does not fit leaves the reader anywhere.
private struct AddressReader {
    private let characters: [UInt8]
    private var position = 0

    /// The longest text is an IPv6 address of 45 characters in an endpoint; what is longer by far reads as nothing.
    init(_ text: String) { characters = text.utf8.count <= 64 ? Array(text.utf8) : [] }

    var isAtEnd: Bool { position == characters.count }

    private var next: UInt8? { isAtEnd ? nil : characters[position] }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let next, UInt32(next) == character.value else { return false }
        position += 1
        return true
    }

    /// A number without sign and without leading zeros.
    mutating func decimal(upTo limit: Int) -> Int? {
        let start = position
        var value = 0
        while let next, next >= 0x30, next <= 0x39 {
            value = value * 10 + Int(next - 0x30)
            guard value <= limit else { return nil }
            position += 1
        }
        guard position > start, position - start == 1 || characters[start] != 0x30 else { return nil }
        return value
    }

    mutating func ipv4() -> IPv4Address? {
        var value: UInt32 = 0
        for index in 0..<4 {
            if index > 0 && !take(".") { return nil }
            guard let octet = decimal(upTo: 255) else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return IPv4Address(value)
    }

    mutating func ipv6() -> IPv6Address? {
        var head: UInt128 = 0
        var headCount: Int? = nil
        var value: UInt128 = 0
        var count = 0
        if take(":") {
            guard take(":") else { return nil }
            headCount = 0
        }
        while count + (headCount ?? 0) < 8 {
            let start = position
            guard let group = hexadecimal() else { break }
            if next == 0x2E {
                // Dotted decimal stands for two groups and ends the address.
                position = start
                guard count + (headCount ?? 0) <= 6, let tail = ipv4() else { return nil }
                value = value << 32 | UInt128(tail.rawValue)
                count += 2
                break
            }
            value = value << 16 | UInt128(group)
            count += 1
            guard count + (headCount ?? 0) < 8, take(":") else { break }
            if take(":") {
                guard headCount == nil else { return nil }
                headCount = count
                head = value
                value = 0
                count = 0
            } else if next.flatMap(hexadecimalDigit) == nil {
                return nil
            }
        }
        if let headCount {
            guard headCount + count <= 7 else { return nil }
            value |= head << UInt128(16 * (8 - headCount))
        } else if count != 8 {
            return nil
        }
        return IPv6Address(high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
    }

    mutating func address() -> IPAddress? {
        let start = position
        if let address = ipv4() { return .v4(address) }
        position = start
        return ipv6().map { .v6($0) }
    }

    /// One to four hexadecimal digits.
    private mutating func hexadecimal() -> UInt16? {
        var value: UInt16 = 0
        var count = 0
        while count < 4, let digit = next.flatMap(hexadecimalDigit) {
            value = value << 4 | UInt16(digit)
            position += 1
            count += 1
        }
        return count > 0 ? value : nil
    }

    private func hexadecimalDigit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x41 + 10
        case 0x61...0x66: character - 0x61 + 10
        default: nil
        }
    }
}
