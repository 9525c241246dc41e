import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// A segment for nobody, and what is answered.
struct StrangerRow: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let seg: Segment
    /// RFC 9293 3.10.7.1, CLOSED.
    let closed: [String]
    /// RFC 9293 3.10.7.2, LISTEN.
    let listening: [String]

    init(_ name: String, _ seg: Segment, closed: [String], listening: [String]) {
        (testDescription, self.seg, self.closed, self.listening) = (name, seg, closed, listening)
    }

    static let all = [
        StrangerRow("SYN", .syn(), closed: ["R. 0 ack 5001"], listening: ["S. 1000 ack 5001"]),
        StrangerRow(
            "SYN with text", Segment(.syn, length: 9), closed: ["R. 0 ack 5010"], listening: ["S. 1000 ack 5001"]),
        StrangerRow(
            "ECN-setup SYN", Segment([.syn, .ece, .cwr]), closed: ["R. 0 ack 5001"],
            listening: ["S.E 1000 ack 5001"]),
        StrangerRow("ACK", .ack(77), closed: ["R 77"], listening: ["R 77"]),
        StrangerRow("SYN-ACK", .synAck(77), closed: ["R 77"], listening: ["R 77"]),
        StrangerRow("text", .text(9, ack: 77), closed: ["R 77"], listening: ["R 77"]),
        StrangerRow("FIN with an ACK", .fin(ack: 77), closed: ["R 77"], listening: ["R 77"]),
        StrangerRow("FIN", Segment(.fin), closed: ["R. 0 ack 5001"], listening: []),
        StrangerRow("no flags", Segment([]), closed: ["R. 0 ack 5000"], listening: []),
        StrangerRow("no flags, with text", Segment([], length: 9), closed: ["R. 0 ack 5009"], listening: []),
        StrangerRow("SYN|FIN", Segment([.syn, .fin]), closed: ["R. 0 ack 5002"], listening: []),
        StrangerRow("SYN|RST", Segment([.syn, .rst]), closed: [], listening: []),
        StrangerRow("RST", .rst(seq: 5_000), closed: [], listening: []),
        StrangerRow("RST with an ACK", Segment([.rst, .ack], ack: 77), closed: [], listening: []),
        StrangerRow("all flags", Segment(TCPFlags(rawValue: 0xFF), ack: 77), closed: [], listening: []),
    ]
}

@Suite("Segments that belong to nothing")
struct StrangerTests {
    @Test("RFC 9293 3.10.7.1, CLOSED", arguments: StrangerRow.all, Family.allCases)
    func closed(_ row: StrangerRow, _ family: Family) throws {
        var station = try Station(family)
        #expect(station.receive(row.seg) == row.closed)
        #expect(station.stack.counters.resetsOut == UInt64(row.closed.count))
        #expect(station.stack.counters.segmentsIn == 1)
    }

    @Test("RFC 9293 3.10.7.2, LISTEN", arguments: StrangerRow.all, Family.allCases)
    func listening(_ row: StrangerRow, _ family: Family) throws {
        var station = try Station(family)
        _ = try station.stack.listen(on: station.own, backlog: 1)
        #expect(station.receive(row.seg) == row.listening)
    }

    /// IPv4's TOS or IPv6's traffic class of a packet, set to a value; the header's checksum stays right.
    private static func setTrafficClass(_ value: UInt8, of packet: inout [UInt8]) {
        guard packet[0] >> 4 == 4 else {
            packet[0] = packet[0] & 0xF0 | value >> 4
            packet[1] = packet[1] & 0x0F | value << 4
            return
        }
        packet[1] = value
        (packet[10], packet[11]) = (0, 0)
        let sum = InternetChecksum.checksum(packet.span.extracting(0..<20))
        (packet[10], packet[11]) = (UInt8(sum >> 8), UInt8(sum & 0xFF))
    }

