import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// Cookies that any machine with the key can read.
@Suite("Fleet cookies")
struct FleetCookieTests {
    /// The key of SipHash's reference vectors: bytes 0 to 15.
    private static let key = SipKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)

    /// One machine of a fleet.
    /// - Parameter epoch: seconds that its clock is behind the fleet's.
    private static func node(
        _ family: Family = .ipv4, seed: UInt64 = 1, epoch: Int64 = 0, key: SipKey = Self.key,
        _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> Station {
        let configuration = Configuration().with {
            $0.synCookies = .always
            $0.cookieCodec = .fleet
            $0.cookieEpoch = .seconds(epoch)
            change(&$0)
        }
        var station = try Station(family, configuration, seed: seed)
        station.stack.setCookieKeys(current: key)
        _ = try station.stack.listen(on: station.own, backlog: 8)
        return station
    }

    /// What answers a SYN.
    private static func answer(_ station: inout Station, _ seg: Segment = .syn()) throws -> Segment {
        let packet = station.answerPacket(to: seg)
        return try #require(packet.flatMap(Wire.segment))
    }

    /// The ACK of a client that has got a SYN-ACK, and what else it says there.
    private static func reply(_ answer: Segment, value: UInt32 = 78) -> Segment {
        var ack = Segment.ack((answer.seq + 1).rawValue)
        ack.options.timestamps = answer.options.timestamps.map { TCPTimestamps(value: value, echoReply: $0.value) }
        return ack
    }

    private static func accepted(_ station: inout Station) throws -> ConnectionInfo? {
        while let event = station.stack.nextEvent() {
            guard case .acceptable(let listener) = event else { continue }
            return try station.stack.info(of: station.stack.accept(listener))
        }
        return nil
    }

    @Test(
        "the number, as a program of its own computes it from the bytes that the documentation names",
        arguments: [
            (Family.ipv4, 0, 0xa7bb_883f), (.ipv4, 1, 0xac18_3854), (.ipv4, 27_777_777, 0xf175_4c84),
            (.ipv6, 0, 0x4fc1_1c6d), (.ipv6, 1, 0xc43d_322d), (.ipv6, 27_777_777, 0xc1a2_016d),
        ] as [(Family, Int64, UInt32)])
    func vectors(_ family: Family, _ slot: Int64, _ hash: UInt32) throws {
        var station = try Self.node(family, epoch: slot * 64)
        var syn = Segment.syn()
        #expect(
            try Self.answer(&station, syn).seq.rawValue == hash & ~255 | (family == .ipv4 ? 2 : 1) << 6 | 15)
        syn.options.isSACKPermitted = true
        syn.options.windowScale = 9
        syn.options.maximumSegmentSize = 100
        syn.options.timestamps = TCPTimestamps(value: 1, echoReply: 0)
        let answer = try Self.answer(&station, syn)
        #expect(answer.seq.rawValue == hash & ~255 | 16 | 9)
        #expect(try #require(answer.options.timestamps).value & 255 == hash & 255)
    }

    @Test("sizes: the largest of the table that is not above the client's")
    func sizes() {
        let rows: [(isIPv6: Bool, mss: UInt16, back: UInt16)] = [
            (false, 0, 536), (false, 535, 536), (false, 1_299, 536), (false, 1_300, 1_300), (false, 1_459, 1_300),
            (false, 1_460, 1_460), (false, 65_494, 1_460), (false, 65_495, 65_495), (true, 0, 1_220),
            (true, 1_419, 1_220), (true, 1_420, 1_420), (true, 1_440, 1_420), (true, 8_940, 8_940),
            (true, 65_476, 65_476), (true, 65_535, 65_476),
        ]
        for row in rows {
            let sizes = FleetCookie.sizes(isIPv6: row.isIPv6)
            #expect(sizes[sizes.sizeClass(of: row.mss)] == row.back, "\(row)")
        }
    }

    @Test(
        "window scale, SACK, ECN and size survive, with timestamps and without", arguments: Family.allCases,
        [false, true])
    func options(_ family: Family, _ hasTimestamps: Bool) throws {
        for scale in [nil, 0, 1, 7, 13, 14, 200] as [UInt8?] {
            for sack in [false, true] {
                var station = try Self.node(family)
                var syn = Segment.syn()
                syn.options.maximumSegmentSize = 1_400
                syn.options.isSACKPermitted = sack
                syn.options.windowScale = scale
                let asksForECN = (scale ?? 1) % 2 == 1
                if asksForECN { syn.flags.formUnion([.ece, .cwr]) }
                if hasTimestamps { syn.options.timestamps = TCPTimestamps(value: 77, echoReply: 0) }
                let answer = try Self.answer(&station, syn)
                #expect((answer.options.timestamps != nil) == hasTimestamps)
                #expect(answer.options.isSACKPermitted == sack)
                #expect((answer.options.windowScale != nil) == (scale != nil))
                #expect(answer.flags.contains(.ece) == asksForECN && (answer.seq.rawValue & 32 != 0) == asksForECN)
                #expect(station.receive(Self.reply(answer)) == [])
                let accepted = try Self.accepted(&station)
                let info = try #require(accepted)
                #expect(info.hasTimestamps == hasTimestamps && info.hasSACK == sack && info.hasECN == asksForECN)
                #expect(info.sendScale.rawValue == min(scale ?? 0, 14))
                #expect(info.mss == (family == .ipv4 ? 1_300 : 1_220) - (hasTimestamps ? 12 : 0))
            }
        }
    }

    @Test("a number holds in its slot of 64 s and in the next one, for 64 to 128 s")
    func lifetime() throws {
        let rows: [(sent: Int64, back: Int64, isGood: Bool)] = [
            (0, 0, true), (0, 127_999, true), (0, 128_000, false), (63_999, 127_999, true), (63_999, 128_000, false),
            (64_000, 191_999, true), (64_000, 192_000, false),
        ]
        for row in rows {
            var station = try Self.node()
            station.wait(until: row.sent)
            let answer = try Self.answer(&station)
            station.wait(until: row.back)
            let said = station.receive(Self.reply(answer))
            #expect(said == (row.isGood ? [] : ["R \(answer.seq.rawValue &+ 1)"]), "\(row)")
            #expect(station.stack.counters.cookiesFailed == (row.isGood ? 0 : 1), "\(row)")
        }
    }

    @Test("a number from a machine whose clock is in the next slot is refused, from one in this slot it is not")
    func future() throws {
        for (ahead, isGood) in [(1, true), (5, false)] as [(Int64, Bool)] {
            var first = try Self.node(epoch: 60 + ahead)
            var second = try Self.node(seed: 2, epoch: 60)
            let answer = try Self.answer(&first)
            second.receive(Self.reply(answer))
            #expect((second.stack.tables.connections == 1) == isGood)
        }
    }

    @Test(
        "what one machine began another completes, whose clock, numbers and policy are its own",
        arguments: Family.allCases, [SynCookies.off, .whenFull, .always])
    func handover(_ family: Family, _ policy: SynCookies) throws {
        var first = try Self.node(family, seed: 1, epoch: 1_000)
        var second = try Self.node(family, seed: 2, epoch: 500) { $0.synCookies = policy }
        second.wait(until: 500_000)
        var syn = Segment.syn()
        syn.options.isSACKPermitted = true
        syn.options.windowScale = 7
        syn.options.timestamps = TCPTimestamps(value: 77, echoReply: 0)
        let answer = try Self.answer(&first, syn)
        let promised = try #require(answer.options.timestamps).value
        #expect(second.receive(Self.reply(answer)) == [])
        #expect(first.stack.counters.cookiesReceived == 0 && second.stack.counters.cookiesReceived == 1)
        // What it says next carries a timestamp that is not older than the other's (RFC 7323, 5.3).
        let id = try second.accept()
        second.wait(until: 500_010)
        _ = try second.write(id, 100)
        let sent = second.packets()
        let text = try #require(sent.first.flatMap(Wire.segment))
        #expect(try #require(text.options.timestamps).value == promised &+ 10)
        #expect(text.seq == answer.seq + 1 && text.payloadLength == 100)
        // So does what TIME-WAIT says long after.
        try second.stack.close(id, at: second.now)
        _ = second.packets()
        var fin = Segment.fin(ack: (answer.seq + 102).rawValue)
        fin.options.timestamps = TCPTimestamps(value: 90, echoReply: promised &+ 10)
        #expect(second.receive(fin).count == 1 && second.stack.tables.timeWaits == 1)
        second.wait(until: 501_000)
        let last = try Self.answer(&second, fin)
        #expect(try #require(last.options.timestamps).value == promised &+ 1_000)
    }

    @Test("with other keys it is refused and counted; the key before the current one still counts")
    func keys() throws {
        let (old, new, other) = (Self.key, SipKey(3, 4), SipKey(5, 6))
        var first = try Self.node()
        let answer = try Self.answer(&first)
        for (current, previous, isGood) in [(new, old, true), (new, nil, false), (other, new, false)]
            as [(SipKey, SipKey?, Bool)]
        {
            var second = try Self.node(seed: 2)
            second.stack.setCookieKeys(current: current, previous: previous)
            #expect(second.receive(Self.reply(answer)) == (isGood ? [] : ["R \(answer.seq.rawValue &+ 1)"]))
            #expect(second.stack.counters.cookiesFailed == (isGood ? 0 : 1))
        }
    }

    @Test("the client's number and every part of the 4-tuple count; a SYN and a RST complete nothing")
    func covered() throws {
        var station = try Self.node()
        try station.stack.addAddress(#require(IPPrefix(Family.ipv4.address(3), length: 24)), to: InterfaceID(0))
        _ = try station.stack.listen(on: Endpoint(Family.ipv4.address(3), 80), backlog: 8)
        _ = try station.stack.listen(on: Endpoint(station.own.address, 81), backlog: 8)
        let answer = try Self.answer(&station)
        let good = Self.reply(answer)
        var other = good
        other.seq = other.seq + 1
        station.receive(other)
        station.receive(good, from: Endpoint(station.peer.address, 4_001))
        station.receive(good, from: Endpoint(Family.ipv4.address(9), 4_000))
        station.receive(good, to: Endpoint(station.own.address, 81))
        station.receive(good, to: Endpoint(Family.ipv4.address(3), 80))
        #expect(station.stack.counters.cookiesFailed == 5)
        for flags in [[.ack, .syn], [.ack, .rst]] as [TCPFlags] {
            station.receive(Segment(flags, seq: 5_001, ack: good.ack.rawValue))
        }
        #expect(station.stack.tables.connections == 0)
        station.receive(good)
        #expect(station.stack.tables.connections == 1)
    }

    @Test("with a timestamp 32 bits count, without one 24: of all upper parts of a number exactly two are good")
    func worth() throws {
        let tuple = FourTuple(
            local: Family.ipv4.host, localPort: 80, remote: Family.ipv4.peer, remotePort: 4_000,
            interface: InterfaceID(0))
        let cookie = FleetCookie(Self.key)
        let (irs, clock) = (SequenceNumber(5_000), Instant.zero + .seconds(6_400))
        let options: UInt32 = 0x55
        var good: [UInt32] = []
        for upper in 0..<UInt32(1 << 24) {
            let number = SequenceNumber(upper << 8 | options)
            if cookie.made(number, echo: nil, for: tuple, irs: irs, at: clock) { good.append(number.rawValue) }
        }
        #expect(good.count == 2)
        let echoes = good.map { number in
            (0..<UInt32(256)).filter {
                cookie.made(SequenceNumber(number), echo: 0xABCD_EF00 | $0, for: tuple, irs: irs, at: clock)
            }
        }
        #expect(echoes.map(\.count) == [1, 1])
    }

    @Test("an ACK whose timestamp is not the one that went out is refused")
    func echo() throws {
        var station = try Self.node()
        var syn = Segment.syn()
        syn.options.timestamps = TCPTimestamps(value: 77, echoReply: 0)
        let answer = try Self.answer(&station, syn)
        var ack = Self.reply(answer)
        ack.options.timestamps?.echoReply ^= 1
        station.receive(ack)
        #expect(station.stack.tables.connections == 0 && station.stack.counters.cookiesFailed == 1)
        // One that leaves it away has to guess 24 bits, no more: the sequence number cannot tell that there was one.
        ack.options.timestamps = nil
        station.receive(ack)
        #expect(station.stack.tables.connections == 1)
    }

    @Test("a timestamp is never ahead of the clock, and at most 255 ms behind it")
    func clock() {
        var random = Generator(seed: Seed(5))
        for _ in 0..<10_000 {
            let (value, hash) = (UInt32(truncatingIfNeeded: random.next()), UInt32(truncatingIfNeeded: random.next()))
            let marked = FleetCookie.timestamp(value, hash: hash)
            #expect(marked & 255 == hash & 255 && value &- marked < 256)
        }
    }

    @Test("a cookie stores nothing at all: the stack is what it was before", arguments: CookieCodec.allCases)
    func stateless(_ codec: CookieCodec) throws {
        var station = try Self.node {
            $0.cookieCodec = codec
            // Who watches for floods waits for the end of the second.
            $0.floodThreshold = 0
        }
        _ = try Self.answer(&station)
        let (before, bytes) = (station.stack.digest(at: station.now), station.stack.allocatedBytes)
        for seq in 1...100 as ClosedRange<UInt32> { _ = try Self.answer(&station, .syn(seq)) }
        #expect(station.stack.digest(at: station.now) == before && station.stack.allocatedBytes == bytes)
        #expect(station.stack.counters.cookiesSent == 101 && station.stack.nextDeadline() == nil)
    }

    @Test("each listener has a codec of its own, which may change")
    func perListener() throws {
        var station = try Station(.ipv4, Configuration().with { $0.synCookies = .always })
        station.stack.setCookieKeys(current: Self.key)
        let listener = try station.stack.listen(on: station.own, backlog: 8)
        station.stack.configuration.cookieCodec = .fleet
        let classic = try Self.answer(&station).seq
        try station.stack.setCookieCodec(.fleet, of: listener)
        #expect(try Self.answer(&station).seq == SequenceNumber(0xa7bb_888f))
        #expect(station.receive(.ack(classic.rawValue &+ 1)) == ["R \(classic.rawValue &+ 1)"])
        try station.stack.setCookieCodec(.classic, of: listener)
        #expect(try Self.answer(&station).seq == classic)
        #expect(
            station.failure { _ = try $0.stack.setCookieCodec(.fleet, of: ListenerID(slot: Slot(7), generation: 9)) }
                == .staleHandle)
    }

    @Test("the digest tells of the keys, of the codec and of the clock, for they decide")
    func digest() throws {
        var digests: [UInt64] = []
        func note(_ change: (inout Station, ListenerID) throws -> Void) throws {
            var station = try Station(.ipv4, Configuration())
            station.stack.setCookieKeys(current: SipKey(1, 2))
            let listener = try station.stack.listen(on: station.own, backlog: 8)
            try change(&station, listener)
            digests.append(station.stack.digest(at: station.now))
            let twin = station.stack.fork()
            #expect(twin.digest(at: station.now) == digests.last)
        }
        try note { _, _ in }
        try note { station, _ in station.stack.setCookieKeys(current: SipKey(1, 3)) }
        try note { station, _ in station.stack.setCookieKeys(current: SipKey(1, 2), previous: SipKey(0, 0)) }
        try note { station, _ in station.stack.setCookieKeys(current: SipKey(1, 2), previous: SipKey(1, 3)) }
        try note { station, listener in try station.stack.setCookieCodec(.fleet, of: listener) }
        try note { station, _ in station.stack.configuration.cookieCodec = .fleet }
        try note { station, _ in station.stack.configuration.cookieEpoch = .seconds(1) }
        try note { station, _ in station.stack.configuration.resetsPerSecond = 1 }
        #expect(Set(digests).count == digests.count)
        try note { _, _ in }
        #expect(digests.first == digests.last)
    }
}

extension Station {
    fileprivate mutating func accept() throws -> ConnectionID {
        while let event = stack.nextEvent() {
            if case .acceptable(let listener) = event { return try stack.accept(listener) }
        }
        throw StackError.wouldBlock
    }
}
