import NetPrimitives
import Netstack
import Packetdrill
import Testing

@Suite("Running scripts")
struct RunnerTests {
    @Test func passiveHandshake() throws { try pass(Prologue.passive) }

    @Test func activeHandshake() throws { try pass(Prologue.active) }

    @Test func handshakeWithTimestamps() throws {
        try pass(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0 < S 1000:1000(0) win 20000 <mss 1000,sackOK,TS val 200 ecr 0,nop,wscale 7>
            +0 > S. 0:0(0) ack 1001 <mss 1460,sackOK,TS val 100 ecr 200,nop,wscale 8>
            +.1 < . 1:1(0) ack 1 win 20000 <nop,nop,TS val 201 ecr 100>
            +0 accept(3, ..., ...) = 4
            +0 write(4, ..., 988) = 988
            +0 > P. 1:989(988) ack 1 <nop,nop,TS val 110 ecr 201>
            +.1 < . 1:1(0) ack 989 win 20000 <nop,nop,TS val 301 ecr 110>
            """)
    }

    @Test func timestampsAreHeldToTheTick() throws {
        let script = """
            --tcp_ts_tick_usecs=1000
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0 < S 0:0(0) win 20000 <mss 1000,sackOK,TS val 200 ecr 0,nop,wscale 7>
            +0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 200,nop,wscale 8>
            +.1 < . 1:1(0) ack 1 win 20000 <nop,nop,TS val 201 ecr 100>
            +0 accept(3, ..., ...) = 4
            +0 write(4, ..., 988) = 988
            +0 > P. 1:989(988) ack 1 <nop,nop,TS val VALUE ecr 201>

            """
        try pass(script.replacing("VALUE", with: "200"))
        try fail(script.replacing("VALUE", with: "300"), line: 10, fields: ["option 3"])
    }

    @Test func anEchoThatWasNeverSentIsAnError() throws {
        try fail(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0 < S 0:0(0) win 20000 <mss 1000,sackOK,TS val 200 ecr 0,nop,wscale 7>
            +0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 200,nop,wscale 8>
            +.1 < . 1:1(0) ack 1 win 20000 <nop,nop,TS val 201 ecr 99>
            """, line: 6, fields: [], containing: "99")
    }

    @Test func dataBothWays() throws {
        try pass(
            Prologue.passive + """
                +0 < P. 1:1001(1000) ack 1 win 257
                +0 > . 1:1(0) ack 1001
                +0 read(4, ..., 2000) = 1000
                +0 write(4, ..., 1000) = 1000
                +0 > P. 1:1001(1000) ack 1001
                +.1 < . 1001:1001(0) ack 1001 win 257
                +0 ioctl(4, SIOCOUTQ, [0]) = 0
                """)
    }

    @Test func acknowledgementsWaitInADialogue() throws {
        try pass(
            Prologue.passive + """
                +0 < P. 1:101(100) ack 1 win 257
                +0 > . 1:1(0) ack 101
                +0 write(4, ..., 100) = 100
                +0 > P. 1:101(100) ack 101
                +.1 < P. 101:201(100) ack 101 win 257
                +.04 > . 101:101(0) ack 201
                +.1 < P. 301:401(100) ack 101 win 257
                +0 > . 101:101(0) ack 201 <nop,nop,sack 301:401>
                +.1 < P. 201:301(100) ack 101 win 257
                +0 > . 101:101(0) ack 401
                +.1 < P. 401:501(100) ack 101 win 257
                +0 > . 101:101(0) ack 501
                """)
    }

    @Test func lenientComparison() throws {
        let rows = [
            "+0 > . 1:1001(1000) ack 1", "+0 > P. 1:1001(1000) ack 1 win 300",
            "+0 > . 1:1(0) ack 1\n+0 > P. 1:1001(1000) ack 1",
        ]
        for row in rows {
            let text = Prologue.passive + "+0 write(4, ..., 1000) = 1000\n" + row
            let strict = try drill(text)
            if case .passed = strict.outcome { Issue.record("\(row) passed strictly") }
            let lenient = try drill(text, DrillOptions(match: .lenient))
            #expect(lenient.outcome == .passed(.lenient), "\(row): \(lenient.outcome)")
        }
        for row in ["+0 > P. 1:1002(1001) ack 1", "+0 > P. 1:1001(1000) ack 1 win 0", "+0 > P. 1:1001(1000) ack 2"] {
            let text = Prologue.passive + "+0 write(4, ..., 1000) = 1000\n" + row
            if case .passed = try drill(text, DrillOptions(match: .lenient)).outcome {
                Issue.record("\(row) passed leniently")
            }
        }
        // Two acknowledgements where one is expected, and one where two are.
        let twice =
            Prologue.passive + """
                +0 < . 1:1001(1000) ack 1 win 257
                +0 < . 1001:2001(1000) ack 1 win 257
                +0 > . 1:1(0) ack 2001

                """
        #expect(try drill(twice, DrillOptions(match: .lenient)).outcome == .passed(.lenient))
    }