    @Test(
        "a RST has no options and no window (checklist 61); its IP header has id 0, DF, TTL 64 and no TOS (2.5)",
        arguments: Family.allCases, [(false, Segment.syn()), (false, .ack(77)), (true, .ack(77))])
    func bareReset(_ family: Family, _ row: (isListening: Bool, seg: Segment)) throws {
        for trafficClass in [0, 0x10, 0xB8, 0xFF] as [UInt8] {
            var station = try Station(family)
            if row.isListening { _ = try station.stack.listen(on: station.own, backlog: 1) }
            var packet = Wire.packet(row.seg, from: station.peer, to: station.own)
            Self.setTrafficClass(trafficClass, of: &packet)
            let answers = station.exchange([packet])
            try #require(answers.count == 1)
            let seg = try #require(Wire.segment(answers[0]))
            #expect(seg.flags.contains(.rst) && seg.window == 0 && seg.headerLength == 20)
            let header = answers[0]
            if family == .ipv4 {
                #expect(header[0] == 0x45 && header[1] == 0, "no options, no TOS")
                #expect(header[4...7].elementsEqual([0, 0, 0x40, 0]), "id 0, DF, no fragment")
                #expect(header[8] == 64, "TTL")
            } else {
                #expect(header[0] == 0x60 && header[1] & 0xF0 == 0, "no traffic class")
                #expect(header[6] == 6 && header[7] == 64, "TCP follows at once; hop limit")
            }
        }
    }

    @Test("port 0 is a client's like any other (2.5)", arguments: Family.allCases)
    func portZero(_ family: Family) throws {
        var station = try Station(family)
        let client = Endpoint(station.peer.address, 0)
        #expect(station.receive(.syn(), from: client) == ["R. 0 ack 5001"])
        let listener = try station.stack.listen(on: station.own, backlog: 1)
        #expect(station.receive(.syn(), from: client) == ["S. 1000 ack 5001"])
        #expect(station.receive(.text(10), from: client) == [])
        let id = try station.stack.accept(listener)
        #expect(try station.stack.info(of: id).tuple.remotePort == 0)
        #expect(try station.read(id) == 10)
        #expect(try station.write(id, 5) == 5)
        #expect(station.sent() == ["P. 1001+5 ack 5011"])
    }

    @Test(
        "sources that no honest packet has are counted and never answered (MUST-57, MUST-63)",
        arguments: [
            ("multicast", IPAddress.v4(IPv4Address(224, 0, 0, 1))),
            ("broadcast", .v4(.broadcast)),
            ("our network's broadcast", .v4(IPv4Address(192, 0, 2, 255))),
            ("our own address (land)", Family.ipv4.host),
            ("loopback", .v4(IPv4Address(127, 0, 0, 1))),
            ("nobody", .v4(.any)),
            ("multicast", .v6(IPv6Address(high: 0xFF02_0000_0000_0000, low: 1))),
            ("our own address (land)", Family.ipv6.host),
            ("loopback", .v6(.loopback)),
            ("nobody", .v6(.any)),
            ("IPv4-mapped", .v6(IPv6Address(high: 0, low: 0xFFFF_C000_0202))),
        ] as [(String, IPAddress)], [false, true])
    func martian(_ row: (String, IPAddress), _ isListening: Bool) throws {
        var station = try Station(row.1.isIPv6 ? .ipv6 : .ipv4)
        if isListening { _ = try station.stack.listen(on: station.own, backlog: 1) }
        for seg in [Segment.syn(), .ack(77)] {
            #expect(station.receive(seg, from: Endpoint(row.1, 80)) == [], "\(row.0)")
        }
        #expect(station.stack.counters.martians == 2, "\(row.0)")
        #expect(station.stack.tables.halfOpen == 0)
    }

    @Test(
        "destinations that are not ours",
        arguments: [
            IPAddress.v4(IPv4Address(192, 0, 2, 9)), .v4(IPv4Address(192, 0, 2, 255)), .v4(.broadcast),
            .v4(IPv4Address(224, 0, 0, 1)), .v6(IPv6Address(high: 0xFF02_0000_0000_0000, low: 1)),
            Family.ipv6.address(9),
        ])
    func notForUs(_ destination: IPAddress) throws {
        var station = try Station(destination.isIPv6 ? .ipv6 : .ipv4)
        #expect(station.receive(.syn(), to: Endpoint(destination, 80)) == [])
        #expect(station.stack.counters.notForUs == 1)
    }

    /// Something wrong with a SYN, and the counter that tells of it.
    private enum Damage: String, CaseIterable {
        case checksum, text, offsetBelowFive, offsetBeyondEnd, cutHeader, empty, version

