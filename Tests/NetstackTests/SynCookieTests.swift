import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// SYN cookies: rows 48 to 58 of the checklist, and what Linux was seen to do (2.4).
@Suite("SYN cookies")
struct SynCookieTests {
    /// A SYN from a port, and the segment that answers it.
    private static func answer(
        _ station: inout Station, _ seg: Segment = .syn(), from port: UInt16, at milliseconds: Int64? = nil
    ) -> Segment? {
        if let milliseconds { station.wait(until: milliseconds) }
        return station.answerPacket(to: seg, from: Endpoint(station.family.peer, port)).flatMap(Wire.segment)
    }

    /// A station whose listener answers with cookies only.
    private static func always(_ family: Family = .ipv4, backlog: Int = 8) throws -> Station {
        var station = try Station(family, Configuration().with { $0.synCookies = .always })
        _ = try station.stack.listen(on: station.own, backlog: backlog)
        return station
    }

    private static func receive(_ station: inout Station, _ seg: Segment, from port: UInt16) -> [String] {
        station.receive(seg, from: Endpoint(station.family.peer, port))
    }

    @Test("begin at SYN number n + 2 of listen(n), and not while handshakes complete", arguments: [0, 1, 2, 5, 64])
    func begin(backlog: Int) throws {
        var station = try Station(.ipv4, Configuration())
        let listener = try station.stack.listen(on: station.own, backlog: backlog)
        for port in 0..<UInt16(backlog + 1) { #expect(Self.answer(&station, from: 5_000 + port) != nil) }
        #expect(station.stack.counters.cookiesSent == 0)
        #expect(try station.stack.info(of: listener).synQueueLength == backlog + 1)
        for port in 0..<UInt16(3) { #expect(Self.answer(&station, from: 9_000 + port) != nil) }
        #expect(station.stack.counters.cookiesSent == 3 && station.stack.counters.synQueueCookies == 3)
        #expect(station.stack.tables.halfOpen == backlog + 1, "a cookie keeps nothing")
    }

    @Test("off: the SYN is dropped and counted")
    func off() throws {
        var station = try Station(.ipv4, Configuration().with { $0.synCookies = .off })
        _ = try station.stack.listen(on: station.own, backlog: 0)
        _ = Self.answer(&station, from: 4_000)
        #expect(Self.answer(&station, from: 4_001) == nil)
        #expect(station.stack.counters.synQueueDrops == 1 && station.stack.counters.listenDrops == 1)
    }

    @Test("a cookie is never sent again, and nothing is stored", arguments: Family.allCases)
    func stateless(_ family: Family) throws {
        var station = try Self.always(family)
        #expect(Self.answer(&station, from: 4_000) != nil)
        #expect(station.stack.tables.halfOpen == 0 && station.stack.nextDeadline() == nil)
    }

    @Test("our own MSS is that of any SYN-ACK: what the configuration allows")
    func ownMSS() throws {
        let configuration = Configuration().with {
            $0.synCookies = .always
            $0.tcp.maximumSegment = 1_000
        }
        var station = try Station(.ipv4, configuration)
        _ = try station.stack.listen(on: station.own, backlog: 8)
        #expect(Self.answer(&station, from: 4_000)?.options.maximumSegmentSize == 1_000)
    }

    @Test(
        "the number: the same within a minute, client's plus one gives plus one, classes differ by one (2.4)",
        arguments: [
            (
                Family.ipv4,
                [
                    (500, 0), (536, 0), (1_000, 0), (1_299, 0), (1_300, 1), (1_301, 1), (1_439, 1), (1_440, 2),
                    (1_459, 2), (1_460, 3), (9_000, 3),
                ]
            ),
            (
                .ipv6,
                [
                    (536, 0), (1_220, 0), (1_419, 0), (1_420, 1), (1_439, 1), (1_440, 2), (1_460, 2), (8_939, 2),
                    (8_940, 3), (9_000, 3),
                ]
            ),
        ] as [(Family, [(mss: UInt16, sizeClass: UInt32)])])
    func numbers(_ family: Family, _ rows: [(mss: UInt16, sizeClass: UInt32)]) throws {
        var station = try Self.always(family)
        var seg = Segment.syn()
        seg.options.maximumSegmentSize = 500
        let lowest = try #require(Self.answer(&station, seg, from: 4_000)).seq
        #expect(Self.answer(&station, seg, from: 4_000, at: 59_000)?.seq == lowest)
        var next = seg
        next.seq = seg.seq + 1
        #expect(Self.answer(&station, next, from: 4_000)?.seq == lowest + 1)
        #expect(Self.answer(&station, seg, from: 4_001)?.seq != lowest)
        for row in rows {
            seg.options.maximumSegmentSize = row.mss
            #expect(Self.answer(&station, seg, from: 4_000)?.seq == lowest + row.sizeClass, "\(row.mss)")
        }
        // The size that comes back is the class's own.
        let sizes = ClassicCookie.sizes(isIPv6: family == .ipv6)
        let exact = rows.filter { $0.mss == sizes[$0.sizeClass] }
        #expect(exact.map(\.sizeClass) == [0, 1, 2, 3])
        for row in exact {
            seg.options.maximumSegmentSize = row.mss + 1
            let answer = try #require(Self.answer(&station, seg, from: 4_000 + row.mss))
            _ = Self.receive(&station, .ack((answer.seq + 1).rawValue), from: 4_000 + row.mss)
            let accepted = station.stack.acceptedInfo()
            #expect(try #require(accepted).mss == min(row.mss, family.mss), "\(row.mss)")
        }
    }

    /// SYNs with every window scale or none, with SACK and ECN or not, each at another time.
    private static func timestampedSYNs() -> [(at: Int64, seg: Segment, bits: UInt32)] {
        var syns: [(at: Int64, seg: Segment, bits: UInt32)] = []
        for scale in [nil] + (0...14).map(UInt8?.some) {
            for (isSACKPermitted, hasECN) in [(false, false), (false, true), (true, false), (true, true)] {
                var seg = Segment.syn()
                if hasECN { seg.flags = [.syn, .ece, .cwr] }
                seg.options.windowScale = scale
                seg.options.isSACKPermitted = isSACKPermitted
                seg.options.timestamps = TCPTimestamps(value: 77, echoReply: 0)
                let bits = UInt32(scale ?? 15) | (isSACKPermitted ? 16 : 0) | (hasECN ? 32 : 0)
                syns.append((1_013 * Int64(syns.count + 1), seg, bits))
            }
        }
        return syns
    }

    @Test(
        "the options hide in the low six bits of TSval, shifted by one constant for each 4-tuple (2.4)",
        arguments: Family.allCases)
    func timestampBits(_ family: Family) throws {
        var station = try Self.always(family)
        var constants: [UInt16: Set<UInt32>] = [:]
        for syn in Self.timestampedSYNs() {
            for port in 4_000..<4_032 as Range<UInt16> {
                let answer = try #require(Self.answer(&station, syn.seg, from: port, at: syn.at))
                let value = try #require(answer.options.timestamps).value
                constants[port, default: []].insert((value &- syn.bits) & 63)
            }
        }
        for (port, found) in constants { #expect(found.count == 1, "\(port): \(found.sorted())") }
        // 32 of 64 by chance: 25 different ones are to be expected.
        #expect(Set(constants.values.flatMap { $0 }).count > 16)
    }

    @Test("a TSval with options in it is never ahead of the clock, and less than 64 ms behind it (2.4)")
    func timestampClock() throws {
        var station = try Self.always()
        var origins: Set<UInt32> = []
        for syn in Self.timestampedSYNs() {
            let answer = try #require(Self.answer(&station, syn.seg, from: 4_000, at: syn.at))
            let value = try #require(answer.options.timestamps).value
            // The clock's own origin is what is left when a moment's low bits are put back.
            let hidden = (UInt32(syn.at) &- syn.bits) & 63
            origins.insert(value &- UInt32(syn.at) &+ hidden)
        }
        #expect(origins.count == 1)
    }

    @Test(
        "without timestamps only the MSS survives, with them SACK and the window scale too", arguments: [false, true])
    func options(hasTimestamps: Bool) throws {
        for scale in [nil, 0, 7, 14] as [UInt8?] {
            for sack in [false, true] {
                var station = try Self.always()
                var syn = Segment.syn()
                syn.options.maximumSegmentSize = 1_400
                syn.options.isSACKPermitted = sack
                syn.options.windowScale = scale
                if hasTimestamps { syn.options.timestamps = TCPTimestamps(value: 77, echoReply: 0) }
                let answer = try #require(Self.answer(&station, syn, from: 4_000, at: 123_456))
                #expect((answer.options.timestamps != nil) == hasTimestamps)
                #expect(answer.options.isSACKPermitted == (sack && hasTimestamps))
                #expect((answer.options.windowScale != nil) == (scale != nil && hasTimestamps))
                var ack = Segment.ack((answer.seq + 1).rawValue)
                ack.options.timestamps = answer.options.timestamps.map { TCPTimestamps(value: 78, echoReply: $0.value) }
                #expect(Self.receive(&station, ack, from: 4_000) == [])
                let accepted = station.stack.acceptedInfo()
                let attempt = try #require(accepted)
                #expect(attempt.hasTimestamps == hasTimestamps)
                #expect(attempt.hasSACK == (sack && hasTimestamps))
                #expect(attempt.sendScale.rawValue == (hasTimestamps ? scale ?? 0 : 0))
                #expect(attempt.mss == 1_300 - (hasTimestamps ? 12 : 0))
            }
        }
    }

    @Test(
        "what completes, and what does not (checklist 51, 52)", arguments: Family.allCases,
        [
            ("an ACK", TCPFlags.ack, 0, 0, true), ("text", [.ack, .psh], 0, 10, true),
            ("a FIN", [.ack, .fin], 0, 0, true), ("a SYN", [.ack, .syn], 0, 0, false),
            ("a RST", [.ack, .rst], 0, 0, false), ("text from further on", [.ack, .psh], 5, 10, false),
        ] as [(String, TCPFlags, UInt32, Int, Bool)])
    func completion(_ family: Family, _ row: (String, TCPFlags, UInt32, Int, Bool)) throws {
        var station = try Self.always(family)
        let answer = try #require(Self.answer(&station, from: 4_000))
        let seg = Segment(row.1, seq: 5_001 + row.2, ack: (answer.seq + 1).rawValue, length: row.3)
        let said = Self.receive(&station, seg, from: 4_000)
        #expect(station.stack.tables.connections == (row.4 ? 1 : 0), "\(row.0)")
        if row.0 == "text from further on" {
            #expect(said == ["R \(seg.ack.rawValue)"] && station.stack.counters.cookiesFailed == 1)
        }
        #expect(station.stack.counters.cookiesReceived == (row.4 ? 1 : 0), "\(row.0)")
    }

    @Test("a number holds for this minute and the next: 60 to 120 s (2.4)")
    func lifetime() throws {
        for (sent, acknowledged, isGood) in [(0, 55, true), (0, 90, true), (59, 119, true), (0, 119, true)] {
            var station = try Self.always()
            let answer = try #require(Self.answer(&station, from: 4_000, at: Int64(sent) * 1000))
            station.wait(until: Int64(acknowledged) * 1000)
            _ = Self.receive(&station, .ack((answer.seq + 1).rawValue), from: 4_000)
            #expect((station.stack.tables.connections == 1) == isGood, "\(sent) to \(acknowledged) s")
        }
        // Two minutes later the number is wrong; cookies are still looked at when others went out meanwhile.
        var station = try Self.always()
        let answer = try #require(Self.answer(&station, from: 4_000))
        _ = Self.answer(&station, from: 4_001, at: 119_000)
        station.wait(until: 121_000)
        let ack = (answer.seq + 1).rawValue
        #expect(Self.receive(&station, .ack(ack), from: 4_000) == ["R \(ack)"])
        #expect(station.stack.counters.cookiesFailed == 1)
    }

    @Test("without recent cookies an ACK is a stranger's (checklist 54)")
    func notExpected() throws {
        var station = try Self.always()
        let answer = try #require(Self.answer(&station, from: 4_000))
        station.wait(until: 120_000)
        let ack = (answer.seq + 1).rawValue
        #expect(Self.receive(&station, .ack(ack), from: 4_000) == ["R \(ack)"])
        #expect(station.stack.counters.cookiesFailed == 0)
    }

    @Test("a cookie that meets a full accept queue is dropped without a word, and may succeed later (checklist 57)")
    func fullAcceptQueue() throws {
        var station = try Self.always(backlog: 0)
        let first = try #require(Self.answer(&station, from: 4_000))
        let second = try #require(Self.answer(&station, from: 4_001))
        _ = Self.receive(&station, .ack((first.seq + 1).rawValue), from: 4_000)
        #expect(Self.receive(&station, .ack((second.seq + 1).rawValue), from: 4_001) == [])
        #expect(station.stack.counters.listenOverflows == 1 && station.stack.counters.cookiesReceived == 2)
        _ = station.stack.acceptedInfo()
        _ = Self.receive(&station, .ack((second.seq + 1).rawValue), from: 4_001)
        #expect(station.stack.tables.connections == 2)
    }

    @Test("a late cookie counts although the same SYN was queued meanwhile (checklist 53)")
    func lateCookie() throws {
        var station = try Station(.ipv4, Configuration())
        let listener = try station.stack.listen(on: station.own, backlog: 0)
        let other = try #require(Self.answer(&station, from: 3_999))
        let cookie = try #require(Self.answer(&station, from: 4_000))
        _ = Self.receive(&station, .rst(seq: 5_001), from: 3_999)
        #expect(other.seq != cookie.seq && station.stack.tables.halfOpen == 0)
        #expect(try #require(Self.answer(&station, from: 4_000)).seq != cookie.seq)
        #expect(station.stack.tables.halfOpen == 1)
        _ = Self.receive(&station, .ack((cookie.seq + 1).rawValue), from: 4_000)
        #expect(try station.stack.info(of: listener).acceptQueueLength == 1 && station.stack.tables.halfOpen == 0)
    }

    @Test("keys: the one before still counts, one before that does not; two stacks can share one")
    func keys() throws {
        var station = try Self.always()
        let (a, b, c) = (SipKey(1, 2), SipKey(3, 4), SipKey(5, 6))
        station.stack.setCookieKeys(current: a)
        let answer = try #require(Self.answer(&station, from: 4_000))
        let ack = Segment.ack((answer.seq + 1).rawValue)
        station.stack.setCookieKeys(current: c, previous: b)
        #expect(Self.receive(&station, ack, from: 4_000) == ["R \(ack.ack.rawValue)"])
        station.stack.setCookieKeys(current: b, previous: a)
        #expect(Self.receive(&station, ack, from: 4_000) == [])
        #expect(station.stack.tables.connections == 1)
    }

    @Test("an ACK with a number of chance is refused, a hundred thousand times")
    func forged() throws {
        var station = try Self.always()
        _ = Self.answer(&station, from: 4_000)
        var random = Generator(seed: Seed(7))
        for _ in 0..<100_000 {
            let number = UInt32(truncatingIfNeeded: random.next())
            _ = Self.receive(&station, .ack(number), from: UInt16(truncatingIfNeeded: number >> 3) | 1)
        }
        #expect(station.stack.tables.connections == 0 && station.stack.counters.cookiesFailed == 100_000)
    }

    @Test("abortsOnOverflow answers the third packet with a RST when the accept queue is full (2.3)")
    func abortOnOverflow() throws {
        var station = try Station(.ipv4, .numbered.with { $0.abortsOnOverflow = true })
        _ = try station.stack.listen(on: station.own, backlog: 1)
        station.receive(.syn(), from: Endpoint(station.family.peer, 4_001))
        station.open(from: 4_000)
        station.open(from: 4_002)
        #expect(Self.receive(&station, .ack(1_001), from: 4_001) == ["R 1001"])
        #expect(station.stack.tables.halfOpen == 0 && station.stack.counters.embryonicResets == 1)
        #expect(station.stack.counters.listenOverflows == 1 && station.stack.counters.listenDrops == 1)
    }
}

extension NetworkStack {
    /// Accepts from the only listener there is, and tells of the connection.
    fileprivate mutating func acceptedInfo() -> ConnectionInfo? {
        while let event = nextEvent() {
            if case .acceptable(let listener) = event, let id = try? accept(listener) { return try? info(of: id) }
        }
        return nil
    }
}
