import Fuzzing
import NetPrimitives
import PacketCapture

/// Seeds that are packets: what two stacks have said to each other, and some that they would not say.
enum PacketStories {
    /// Single packets, each kind of segment once.
    static func formats(_ recorded: [(name: String, packets: [[UInt8]])]) -> [SeedInput] {
        var seen: Set<[UInt8]> = []
        var seeds: [SeedInput] = []
        for (name, packets) in recorded {
            for (number, packet) in packets.enumerated() where packet.count < 400 {
                // What makes a kind: the family, the flags and the length of the header.
                let transport = packet[0] >> 4 == 4 ? 20 : 40
                guard packet.count >= transport + 20 else { continue }
                let kind = [packet[0], packet[transport + 12], packet[transport + 13]]
                if seen.insert(kind).inserted {
                    seeds.append(("\(name)-\(number)", [0] + packet))
                    seeds.append(("\(name)-\(number)-tcp", [2] + packet.dropFirst(transport)))
                }
            }
        }
        return seeds + strange
    }

    /// Whole conversations as captures, in every form of the file.
    static func captures(_ recorded: [(name: String, packets: [[UInt8]])]) -> [SeedInput] {
        var seeds: [SeedInput] = []
        for (name, packets) in recorded {
            for (switches, resolution) in [
                ([0, 0], TimeResolution.microsecond), ([0x05, 2], .nanosecond),
            ] as [([UInt8], TimeResolution)] {
                let writer = PcapWriter(linkType: .raw, resolution: resolution, snapLength: 96)
                var file = writer.header()
                for (number, packet) in packets.prefix(12).enumerated() {
                    file += writer.record(packet, at: .zero + .milliseconds(Int64(number)))
                }
                seeds.append(("\(name)-\(resolution)", switches + file))
            }
        }
        return seeds + strange.map { ($0.name, [1, 2] + $0.bytes.dropFirst()) }
    }

    /// Packets with what our stacks do not send: extension headers, fragments, UDP, ICMP, text protocols.
    private static var strange: [SeedInput] {
        let v6: [UInt8] = [0x60, 0, 0, 0, 0, 0, 0, 64]
        let ends = [UInt8](repeating: 0x20, count: 16) + [UInt8](repeating: 0x30, count: 16)
        func packet6(_ next: UInt8, _ body: [UInt8]) -> [UInt8] {
            var packet = v6 + ends + body
            packet[5] = UInt8(body.count)
            packet[6] = next
            return [0] + packet
        }
        func packet4(_ upper: UInt8, _ body: [UInt8], fragment: [UInt8] = [0, 0]) -> [UInt8] {
            [1, 0x45, 0, 0, UInt8(20 + body.count), 0, 1] + fragment + [64, upper, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
                + body
        }
        let udp: [UInt8] = [0x30, 0x39, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]
        let quoted = packet4(6, [0x30, 0x39, 0, 80, 1, 2, 3, 4]).dropFirst()
        let tcp: [UInt8] =
            [0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0] + Array("GET / HTTP/1.0\r\n".utf8)
        return [
            ("udp", packet4(17, udp)), ("echo", packet4(1, [8, 0, 0, 0, 0, 7, 0, 1, 1, 2, 3, 4])),
            ("unreachable", packet4(1, [3, 3, 0, 0, 0, 0, 0, 0] + quoted)),
            ("fragment", packet4(17, udp, fragment: [0x20, 0])),
            ("later-fragment", packet4(17, udp, fragment: [0, 1])),
            ("http", packet4(6, tcp)), ("hop-by-hop", packet6(0, [6, 0, 1, 4, 0, 0, 0, 0] + tcp.prefix(20))),
            ("routing", packet6(43, [6, 0, 0, 0, 0, 0, 0, 0] + tcp.prefix(20))),
            ("fragment6", packet6(44, [6, 0, 0, 1, 1, 2, 3, 4] + tcp.prefix(20))),
            ("destination", packet6(60, [44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 1, 2, 3, 4] + tcp.prefix(20))),
            ("echo6", packet6(58, [128, 0, 0, 0, 0, 7, 0, 1])),
            ("too-big", packet6(58, [2, 0, 0, 0, 0, 0, 5, 0] + v6 + ends + tcp.prefix(8))),
        ]
    }
}