        func apply(to packet: inout [UInt8], header: Int) {
            switch self {
            case .checksum: packet[header + 16] ^= 1
            case .text: packet[header + 4] ^= 1
            case .offsetBelowFive: packet[header + 12] = 0x40
            case .offsetBeyondEnd: packet[header + 12] = 0xF0
            case .cutHeader: packet.removeLast(packet.count - header - 3)
            case .empty: packet = []
            case .version: packet[0] = 0x70
            }
        }

        func count(_ counters: Counters) -> UInt64 {
            switch self {
            case .checksum, .text: min(counters.checksumErrors, counters.segmentErrors)
            case .offsetBelowFive, .offsetBeyondEnd: counters.segmentErrors
            // The IP header's length no longer fits either.
            case .cutHeader, .empty, .version: counters.ipHeaderErrors
            }
        }
    }

    @Test("damaged segments are counted, never answered (MUST-2, MUST-3; checklist 136)", arguments: Family.allCases)
    func damaged(_ family: Family) throws {
        for damage in Damage.allCases {
            for isListening in [false, true] {
                var station = try Station(family)
                if isListening { _ = try station.stack.listen(on: station.own, backlog: 1) }
                let sent = station.receive(.syn()) { damage.apply(to: &$0, header: family == .ipv4 ? 20 : 40) }
                #expect(sent == [], "\(damage)")
                #expect(damage.count(station.stack.counters) == 1, "\(damage)")
                #expect(station.stack.tables.halfOpen == 0, "\(damage)")
            }
        }
    }

    /// A list of options, and what of it counts: maximum segment size, window scale, SACK.
    private static let lists: [(octets: [UInt8], mss: UInt16, scale: UInt8?, sack: Bool)] = [
        ([2, 0, 0, 0], 536, nil, false),
        ([2, 9, 5, 5], 536, nil, false),
        ([3, 0, 0, 0], 536, nil, false),
        ([253, 2, 2, 4], 536, nil, false),
        ([1, 1, 1, 2], 536, nil, false),
        ([0, 2, 4, 5], 536, nil, false),
        // What stands before the place where the list is broken counts, what is behind it does not.
        ([2, 4, 5, 0, 3, 0, 7, 1, 4, 2, 1, 1], 1_280, nil, false),
        ([3, 3, 7, 253, 1, 4, 2, 1], 536, 7, false),
        ([4, 2, 3, 3, 9, 2, 9, 5], 536, 9, true),
        ([4, 2, 0, 3, 3, 7, 1, 1], 536, nil, true),
        // An option of the wrong length is none, and the list goes on behind it; so it does behind an unknown one.
        ([2, 3, 5, 4, 2, 3, 3, 7], 536, 7, true),
        ([253, 4, 0, 0, 2, 4, 5, 0], 1_280, nil, false),
    ]

    @Test("a bad list of options: the rest is ignored, the SYN is answered (2.5)", arguments: Self.lists)
    func options(_ row: (octets: [UInt8], mss: UInt16, scale: UInt8?, sack: Bool)) throws {
        var station = try Station(
            .ipv4,
            .numbered.with {
                $0.tcp.offersSACK = true
                $0.tcp.offersWindowScale = true
            })
        let listener = try station.stack.listen(on: station.own, backlog: 1)
        let length = 20 + row.octets.count
        var tcp: [UInt8] = [0x0F, 0xA0, 0, 80, 0, 0, 0x13, 0x88, 0, 0, 0, 0, UInt8(length << 2), 2, 0xFF, 0xFF]
        tcp += [0, 0, 0, 0] + row.octets
        var span = tcp.mutableSpan
        let sum = InternetChecksum.pseudoHeaderSum(
            source: Family.ipv4.peer, destination: Family.ipv4.host, protocol: .tcp, length: length)
        Segment.storeChecksum(in: &span, pseudoHeaderSum: sum)
        let answers = station.exchange([Wire.ip(tcp, .tcp, from: Family.ipv4.peer, to: Family.ipv4.host)])
        try #require(answers.count == 1)
        let seg = try #require(Wire.segment(answers[0]))
        #expect(seg.flags == [.syn, .ack] && seg.ack == SequenceNumber(5_001))
        #expect(seg.options.isSACKPermitted == row.sack && (seg.options.windowScale != nil) == (row.scale != nil))
        station.receive(.ack(1_001))
        let info = try station.stack.info(of: station.stack.accept(listener))
        #expect(info.mss == row.mss && info.sendScale.rawValue == row.scale ?? 0 && info.hasSACK == row.sack)
    }

