public import NetPrimitives

/// Networks that most of something came from, the /24 of an IPv4 address and the /56 of an IPv6 one, in four places.
///
/// The space-saving algorithm (Metwally, 2005): a network that has no place takes that of the least and its count. So
/// whoever sent more than a quarter is among them, and no count is too low.
public struct TopPrefixes: Hashable, Sendable, BitwiseCopyable {
    struct Place: Hashable, BitwiseCopyable, Sendable {
        var network: UInt64
        var count: UInt32
        var isIPv6: Bool
    }

    private var places: [4 of Place]

    init() { places = [4 of Place](repeating: Place(network: 0, count: 0, isIPv6: false)) }

    /// Counts the network of the tuple's peer.
    mutating func note(_ tuple: FourTuple, weight: UInt32 = 1) {
        let network = tuple.remoteAddress.network
        var least = 0
        for index in 0..<4 {
            if places[index].count > 0, places[index].network == network, places[index].isIPv6 == tuple.isIPv6 {
                places[index].count = places[index].count.addingReportingOverflow(weight).partialValue
                return
            }
            if places[index].count < places[least].count { least = index }
        }
        places[least] = Place(network: network, count: places[least].count &+ weight, isIPv6: tuple.isIPv6)
    }

    /// Networks that are counted, 0...4.
    public var count: Int {
        var count = 0
        for index in 0..<4 where places[index].count > 0 { count += 1 }
        return count
    }

    /// The network with the most but `rank`, and how many came from it; `nil` beyond ``count``.
    public subscript(rank: Int) -> (prefix: IPPrefix, count: Int)? {
        var order = places
        for index in 0..<4 {
            for other in index + 1..<4 where order[other].count > order[index].count { order.swapAt(index, other) }
        }
        guard rank >= 0, rank < count else { return nil }
        let place = order[rank]
        let address: IPAddress =
            place.isIPv6
            ? .v6(IPv6Address(high: place.network << 8, low: 0))
            : .v4(IPv4Address(UInt32(truncatingIfNeeded: place.network << 8)))
        guard let prefix = IPPrefix(address, length: place.isIPv6 ? 56 : 24) else { return nil }
        return (prefix, Int(place.count))
    }

    public static func == (a: TopPrefixes, b: TopPrefixes) -> Bool {
        for index in 0..<4 where a.places[index] != b.places[index] { return false }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        for index in 0..<4 { hasher.combine(places[index]) }
    }
}
