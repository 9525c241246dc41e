import NetPrimitives
import WireFormats

/// The parsers of WireFormats over any bytes: what a view has let through its accessors stand by, and what is written
/// from what was read reads the same again.
public enum FormatsTarget {
    /// - Parameter bytes: switches, then a packet. Bit 0 has IPv4's header checksum put right; bits 1 and 2 say whether
    ///   the packet begins with the IP header or with that of TCP, UDP or ICMP.
    public static func run(_ bytes: [UInt8]) {
        var input = Input(bytes)
        let switches = input.byte()
        var octets = input.rest()
        if switches & 1 != 0 { Packets.putHeaderChecksumRight(&octets) }
        switch switches >> 1 & 3 {
        case 1: readTCP(octets.span)
        case 2: readUDP(octets.span)
        case 3: readICMP(octets.span)
        default:
            readIPv4(octets.span)
            readIPv6(octets.span)
            readQuoted(octets.span)
        }
    }

    private static func readIPv4(_ octets: Span<UInt8>) {
        guard let view = try? IPv4View(validating: octets) else { return }
        check(view.headerLength >= 20 && view.totalLength <= octets.count, "lengths of IPv4 lie within the packet")
        check(view.header.count + view.payload.count == view.totalLength, "header and payload are the packet")
        check(view.fragmentOffset <= 65_528 && view.fragmentOffset % 8 == 0, "offsets count eights")
        check(view.isFragment == (view.moreFragments || view.fragmentOffset > 0), "what a fragment is")
        var header = IPv4Header(
            source: view.source, destination: view.destination, protocol: view.protocol,
            payloadLength: view.payload.count, trafficClass: view.trafficClass, timeToLive: view.timeToLive)
        header.identification = view.identification
        header.dontFragment = view.dontFragment
        header.moreFragments = view.moreFragments
        header.fragmentOffset = view.fragmentOffset
        var copy = [UInt8](repeating: 0, count: IPv4Header.length + view.payload.count)
        var span = copy.mutableSpan
        header.emit(into: &span)
        guard let again = try? IPv4View(validating: copy.span) else { return check(false, "our own header is valid") }
        check(
            again.source == view.source && again.destination == view.destination && again.protocol == view.protocol
                && again.fragmentOffset == view.fragmentOffset && again.identification == view.identification
                && again.trafficClass == view.trafficClass && again.timeToLive == view.timeToLive
                && again.payload.count == view.payload.count, "IPv4 reads as it was written")
        readUpper(view.payload, view.protocol)
    }

    private static func readIPv6(_ octets: Span<UInt8>) {
        guard let view = try? IPv6View(validating: octets) else { return }
        check(view.upperOffset >= 40 && view.upperOffset <= octets.count, "the upper layer lies within the packet")
        check(view.upperOffset - 40 <= IPv6View.extensionByteLimit, "extension headers end somewhere")
        check(view.headers.count <= view.upperOffset, "the unfragmentable part comes first")
        check(view.payload.count <= octets.count - view.upperOffset, "the payload lies within the packet")
        if let fragment = view.fragment {
            check(fragment.headerOffset + 8 <= view.upperOffset, "a fragment header has eight bytes")
            check(fragment.linkOffset < fragment.headerOffset, "what names it stands before it")
            check(fragment.moreFragments || fragment.offset > 0, "an atomic fragment is no fragment")
        }
        let header = IPv6Header(
            source: view.source, destination: view.destination, nextHeader: view.upperProtocol,
            payloadLength: view.payload.count, hopLimit: view.hopLimit, trafficClass: view.trafficClass,
            flowLabel: view.flowLabel)
        var copy = [UInt8](repeating: 0, count: IPv6Header.length)
        var span = copy.mutableSpan
        header.emit(into: &span)
        check(
            copy.span.uint64(at: 8) == view.source.high && copy.span.uint64(at: 32) == view.destination.low
                && copy.span.uint32(at: 0) == octets.uint32(at: 0), "IPv6 reads as it was written")
        readUpper(view.payload, view.upperProtocol)
    }

    private static func readUpper(_ octets: Span<UInt8>, _ upper: IPProtocol) {
        switch upper {
        case .tcp: readTCP(octets)
        case .udp: readUDP(octets)
        case .icmp, .icmpv6: readICMP(octets)
        default: break
        }
    }