    @Test("what finds no room among the answers is dropped and counted")
    func noRoom() throws {
        var station = try Station()
        var batch = PacketBatch(byteCapacity: 2_000, packetCapacity: 4)
        for _ in 0..<3 {
            batch.append(Wire.packet(.syn(), from: station.peer, to: station.own).span, interface: InterfaceID(0))
        }
        var answers = PacketBatch(byteCapacity: 50, packetCapacity: 1)
        station.stack.receive(batch, answers: &answers, at: .zero)
        #expect(answers.count == 1)
        #expect(station.stack.counters.answersDropped == 2)
    }
}

@Suite("ICMP and UDP")
struct ICMPTests {
    @Test("echo is answered with what came (RFC 1122, 3.2.2.6; RFC 4443, 4.2)", arguments: Family.allCases)
    func echo(_ family: Family) throws {
        var station = try Station(family)
        let isV4 = family == .ipv4
        let request = Wire.icmp(family, type: isV4 ? 8 : 128, code: 0, rest: 0x1234_0001, body: [1, 2, 3])
        var batch = PacketBatch(byteCapacity: 200, packetCapacity: 1)
        batch.append(request.span, interface: InterfaceID(0))
        var answers = PacketBatch(byteCapacity: 200, packetCapacity: 1)
        station.stack.receive(batch, answers: &answers, at: .zero)
        let reply = Wire.copy(answers, 0)
        let header = isV4 ? 20 : 40
        #expect(reply[header] == (isV4 ? 0 : 129))
        #expect(Array(reply[(header + 4)...]) == [0x12, 0x34, 0, 1, 1, 2, 3])
        #expect(station.stack.counters.echoReplies == 1)
        var damaged = request
        damaged[header + 9] ^= 1
        #expect(station.receive(damaged) == [])
        #expect(station.stack.counters.icmpErrors == 1)
        station.stack.configuration.answersEcho = false
        #expect(station.receive(request) == [])
    }

    @Test("UDP for nobody: port unreachable, quoted, at a bounded rate (RFC 1122, 4.1.3.1)", arguments: Family.allCases)
    func udp(_ family: Family) throws {
        var station = try Station(family, .numbered.with { $0.icmpErrorsPerSecond = 10 })
        let datagram = Wire.udp(from: station.peer, to: station.own)
        var answered = 0
        for _ in 0..<30 { answered += station.receive(datagram) == [family == .ipv4 ? "icmp 3/3" : "icmp 1/4"] ? 1 : 0 }
        #expect(answered == 10)
        #expect(station.stack.counters.icmpRateLimited == 20)
        station.wait(until: 999)
        for _ in 0..<30 { answered += station.receive(datagram).count }
        #expect(answered == 10, "each second has so many")
        station.wait(until: 1_000)
        for _ in 0..<30 { answered += station.receive(datagram).count }
        #expect(answered == 20)
    }

    @Test("TCP for nobody is never answered with ICMP (checklist 60)", arguments: Family.allCases)
    func tcp(_ family: Family) throws {
        var station = try Station(family)
        #expect(station.receive(.syn()) == ["R. 0 ack 5001"])
        #expect(station.stack.counters.icmpErrorsOut == 0)
    }

    /// An ICMP error about our SYN, or about the segment at `seq`.
    static func error(
        _ station: borrowing Station, _ local: Endpoint, type: UInt8, code: UInt8, rest: UInt32 = 0, seq: UInt32 = 1_000
    ) -> [UInt8] {
        let quoted = Wire.packet(Segment(.syn, seq: seq), from: local, to: station.peer)
        return Wire.icmp(
            station.family, type: type, code: code, rest: rest, body: quoted, from: station.family.address(254))
    }

