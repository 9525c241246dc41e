import NetPrimitives
import Testing
import WireFormats

@Suite("RFC 792 and 4443, ICMP")
struct ICMPTests {
    static let network: UInt64 = 0x2001_0db8_0000_0000
    static func pseudoHeader(_ length: Int) -> UInt32 {
        InternetChecksum.pseudoHeaderSum(
            source: IPv6Address(high: network, low: 1), destination: IPv6Address(high: network, low: 2),
            protocol: .icmpv6, length: length)
    }

    /// A message with the checksum that it should have.
    static func message(_ octets: [UInt8], isIPv6: Bool) -> [UInt8] {
        let sum = isIPv6 ? pseudoHeader(octets.count) : 0
        return octets.storing(~referenceSum(octets.storing(0, at: 2), adding: sum), at: 2)
    }

    static func read(_ octets: [UInt8], isIPv6: Bool) throws(ICMPError) -> (ICMPMessage, QuotedPacket?) {
        let view = try ICMPView(
            validating: octets.span, pseudoHeaderSum: isIPv6 ? pseudoHeader(octets.count) : nil)
        return (view.message, view.quoted)
    }

    @Test(
        "echo requests with their checksums",
        arguments: [(hex("0800 06f4 1234 0007 70696e67"), false), (hex("8000 3338 1234 0007 70696e67"), true)])
    func echo(octets: [UInt8], isIPv6: Bool) throws {
        let view = try ICMPView(
            validating: octets.span, pseudoHeaderSum: isIPv6 ? Self.pseudoHeader(octets.count) : nil)
        let message = view.message
        let body = bytes(view.body)
        let numbers = [view.type, view.code]
        #expect(message == .echoRequest(identifier: 0x1234, sequence: 7))
        #expect(body == Array("ping".utf8))
        #expect(numbers == [octets[0], 0])
        #expect(!message.isError)
        let copy = written(octets.count) {
            ICMPEmitter.emit(
                type: octets[0], code: 0, rest: 0x1234_0007, body: body.span, into: &$0,
                pseudoHeaderSum: isIPv6 ? Self.pseudoHeader(octets.count) : nil)
        }
        #expect(copy == octets)
    }

    @Test("shorter than its header it is truncated", arguments: 0..<8)
    func truncated(length: Int) {
        let octets = [UInt8](repeating: 0, count: length)
        #expect(throws: ICMPError.truncated) { try Self.read(octets, isIPv6: false).0 }
        #expect(throws: ICMPError.truncated) { try Self.read(octets, isIPv6: true).0 }
    }

    @Test("no single bit changes unseen", arguments: 0..<96)
    func flips(bit: Int) {
        let octets = hex("8000 3338 1234 0007 70696e67")
        let flipped = octets.patched([bit / 8: octets[bit / 8] ^ 1 << UInt8(bit % 8)])
        #expect(throws: ICMPError.checksum) { try Self.read(flipped, isIPv6: true).0 }
    }

    @Test("ICMPv6 is checked with its pseudo-header, ICMPv4 without")
    func families() {
        #expect(throws: ICMPError.checksum) { try Self.read(hex("0800 06f4 1234 0007 70696e67"), isIPv6: true).0 }
    }

    @Test(
        "messages of ICMPv4",
        arguments: [
            ("0000 0000 1234 0007", .echoReply(identifier: 0x1234, sequence: 7)),
            ("0300 0000 ffff ffff", .unreachable(code: 0)), ("030f 0000 00000000", .unreachable(code: 15)),
            ("0304 0000 ffff 05dc", .packetTooBig(mtu: 1500)), ("0304 0000 0000 0000", .packetTooBig(mtu: 0)),
            ("0b01 0000 00000000", .timeExceeded(code: 1)),
            ("0c00 0000 14ff ffff", .parameterProblem(code: 0, pointer: 20)),
            ("0501 0000 c0000201", .other(type: 5, code: 1)), ("8000 0000 00000000", .other(type: 128, code: 0)),
        ] as [(String, ICMPMessage)])
    func messagesOfIPv4(octets: String, message: ICMPMessage) throws {
        #expect(try Self.read(Self.message(hex(octets), isIPv6: false), isIPv6: false).0 == message)
    }

