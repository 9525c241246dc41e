import NetPrimitives

/// Draws from a seed (SplitMix64).
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
    mutating func octets(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// Assembles packets, right or wrong as the caller says.
enum Assemble {
    static func big16(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }
    static func big32(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    }

    static func octets(of address: IPAddress) -> [UInt8] {
        switch address {
        case .v4(let v4): return big32(v4.rawValue)
        case .v6(let v6):
            return [v6.high, v6.low].flatMap { half in
                (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) }
            }
        }
    }

    static func checksum(_ octets: [UInt8]) -> Int {
        var sum = 0
        for index in octets.indices { sum += Int(octets[index]) << (index % 2 == 0 ? 8 : 0) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return ~sum & 0xFFFF
    }

    static func ipv4(
        _ source: IPAddress, _ destination: IPAddress, _ number: UInt8, _ payload: [UInt8], tos: UInt8 = 0,
        id: Int = 1, fragment: Int = 0x4000, ttl: UInt8 = 64, options: [UInt8] = []
    ) -> [UInt8] {
        var header: [UInt8] = [0x45 + UInt8(options.count / 4), tos]
        header += big16(20 + options.count + payload.count) + big16(id) + big16(fragment) + [ttl, number, 0, 0]
        header += octets(of: source) + octets(of: destination) + options
        header.replaceSubrange(10..<12, with: big16(checksum(header)))
        return header + payload
    }

    static func ipv6(
        _ source: IPAddress, _ destination: IPAddress, _ number: UInt8, _ payload: [UInt8], trafficClass: UInt32 = 0,
        flowLabel: UInt32 = 0, hopLimit: UInt8 = 64
    ) -> [UInt8] {
        big32(6 << 28 | trafficClass << 20 | flowLabel) + big16(payload.count) + [number, hopLimit] + octets(of: source)
            + octets(of: destination) + payload
    }

    /// A transport's bytes with the checksum filled in at `field`.
    static func summed(
        _ transport: [UInt8], field: Int, number: UInt8, _ source: IPAddress, _ destination: IPAddress
    ) -> [UInt8] {
        var transport = transport
        let pseudoHeader =
            octets(of: source) + octets(of: destination) + big32(UInt32(transport.count)) + [0, 0, 0, number]
        transport.replaceSubrange(field..<field + 2, with: big16(checksum(pseudoHeader + transport)))
        return transport
    }

    static func tcp(
        _ source: Endpoint, _ destination: Endpoint, seq: UInt32, ack: UInt32, flags: UInt8, window: Int = 65_535,
        urgent: Int = 0, options: [UInt8] = [], payload: [UInt8] = []
    ) -> [UInt8] {
        let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        var segment = big16(Int(source.port)) + big16(Int(destination.port)) + big32(seq) + big32(ack)
        segment += [UInt8(truncatingIfNeeded: ((20 + padded.count) / 4) << 4), flags] + big16(window) + [0, 0]
        segment += big16(urgent) + padded + payload
        return summed(segment, field: 16, number: 6, source.address, destination.address)
    }

    static func udp(_ source: Endpoint, _ destination: Endpoint, payload: [UInt8]) -> [UInt8] {
        let datagram =
            big16(Int(source.port)) + big16(Int(destination.port)) + big16(8 + payload.count) + [0, 0] + payload
        return summed(datagram, field: 6, number: 17, source.address, destination.address)
    }

    static func icmpv4(_ kind: UInt8, _ code: UInt8, _ rest: [UInt8]) -> [UInt8] {
        let message = [kind, code, 0, 0] + rest
        return [kind, code] + big16(checksum(message)) + rest
    }

    static func icmpv6(_ kind: UInt8, _ code: UInt8, _ rest: [UInt8], _ source: IPAddress, _ destination: IPAddress)
        -> [UInt8]
    {
        summed([kind, code, 0, 0] + rest, field: 2, number: 58, source, destination)
    }
}

/// Generates packets of every kind that the printer covers, from a seed.
struct PacketForge {
    var dice: Dice
    /// Few hosts and ports, so that conversations meet again.
    private let ipv4Hosts: [IPAddress] = [
        .v4(IPv4Address(10, 0, 0, 1)), .v4(IPv4Address(10, 0, 0, 2)), .v4(IPv4Address(192, 0, 2, 200)),
    ]
    private let ipv6Hosts: [IPAddress] = [
        "2001:db8::1", "2001:db8::2", "fe80::1", "::ffff:1.2.3.4", "::1.2.3.4", "::1",
    ]
    .map { IPAddress($0)! }

    /// Ports that stand for nothing, or for a text protocol. tcpdump looks into what other ports carry.
    static let ports: [UInt16] = [1234, 40_000, 40_001, 50_123, 8000, 443, 80, 8080, 21, 25, 554]

    /// The packet being made leaves its length to a jumbo option, or says no length at all.
    private var jumbo = false

    init(seed: UInt64) { dice = Dice(seed: seed) }

    mutating func packet() -> [UInt8] {
        let isIPv6 = dice.oneIn(2)
        let hosts = isIPv6 ? ipv6Hosts : ipv4Hosts
        let source = Endpoint(dice.pick(hosts), dice.pick(Self.ports))
        let destination = Endpoint(dice.pick(hosts), dice.pick(Self.ports))
        switch dice.below(20) {
        case 0..<11: return network(source, destination, 6, segment(source, destination))
        case 11..<13:
            let ports = [Self.ports[0], Self.ports[1], Self.ports[2]]
            let from = Endpoint(source.address, dice.pick(ports))
            let to = Endpoint(destination.address, dice.pick(ports))
            var datagram = Assemble.udp(from, to, payload: dice.octets(dice.below(40)))
            if dice.oneIn(4) { datagram.replaceSubrange(6..<8, with: [0, 0]) }
            if dice.oneIn(6) { datagram[5] &+= UInt8(dice.below(30)) }
            return network(source, destination, 17, datagram)
        case 13..<18:
            let number: UInt8 = isIPv6 ? 58 : 1
            return network(source, destination, number, control(source, destination))
        case 18:
            return network(source, destination, dice.pick([59, 61, 99, 200, 253, 1, 58]), dice.octets(dice.below(30)))
        default:
            let inner =
                isIPv6
                ? Assemble.ipv6(source.address, destination.address, 6, segment(source, destination))
                : Assemble.ipv4(source.address, destination.address, 6, segment(source, destination))
            return network(source, destination, isIPv6 ? 41 : 4, inner)
        }
    }

    private mutating func network(_ source: Endpoint, _ destination: Endpoint, _ number: UInt8, _ payload: [UInt8])
        -> [UInt8]
    {
        guard source.address.isIPv6 else {
            return Assemble.ipv4(
                source.address, destination.address, number, payload, tos: dice.pick([0, 0, 1, 2, 3, 0xB8]),
                id: dice.below(65_536),
                fragment: dice.pick([0, 0, 0x4000, 0x4000, 0x2000, 0x2010, 0x0020, 0x8000, 0xC000]),
                ttl: dice.pick([0, 1, 64, 255]), options: dice.oneIn(6) ? ipv4Options() : [])
        }
        var (number, payload) = (number, payload)
        jumbo = dice.oneIn(60)
        for _ in 0..<(dice.oneIn(4) ? 1 + dice.below(2) : 0) { (number, payload) = extended(number, payload) }
        var packet = Assemble.ipv6(
            source.address, destination.address, number, payload, trafficClass: dice.pick([0, 0, 1, 0xB8]),
            flowLabel: dice.pick([0, 0, 0x12345]), hopLimit: dice.pick([0, 1, 64]))
        if jumbo { packet.replaceSubrange(4..<6, with: [0, 0]) }
        return packet
    }

    private mutating func ipv4Options() -> [UInt8] {
        var options: [UInt8] = dice.pick([
            [1, 1, 1, 0], [148, 4, 0, 0], [148, 4, 0, 9], [7, 7, 4, 1, 2, 3, 4, 0],
            [7, 11, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0], [131, 7, 4, 10, 9, 8, 7, 0],
            [137, 11, 8, 10, 9, 8, 7, 10, 1, 1, 1, 1],
            [68, 12, 9, 0, 0, 0, 0, 1, 0, 0, 0, 2], [68, 12, 13, 0x21, 10, 0, 0, 1, 0, 0, 0, 2],
            [68, 8, 5, 5, 0, 0, 0, 0],
            [130, 4, 0, 0], [82, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [77, 5, 1, 2, 3, 0, 0, 0], [7, 2, 0, 0],
            [7, 30, 4, 0],
        ])
        options += [UInt8](repeating: 1, count: (4 - options.count % 4) % 4)
        return options
    }

    /// The payload behind one more IPv6 extension header.
    private mutating func extended(_ number: UInt8, _ payload: [UInt8]) -> (UInt8, [UInt8]) {
        let address = Assemble.octets(of: dice.pick(ipv6Hosts))
        switch dice.below(7) {
        case 5:
            jumbo = true
            return (
                0,
                [number, 0] + dice.pick([[0xC2, 4, 0, 1, 0, 0], [0xC2, 4, 0, 0, 0, 9], [0xC2, 3, 0, 1, 0, 0]]) + payload
            )
        case 0:
            return (
                0,
                [number, 0]
                    + dice.pick([[1, 4, 0, 0, 0, 0], [5, 2, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [0x3E, 4, 1, 2, 3, 4]])
                    + payload
            )
        case 1:
            return (
                60,
                [number, 0] + dice.pick([[1, 4, 0, 0, 0, 0], [0xC2, 4, 0, 1, 0, 0], [1, 9, 0, 0, 0, 0]]) + payload
            )
        case 2: return (60, [number, 2, 1, 2, 0, 0, 0xC9, 16] + address + payload)
        case 3: return (43, [number, 2, dice.pick([0, 2, 4]), 1, 0, 0, 0, 0] + address + payload)
        default:
            let offset = dice.pick([0, 0, 1, 0x100, 0x101])
            return (44, [number, 0] + Assemble.big16(offset) + dice.octets(4) + payload)
        }
    }

    mutating func segment(_ source: Endpoint, _ destination: Endpoint) -> [UInt8] {
        let flags = dice.pick([
            0x02, 0x12, 0x10, 0x10, 0x10, 0x18, 0x18, 0x18, 0x11, 0x04, 0x14, 0, 0x29, 0xC2, 0x52, 0x30, 0xFF,
        ])
        var options: [UInt8] = []
        for _ in 0..<dice.below(5) { options += option(UInt8(flags)) }
        return Assemble.tcp(
            source, destination, seq: UInt32(truncatingIfNeeded: dice.next()),
            ack: UInt32(truncatingIfNeeded: dice.next()),
            flags: UInt8(flags), window: dice.below(65_536), urgent: dice.below(100),
            options: Array(options.prefix(40)), payload: dice.oneIn(3) ? [] : payload())
    }

    private mutating func option(_ flags: UInt8) -> [UInt8] {
        let plain: [[UInt8]] = [
            [2, 4, 0x05, 0xB4], [1], [1, 1], [3, 3, 7], [4, 2], [8, 10, 0, 0, 0, 9, 0, 0, 1, 0], [0], [34, 2],
            [34, 10] + dice.octets(8),
            [34, 5, 1, 2, 3], [254, 4, 0xF9, 0x89], [254, 8, 0xF9, 0x89, 1, 2, 3, 4], [254, 6, 1, 2, 3, 4],
            [253, 4, 1, 2],
            [19, 18] + dice.octets(16), [28, 4, 0x80, 0x05], [28, 4, 0, 8], [29, 4, 1, 2], [29, 8, 1, 2, 3, 4, 5, 6],
            [29, 3, 1], [6, 6, 0, 0, 0, 1], [7, 6, 0, 0, 0, 2], [11, 6, 0, 0, 0, 3], [12, 6, 0, 0, 0, 4],
            [13, 6, 0, 0, 0, 5], [20, 4, 1, 2], [2, 3, 1], [2, 6, 1, 2, 3, 4], [4, 4, 0, 0], [3, 4, 1, 1], [8, 1],
            [200, 2], [200, 7, 1, 2, 3, 4, 5], [99, 60], [5, 6, 1, 2, 3, 4], [5, 2], [254, 2], [15, 3, 1],
        ]
        switch dice.below(6) {
        case 0: return [5, 10] + dice.octets(8)
        case 1: return [5, 26] + dice.octets(24)
        case 2: return multipath(flags)
        default: return dice.pick(plain)
        }
    }

    private mutating func multipath(_ flags: UInt8) -> [UInt8] {
        let subtype = UInt8(dice.below(10))
        let sizes = [
            [4, 12, 20, 22], [12, 16, 24], [4, 8, 12, 18, 20, 26], [8, 10, 16, 18, 20, 22, 28, 30], [4, 6, 3], [3, 4],
            [12], [12, 10], [5], [3],
        ]
        let size = dice.pick(sizes[Int(subtype)])
        var option = [30, UInt8(size)] + dice.octets(size - 2)
        option[2] = subtype << 4 | dice.pick([0, 1, 4, 6, 9])
        if subtype == 2 && size > 3 { option[3] = UInt8(dice.below(32)) }
        return option
    }

    private mutating func payload() -> [UInt8] {
        let texts = [
            "GET / HTTP/1.1\r\nHost: server.example\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "get /lower HTTP/1.0\n\nx",
            "USER anonymous\r\n", "220 ready\r\n", "EHLO client\r\nMAIL FROM:<a@b>\r\n", "no line end",
            "GET / HTTP/1.1\rX\n",
            "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n", "GET\t/tab HTTP/1.1\r\n", " leading space\r\n", "HTTP/1.1 2000 X\r\n",
            "GET", "200 200\r\n",
            "POST / HTTP/1.1\r", "\r\n", "caf\u{E9} au lait\r\n", "HTTP/1.1\t200\r\n",
        ]
        return dice.oneIn(2) ? Array(dice.pick(texts).utf8) : dice.octets(1 + dice.below(60))
    }

    /// An ICMP or ICMPv6 message.
    private mutating func control(_ source: Endpoint, _ destination: Endpoint) -> [UInt8] {
        let a = destination
        let b = source
        let isTCP = dice.oneIn(2)
        let ports: [UInt16] = [1234, 40_000]
        let from = Endpoint(a.address, dice.pick(ports))
        let to = Endpoint(b.address, dice.pick(ports))
        let transport = isTCP ? segment(from, to) : Assemble.udp(from, to, payload: [1, 2, 3])
        let number: UInt8 = isTCP ? 6 : 17
        let head = dice.pick([[0, 0, 0, 0], [0, 0, 0x05, 0x78], dice.octets(4)])
        guard source.address.isIPv6 else {
            let quoted = Assemble.ipv4(a.address, b.address, dice.pick([number, number, number, 99]), transport)
            let rest = head + quoted.prefix(dice.pick([28, 60, 1000]))
            switch dice.below(8) {
            case 0: return Assemble.icmpv4(dice.pick([8, 0]), 0, dice.octets(4 + dice.below(30)))
            case 1: return Assemble.icmpv4(11, UInt8(dice.below(3)), rest)
            case 2: return Assemble.icmpv4(5, UInt8(dice.below(5)), rest)
            case 3: return Assemble.icmpv4(12, UInt8(dice.below(2)), rest)
            case 4:
                let kind = dice.pick([4, 9, 10, 13, 14, 15, 16, 17, 18, 40] as [UInt8])
                return Assemble.icmpv4(
                    kind, 0,
                    kind == 4
                        ? rest : dice.pick([[2, 2, 0, 30], [1, 2, 1, 3], [0, 1, 0xFF, 0xFF]]) + dice.octets(24))
            default: return Assemble.icmpv4(3, UInt8(dice.below(17)), rest)
            }
        }
        let quoted = Assemble.ipv6(a.address, b.address, dice.pick([number, number, number, 99]), transport)
        let rest = head + quoted.prefix(dice.pick([48, 60, 1000]))
        switch dice.below(6) {
        case 0: return Assemble.icmpv6(dice.pick([128, 129]), 0, dice.octets(4 + dice.below(30)), b.address, a.address)
        case 1: return Assemble.icmpv6(2, 0, rest, b.address, a.address)
        case 2: return Assemble.icmpv6(3, UInt8(dice.below(3)), rest, b.address, a.address)
        case 3: return Assemble.icmpv6(4, UInt8(dice.below(5)), rest, b.address, a.address)
        case 4:
            return Assemble.icmpv6(dice.pick([5, 100, 250]), 0, dice.octets(4 + dice.below(30)), b.address, a.address)
        default: return Assemble.icmpv6(1, UInt8(dice.below(7)), rest, b.address, a.address)
        }
    }

    /// A packet with one to three octets changed.
    mutating func mutated(_ packet: [UInt8]) -> [UInt8] {
        var packet = packet
        for _ in 0..<1 + dice.below(3) {
            // Headers say most, so most changes go there.
            let limit = dice.oneIn(4) ? packet.count : min(packet.count, 100)
            packet[dice.below(limit)] = dice.pick([0, 1, 0xFF, UInt8(truncatingIfNeeded: dice.next())])
        }
        return packet
    }
}
