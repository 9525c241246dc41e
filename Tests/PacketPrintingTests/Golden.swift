import NetPrimitives
import PacketCapture
import PacketPrinting
import Testing

/// Packets and the lines that tcpdump 4.99 prints for them, written down so that they hold without tcpdump too.
struct Golden: CustomTestStringConvertible, Sendable {
    let name: String
    let switches: Switches
    let packets: [CapturedPacket]
    let lines: [String]

    /// Packets are 1.5 ms apart from `2023-11-14 22:13:20.123456` on.
    init(_ name: String, _ switches: Switches, _ packets: [[UInt8]], _ lines: [String]) {
        self.name = name
        self.switches = switches
        self.packets = packets.enumerated().map { index, bytes in
            CapturedPacket(
                instant: Instant(nanoseconds: 1_700_000_000_123_456_789 + Int64(index) * 1_500_000), bytes: bytes)
        }
        self.lines = lines
    }

    var testDescription: String { name }
}

private let client = Endpoint("10.0.0.1:40000")!
private let server = Endpoint("10.0.0.2:80")!
private let client6 = Endpoint("[2001:db8::1]:40000")!
private let server6 = Endpoint("[2001:db8::2]:443")!
private let synOptions: [UInt8] = [2, 4, 5, 0xB4, 4, 2, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 3, 3, 7]

private func segment(
    _ from: Endpoint, _ to: Endpoint, _ flags: UInt8, seq: UInt32 = 0, ack: UInt32 = 0, window: Int = 65_535,
    options: [UInt8] = [], _ text: String = ""
) -> [UInt8] {
    let segment = Assemble.tcp(
        from, to, seq: seq, ack: ack, flags: flags, window: window, options: options, payload: Array(text.utf8))
    return from.address.isIPv6
        ? Assemble.ipv6(from.address, to.address, 6, segment) : Assemble.ipv4(from.address, to.address, 6, segment)
}

private let handshake = [
    segment(client, server, 0x02, seq: 1000, options: synOptions),
    segment(server, client, 0x12, seq: 5000, ack: 1001, options: [2, 4, 5, 0xB4]),
    segment(client, server, 0x10, seq: 1001, ack: 5001, window: 512),
    segment(client, server, 0x18, seq: 1001, ack: 5001, window: 512, "GET / HTTP/1.1\r\nHost: server.example\r\n\r\n"),
    segment(server, client, 0x11, seq: 5001, ack: 1041),
    segment(client, server, 0x14, seq: 1041, ack: 5002, window: 0),
]

private func quoting(_ packet: [UInt8], _ kind: UInt8, _ code: UInt8, _ word: [UInt8] = [0, 0, 0, 0]) -> [UInt8] {
    Assemble.ipv4(server.address, client.address, 1, Assemble.icmpv4(kind, code, word + packet.prefix(28)))
}

private func quoting6(_ packet: [UInt8], _ kind: UInt8, _ code: UInt8, _ word: [UInt8] = [0, 0, 0, 0]) -> [UInt8] {
    let message = Assemble.icmpv6(kind, code, word + packet.prefix(60), server6.address, client6.address)
    return Assemble.ipv6(server6.address, client6.address, 58, message)
}

private let plain = Switches("-nt") { $0.time = .none }

extension Golden {
    static let all = connections + controls + broken

