import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// Forged ACKs by the million, in virtual time.
@Suite("Floods of forged ACKs")
struct CookieFloodTests {
    private static let own = IPv4Address(192, 0, 2, 1)
    private static let honest = IPv4Address(198, 51, 100, 7)

    private static func append(
        _ seg: Segment, from source: IPv4Address, _ port: UInt16, to batch: inout PacketBatch
    ) {
        let length = seg.headerLength
        // The device has seen to the segments' checksums: what is flooded is the listener.
        guard
            let index = batch.appendUninitialized(
                length: 20 + length, interface: InterfaceID(0), checksum: .verified)
        else { return }
        var packet = batch.mutableBytes(of: index)
        IPv4Header(source: source, destination: own, protocol: .tcp, payloadLength: length).emit(into: &packet)
        var octets = batch.mutableBytes(of: index, from: 20)
        seg.emitHeader(into: &octets, sourcePort: port, destinationPort: 80)
    }

    /// One second: a thousand forged ACKs in each millisecond, a new honest client every ten. Half of the forged ones
    /// come from the honest clients' own /24, the others from everywhere.
    /// - Returns: the ports of honest clients whose connection is established at the server.
    private func flood(_ stack: inout NetworkStack) throws -> [UInt16] {
        var random = Generator(seed: Seed(9))
        var batch = PacketBatch(byteCapacity: 1 << 17, packetCapacity: 1_024)
        var answers = PacketBatch(byteCapacity: 1 << 17, packetCapacity: 1_024)
        for millisecond in 0..<1_000 as Range<Int64> {
            let now = Instant.zero + .milliseconds(millisecond)
            batch.removeAll()
            answers.removeAll()
            for _ in 0..<1_000 {
                let (a, b) = (random.next(), random.next())
                let seg = Segment.ack(UInt32(truncatingIfNeeded: a), seq: UInt32(truncatingIfNeeded: a >> 32))
                let port = UInt16(truncatingIfNeeded: b >> 32) | 0x8000
                let near = Self.honest.rawValue & ~255 | UInt32(truncatingIfNeeded: b) & 255
                let far = 0x0B00_0000 | UInt32(truncatingIfNeeded: b) & 0x3FFF_FFFF
                Self.append(seg, from: IPv4Address(b & 1 << 60 == 0 ? near : far), port, to: &batch)
            }
            stack.receive(batch, answers: &answers, at: now)
            // The honest one asks now, and hears and answers five milliseconds later.
            guard millisecond % 10 == 0 else { continue }
            let port = UInt16(1_000 + millisecond)
            batch.removeAll()
            answers.removeAll()
            Self.append(.syn(), from: Self.honest, port, to: &batch)
            stack.receive(batch, answers: &answers, at: now)
            let answer = try #require(answers.isEmpty ? nil : Wire.segment(Wire.copy(answers, 0)))
            try #require(answer.flags == [.syn, .ack])
            batch.removeAll()
            Self.append(.ack((answer.seq + 1).rawValue), from: Self.honest, port, to: &batch)
            stack.receive(batch, answers: &answers, at: now + .microseconds(500))
        }
        return (0..<100).map { UInt16(1_000 + 10 * $0) }.filter { port in
            let tuple = FourTuple(
                local: .v4(Self.own), localPort: 80, remote: .v4(Self.honest), remotePort: port,
                interface: InterfaceID(0))
            return stack.state(of: tuple) == .established
        }
    }

    @Test("a million bad ACKs in a second, and 100 of 100 honest clients are served", arguments: CookieCodec.allCases)
    func million(_ codec: CookieCodec) throws {
        let configuration = Configuration().with {
            $0.synCookies = .always
            $0.cookieCodec = codec
        }
        var stack = NetworkStack(configuration: configuration, seed: Seed(4))
        let interface = try stack.addInterface(InterfaceConfiguration(mtu: 1_500))
        try stack.addAddress(#require(IPPrefix(.v4(Self.own), length: 24)), to: interface)
        try stack.addRoute(#require(IPPrefix(.v4(.any), length: 0)), by: interface)
        stack.setCookieKeys(current: SipKey(1, 2), previous: SipKey(3, 4))
        _ = try stack.listen(on: Endpoint(.v4(Self.own), 80), backlog: 200)
        let served = try flood(&stack)
        #expect(served.count == 100)
        // Chance lets in one in 2^28 with Linux's cookies, one in 2^22 with a fleet's, two keys being valid: of a
        // million none to speak of. With Linux's the first are not looked at before a cookie has gone out.
        let counters = stack.counters
        #expect(counters.cookiesReceived <= 100 + 3 && counters.cookiesReceived >= 100)
        #expect(counters.cookiesFailed >= 1_000_000 - 1_000 - 3)
        // The flood of one /24 got the answers of one, the other million's half its own.
        #expect(counters.resetsLimited > 490_000)
        #expect(counters.resetsOut + counters.resetsLimited + counters.cookiesReceived >= 1_000_100 - 3)
    }
}
