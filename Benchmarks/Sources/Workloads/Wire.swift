import NetPrimitives
import WireFormats

extension PacketBatch {
    /// Adds a packet with a segment between two endpoints of one family, as far as there is room. Its text is numbers
    /// that count.
    mutating func append(_ seg: Segment, from source: Endpoint, to destination: Endpoint) {
        let header = source.address.isIPv6 ? IPv6Header.length : IPv4Header.length
        let length = seg.headerLength + seg.payloadLength
        guard let index = appendUninitialized(length: header + length, interface: InterfaceID(0)) else { return }
        var packet = mutableBytes(of: index)
        switch (source.address, destination.address) {
        case (.v4(let near), .v4(let far)):
            IPv4Header(source: near, destination: far, protocol: .tcp, payloadLength: length).emit(into: &packet)
        case (.v6(let near), .v6(let far)):
            IPv6Header(source: near, destination: far, nextHeader: .tcp, payloadLength: length).emit(into: &packet)
        default:
            break
        }
        var octets = mutableBytes(of: index, from: header)
        for place in seg.headerLength..<length { octets[place] = UInt8(truncatingIfNeeded: place) }
        seg.emitHeader(into: &octets, sourcePort: source.port, destinationPort: destination.port)
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source.address, destination: destination.address, protocol: .tcp, length: length)
        Segment.storeChecksum(in: &octets, pseudoHeaderSum: sum)
    }
}
