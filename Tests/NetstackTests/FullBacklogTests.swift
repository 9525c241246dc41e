import NetPrimitives
import TCPStateMachine
import Testing
import WireFormats

@testable import Netstack

/// What was captured of listen(1) with a server that is slow to accept, replayed from the clients' side (part 2.3).
@Suite("A backlog that is full, as captured")
struct FullBacklogTests {
    /// One of the kernel's connects: what it sends is what a capture has, what it believes is its own.
    private struct Client {
        let port: UInt16
        let irs: UInt32
        /// Milliseconds at which a SYN-ACK came, and the number of the first.
        var synAcks: [Int64] = []
        var iss: SequenceNumber?

        var isEstablished: Bool { iss != nil }

        func syn(at milliseconds: Int64) -> Segment {
            var seg = Segment.syn(irs)
            seg.options.isSACKPermitted = true
            seg.options.windowScale = 10
            seg.options.timestamps = TCPTimestamps(value: UInt32(milliseconds) + 7, echoReply: 0)
            return seg
        }

        /// A SYN-ACK is answered with an ACK, the first as the third packet, the others as a challenge (RFC 5961, 4.2).
        mutating func hears(_ seg: Segment, at milliseconds: Int64) -> Segment {
            synAcks.append(milliseconds)
            iss = iss ?? seg.seq
            var ack = Segment.ack((seg.seq + 1).rawValue, seq: irs + 1)
            ack.options.timestamps = seg.options.timestamps.map {
                TCPTimestamps(value: UInt32(milliseconds) + 7, echoReply: $0.value)
            }
            return ack
        }
    }

    /// The clients' SYNs and the server's call, in steps of 100 ms, until `end`.
    private struct Replay: ~Copyable {
        var station: Station
        let listener: ListenerID
        var clients = (0..<5 as Range<UInt32>).map { Client(port: 5_000 + UInt16($0), irs: 10_000 * ($0 + 1)) }
        var accepted: [ConnectionID] = []

        init() throws {
            var station = try Station(.ipv4, .linux)
            listener = try station.stack.listen(on: station.own, backlog: 1)
            self.station = station
        }

        private func packet(_ seg: Segment, of client: Int) -> [UInt8] {
            Wire.packet(seg, from: Endpoint(station.peer.address, clients[client].port), to: station.own)
        }

        /// Clients hear what was sent and say what they have to, all in one batch, until nobody has anything to say.
        mutating func deliver(_ packets: [[UInt8]], at milliseconds: Int64) {
            var packets = packets
            while !packets.isEmpty {
                var replies: [[UInt8]] = []
                for seg in packets.compactMap({ Wire.segment($0) }) where seg.flags == [.syn, .ack] {
                    guard let client = clients.firstIndex(where: { seg.ack == SequenceNumber($0.irs + 1) }) else {
                        Issue.record("a SYN-ACK for nobody")
                        continue
                    }
                    replies.append(packet(clients[client].hears(seg, at: milliseconds), of: client))
                }
                packets = station.exchange(replies)
            }
        }

        /// - Parameter times: when those who have had no SYN-ACK send a SYN, all of them at once.
        mutating func run(from start: Int64, through end: Int64, syns times: Set<Int64>, accepting: Set<Int64> = [])
            throws
        {
            for milliseconds in stride(from: start, through: end, by: 100) {
                deliver(station.waited(until: milliseconds).map(\.packet), at: milliseconds)
                if accepting.contains(milliseconds) { accepted.append(try station.stack.accept(listener)) }
                guard times.contains(milliseconds) else { continue }
                let asking = clients.indices.filter { !clients[$0].isEstablished }
                deliver(
                    station.exchange(asking.map { packet(clients[$0].syn(at: milliseconds), of: $0) }),
                    at: milliseconds)
            }
        }

        /// Five connects, one after the other.
        mutating func connectAll() {
            for client in clients.indices {
                deliver(station.exchange([packet(clients[client].syn(at: 0), of: client)]), at: 0)
            }
        }

        func state(_ client: Int) -> ConnectionState {
            station.stack.state(
                of: FourTuple(
                    local: station.own.address, localPort: station.own.port, remote: station.peer.address,
                    remotePort: clients[client].port, interface: InterfaceID(0)))
        }
    }

    @Test("listen(1), five connects, one accept at 9 s: who gets in, and 26 overflows (2.3)")
    func captured() throws {
        var replay = try Replay()
        replay.connectAll()
        #expect(replay.clients.map(\.isEstablished) == [true, true, false, false, false])
        // Each retry finds the accept queue full.
        let retries: Set<Int64> = [1_100, 2_100, 3_200, 4_200, 5_200, 7_200]
        try replay.run(from: 100, through: 11_300, syns: retries, accepting: [9_000])
        #expect(replay.station.stack.counters.listenOverflows == 3 + 3 * 6)
        #expect(replay.station.stack.tables.halfOpen == 0 && replay.accepted.count == 1)

        // One place is free, so no SYN is dropped; the SYN queue takes n + 1, the third SYN gets a cookie.
        try replay.run(from: 11_400, through: 11_400, syns: [11_400])
        #expect(replay.clients.map(\.synAcks) == [[0], [0], [11_400], [11_400], [11_400]])
        #expect(replay.station.stack.counters.cookiesSent == 1)
        // Three ACKs for one place: the first has it; the second leaves its entry; the third carries a cookie, which is
        // good and of no use.
        #expect(replay.state(2) == .established && replay.state(3) == .synReceived && replay.state(4) == .closed)
        #expect(replay.clients.allSatisfy { $0.isEstablished })
        #expect(replay.station.stack.counters.cookiesReceived == 1)
        #expect(replay.station.stack.counters.listenOverflows == 21 + 2)
        let info = try replay.station.stack.info(of: replay.listener)
        #expect(info.acceptQueueLength == 2 && info.synQueueLength == 1)

        // The SYN-ACK of the one in SYN-RECEIVED goes out 1, 3 and 7 s later. Its client answers each, and each answer
        // finds the queue full: 26. The next would be at 26.4 s, when the capture was over.
        try replay.run(from: 11_500, through: 26_300, syns: [])
        #expect(replay.clients.map(\.synAcks)[3] == [11_400, 12_400, 14_400, 18_400])
        #expect(replay.clients.map(\.synAcks)[4] == [11_400], "a cookie is sent once")
        let counters = replay.station.stack.counters
        #expect(counters.listenOverflows == 26 && counters.listenDrops == 26)
        #expect(counters.passiveOpens == 3 && counters.synRetransmits == 3 && counters.resetsOut == 0)
        #expect(replay.state(3) == .synReceived)

        // With a place free at last the next answer opens it (checklist 47).
        try replay.run(from: 26_400, through: 26_400, syns: [])
        #expect(replay.state(3) == .synReceived)
        _ = try replay.station.stack.accept(replay.listener)
        try replay.run(from: 26_500, through: 42_400, syns: [])
        #expect(replay.state(3) == .established)
        #expect(replay.station.stack.counters.passiveOpens == 4)
    }
}