    @Test func retransmissionTimes() throws {
        // The handshake took 100 ms, so the first timeout is 300 ms; then it doubles.
        try pass(
            Prologue.passive + """
                +0 write(4, ..., 1000) = 1000
                +0 > P. 1:1001(1000) ack 1
                +.3 > P. 1:1001(1000) ack 1
                +.6 > P. 1:1001(1000) ack 1
                +1.2 > P. 1:1001(1000) ack 1
                +.1 < . 1:1(0) ack 1001 win 257
                """)
        try fail(
            Prologue.passive + """
                +0 write(4, ..., 1000) = 1000
                +0 > P. 1:1001(1000) ack 1
                +.2 > P. 1:1001(1000) ack 1
                """, line: 11, fields: ["time"], containing: "0.100000 s too late")
    }

    @Test func segmentsArePutTogether() throws {
        let script =
            Prologue.passive + """
                +0 write(4, ..., 5000) = 5000
                +0 > P. 1:5001(5000) ack 1
                """
        try pass(script)
        try fail("--strict_segments\n" + script, line: 11, fields: ["flags", "len"])
        try pass(
            "--strict_segments\n" + Prologue.passive + """
                +0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
                +0 write(4, ..., 2500) = 2500
                +0 > . 1:1001(1000) ack 1
                +0 > . 1001:2001(1000) ack 1
                +0 > P. 2001:2501(500) ack 1
                """)
    }

    @Test func tooMuchIsAFailure() throws {
        try fail(
            Prologue.passive + """
                +0 write(4, ..., 3000) = 3000
                +0 > . 1:2501(2500) ack 1
                """, line: 10, fields: ["flags", "len"])
    }

    @Test func silence() throws {
        try fail(
            Prologue.passive + "+0 > . 1:1(0) ack 1", line: 9, fields: [], containing: "no packet")
    }

    @Test func fieldsAreNamed() throws {
        for (line, fields) in [
            ("> F. 1:1001(1000) ack 1", ["flags"]), ("> P. 2:1002(1000) ack 1", ["seq"]),
            ("> P. 1:1002(1001) ack 1", ["seq"]), ("> P. 1:1001(1000) ack 2", ["ack"]),
            ("> P. 1:1001(1000) ack 1 win 3", ["win"]), ("> P. 1:1001(1000) ack 1 urg 5", ["urg"]),
            ("> P. 1:1001(1000) ack 1 <nop,nop,TS val 1 ecr 1>", ["option 1", "option 2", "option 3"]),
            ("> (ect0) P. 1:1001(1000) ack 1", ["ecn"]), ("> (tos 0x10) P. 1:1001(1000) ack 1", ["tos"]),
            ("> (ttl 63) P. 1:1001(1000) ack 1", ["ttl"]),
        ] {
            try fail(Prologue.passive + "+0 write(4, ..., 1000) = 1000\n+0 \(line)", line: 10, fields: fields)
        }
        try pass(Prologue.passive + "+0 write(4, ..., 1000) = 1000\n+0 > (tos 0x0, ttl 64) P. 1:1001(1000) ack 1 <...>")
    }

    @Test func dataMustBeZeros() throws {
        try fail(
            Prologue.passive + """
                +0 write(4, "a", 1) = 1
                +0 > P. 1:2(1) ack 1
                """, line: 10, fields: ["byte 0 of the data"])
    }

    @Test func rangesAndAnyTime() throws {
        let begin = Prologue.passive + "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n"
        try pass(begin + "+.2~+.4 > P. 1:1001(1000) ack 1")
        try pass(begin + "* > P. 1:1001(1000) ack 1\n* > P. 1:1001(1000) ack 1")
        try pass(begin + ".3~.5 > P. 1:1001(1000) ack 1")
        try fail(begin + "+.35~+.4 > P. 1:1001(1000) ack 1\n", line: 11, fields: ["time"])
    }

    @Test func scriptsThatWantWhatIsMissing() throws {
        let rows: [(String, DrillSkip.Kind, String)] = [
            ("`launch rockets`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", .command, "launch rockets"),
            ("0 `sysctl -q net.ipv4.tcp_unheard=1`", .command, "sysctl -q net.ipv4.tcp_unheard=1"),
            ("0 pipe([3, 4]) = 0", .call, "pipe"),
            ("0 socket(..., SOCK_STREAM, IPPROTO_NONE) = 3", .symbol, "IPPROTO_NONE"),
            ("--wire_client\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", .option, "wire_client"),
            ("0 < udp (100)", .packet, "UDP"),
            (Prologue.passive + "+0 %{ assert tcpi_fancy == 1 }%", .code, "tcpi_fancy"),
            (
                Prologue.passive + "+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0\n+0 write(4, ..., 10) = 10\n"
                    + "+.2 > P. 1:11(10) ack 1", .feature, "TCP_CORK"
            ),
        ]
        for (text, kind, what) in rows {
            let report = try drill(text)
            guard case .skipped(let skip) = report.outcome else {
                Issue.record("\(text): \(report.outcome)")
                continue
            }
            #expect(skip.kind == kind && skip.what == what, "\(skip)")
        }
    }

    @Test func whatIsLeftIsAWarning() throws {
        let report = try drill(Prologue.passive + "+0 write(4, ..., 1000) = 1000")
        #expect(report.outcome == .passed(.strict))
        #expect(report.warnings.count == 1)
    }

    @Test func reportsHaveATrace() throws {
        let report = try drill(Prologue.passive)
        #expect(report.trace.contains { $0.contains("Flags [S.]") })
        #expect(report.trace.contains { $0.contains("accept(3, ..., ...) = ") })
        #expect(report.duration == .milliseconds(100))
    }
}
