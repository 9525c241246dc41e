import NetPrimitives
import Packetdrill
import Testing

/// Every construct of the language is parsed into what it says.
@Suite("Parsing: packets")
struct ParserPacketTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let packet: PacketSyntax

        init(_ text: String, _ packet: PacketSyntax) {
            self.text = text
            self.packet = packet
        }

        init(
            _ text: String, _ tcp: TCPSyntax, ip: IPInformation = IPInformation(), ports: PacketSyntax.Ports? = nil
        ) {
            self.init(text, ParserPacketTests.packet(text, .tcp(tcp), ip: ip, ports: ports))
        }

        init(_ text: String, _ icmp: ICMPSyntax) {
            self.init(text, ParserPacketTests.packet(text, .icmp(icmp)))
        }

        var testDescription: String { text }
    }

    static func packet(
        _ text: String, _ body: PacketSyntax.Body, ip: IPInformation = IPInformation(),
        ports: PacketSyntax.Ports? = nil, around: [Encapsulation] = [], spi: UInt32? = nil
    ) -> PacketSyntax {
        PacketSyntax(
            position: SourcePosition(line: 2, column: 4), direction: text.hasPrefix("<") ? .inbound : .outbound,
            ip: ip, encapsulations: around, securityParameterIndex: spi, ports: ports, body: body)
    }

    static let ack = TCPSyntax(flags: TCPFlagsSyntax(bits: 0x10), sequence: 1, length: 0, acknowledgment: 1)
    static let plain = TCPSyntax(flags: TCPFlagsSyntax(bits: 0x10), sequence: 1, length: 0, window: 9)

    /// An outbound ACK with options.
    static func with(_ options: [TCPOptionSyntax]) -> TCPSyntax {
        var segment = plain
        segment.options = .list(options)
        return segment
    }

    static func flags(_ bits: UInt8, _ accurate: Bool = false, _ counter: UInt8? = nil) -> TCPSyntax {
        TCPSyntax(
            flags: TCPFlagsSyntax(bits: bits, accurateECN: accurate, counter: counter), sequence: 1, length: 0)
    }

    static func ip(_ trafficClass: IPInformation.TrafficClass?, flow: UInt32? = nil, ttl: UInt8? = nil) -> IPInformation
    {
        IPInformation(trafficClass: trafficClass, flowLabel: flow, hopLimit: ttl)
    }

    private func hold(_ row: Row) throws {
        let script = try Script(parsing: "0 close(3) = 0\n+0 \(row.text)", name: "t")
        #expect(script.events.count == 2)
        #expect(script.events.last?.action == .packet(row.packet))
    }

    @Test(arguments: [
        Row("> . 1:1(0) ack 1", ack),
        Row("> S 0:0(0) <...>", TCPSyntax(flags: TCPFlagsSyntax(bits: 2), sequence: 0, length: 0, options: .any)),
        Row("> . 1:1(0) win 9 <>", with([])),
        Row(
            "< S. 123:123(0) ack 1 win 5792 urg 7",
            TCPSyntax(
                flags: TCPFlagsSyntax(bits: 0x12), sequence: 123, length: 0, acknowledgment: 1, window: 5792,
                urgentPointer: 7)),
        Row("> P. 1:10001(10000)", TCPSyntax(flags: TCPFlagsSyntax(bits: 0x18), sequence: 1, length: 10_000)),
        Row(
            "< F 4294967295:4(5) win 0",
            TCPSyntax(flags: TCPFlagsSyntax(bits: 1), sequence: .max, length: 5, window: 0)),
        Row("> - 1:1(0)", flags(0)),
        Row("> FSRPUEWA 1:1(0)", flags(0xef, true)),
        Row("> RSF. 1:1(0)", flags(0x17)),
        Row("> .0 1:1(0)", flags(0x10)),
        Row("> .5 1:1(0)", flags(0x50, true, 5)),
        Row("> P.2 1:1(0)", flags(0x98, false, 2)),
        Row("> SEWA. 1:1(0)", flags(0xd2, true)),
        Row("> [ect0] . 1:1(0)", flags(0x10), ip: ip(.ect0)),
        Row("> (ect1) . 1:1(0)", flags(0x10), ip: ip(.ect1)),
        Row("> [ect01] . 1:1(0)", flags(0x10), ip: ip(.ect0or1)),
        Row("< [ce] . 1:1(0) win 9", plain, ip: ip(.congestionExperienced)),
        Row("> (noecn) . 1:1(0)", flags(0x10), ip: ip(.notECNCapable)),
        Row("> [tos 0x2e,flowlabel 0xabcde] . 1:1(0)", flags(0x10), ip: ip(.whole(0x2e), flow: 0xabcde)),
        Row("> [flowlabel 0x1] . 1:1(0)", flags(0x10), ip: ip(nil, flow: 1)),
        Row("> (ttl 64, noecn) . 1:1(0)", flags(0x10), ip: ip(.notECNCapable, ttl: 64)),
        Row("< 8080 > 5000 . 1:1(0) win 9", plain, ports: PacketSyntax.Ports(source: 8080, destination: 5000)),
    ])
    func segments(_ row: Row) throws { try hold(row) }

    @Test(arguments: [
        Row(
            "> . 1:1(0) win 9 <mss 1460,nop,wscale 8>",
            with([.maximumSegmentSize(1460), .noOperation, .windowScale(8)])),
        Row(
            "> . 1:1(0) win 9 <sackOK,TS val 100 ecr 0>",
            with([.sackPermitted, .timestamps(value: 100, echo: 0)])),
        Row(
            "> . 1:1(0) win 9 <nop, nop, sack 1001:2001 3001:4001>",
            with([
                .noOperation, .noOperation,
                .sack([
                    TCPOptionSyntax.Edges(left: 1001, right: 2001), TCPOptionSyntax.Edges(left: 3001, right: 4001),
                ]),
            ])),
        Row("> . 1:1(0) win 9 <eol,eol,nop,nop>", with([.endOfList, .endOfList, .noOperation, .noOperation])),
        Row("> . 1:1(0) win 9 <FO,nop,nop>", with([.fastOpen(cookie: []), .noOperation, .noOperation])),
        Row(
            "> . 1:1(0) win 9 <FO 3021b9d889017eeb,nop,nop>",
            with([
                .fastOpen(cookie: [0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb]), .noOperation, .noOperation,
            ])),
        Row(
            "> . 1:1(0) win 9 <FO 00112233,nop,nop>",
            with([.fastOpen(cookie: [0, 0x11, 0x22, 0x33]), .noOperation, .noOperation])),
        Row("> . 1:1(0) win 9 <FOEXP>", with([.experimentalFastOpen(cookie: [])])),
        Row("> . 1:1(0) win 9 <FOEXP abcdef01>", with([.experimentalFastOpen(cookie: [0xab, 0xcd, 0xef, 1])])),
        Row(
            "> . 1:1(0) win 9 <nop,nop,md5 000102030405060708090a0b0c0d0e0f>",
            with([.noOperation, .noOperation, .md5(digest: Array(0...15))])),
        Row(
            "> . 1:1(0) win 9 <nop,ECN e0b 1 ceb 0 e1b 16777215>",
            with([.noOperation, .accurateECN(kind: 172, counters: [1, 0, 0xff_ffff])])),
        Row(
            "> . 1:1(0) win 9 <nop,nop,nop,ECN e1b 1>",
            with([.noOperation, .noOperation, .noOperation, .accurateECN(kind: 174, counters: [1])])),
    ])
    func options(_ row: Row) throws { try hold(row) }

    @Test(arguments: [
        Row("< udp (1000)", packet("<", .udp(length: 1000))),
        Row(
            "> udp 53 > 5000 (0)",
            packet(">", .udp(length: 0), ports: PacketSyntax.Ports(source: 53, destination: 5000))),
        Row(
            "< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]",
            ICMPSyntax(
                type: "unreachable", code: "frag_needed", mtu: 1200, echoed: .tcp(sequence: 1, length: 1460))),
        Row(
            "< icmp packet_too_big mtu 1280 [0:0(0)]",
            ICMPSyntax(type: "packet_too_big", mtu: 1280, echoed: .tcp(sequence: 0, length: 0))),
        Row("< icmp unreachable host_unreachable", ICMPSyntax(type: "unreachable", code: "host_unreachable")),
        Row("< icmp echo_request id 7", ICMPSyntax(type: "echo_request", identifier: 7)),
        Row("< icmp type_3 code_1 [udp (8)]", ICMPSyntax(type: "type_3", code: "code_1", echoed: .udp(length: 8))),
        Row(
            "> icmp parameter_problem header_field [raw (20)]",
            ICMPSyntax(type: "parameter_problem", code: "header_field", echoed: .raw(length: 20))),
        Row(
            "> ipv4 192.0.2.1 > 192.0.2.2: ipv6 fd00::1 > fd00::2: . 1:1(0)",
            packet(
                ">", .tcp(flags(0x10)),
                around: [
                    .ip(source: IPAddress("192.0.2.1")!, destination: IPAddress("192.0.2.2")!),
                    .ip(source: IPAddress("fd00::1")!, destination: IPAddress("fd00::2")!),
                ])),
        Row(
            "> gre flags 0x2000 key 0x1: mpls (label 0, tc 0, ttl 0) (label 1048575, tc 7, [S], ttl 255): . 1:1(0)",
            packet(
                ">", .tcp(flags(0x10)),
                around: [
                    .gre(["flags", "0x2000", "key", "0x1"]),
                    .mpls([
                        ["label", "0", ",", "tc", "0", ",", "ttl", "0"].filter { $0 != "," },
                        ["label", "1048575", "tc", "7", "S", "ttl", "255"],
                    ]),
                ])),
        Row("> [noecn] encap psp spi 5 . 1:1(0)", packet(">", .tcp(flags(0x10)), ip: ip(.notECNCapable), spi: 5)),
    ])
    func others(_ row: Row) throws { try hold(row) }
}