    private static let connections = [
        Golden(
            "a connection, numbers relative", Switches("-n"), handshake,
            [
                "22:13:20.123456 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1000, win 65535, "
                    + "options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0",
                "22:13:20.124956 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [S.], seq 5000, ack 1001, win "
                    + "65535, options [mss 1460], length 0",
                "22:13:20.126456 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 1, win 512, length 0",
                "22:13:20.127956 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1:41, ack 1, win 512, "
                    + "length 40: HTTP: GET / HTTP/1.1",
                "22:13:20.129456 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [F.], seq 1, ack 41, win 65535, length 0",
                "22:13:20.130956 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [R.], seq 41, ack 2, win 0, length 0",
            ]),
        Golden(
            "a connection, numbers absolute", Switches("-nStt") { ($0.absoluteSequence, $0.time) = (true, .epoch) },
            Array(handshake[1...3]),
            [
                "1700000000.123456 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [S.], seq 5000, ack 1001, win "
                    + "65535, options [mss 1460], length 0",
                "1700000000.124956 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 5001, win 512, length 0",
                "1700000000.126456 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1001:1041, ack 5001, "
                    + "win 512, length 40: HTTP: GET / HTTP/1.1",
            ]),
        Golden(
            "seen from the middle on", Switches("-nttt") { $0.time = .sincePrevious },
            [
                segment(client6, server6, 0x10, seq: 7000, ack: 300, "abc"),
                segment(server6, client6, 0x10, seq: 300, ack: 7003),
                segment(client6, server6, 0x18, seq: 7003, ack: 300, "d"), segment(server6, client6, 0x04, seq: 300),
            ],
            [
                " 00:00:00.000000 IP6 2001:db8::1.40000 > 2001:db8::2.443: Flags [.], seq 7000:7003, ack "
                    + "300, win 65535, length 3",
                " 00:00:00.001500 IP6 2001:db8::2.443 > 2001:db8::1.40000: Flags [.], ack 3, win 65535, length 0",
                " 00:00:00.001500 IP6 2001:db8::1.40000 > 2001:db8::2.443: Flags [P.], seq 3:4, ack 1, "
                    + "win 65535, length 1",
                " 00:00:00.001500 IP6 2001:db8::2.443 > 2001:db8::1.40000: Flags [R], seq 300, win 65535, length 0",
            ]),
        Golden(
            "SACK blocks count from the other direction's base, round the circle", plain,
            [
                segment(server, client, 0x12, seq: 5000, ack: 0), segment(client, server, 0x10, seq: 0, ack: 5001),
                segment(server, client, 0x10, seq: 5001, ack: 1, options: [1, 1, 5, 10, 0, 0, 0, 100, 0, 0, 0, 200]),
                segment(client, server, 0x10, seq: 1, ack: 5001, options: [5, 10, 0, 0, 0, 1, 0, 0, 0x20, 0]),
            ],
            [
                "IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [S.], seq 5000, ack 0, win 65535, length 0",
                "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 1, win 65535, length 0",
                "IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [.], ack 2, win 65535, options [nop,nop,sack 1 "
                    + "{101:201}], length 0",
                "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 1, win 65535, options [sack 1 "
                    + "{4294962297:3192},eol], length 0",
            ]),
        Golden(
            "the options of a SYN in the order of other hosts", plain,
            [
                [1, 3, 3, 6, 4, 2, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0],
                [1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 4, 2, 0, 0], [1, 3, 3, 8, 1, 1, 4, 2],
            ].map { segment(client, server, 0x02, seq: 1000, options: [2, 4, 5, 0xB4] + $0) },
            [
                "wscale 6,sackOK,TS val 100 ecr 0", "wscale 6,nop,nop,TS val 100 ecr 0,sackOK,eol",
                "wscale 8,nop,nop,sackOK",
            ].map {
                "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1000, win 65535, "
                    + "options [mss 1460,nop,\($0)], length 0"
            }),
        Golden(
            "-v, IPv4 in two lines", Switches("-nv") { $0.verbosity = 1 }, [handshake[0], handshake[3]],
            [
                "22:13:20.123456 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length "
                    + "60)\n"
                    + "    10.0.0.1.40000 > 10.0.0.2.80: Flags [S], cksum 0x9321 (correct), seq 1000, win "
                    + "65535, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0",
                "22:13:20.124956 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length "
                    + "80)\n"
                    + "    10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], cksum 0x3806 (correct), seq 1001:1041, "
                    + "ack 5001, win 512, length 40: HTTP, length: 40\n"
                    + "\tGET / HTTP/1.1\n\tHost: server.example\n\t",
            ]),
        Golden(
            "-vv, IPv6 in one line, sequence numbers always",
            Switches("-ntvv") { ($0.verbosity, $0.time) = (2, .none) },
            [segment(client6, server6, 0x10, seq: 7000, ack: 300)],
            [
                "IP6 (hlim 64, next-header TCP (6) payload length: 20) 2001:db8::1.40000 > "
                    + "2001:db8::2.443: Flags [.], cksum 0x99e0 (correct), seq 7000, ack 300, win 65535, "
                    + "length 0"
            ]),
        Golden(
            "-q", Switches("-ntq") { ($0.quiet, $0.time) = (true, .none) }, [handshake[3]],
            ["IP 10.0.0.1.40000 > 10.0.0.2.80: tcp 40"]),
        Golden(
            "-e, dates", Switches("-netttt") { ($0.linkHeader, $0.time) = (true, .dateAndTime) }, [handshake[2]],
            ["2023-11-14 22:13:20.123456 ip: 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 5001, win 512, length 0"]),
    ]

