internal import NetPrimitives

/// Packets that the runner injects, byte by byte.
enum WireWriter {
    /// What an injected packet's IP header says beside addresses.
    struct IPFacts {
        var trafficClass: UInt8 = 0
        var hopLimit: UInt8 = 255
        var flowLabel: UInt32 = 0
    }

    /// A whole IP packet around what the transport has written.
    /// - Parameter checksumOffset: where the transport's checksum stands in `body`, as 0 so far.
    static func packet(
        from source: IPAddress, to destination: IPAddress, protocol number: UInt8, _ body: [UInt8],
        checksumOffset: Int, facts: IPFacts = IPFacts()
    ) -> [UInt8] {
        var body = body
        var sum = onesComplement(body[...])
        // ICMP's sum, alone of all, covers no addresses over IPv4.
        if number != 1 {
            var pseudo: [UInt8] = []
            pseudo.append(source)
            pseudo.append(destination)
            sum += onesComplement(pseudo[...]) + UInt32(number) + UInt32(body.count)
        }
        body.patch16(~fold(sum), at: checksumOffset)
        return header(from: source, to: destination, protocol: number, length: body.count, facts) + body
    }

    /// An IP header alone, as an ICMP error quotes it.
    static func header(
        from source: IPAddress, to destination: IPAddress, protocol number: UInt8, length: Int,
        _ facts: IPFacts = IPFacts()
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        if source.isIPv6 {
            bytes.append32(6 << 28 | UInt32(facts.trafficClass) << 20 | facts.flowLabel & 0xF_FFFF)
            bytes.append16(length)
            bytes += [number, facts.hopLimit]
        } else {
            bytes += [0x45, facts.trafficClass]
            bytes.append16(length + 20)
            bytes += [0, 0, 0, 0, facts.hopLimit, number, 0, 0]
        }
        bytes.append(source)
        bytes.append(destination)
        if !source.isIPv6 { bytes.patch16(~onesComplement(bytes[...]), at: 10) }
        return bytes
    }

    /// A TCP segment with its numbers as they stand on the wire and zeros for data, its checksum still 0.
    static func segment(_ tcp: TCPSyntax, source: UInt16, destination: UInt16, options: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append16(source)
        bytes.append16(destination)
        bytes.append32(tcp.sequence)
        bytes.append32(tcp.acknowledgment ?? 0)
        let offset = UInt8((20 + options.count) / 4)
        bytes += [offset << 4 | (tcp.flags.accurateECN ? 1 : 0), tcp.flags.bits]
        bytes.append16(tcp.window ?? 0)
        bytes += [0, 0]
        bytes.append16(tcp.urgentPointer ?? 0)
        return bytes + options + [UInt8](repeating: 0, count: Int(tcp.length))
    }

    /// The bytes of an option list.
    static func bytes(of options: [TCPOptionSyntax]) -> [UInt8] {
        var bytes: [UInt8] = []
        for option in options {
            switch option {
            case .endOfList: bytes.append(0)
            case .noOperation: bytes.append(1)
            case .maximumSegmentSize(let mss):
                bytes += [2, 4]
                bytes.append16(mss)
            case .windowScale(let shift): bytes += [3, 3, shift]
            case .sackPermitted: bytes += [4, 2]
            case .sack(let edges):
                bytes += [5, UInt8(2 + 8 * edges.count)]
                for edge in edges {
                    bytes.append32(edge.left)
                    bytes.append32(edge.right)
                }
            case .timestamps(let value, let echo):
                bytes += [8, 10]
                bytes.append32(value)
                bytes.append32(echo)
            case .fastOpen(let cookie): bytes += [34, UInt8(2 + cookie.count)] + cookie
            case .experimentalFastOpen(let cookie): bytes += [254, UInt8(4 + cookie.count), 0xF9, 0x89] + cookie
            case .md5(let digest): bytes += [19, UInt8(2 + digest.count)] + digest
            case .accurateECN(let kind, let counters):
                bytes += [kind, UInt8(2 + 3 * counters.count)]
                for counter in counters {
                    bytes.append(UInt8(truncatingIfNeeded: counter >> 16))
                    bytes.append16(counter & 0xFFFF)
                }
            case .other(let kind, let data): bytes += [kind, UInt8(2 + data.count)] + data
            }
        }
        return bytes
    }

    /// An option list as options; what is broken in it becomes one option of its kind with the rest of the bytes.
    static func options(of bytes: [UInt8]) -> [TCPOptionSyntax] {
        var options: [TCPOptionSyntax] = []
        var index = 0
        while index < bytes.count {
            let kind = bytes[index]
            if kind < 2 {
                options.append(kind == 0 ? .endOfList : .noOperation)
                index += 1
                continue
            }
            let length = index + 1 < bytes.count ? Int(bytes[index + 1]) : 0
            guard length >= 2, index + length <= bytes.count else {
                options.append(.other(kind: kind, bytes: Array(bytes[(index + 1)...])))
                return options
            }
            options.append(option(kind, Array(bytes[index + 2..<index + length])))
            index += length
        }
        return options
    }

    private static func option(_ kind: UInt8, _ data: [UInt8]) -> TCPOptionSyntax {
        switch (kind, data.count) {
        case (2, 2): .maximumSegmentSize(UInt16(data.word(0)))
        case (3, 1): .windowScale(data[0])
        case (4, 0): .sackPermitted
        case (5, let count) where count > 0 && count % 8 == 0:
            .sack(
                stride(from: 0, to: count, by: 8).map {
                    TCPOptionSyntax.Edges(left: data.long($0), right: data.long($0 + 4))
                })
        case (8, 8): .timestamps(value: data.long(0), echo: data.long(4))
        case (34, _): .fastOpen(cookie: data)
        case (254, 2...) where data.word(0) == 0xF989: .experimentalFastOpen(cookie: Array(data.dropFirst(2)))
        case (19, 16): .md5(digest: data)
        case (172, 3...), (174, 3...):
            .accurateECN(
                kind: kind,
                counters: stride(from: 0, to: data.count - 2, by: 3).map {
                    UInt32(data[$0]) << 16 | UInt32(data.word($0 + 1))
                })
        default: .other(kind: kind, bytes: data)
        }
    }
}
