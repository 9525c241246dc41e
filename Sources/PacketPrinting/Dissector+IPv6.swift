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
        let outerEnd = end
        end = min(end, start + total)
        try extensionHeaders(at: start, length: length, remaining: total - 40, payloadLength: payloadLength)
        end = outerEnd
    }

    /// Walks the extension headers in the order in which they stand, to what they carry.
    ///
    /// - Parameters:
    ///   - start: where the fixed header begins.
    ///   - length: what was captured or lost of the packet, in octets.
    ///   - remaining: octets behind the fixed header.
    ///   - payloadLength: the header's own field.
    private mutating func extensionHeaders(
        at start: Int, length: Int, remaining: Int, payloadLength: Int
    ) throws(CaptureEnded) {
        let source = try ipv6Address(start + 8)
        let destination = try ipv6Address(start + 24)
        var number = try uint8(start + 6)
        var header = NetworkHeader(
            source: source, destination: destination, finalDestination: destination, protocolNumber: number,
            isFragment: false)
        if number != IPProtocol.tcp && number != IPProtocol.udp { text += "\(host(source)) > \(host(destination)): " }
        var position = start + 40
        var remaining = remaining
        var jumbo: Int?
        var seen: [UInt8] = []
        while true {
            let advance: Int?
            switch number {
            case IPProtocol.hopByHop:
                guard seen.isEmpty else {
                    text += seen.contains(IPProtocol.hopByHop)
                        ? "[The Hop-by-Hop Options header was already found]"
                        : "[The Hop-by-Hop Options header don't follow the IPv6 header]"
                    text += " (invalid)"
                    return
                }
                advance = try hopByHopOptions(at: position, payloadLength: payloadLength, jumbo: &jumbo)
                if payloadLength == 0 && jumbo == nil {
                    text += "[No valid Jumbo Payload Hop-by-Hop option found] (invalid)"
                    return
                }
            case IPProtocol.destinationOptions:
                advance = try destinationOptions(at: position)
            case IPProtocol.routing:
                guard isCaptured(position, 1) else { return markCut() }
                advance = try routingHeader(at: position)
                // Checksums cover the destination of the first routing header (RFC 8200, 8.1).
                if !seen.contains(IPProtocol.routing), let last = routedDestination(at: position) {
                    header = header.with(isFragment: header.isFragment, finalDestination: last)
                }
            case IPProtocol.fragment:
                advance = try fragmentHeader(at: position, under: start)
                guard let advance, position + advance < end else { return }
                header = header.with(isFragment: true, finalDestination: header.finalDestination)
            default:
                if let jumbo {
                    remaining = jumbo - (position - start - 40)
                    guard remaining >= 0 else { return markCut() }
                    if length < jumbo + 40 { text += "truncated-ip6 - \(jumbo + 40 - length) bytes missing!" }
                    end = min(end, start + 40 + jumbo)
                } else if payloadLength == 0 {
                    if !seen.isEmpty { return markCut() }
                    remaining = 0
                    end = min(end, start + 40)
                }
                return try payload(number, at: position, length: remaining, under: header)
            }
            guard let advance else { return }
            seen.append(number)
            number = try uint8(position)
            layer = "ip6"
            guard position < end else { return }
            guard remaining >= advance else { return markCut() }
            position += advance
            remaining -= advance
        }
    }
}
