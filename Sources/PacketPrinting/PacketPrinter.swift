public import NetPrimitives

/// Prints raw IP packets the way tcpdump 4.99 does: the same line for the same bytes, so that eyes, scripts and
/// tutorials that know its output work here too.
///
/// A printer remembers what relative numbers refer to: the first sequence numbers of each conversation and the times
/// of the first and the previous packet. Feed it the packets of one capture in their order. It takes any bytes, cut
/// short or mangled as they may be, and never traps.
///
/// TCP, UDP, ICMP and ICMPv6 over IPv4 and IPv6 are printed as tcpdump prints them, with the text protocols that it
/// recognises on TCP (HTTP, FTP, SMTP, RTSP). Payloads of other protocols that tcpdump has printers for (DNS, say) end
/// here at their length, and other IP protocols at their number.
public struct PacketPrinter: Sendable {
    /// What to print and how. May change between packets.
    public var options: Options {
        get { dissector.options }
        set { dissector.options = newValue }
    }

    private var dissector: Dissector
    private var clock = PacketClock()
    private var count = 0

    /// - Parameters:
    ///   - options: what to print and how.
    ///   - conversationLimit: how many TCP conversations to remember for relative sequence numbers, at least 1. When
    ///     one more comes, the oldest is forgotten; its next segment is printed as the first of a new one.
    public init(options: Options = Options(), conversationLimit: Int = 65_536) {
        dissector = Dissector(options: options, conversations: ConversationTable(limit: conversationLimit))
    }

    /// The text for one packet: a line, or several under `-v`; without the final newline.
    ///
    /// - Parameters:
    ///   - packet: the captured bytes from the IP header on. The version field tells IPv4 from IPv6.
    ///   - instant: when the packet was seen; nanoseconds since 1970 where dates are to mean anything.
    ///   - originalLength: the packet's length on the wire, when the capture holds less of it.
    public mutating func line(for packet: Span<UInt8>, at instant: Instant, originalLength: Int? = nil) -> String {
        var octets: [UInt8] = []
        octets.reserveCapacity(packet.count)
        for index in packet.indices { octets.append(packet[index]) }
        return line(for: octets, at: instant, originalLength: originalLength)
    }

    /// The text for one packet that is in an array.
    public mutating func line(for packet: [UInt8], at instant: Instant, originalLength: Int? = nil) -> String {
        count &+= 1
        var prefix = options.packetNumber ? padded(count, to: 5) + "  " : ""
        let length = originalLength ?? packet.count
        if let complaint = complaint(captured: packet.count, length: length) { return prefix + complaint }
        prefix += clock.stamp(instant, options)
        if options.linkHeader { prefix += "ip: " }
        return prefix + dissector.dissect(packet, length: length)
    }

    /// What tcpdump says of a record whose lengths make no sense, in place of time and packet.
    private func complaint(captured: Int, length: Int) -> String? {
        var parts: [String] = []
        if captured == 0 { parts.append("caplen==0") }
        if length == 0 {
            parts.append("len==0")
        } else if length < captured {
            parts.append("len(\(length)) < caplen(\(captured))")
        }
        if captured > Self.longestCapture { parts.append("caplen(\(captured)) > \(Self.longestCapture)") }
        if length > Self.longestCapture { parts.append("len(\(length)) > \(Self.longestCapture)") }
        return parts.isEmpty ? nil : "[Invalid header: " + parts.joined(separator: ", ") + "]"
    }

    private static let longestCapture = 262_144

    private func padded(_ number: Int, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: " ", count: max(0, width - digits.utf8.count)) + digits
    }
}
