import NetPrimitives

extension ScriptParser {
    /// `<` or `>`, what is known of the headers around, then a segment, a datagram or a message.
    mutating func packet() throws(ScriptError) -> PacketSyntax {
        let start = position
        let direction: PacketSyntax.Direction = token.isSymbol("<") ? .inbound : .outbound
        try advance()
        var packet = PacketSyntax(position: start, direction: direction, body: .udp(length: 0))
        try envelope(&packet)
        packet.ports = try ports()
        if try take(word: "udp") {
            if packet.ports == nil { packet.ports = try ports() }
            packet.body = .udp(length: try length())
        } else if token.isWord("icmp") {
            if packet.ports != nil { throw unexpected("a segment or 'udp' behind the ports") }
            try advance()
            packet.body = .icmp(try icmp())
        } else {
            packet.body = .tcp(try segment(direction))
        }
        return packet
    }

    /// What stands before the segment, in any order.
    private mutating func envelope(_ packet: inout PacketSyntax) throws(ScriptError) {
        while true {
            if token.isSymbol("(") || token.isSymbol("[") {
                try information(&packet)
            } else if token.isWord("ipv4") || token.isWord("ipv6") {
                packet.encapsulations.append(try tunnel(isIPv6: token.isWord("ipv6")))
            } else if try take(word: "gre") {
                packet.encapsulations.append(.gre(try words(until: ":")))
                try expect(":", " behind 'gre'")
            } else if try take(word: "mpls") {
                var labels: [[String]] = []
                while try take("(") {
                    labels.append(try words(until: ")"))
                    try expect(")", " behind a label")
                }
                if labels.isEmpty { throw unexpected("'(' and a label") }
                try expect(":", " behind the labels")
                packet.encapsulations.append(.mpls(labels))
            } else if try take(word: "encap") {
                guard try take(word: "psp") else { throw unexpected("'psp'") }
                guard try take(word: "spi") else { throw unexpected("'spi'") }
                packet.securityParameterIndex = try number("an index")
            } else {
                return
            }
        }
    }

    private mutating func tunnel(isIPv6: Bool) throws(ScriptError) -> Encapsulation {
        try advance()
        let source = try address(isIPv6: isIPv6)
        try expect(">", " between two addresses")
        let destination = try address(isIPv6: isIPv6)
        try expect(":", " behind the addresses")
        return .ip(source: source, destination: destination)
    }

    private mutating func address(isIPv6: Bool) throws(ScriptError) -> IPAddress {
        let kind: ScriptToken.Kind = isIPv6 ? .ipv6Address : .ipv4Address
        guard token.kind == kind, let address = IPAddress(token.text) else {
            throw unexpected(isIPv6 ? "an IPv6 address" : "an IPv4 address")
        }
        try advance()
        return address
    }

    /// Numbers and words as they are written, up to the character, which is left.
    private mutating func words(until end: Unicode.Scalar) throws(ScriptError) -> [String] {
        var words: [String] = []
        while !token.isSymbol(end) {
            switch token.kind {
            case .word, .integer, .hexadecimal: words.append(token.text)
            case .symbol(UInt8(ascii: ",")), .symbol(UInt8(ascii: "[")), .symbol(UInt8(ascii: "]")): break
            default: throw unexpected("'\(end)'")
            }
            try advance()
        }
        return words
    }

    /// `(ect0)`, `[tos 0x2, ttl 64]`.
    private mutating func information(_ packet: inout PacketSyntax) throws(ScriptError) {
        let closing: Unicode.Scalar = token.isSymbol("(") ? ")" : "]"
        try advance()
        repeat {
            let start = position
            let word = token.kind == .word ? token.text : ""
            let simple: [String: IPInformation.TrafficClass] = [
                "noecn": .notECNCapable, "ect0": .ect0, "ect1": .ect1, "ce": .congestionExperienced, "ect01": .ect0or1,
            ]
            if let trafficClass = simple[word] {
                try advance()
                packet.ip.trafficClass = trafficClass
                if trafficClass == .ect0or1, packet.direction == .inbound {
                    throw wrong(start, "'ect0' or 'ect1': an inbound packet has one of them")
                }
            } else if try take(word: "tos") {
                packet.ip.trafficClass = .whole(try number("a byte"))
            } else if try take(word: "flowlabel") {
                packet.ip.flowLabel = try number("a flow label", upTo: UInt32(0xf_ffff))
            } else if try take(word: "ttl") {
                packet.ip.hopLimit = try number("a time to live")
            } else {
                throw unexpected("one of noecn, ect0, ect1, ect01, ce, tos, flowlabel, ttl")
            }
        } while try take(",")
        try expect(closing, " behind what is known of the IP header")
    }

    private mutating func ports() throws(ScriptError) -> PacketSyntax.Ports? {
        guard token.kind == .integer else { return nil }
        let source: UInt16 = try number("a port")
        try expect(">", " between two ports")
        return PacketSyntax.Ports(source: source, destination: try number("a port"))
    }