    private static let controls = [
        Golden(
            "ICMP", plain,
            [
                quoting(handshake[0], 3, 3), quoting(handshake[0], 3, 1), quoting(handshake[0], 3, 13),
                quoting(handshake[0], 3, 4, [0, 0, 5, 0x78]), quoting(handshake[0], 11, 0),
                Assemble.ipv4(
                    client.address, server.address, 1,
                    Assemble.icmpv4(8, 0, [0, 7, 0, 3] + [UInt8](repeating: 0, count: 56))),
            ],
            [
                "IP 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 tcp port 80 unreachable, length 36",
                "IP 10.0.0.2 > 10.0.0.1: ICMP host 10.0.0.2 unreachable, length 36",
                "IP 10.0.0.2 > 10.0.0.1: ICMP host 10.0.0.2 unreachable - admin prohibited filter, length 36",
                "IP 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 36",
                "IP 10.0.0.2 > 10.0.0.1: ICMP time exceeded in-transit, length 36",
                "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 3, length 64",
            ]),
        Golden(
            "ICMP under -v quotes what caused it", Switches("-ntv") { ($0.verbosity, $0.time) = (1, .none) },
            [quoting(handshake[0], 3, 3)],
            [
                "IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto ICMP (1), length 56)\n"
                    + "    10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 tcp port 80 unreachable, length 36\n"
                    + "\tIP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60)\n"
                    + "    10.0.0.1.40000 > 10.0.0.2.80:  [|tcp]"
            ]),
        Golden(
            "ICMPv6", plain,
            [
                quoting6(segment(client6, server6, 2), 1, 4),
                quoting6(segment(client6, server6, 2), 2, 0, [0, 0, 5, 0]),
                quoting6(segment(client6, server6, 2), 3, 0),
                Assemble.ipv6(
                    client6.address, server6.address, 58,
                    Assemble.icmpv6(128, 0, [0, 7, 0, 3], client6.address, server6.address)),
            ],
            [
                "IP6 2001:db8::2 > 2001:db8::1: ICMP6, destination unreachable, unreachable port, "
                    + "2001:db8::2 tcp port 443, length 68",
                "IP6 2001:db8::2 > 2001:db8::1: ICMP6, packet too big, mtu 1280, length 68",
                "IP6 2001:db8::2 > 2001:db8::1: ICMP6, time exceeded in-transit for 2001:db8::2, length 68",
                "IP6 2001:db8::1 > 2001:db8::2: ICMP6, echo request, id 7, seq 3, length 8",
            ]),
        Golden(
            "UDP, fragments, other protocols", plain,
            [
                Assemble.ipv4(client.address, server.address, 17, Assemble.udp(client, server, payload: [1, 2, 3])),
                Assemble.ipv4(client.address, server.address, 6, [1, 2, 3, 4], fragment: 0x2001),
                Assemble.ipv6(client6.address, server6.address, 44, [6, 0, 5, 0xA8, 0, 0, 0, 9, 1, 2, 3]),
                Assemble.ipv4(client.address, server.address, 200, [1, 2, 3, 4]),
                Assemble.ipv6(client6.address, server6.address, 59, []),
            ],
            [
                "IP 10.0.0.1.40000 > 10.0.0.2.80: UDP, length 3", "IP 10.0.0.1 > 10.0.0.2: ip-proto-6",
                "IP6 2001:db8::1 > 2001:db8::2: frag (1448|3)", "IP 10.0.0.1 > 10.0.0.2:  ip-proto-200 4",
                "IP6 2001:db8::1 > 2001:db8::2: no next header",
            ]),
    ]

    private static let broken = [
        Golden(
            "headers that contradict themselves", plain,
            [
                changed(handshake[2], 32, 0x40), changed(handshake[2], 32, 0xF0), changed(handshake[0], 41, 50),
                changed(handshake[0], 0, 0x43), changed(handshake[0], 3, 10), changed(handshake[0], 3, 61),
                [0x70, 1, 2], [],
            ],
            [
                "IP 10.0.0.1.40000 > 10.0.0.2.80:  tcp 4 [bad hdr length 16 - too short, < 20]",
                "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.] [bad hdr length 60 - too long, > 20]",
                "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1000, win 65535, options [[bad opt]", "IP bad-hlen 12",
                "IP bad-len 10",
                "IP truncated-ip - 1 bytes missing! 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq "
                    + "1000:1001, win 65535, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length "
                    + "1: HTTP",
                "unknown ip 7", "[Invalid header: caplen==0, len==0]",
            ]),
        Golden(
            "captures cut short", plain,
            [
                Array(handshake[0].prefix(12)), Array(handshake[0].prefix(22)), Array(handshake[0].prefix(30)),
                Array(handshake[0].prefix(50)), Array(segment(client6, server6, 2).prefix(38)),
            ],
            [
                "IP  [|ip]", "IP truncated-ip - 38 bytes missing! 10.0.0.1 > 10.0.0.2: [|tcp]",
                "IP truncated-ip - 30 bytes missing! 10.0.0.1.40000 > 10.0.0.2.80:  [|tcp]",
                "IP truncated-ip - 10 bytes missing! 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1000, "
                    + "win 65535, options [mss 1460,sackOK,TS [|tcp]>",
                " [|ip6]",
            ]),
    ]

    private static func changed(_ packet: [UInt8], _ offset: Int, _ value: UInt8) -> [UInt8] {
        var packet = packet
        packet[offset] = value
        return packet
    }
}
