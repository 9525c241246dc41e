import NetPrimitives

/// Addresses of the one network there is.
enum Wires {
    static func own(isIPv6: Bool) -> IPAddress { stranger(1, isIPv6: isIPv6) }

    static func stranger(_ number: UInt8, isIPv6: Bool) -> IPAddress {
        isIPv6
            ? .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: UInt64(number)))
            : .v4(IPv4Address(192, 0, 2, number))
    }
}