    private mutating func length() throws(ScriptError) -> UInt16 {
        try expect("(", " before a length")
        let length: UInt16 = try number("a length")
        try expect(")", " behind a length")
        return length
    }

    // MARK: TCP

    private mutating func segment(_ direction: PacketSyntax.Direction) throws(ScriptError) -> TCPSyntax {
        let flags = try flags()
        let (sequence, length) = try sequenceRange()
        var segment = TCPSyntax(flags: flags, sequence: sequence, length: length)
        if try take(word: "ack") { segment.acknowledgment = try number("an acknowledgement number") }
        if try take(word: "win") { segment.window = try number("a window") }
        if segment.window == nil, direction == .inbound {
            throw unexpected("'win' and a window in an inbound segment")
        }
        if try take(word: "urg") { segment.urgentPointer = try number("an urgent pointer") }
        if token.isSymbol("<") { segment.options = try options(direction) }
        return segment
    }

    private mutating func flags() throws(ScriptError) -> TCPFlagsSyntax {
        let start = position
        var flags = TCPFlagsSyntax(bits: 0)
        if try take("-") { return flags }
        var hasLetters = false
        let end = token.range.upperBound
        if token.kind == .word {
            for letter in token.text.unicodeScalars {
                switch letter {
                case "F": flags.bits |= TCPFlagsSyntax.fin
                case "S": flags.bits |= TCPFlagsSyntax.syn
                case "R": flags.bits |= TCPFlagsSyntax.rst
                case "P": flags.bits |= TCPFlagsSyntax.psh
                case "U": flags.bits |= TCPFlagsSyntax.urg
                case "E": flags.bits |= TCPFlagsSyntax.ece
                case "W": flags.bits |= TCPFlagsSyntax.cwr
                case "A": flags.accurateECN = true
                default: throw unexpected("flags: letters of FSRPUEWA and a dot for ACK, or '-'")
                }
            }
            hasLetters = true
            try advance()
        }
        if hasLetters, token.range.lowerBound != end { return flags }
        if try take(".") {
            flags.bits |= TCPFlagsSyntax.ack
        } else if token.kind == .float, token.text.hasPrefix(".") {
            guard token.text.utf8.count == 2, let counter = UInt8(token.text.dropFirst()), counter < 8 else {
                throw unexpected("one digit from 0 to 7 behind the dot of the flags")
            }
            try advance()
            if flags.accurateECN || flags.bits & (TCPFlagsSyntax.ece | TCPFlagsSyntax.cwr) != 0 {
                throw wrong(start, "either E, W and A or a digit behind the dot")
            }
            flags.bits |= TCPFlagsSyntax.ack
            if counter == 0 { return flags }
            flags.counter = counter
            flags.accurateECN = counter & 4 != 0
            if counter & 2 != 0 { flags.bits |= TCPFlagsSyntax.cwr }
            if counter & 1 != 0 { flags.bits |= TCPFlagsSyntax.ece }
        } else if !hasLetters {
            throw unexpected("a packet: flags such as 'S.', 'udp' or 'icmp'")
        }
        return flags
    }

    /// `start:end(length)`.
    private mutating func sequenceRange() throws(ScriptError) -> (UInt32, UInt16) {
        let start = position
        let first: UInt32 = try number("a sequence number")
        try expect(":", " between two sequence numbers")
        let last: UInt32 = try number("a sequence number")
        let length = try length()
        let end = first &+ UInt32(length)
        guard end == last else {
            throw wrong(start, "\(first):\(end)(\(length))", found: "\(first):\(last)(\(length))")
        }
        return (first, length)
    }

    // MARK: ICMP

    private mutating func icmp() throws(ScriptError) -> ICMPSyntax {
        guard token.kind == .word, ICMPNames.isType(token.text) else { throw unexpected("the name of an ICMP type") }
        var message = ICMPSyntax(type: token.text)
        try advance()
        if token.kind == .word, !token.isWord("mtu"), !token.isWord("id") {
            guard ICMPNames.isCode(token.text) else { throw unexpected("the name of an ICMP code") }
            message.code = token.text
            try advance()
        }
        if token.isWord("mtu") {
            let hasMTU =
                message.type == "packet_too_big" || message.type.hasPrefix("type_") || message.code == "frag_needed"
                || message.code == "code_4"
            if !hasMTU { throw unexpected("no MTU: only frag_needed and packet_too_big have one") }
            try advance()
            message.mtu = try number("an MTU")
        }
        if try take(word: "id") { message.identifier = try number("an identifier") }
        if try take("[") {
            if try take(word: "udp") {
                message.echoed = .udp(length: try length())
            } else if try take(word: "raw") {
                message.echoed = .raw(length: try length())
            } else {
                let (sequence, length) = try sequenceRange()
                message.echoed = .tcp(sequence: sequence, length: length)
            }
            try expect("]", " behind what an ICMP message quotes")
        }
        return message
    }
}