    @Test(
        "an answer to the SYN ends the attempt, with the evidence (RFC 5461; 2.7)",
        arguments: [
            (Family.ipv4, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map { (3, $0) } + [(11, 0), (12, 0)]),
            (.ipv6, [0, 1, 2, 3, 4, 5, 6].map { (1, $0) } + [(3, 0), (4, 0)]),
        ] as [(Family, [(UInt8, UInt8)])])
    func unreachable(_ family: Family, _ messages: [(UInt8, UInt8)]) throws {
        for (type, code) in messages {
            var station = try Station(family)
            let id = try station.stack.connect(to: station.peer, at: .zero)
            let local = try station.stack.info(of: id).tuple.local
            #expect(station.sent() == ["S 1000"])
            station.wait(until: 30)
            station.receive(Self.error(station, local, type: type, code: code))
            #expect(station.events() == [.closed(id)], "\(type)/\(code)")
            guard case .unreachable(let evidence, let attempt)? = try station.stack.failure(of: id) else {
                Issue.record("\(type)/\(code)")
                continue
            }
            #expect(evidence.reporter == family.address(254) && evidence.type == type && evidence.code == code)
            #expect(evidence.at == .zero + .milliseconds(30))
            #expect(attempt.verdict == .unreachable)
            #expect(station.stack.counters.attemptFails == 1)
            // The endpoint is gone (checklist 18).
            #expect(station.receive(.synAck(), to: local) == ["R 1001"])
        }
    }

    @Test(
        "no end of the attempt: another number, the strict rule, reassembly, a frame too big",
        arguments: [
            (3, 1, 999, false, 1, 0), (3, 1, 1_001, false, 1, 0), (3, 1, 1_000, true, 0, 1),
            (11, 1, 1_000, false, 0, 1),
            (3, 4, 1_000, false, 0, 1), (4, 0, 1_000, false, 0, 0), (5, 1, 1_000, false, 0, 0),
        ] as [(UInt8, UInt8, UInt32, Bool, UInt64, Int)])
    func advice(
        _ type: UInt8, _ code: UInt8, _ seq: UInt32, _ strict: Bool, _ outOfWindow: UInt64, _ evidence: Int
    ) throws {
        var station = try Station(.ipv4, .numbered.with { $0.tcp.treatsUnreachableAsSoftError = strict })
        let id = try station.stack.connect(to: station.peer, at: .zero)
        let local = try station.stack.info(of: id).tuple.local
        _ = station.sent()
        station.receive(Self.error(station, local, type: type, code: code, seq: seq))
        #expect(station.events() == [])
        #expect(try station.stack.info(of: id).state == .synSent)
        #expect(station.stack.counters.icmpOutOfWindow == outOfWindow)
        station.wait(until: 180_000)
        guard case .timedOut(let attempt)? = try station.stack.failure(of: id) else {
            Issue.record("no timeout")
            return
        }
        #expect((attempt.icmp == nil) == (evidence == 0))
    }

    @Test("established: advice for whoever asks (MUST-56)", arguments: Family.allCases)
    func established(_ family: Family) throws {
        var station = try Station(family)
        let id = try station.accepted()
        _ = try station.write(id, 10)
        #expect(station.sent() == ["P. 1001+10 ack 5001"])
        let isV4 = family == .ipv4
        station.receive(Self.error(station, station.own, type: isV4 ? 3 : 1, code: 1, seq: 1_001))
        #expect(try station.stack.info(of: id).state == .established)
        #expect(try station.stack.info(of: id).icmpCode == 1)
        #expect(station.events() == [])
    }

    @Test(
        "a frame too big: smaller segments, at once (RFC 1191; RFC 8201)",
        arguments: [
            (Family.ipv4, 1_200, 1_160), (.ipv4, 0, 536), (.ipv4, 100, 512), (.ipv6, 1_400, 1_340), (.ipv6, 100, 1_220),
        ] as [(Family, UInt32, Int)])
    func fragmentationNeeded(_ family: Family, _ mtu: UInt32, _ length: Int) throws {
        var station = try Station(family)
        let id = try station.accepted()
        _ = try station.write(id, Int(family.mss))
        #expect(station.sent() == ["P. 1001+\(family.mss) ack 5001"])
        let isV4 = family == .ipv4
        let sent = station.receive(
            Self.error(station, station.own, type: isV4 ? 3 : 2, code: isV4 ? 4 : 0, rest: mtu, seq: 1_001))
        #expect(sent.first == ". 1001+\(length) ack 5001")
    }

    @Test("half-open entries pay no heed", arguments: Family.allCases)
    func halfOpen(_ family: Family) throws {
        var station = try Station(family)
        _ = try station.stack.listen(on: station.own, backlog: 1)
        station.receive(.syn())
        station.receive(Self.error(station, station.own, type: family == .ipv4 ? 3 : 1, code: 1))
        #expect(station.stack.tables.halfOpen == 1)
    }
}
