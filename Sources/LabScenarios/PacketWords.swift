import ConnectionAnalysis
import NetPrimitives
import Netstack
import NetworkSimulation
import WireFormats

extension Conversation.Packet {
    /// A packet of the lab as the picture has it.
    /// - Parameters:
    ///   - bytes: from the IP header on.
    ///   - router: who sent it, if not the host.
    init(_ bytes: [UInt8], from side: Conversation.Side, router: String?) {
        guard let summary = PacketSummary(bytes) else {
            self.init(from: side, router: router, .icmp("no IP packet"))
            return
        }
        switch summary.transport {
        case .tcp(let tcp):
            let segment = Conversation.Segment(tcp, (try? SegmentWords(bytes)) ?? SegmentWords())
            self.init(from: side, router: router, .tcp(segment))
        case .icmp(let type, let code):
            let words = ICMPWords.meaning(type: type, code: code, isIPv6: summary.source.isIPv6)
            self.init(from: side, router: router, .icmp("ICMP \(words)"))
        case .udp, .other:
            self.init(from: side, router: router, .icmp("no TCP segment"))
        }
    }
}

extension Conversation.Segment {
    fileprivate init(_ tcp: TCPSummary, _ words: SegmentWords) {
        self.init(
            Conversation.Flags(rawValue: tcp.flags.rawValue & 0x3F), seq: tcp.sequence, ack: tcp.acknowledgment,
            window: words.window, length: tcp.payloadLength, options: words.options, payload: words.payload)
    }
}

/// What a segment says beyond its numbers.
private struct SegmentWords {
    var window: UInt16 = 0
    var options: [String] = []
    var payload = ""

    init() {}

    /// A first block that lies below the acknowledgement, or in the second, tells of what came twice (RFC 2883, 4).
    private static func selective(_ segment: Segment) -> String? {
        let blocks = segment.options.sackBlocks
        guard blocks.count > 0 else { return nil }
        let liesInSecond =
            blocks.count > 1 && blocks[0].left.isAtOrAfter(blocks[1].left)
            && blocks[0].right.isAtOrBefore(blocks[1].right)
        return blocks[0].right.isAtOrBefore(segment.ack) || liesInSecond ? "D-SACK" : "SACK"
    }

    init(_ packet: [UInt8]) throws(TCPError) {
        let start = packet[0] >> 4 == 6 ? 40 : Int(packet[0] & 0xF) * 4
        let view = try TCPView(validating: packet.span.extracting(start..<packet.count))
        let segment = view.segment
        window = segment.window
        // On a SYN the options are an offer; later only SACK says something new.
        if segment.flags.contains(.syn) { options = Self.offers(segment.options) }
        if let word = Self.selective(segment) { options.append(word) }
        let bytes = view.payload
        for index in bytes.indices {
            guard (0x20..<0x7F).contains(bytes[index]) else { break }
            payload.append(Character(Unicode.Scalar(bytes[index])))
        }
    }

    private static func offers(_ options: TCPOptions) -> [String] {
        var words: [String] = []
        if let mss = options.maximumSegmentSize { words.append("mss \(mss)") }
        if options.isSACKPermitted { words.append("sackOK") }
        if options.timestamps != nil { words.append("TS") }
        if let scale = options.windowScale { words.append("wscale \(scale)") }
        return words
    }
}

extension Conversation.Failure {
    init(_ failure: ConnectionFailure) {
        switch failure {
        case .refused: self = .refused
        case .timedOut, .peerSilent: self = .timedOut
        case .unreachable(let icmp, _):
            self = .unreachable(
                ICMPWords.meaning(type: icmp.type, code: icmp.code, isIPv6: icmp.reporter.isIPv6))
        case .reset: self = .reset
        case .aborted: self = .aborted
        }
    }
}
