import NetPrimitives

/// The capture ends before a field that the line needs.
struct CaptureEnded: Error {}

/// One packet while its line is written: the octets, how far they go, and the text so far.
///
/// Extensions, one per protocol, read fields and append text. Each read checks its bounds and throws ``CaptureEnded``;
/// whoever cannot go on without the field lets the error pass, and the line ends in the name of the protocol that was
/// being printed, as in ` [|tcp]`. Lengths that packets claim are numbers to print and to compare, never trusted.
struct Dissector: Sendable {
    var options: PacketPrinter.Options
    var conversations: ConversationTable
    private(set) var octets: [UInt8] = []
    /// Where the packet at hand ends: the end of the capture or of the innermost IP packet, whichever comes first.
    var end = 0
    /// The line so far.
    var text = ""
    /// The protocol that is being printed.
    var layer = ""
    /// How many IP packets the one at hand is nested in, itself counted.
    private var depth = 0

    /// Packets that others carry or quote are looked into down to this depth.
    private static let deepest = 16

    init(options: PacketPrinter.Options, conversations: ConversationTable) {
        self.options = options
        self.conversations = conversations
    }

    /// The text for a raw IP packet, of which `octets` were captured and `length` were on the wire.
    mutating func dissect(_ octets: [UInt8], length: Int) -> String {
        self.octets = octets
        end = octets.count
        text = ""
        layer = ""
        depth = 0
        do throws(CaptureEnded) {
            switch octets.first.map({ $0 >> 4 }) {
            case 4: try ipv4(at: 0, length: length)
            case 6: try ipv6(at: 0, length: length)
            default: text += "unknown ip \((octets.first ?? 0) >> 4)"
            }
        } catch {
            markCut()
        }
        return text
    }

    var isVerbose: Bool { options.verbosity > 0 }
    var mayNest: Bool { depth < Self.deepest }

    /// Prints a packet within its own bounds: reads end where it ends.
    mutating func nested(
        endingAt limit: Int, _ body: (inout Dissector) throws(CaptureEnded) -> Void
    ) throws(CaptureEnded) {
        let outerEnd = end
        end = min(end, limit)
        depth += 1
        try body(&self)
        depth -= 1
        end = outerEnd
    }

    /// Says that the capture ended in the protocol that is being printed.
    mutating func markCut() { text += " [|\(layer)]" }

    // MARK: Octets

    /// Whether the `count` octets from `offset` on were captured.
    func isCaptured(_ offset: Int, _ count: Int) -> Bool {
        offset >= 0 && count >= 0 && count <= end && offset <= end - count
    }

    func require(_ offset: Int, _ count: Int) throws(CaptureEnded) {
        guard isCaptured(offset, count) else { throw CaptureEnded() }
    }

    func uint8(_ offset: Int) throws(CaptureEnded) -> UInt8 {
        try require(offset, 1)
        return octets[offset]
    }

    func uint16(_ offset: Int) throws(CaptureEnded) -> UInt16 {
        try require(offset, 2)
        return octets.span.uint16(at: offset)
    }

    func uint32(_ offset: Int) throws(CaptureEnded) -> UInt32 {
        try require(offset, 4)
        return octets.span.uint32(at: offset)
    }

    func uint64(_ offset: Int) throws(CaptureEnded) -> UInt64 {
        try require(offset, 8)
        return octets.span.uint64(at: offset)
    }

    func ipv4Address(_ offset: Int) throws(CaptureEnded) -> IPAddress {
        .v4(IPv4Address(try uint32(offset)))
    }

    func ipv6Address(_ offset: Int) throws(CaptureEnded) -> IPAddress {
        try require(offset, 16)
        return .v6(IPv6Address(high: octets.span.uint64(at: offset), low: octets.span.uint64(at: offset + 8)))
    }

    // MARK: Names and numbers

    /// The host's name, or its address in tcpdump's form, which knows the IPv4-compatible `::192.0.2.1` still.
    func host(_ address: IPAddress) -> String {
        if !options.numeric, let name = options.names.hostName(address) { return name }
        if case .v6(let v6) = address, v6.high == 0, v6.low >> 32 == 0, v6.low >> 16 != 0 {
            return "::" + IPv4Address(UInt32(truncatingIfNeeded: v6.low)).description
        }
        return address.description
    }

    func port(_ number: UInt16, _ transport: NameSource.Transport) -> String {
        if !options.numeric, let name = options.names.serviceName(number, transport) { return name }
        return String(number)
    }

    /// The number of a protocol that is not looked into, or its name.
    func protocolLabel(_ number: UInt8) -> String {
        if !options.numeric, let name = ProtocolName.ofPayload(number) { return name }
        return "ip-proto-\(number)"
    }

    /// Hexadecimal digits, zeros in front up to `width`.
    func hex(_ value: some BinaryInteger, _ width: Int = 0) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Two hexadecimal digits for each of `count` captured octets.
    func hexString(_ offset: Int, _ count: Int) throws(CaptureEnded) -> String {
        var digits = ""
        for index in 0..<max(0, count) { digits += hex(try uint8(offset + index), 2) }
        return digits
    }

    /// The octets in groups of two, eight groups a line, each line begun by `indent` and its offset.
    mutating func hexDump(_ offset: Int, _ count: Int, indent: String) {
        let last = min(end, offset + max(0, count))
        guard offset <= last else { return }
        for index in offset..<last {
            let position = index - offset
            if position % 16 == 0 { text += indent + "0x" + hex(position, 4) + ": " }
            text += (position % 2 == 0 ? " " : "") + hex(octets[index], 2)
        }
    }
}
