import NetPrimitives

extension Dissector {
    /// An IPv6 packet (RFC 8200) of `length` octets, as far as whoever carries it knows.
    mutating func ipv6(at start: Int, length: Int) throws(CaptureEnded) {
        layer = "ip6"
        guard isCaptured(start, 40) else { return markCut() }
        guard length >= 40 else {
            text += "truncated-ip6 \(length)"
            return
        }
        if !options.linkHeader { text += "IP6 " }
        let flow = try uint32(start)
        guard flow >> 28 == 6 else {
            text += "version error: \(flow >> 28) != 6"
            return
        }
        let payloadLength = Int(try uint16(start + 4))
        // A length of zero may announce a jumbogram (RFC 2675), whose real length stands in a hop-by-hop option.
        let total = payloadLength > 0 ? payloadLength + 40 : length + 40
        if payloadLength > 0 && length < total { text += "truncated-ip6 - \(total - length) bytes missing!" }
        if isVerbose {
            let number = try uint8(start + 6)
            text += "("
            if flow & 0xFF0_0000 != 0 { text += "class 0x\(hex(flow >> 20 & 0xFF, 2)), " }
            if flow & 0xF_FFFF != 0 { text += "flowlabel 0x\(hex(flow & 0xF_FFFF, 5)), " }
            text += "hlim \(try uint8(start + 7)), next-header \(ProtocolName.inHeader(number)) (\(number))"
            text += " payload length: \(payloadLength)) "
        }
        try nested(endingAt: start + total) { packet throws(CaptureEnded) in
            try packet.headerChain(
                HeaderChain(
                    start: start, length: length, payloadLength: payloadLength, number: packet.uint8(start + 6),
                    source: packet.ipv6Address(start + 8), destination: packet.ipv6Address(start + 24),
                    remaining: total - 40))
        }
    }

    /// Prints the extension headers in the order in which they stand, and what they carry.
    private mutating func headerChain(_ first: HeaderChain) throws(CaptureEnded) {
        var chain = first
        if chain.number != IPProtocol.tcp && chain.number != IPProtocol.udp {
            text += "\(host(chain.network.source)) > \(host(chain.network.destination)): "
        }
        while IPProtocol.isExtensionHeader(chain.number) {
            guard let size = try extensionHeader(&chain) else { return }
            chain.seen.append(chain.number)
            chain.number = try uint8(chain.position)
            layer = "ip6"
            guard chain.remaining >= size else { return markCut() }
            chain.position += size
            chain.remaining -= size
        }
        if let jumbo = chain.jumbo {
            chain.remaining = jumbo - (chain.position - chain.start - 40)
            guard chain.remaining >= 0 else { return markCut() }
            if chain.length < jumbo + 40 { text += "truncated-ip6 - \(jumbo + 40 - chain.length) bytes missing!" }
            end = min(end, chain.start + 40 + jumbo)
        } else if chain.payloadLength == 0 {
            guard chain.seen.isEmpty else { return markCut() }
            chain.remaining = 0
            end = min(end, chain.start + 40)
        }
        try payload(chain.number, at: chain.position, length: chain.remaining, under: chain.network)
    }

    /// - Returns: the header's length, or `nil` when the line ends there.
    private mutating func extensionHeader(_ chain: inout HeaderChain) throws(CaptureEnded) -> Int? {
        switch chain.number {
        case IPProtocol.hopByHop:
            // RFC 8200, 4.1: once, and before all others.
            guard chain.seen.isEmpty else {
                let isSecond = chain.seen.contains(IPProtocol.hopByHop)
                text +=
                    "[The Hop-by-Hop Options header "
                    + (isSecond ? "was already found" : "don't follow the IPv6 header")
                text += "] (invalid)"
                return nil
            }
            let size = try hopByHopOptions(
                at: chain.position, payloadLength: chain.payloadLength, jumbo: &chain.jumbo)
            if chain.payloadLength == 0 && chain.jumbo == nil {
                text += "[No valid Jumbo Payload Hop-by-Hop option found] (invalid)"
                return nil
            }
            return size
        case IPProtocol.routing:
            guard isCaptured(chain.position, 1) else {
                markCut()
                return nil
            }
            // Checksums cover the last destination of the first routing header (RFC 8200, 8.1).
            if !chain.seen.contains(IPProtocol.routing), let last = routedDestination(at: chain.position) {
                chain.network.finalDestination = last
            }
            return try routingHeader(at: chain.position)
        case IPProtocol.fragment:
            guard let size = try fragmentHeader(at: chain.position, under: chain.start) else { return nil }
            chain.network.isFragment = true
            return chain.position + size < end ? size : nil
        default:
            return try destinationOptions(at: chain.position)
        }
    }
}

/// A walk along the headers of an IPv6 packet: where it is, and what it has met.
private struct HeaderChain {
    /// Where the fixed header begins.
    let start: Int
    /// The octets that there are for the packet, whatever its fields say.
    let length: Int
    /// The fixed header's own field.
    let payloadLength: Int
    /// What stands at `position`, in the numbers of the protocol field.
    var number: UInt8
    var position: Int
    /// The octets from `position` to the packet's end.
    var remaining: Int
    /// The length that a jumbo option gave (RFC 2675).
    var jumbo: Int?
    var seen: [UInt8] = []
    var network: NetworkHeader

    init(
        start: Int, length: Int, payloadLength: Int, number: UInt8, source: IPAddress, destination: IPAddress,
        remaining: Int
    ) {
        self.start = start
        self.length = length
        self.payloadLength = payloadLength
        self.number = number
        self.remaining = remaining
        position = start + 40
        network = NetworkHeader(
            source: source, destination: destination, finalDestination: destination, protocolNumber: number,
            isFragment: false)
    }
}
