import NetPrimitives
import Testing

@testable import Netstack
@testable import tcp

/// What `tcp serve` says of attacks, of records made by hand.
@Suite("Words about floods")
struct FloodWordsTests {
    private static let listener = Endpoint(.v4(IPv4Address(10, 77, 0, 2)), 80)

    private static func peer(_ host: UInt8) -> FourTuple {
        FourTuple(
            local: listener.address, localPort: listener.port, remote: .v4(IPv4Address(10, 77, 9, host)),
            remotePort: 4_000, interface: InterfaceID(0))
    }

    /// A flood of half an hour ago by that clock: 2.5 s, 4,000 SYNs.
    private static func flood(_ change: (inout FloodReport) -> Void = { _ in }) -> FloodReport {
        var flood = FloodReport(
            listener: listener, began: .zero + .seconds(1_800), last: .zero + .milliseconds(1_802_500),
            peakRate: 1_700, syns: 4_000)
        change(&flood)
        return flood
    }

    @Test(
        "a flood that begins says what is done about it",
        arguments: [
            (UInt64(100), UInt64(0), "answered with cookies"), (0, 7, "older ones give way"), (0, 0, "dropped"),
        ])
    func began(cookies: UInt64, evicted: UInt64, what: String) {
        let flood = Self.flood {
            ($0.cookiesSent, $0.evicted) = (cookies, evicted)
            $0.top.note(Self.peer(1))
        }
        #expect(
            flood.words
                == "flood: 1700 SYNs within a second were too many for 10.77.0.2:80, \(what), "
                + "most from 10.77.9.0/24")
        #expect(Report.line(FloodRecord(flood)).contains("\"event\":\"flood-began\""))
    }

    @Test("one of ACKs says that they brought no good cookie")
    func badCookies() {
        let flood = Self.flood { ($0.syns, $0.badCookies) = (3, 4) }
        #expect(flood.words == "flood: 1700 ACKs within a second brought 10.77.0.2:80 no good cookie")
    }

    @Test("a flood that is over says how long it was and what came of it")
    func over() {
        let flood = Self.flood {
            $0.isOver = true
            ($0.cookiesSent, $0.cookiesReceived, $0.badCookies) = (3_000, 2, 5)
            ($0.dropped, $0.evicted) = (600, 400)
        }
        #expect(
            flood.words
                == "flood at 10.77.0.2:80 over after 2.5 s: 4000 SYNs, at most 1700 a second; "
                + "3000 cookies sent, 2 came back, 5 bad ones, 600 dropped, 400 gave way")
        #expect(
            Report.line(FloodRecord(flood))
                == #"{"badCookies":5,"cookiesReceived":2,"cookiesSent":3000,"dropped":600,"event":"flood-ended","#
                + #""evicted":400,"listener":"10.77.0.2:80","networks":[],"peakRate":1700,"seconds":2.5,"syns":4000}"#)
    }

    @Test(
        "attempts that failed alike say how",
        arguments: [
            (.timedOut, "never completed"), (.refused, "were reset by their client"), (.dropped, "found no room"),
            (.aborted, "were given up"),
        ] as [(Verdict, String)])
    func attempts(verdict: Verdict, how: String) {
        var summary = AttemptSummary(listener: Self.listener, verdict: verdict, at: .zero + .milliseconds(60_250))
        for host in 1...5 as ClosedRange<UInt8> {
            summary.note(Self.peer(host), at: .zero + .milliseconds(60_000 + 150 * Int64(host) + 100))
        }
        #expect(
            summary.words == "5 more attempts at 10.77.0.2:80 \(how) within a second, most from 10.77.9.0/24")
        let line = Report.line(SummaryRecord(summary))
        #expect(line.contains(#""count":5,"event":"attempts-failed","first":60.25,"last":60.85,"#))
        #expect(line.contains(#""networks":[{"count":5,"prefix":"10.77.9.0/24"}]"#))
        #expect(line.contains(#""samples":["10.77.9.1:4000","10.77.9.2:4000","10.77.9.3:4000","10.77.9.4:4000"]"#))
    }

    @Test("drops are told apart: the stack's and the device's")
    func drops() {
        let record = DropRecord(listenDrops: 3, answersDropped: 2, deviceRefusals: 1)
        #expect(
            record.words
                == "dropped by the stack: 3 SYNs or third packets, 2 answers; 1 packets not taken by the device")
        #expect(
            Report.line(record) == #"{"answersDropped":2,"deviceRefusals":1,"event":"drops","listenDrops":3}"#)
    }
}