    @Test(
        "messages of ICMPv6",
        arguments: [
            ("8100 0000 1234 0007", .echoReply(identifier: 0x1234, sequence: 7)),
            ("0104 0000 00000000", .unreachable(code: 4)), ("0200 0000 00010000", .packetTooBig(mtu: 65536)),
            ("0301 0000 00000000", .timeExceeded(code: 1)),
            ("0402 0000 0000002a", .parameterProblem(code: 2, pointer: 42)),
            ("8600 0000 00000000", .other(type: 134, code: 0)), ("0800 0000 00000000", .other(type: 8, code: 0)),
        ] as [(String, ICMPMessage)])
    func messagesOfIPv6(octets: String, message: ICMPMessage) throws {
        #expect(try Self.read(Self.message(hex(octets), isIPv6: true), isIPv6: true).0 == message)
    }

    // MARK: Quotations

    static let v4 = [UInt8](IPv4Tests.patched([9: 6]).prefix(20)) + hex("c001 0050 00000400 00000000")
    static let v6 = [UInt8](IPv6Tests.packet(.tcp, TCPTests.syn))

    static func quoted(_ octets: [UInt8]) -> QuotedPacket? { QuotedPacket(octets.span) }

    @Test("a quoted packet needs no more than eight bytes behind its header", arguments: [(v4, 28), (v6, 48)])
    func quotedPacket(octets: [UInt8], enough: Int) {
        for length in 0...octets.count {
            let packet = Self.quoted([UInt8](octets.prefix(length)))
            #expect((packet != nil) == (length >= enough), "\(length) bytes")
            guard let packet else { continue }
            #expect(packet.protocol == .tcp)
            #expect(packet.sourcePort == 49153)
            #expect(packet.destinationPort == 80)
            #expect(packet.sequence == SequenceNumber(0x400))
        }
    }

    @Test("its addresses are those of the packet")
    func addresses() throws {
        let four = try #require(Self.quoted(Self.v4))
        #expect(four.source == .v4(IPv4Address(192, 168, 0, 1)))
        #expect(four.destination == .v4(IPv4Address(192, 168, 0, 199)))
        let six = try #require(Self.quoted(Self.v6))
        #expect(six.source == .v6(IPv6Address(high: Self.network, low: 1)))
        #expect(six.destination == .v6(IPv6Address(high: Self.network, low: 2)))
    }

    @Test(
        "nothing is made of what has no ports",
        arguments: [
            v4.patched([0: 0x44]), v4.patched([0: 0x4F]), v4.patched([0: 0x75]), v4.patched([6: 0x00, 7: 0x01]),
        ])
    func noPorts(octets: [UInt8]) {
        #expect(Self.quoted(octets) == nil)
    }

    @Test("a quotation counts in an error of its own family only")
    func quotedIn() throws {
        let rows: [(type: UInt8, isIPv6: Bool, body: [UInt8], isThere: Bool)] = [
            (3, false, Self.v4, true), (3, false, Self.v6, false), (1, true, Self.v6, true), (1, true, Self.v4, false),
            (8, false, Self.v4, false), (128, true, Self.v6, false),
        ]
        for row in rows {
            let octets = Self.message([row.type, 0, 0, 0, 0, 0, 0, 0] + row.body, isIPv6: row.isIPv6)
            let quoted = try Self.read(octets, isIPv6: row.isIPv6).1
            #expect((quoted != nil) == row.isThere, "type \(row.type)")
        }
    }

    @Test("an error fits where every packet does")
    func quotedLength() {
        #expect(ICMPEmitter.quotedLength(of: 60, isIPv6: false) == 60)
        #expect(20 + 8 + ICMPEmitter.quotedLength(of: 1500, isIPv6: false) == 576)
        #expect(40 + 8 + ICMPEmitter.quotedLength(of: 1500, isIPv6: true) == 1280)
    }
}
