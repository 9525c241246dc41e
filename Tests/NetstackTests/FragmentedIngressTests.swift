import NetPrimitives
import Testing
import WireFormats

@testable import Netstack

@Suite("Fragments into a stack")
struct FragmentedIngressTests {
    /// A stack with the host's address of one family.
    static func host(_ family: Family) throws -> NetworkStack {
        var stack = NetworkStack(seed: Seed(1))
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1500))
        try stack.addAddress(#require(IPPrefix(family.host, length: family.prefixLength)), to: interface)
        return stack
    }

    /// Hands the packets to the stack and gives the answers.
    static func receive(
        _ packets: [[UInt8]], _ stack: inout NetworkStack, checksum: ChecksumState = .inPacket, at now: Instant = .zero
    ) -> [[UInt8]] {
        var batch = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 128)
        var answers = PacketBatch(byteCapacity: 1 << 18, packetCapacity: 128)
        for packet in packets { batch.append(packet.span, interface: InterfaceID(0), checksum: checksum) }
        stack.receive(batch, answers: &answers, at: now)
        stack.transmit(into: &answers, at: now)
        return (0..<answers.count).map { index in
            let bytes = answers.bytes(of: index)
            return bytes.indices.map { bytes[$0] }
        }
    }

    static func pseudoHeaderSum(_ family: Family, _ upper: IPProtocol, _ length: Int) -> UInt32 {
        InternetChecksum.pseudoHeaderSum(source: family.peer, destination: family.host, protocol: upper, length: length)
    }

    /// An echo request with `count` bytes.
    static func echo(_ family: Family, _ count: Int) -> FragmentForge {
        let upper: IPProtocol = family == .ipv4 ? .icmp : .icmpv6
        var message = [UInt8](repeating: 0, count: 8 + count)
        var span = message.mutableSpan
        ICMPEmitter.emit(
            type: family == .ipv4 ? 8 : 128, code: 0, rest: 0x1234_0001, body: pattern(count).span, into: &span,
            pseudoHeaderSum: family == .ipv4 ? nil : pseudoHeaderSum(family, upper, 8 + count))
        return FragmentForge(family, message, upper)
    }

    /// A SYN to port 80 with the options that make it 32 bytes long.
    static func syn(_ family: Family) -> FragmentForge {
        var segment = Segment()
        segment.seq = SequenceNumber(1000)
        segment.flags = .syn
        segment.window = 65535
        segment.options.maximumSegmentSize = 1400
        segment.options.windowScale = 7
        segment.options.isSACKPermitted = true
        let sum = pseudoHeaderSum(family, .tcp, segment.headerLength)
        var octets = [UInt8](repeating: 0, count: segment.headerLength)
        var span = octets.mutableSpan
        segment.emitHeader(into: &span, sourcePort: 4000, destinationPort: 80)
        Segment.storeChecksum(in: &span, pseudoHeaderSum: sum)
        return FragmentForge(family, octets, .tcp)
    }

    static func payload(_ packet: [UInt8]) -> [UInt8] { Array(packet.dropFirst(packet[0] >> 4 == 4 ? 20 : 40)) }

    @Test(arguments: Family.allCases) func anEchoRequestGetsItsAnswer(of family: Family) throws {
        var stack = try Self.host(family)
        let forge = Self.echo(family, 1000)
        let cuts = Cut.even(forge.data.count, by: 256)
        #expect(Self.receive(cuts.dropLast().map(forge.packet), &stack).isEmpty)
        #expect(stack.tables.fragmentedDatagrams == 1 && !stack.tables.isEmpty)
        #expect(stack.nextDeadline() == Instant.zero + family.timeLimit)
        let answers = Self.receive([forge.packet(cuts[cuts.count - 1])], &stack)
        try #require(answers.count == 1)
        let reply = Self.payload(answers[0])
        #expect(reply[0] == (family == .ipv4 ? 0 : 129))
        #expect(Array(reply[4...]) == Array(forge.data[4...]))
        #expect(stack.tables.isEmpty && stack.nextDeadline() == nil)
        #expect(stack.counters.fragmentsIn == 4 && stack.counters.reassembled == 1)
    }

    @Test(arguments: Family.allCases) func aSYNInPiecesOpensAConnection(of family: Family) throws {
        var stack = try Self.host(family)
        _ = try stack.listen(on: Endpoint(family.host, 80), backlog: 4)
        let forge = Self.syn(family)
        // With IPv6 the first fragment holds the TCP header (of 20 bytes at least), else it is dropped (RFC 7112, 5).
        let cuts = Array(Cut.even(32, by: family == .ipv4 ? 8 : 24).reversed())
        // The checksum is verified whatever the device has said of the pieces (RFC 9293, 3.1, MUST-3).
        for checksum in [ChecksumState.inPacket, .verified] {
            var bad = forge
            bad.data[31] ^= 1
            bad.identification = checksum == .verified ? 1 : 2
            let packets = cuts.map(bad.packet)
            #expect(Self.receive(packets, &stack, checksum: checksum).isEmpty)
        }
        #expect(stack.counters.checksumErrors == 2)
        let answers = Self.receive(cuts.map(forge.packet), &stack, checksum: .verified)
        try #require(answers.count == 1)
        let view = try TCPView(validating: Self.payload(answers[0]).span)
        #expect(view.segment.flags == [.syn, .ack] && view.segment.ack == SequenceNumber(1001))
        #expect(stack.tables.halfOpen == 1 && stack.tables.fragmentedDatagrams == 0)
    }

    /// RFC 6946: a fragment that is the whole packet is taken at once, also while others with its number wait.
    @Test func anAtomicFragmentMeetsNoOther() throws {
        var stack = try Self.host(.ipv6)
        let forge = Self.echo(.ipv6, 100)
        #expect(Self.receive([forge.packet(Cut(8, 16))], &stack).isEmpty)
        let answers = Self.receive([forge.packet(Cut(0, forge.data.count, more: false))], &stack)
        #expect(answers.count == 1)
        #expect(stack.tables.fragmentedDatagrams == 1 && stack.counters.fragmentsIn == 1)
    }

    /// RFC 8200, 4.5: headers behind the fragment header are part of what is put together.
    @Test func extensionHeadersInsideAreRead() throws {
        var stack = try Self.host(.ipv6)
        let options: [UInt8] = [IPProtocol.icmpv6.rawValue, 0, 1, 4, 0, 0, 0, 0]
        let forge = FragmentForge(.ipv6, options + Self.echo(.ipv6, 100).data, .destinationOptions)
        let cuts = Cut.even(forge.data.count, by: 40)
        #expect(Self.receive(cuts.map(forge.packet), &stack).count == 1)
        #expect(stack.counters.echoReplies == 1)
    }

    @Test func fragmentsOfFragmentsAreDropped() throws {
        var stack = try Self.host(.ipv6)
        let echo = Self.echo(.ipv6, 100)
        let inner = Array(echo.packet(Cut(0, 64)).dropFirst(40))
        let outer = FragmentForge(.ipv6, inner, .fragment, identification: 9)
        #expect(Self.receive(Cut.even(inner.count, by: 24).map(outer.packet), &stack).isEmpty)
        #expect(stack.counters.ipHeaderErrors == 1)
        // A hop-by-hop header has no place behind a fragment header.
        let late = FragmentForge(.ipv6, [58, 0, 1, 4, 0, 0, 0, 0] + echo.data, .hopByHop, identification: 10)
        #expect(Self.receive(Cut.even(late.data.count, by: 40).map(late.packet), &stack).isEmpty)
        #expect(stack.counters.ipHeaderErrors == 2)
        // Only the first fragment says what follows (RFC 8200, 4.5). It never counts, so the others wait in vain.
        #expect(stack.counters.fragmentsIn == 4 && stack.tables.fragmentedDatagrams == 2)
        stack.timersFired(at: .zero + Family.ipv6.timeLimit)
        #expect(stack.counters.reassemblyTimeouts == 2 && stack.counters.fragmentsDropped == 4)
        #expect(stack.tables.isEmpty && stack.counters.reassembled == 0 && stack.counters.echoReplies == 0)
    }

    /// RFC 7112, 5: who hides the upper layer's header from filters in a later fragment gets nothing.
    @Test func aHeaderChainInTwoFragmentsIsDropped() throws {
        var stack = try Self.host(.ipv6)
        _ = try stack.listen(on: Endpoint(Family.ipv6.host, 80), backlog: 4)
        let cuts = [Cut(0, 16), Cut(16, 32, more: false)]
        #expect(Self.receive(cuts.map(Self.syn(.ipv6).packet), &stack).isEmpty)
        #expect(stack.counters.ipHeaderErrors == 1 && stack.counters.fragmentsIn == 1 && stack.tables.halfOpen == 0)
    }

    /// RFC 8200, 4.5: what other fragments than the first say of the next header is not looked at.
    @Test(arguments: [IPProtocol.hopByHop, .fragment, .tcp])
    func onlyTheFirstSaysWhatFollows(_ word: IPProtocol) throws {
        var stack = try Self.host(.ipv6)
        let forge = Self.echo(.ipv6, 100)
        var other = forge
        other.upper = word
        let packets = [forge.packet(Cut(0, 64)), other.packet(Cut(64, 108, more: false))]
        #expect(Self.receive(packets, &stack).count == 1)
        #expect(stack.counters.echoReplies == 1 && stack.tables.isEmpty)
    }

    @Test(arguments: Family.allCases) func whatIsNotForUsTakesNoMemory(of family: Family) throws {
        var stack = try Self.host(family == .ipv4 ? .ipv6 : .ipv4)
        let forge = Self.echo(family, 100)
        #expect(Self.receive([forge.packet(Cut(0, 64))], &stack).isEmpty)
        #expect(stack.tables.isEmpty && stack.counters.notForUs == 1)
        var own = try Self.host(family)
        var land = forge
        land.source = family.host
        #expect(Self.receive([land.packet(Cut(0, 64))], &own).isEmpty)
        #expect(own.tables.isEmpty && own.counters.martians == 1)
    }

    /// A closed UDP port is told of with the packet as it was before it was cut.
    @Test(arguments: Family.allCases) func anErrorQuotesTheWholePacket(of family: Family) throws {
        var stack = try Self.host(family)
        var datagram = [UInt8](repeating: 0, count: 200)
        var span = datagram.mutableSpan
        span.store(0x0FA0_0035 as UInt32, at: 0)
        span.store(200 as UInt16, at: 4)
        span.store(
            InternetChecksum.checksum(span.span, adding: Self.pseudoHeaderSum(family, .udp, 200)), at: 6)
        let forge = FragmentForge(family, datagram, .udp)
        let answers = Self.receive(Cut.even(200, by: 64).map(forge.packet), &stack)
        try #require(answers.count == 1)
        let quoted = Array(Self.payload(answers[0]).dropFirst(8))
        #expect(Array(Self.payload(quoted)) == datagram)
        #expect(QuotedPacket(quoted.span)?.source == family.peer)
    }

    @Test(arguments: Family.allCases) func timePasses(of family: Family) throws {
        var stack = try Self.host(family)
        let forge = Self.echo(family, 100)
        #expect(Self.receive([forge.packet(Cut(0, 64))], &stack).isEmpty)
        let next = stack.nextDeadline()
        let deadline = try #require(next)
        stack.timersFired(at: deadline)
        #expect(stack.tables.isEmpty && stack.nextDeadline() == nil)
        #expect(stack.counters.reassemblyTimeouts == 1)
    }

    @Test(arguments: Family.allCases) func aForkHoldsTheSamePieces(of family: Family) throws {
        var stack = try Self.host(family)
        let forge = Self.echo(family, 100)
        let empty = stack.digest(at: .zero)
        #expect(Self.receive([forge.packet(Cut(0, 64))], &stack).isEmpty)
        var twin = stack.fork()
        #expect(twin.digest(at: .zero) == stack.digest(at: .zero) && stack.digest(at: .zero) != empty)
        let rest = [forge.packet(Cut(64, 108, more: false))]
        let answers = Self.receive(rest, &twin)
        #expect(answers.count == 1 && stack.tables.fragmentedDatagrams == 1)
        #expect(Self.receive(rest, &stack) == answers)
        #expect(stack.digest(at: .zero) == twin.digest(at: .zero) && stack.digest(at: .zero) == empty)
        var other = try Self.host(family)
        var changed = forge
        changed.data[20] ^= 1
        _ = Self.receive([changed.packet(Cut(0, 64))], &other)
        var same = try Self.host(family)
        _ = Self.receive([forge.packet(Cut(0, 64))], &same)
        #expect(other.digest(at: .zero) != same.digest(at: .zero), "each byte counts")
    }
}