    private static func readTCP(_ octets: Span<UInt8>) {
        guard let view = try? TCPView(validating: octets) else { return }
        let seg = view.segment
        check(view.headerLength >= 20 && view.headerLength <= 60, "a TCP header has 20 to 60 bytes")
        check(view.payload.count == seg.payloadLength, "the text is what the segment says")
        check(view.headerLength + seg.payloadLength == octets.count, "header and text are the segment")
        check(seg.headerLength >= 20 && seg.headerLength <= 60 && seg.headerLength % 4 == 0, "what we write fits")
        var copy = [UInt8](repeating: 0xEE, count: seg.headerLength + seg.payloadLength)
        var span = copy.mutableSpan
        seg.emitHeader(into: &span, sourcePort: view.sourcePort, destinationPort: view.destinationPort)
        guard let again = try? TCPView(validating: copy.span) else { return check(false, "our own header is valid") }
        let second = again.segment
        check(
            second.seq == seg.seq && second.flags == seg.flags && second.window == seg.window
                && second.length == seg.length
                && second.ack.rawValue == (seg.flags.contains(.ack) ? seg.ack.rawValue : 0),
            "a segment reads as it was written")
        compare(seg.options, second.options)
    }

    /// What has no room is left out whole; the rest is the same. Once written, nothing changes any more.
    private static func compare(_ read: TCPOptions, _ again: TCPOptions) {
        check(
            read.maximumSegmentSize == again.maximumSegmentSize && read.windowScale == again.windowScale
                && read.isSACKPermitted == again.isSACKPermitted && read.timestamps == again.timestamps,
            "options read as they were written")
        check(again.fastOpen == nil || again.fastOpen == read.fastOpen, "a cookie is whole or absent")
        check(again.sackBlocks.count <= read.sackBlocks.count, "no block is made up")
        for index in 0..<again.sackBlocks.count {
            check(again.sackBlocks[index] == read.sackBlocks[index], "blocks stay in their order")
        }
        if let cookie = read.fastOpen, cookie.count > 0 {
            check(cookie.count >= 4 && cookie.count <= 16 && cookie.count % 2 == 0, "a cookie's length")
            check(cookie[Int(cookie.count) - 1] == cookie[Int(cookie.count) - 1], "all bytes of a cookie are there")
        }
    }

    private static func readUDP(_ octets: Span<UInt8>) {
        guard let view = try? UDPView(validating: octets) else { return }
        check(view.payload.count + UDPHeader.length == view.length && view.length <= octets.count, "UDP's length")
        var copy = [UInt8](repeating: 0, count: view.length)
        var span = copy.mutableSpan
        UDPHeader(
            sourcePort: view.sourcePort, destinationPort: view.destinationPort, payloadLength: view.payload.count
        ).emit(into: &span)
        span.copy(from: view.payload, at: UDPHeader.length)
        UDPHeader.storeChecksum(in: &span, pseudoHeaderSum: 0x1234)
        guard let again = try? UDPView(validating: copy.span) else { return check(false, "our own header is valid") }
        check(again.hasValidChecksum(pseudoHeaderSum: 0x1234) && !again.hasNoChecksum, "our checksum is right")
        check(again.sourcePort == view.sourcePort && again.length == view.length, "UDP reads as it was written")
    }

    private static func readICMP(_ octets: Span<UInt8>) {
        // The sum that makes any message valid, so that what lies behind the check is reached.
        let remedy = UInt32(~octets.onesComplementSum())
        for pseudoHeader in [nil, remedy] as [UInt32?] {
            guard let view = try? ICMPView(validating: octets, pseudoHeaderSum: pseudoHeader) else { continue }
            check(view.body.count == octets.count - 8, "what stands behind eight bytes")
            if let quoted = view.quoted {
                check(view.message.isError, "only errors quote")
                check(quoted.source.isIPv6 == (pseudoHeader != nil), "a quotation is of the message's family")
            }
        }
        readQuoted(octets)
    }

    private static func readQuoted(_ octets: Span<UInt8>) {
        guard let quoted = QuotedPacket(octets) else { return }
        check(quoted.source.isIPv6 == quoted.destination.isIPv6, "both ends are of one family")
        check(octets.count >= 28, "a quotation has eight bytes of its transport")
    }
}
