import Netstack
import Packetdrill
import Testing

/// The order of options and their padding, set by a profile and seen on the wire.
@Suite("Layouts of options in profiles")
struct OptionLayoutTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let layout: String
        /// The options of a SYN, and of SYN-ACKs to a SYN with everything, without timestamps, and with SACK alone.
        let syn, all, noTimestamps, sackOnly: String
        /// The SYN's as tcpdump prints them.
        let printed: String

        var testDescription: String { layout }
    }

    static let rows = [
        Row(
            layout: "linux", syn: "mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8",
            all: "mss 1460,sackOK,TS val 100 ecr 700,nop,wscale 8",
            noTimestamps: "mss 1460,nop,nop,sackOK,nop,wscale 8", sackOnly: "mss 1460,nop,nop,sackOK",
            printed: "sackOK,TS val 0 ecr 0,nop,wscale 8]"),
        Row(
            layout: "freebsd", syn: "mss 1460,nop,wscale 8,sackOK,TS val 100 ecr 0",
            all: "mss 1460,nop,wscale 8,sackOK,TS val 100 ecr 700",
            noTimestamps: "mss 1460,nop,wscale 8,sackOK,eol,eol", sackOnly: "mss 1460,sackOK,eol,eol",
            printed: "nop,wscale 8,sackOK,TS val 0 ecr 0]"),
        Row(
            layout: "macos", syn: "mss 1460,nop,wscale 8,nop,nop,TS val 100 ecr 0,sackOK,eol,eol",
            all: "mss 1460,nop,wscale 8,nop,nop,TS val 100 ecr 700,sackOK,eol,eol",
            noTimestamps: "mss 1460,nop,wscale 8,sackOK,eol,eol", sackOnly: "mss 1460,sackOK,eol,eol",
            printed: "nop,wscale 8,nop,nop,TS val 0 ecr 0,sackOK,eol]"),
        Row(
            layout: "windows", syn: "mss 1460,nop,wscale 8,nop,nop,TS val 100 ecr 0,nop,nop,sackOK",
            all: "mss 1460,nop,wscale 8,nop,nop,TS val 100 ecr 700,nop,nop,sackOK",
            noTimestamps: "mss 1460,nop,wscale 8,nop,nop,sackOK", sackOnly: "mss 1460,nop,nop,sackOK",
            printed: "nop,wscale 8,nop,nop,TS val 0 ecr 0,nop,nop,sackOK]"),
        Row(
            layout: "TS, wscale mss sackOK", syn: "nop,nop,TS val 100 ecr 0,nop,wscale 8,mss 1460,nop,nop,sackOK",
            all: "nop,nop,TS val 100 ecr 700,nop,wscale 8,mss 1460,nop,nop,sackOK",
            noTimestamps: "nop,wscale 8,mss 1460,nop,nop,sackOK", sackOnly: "mss 1460,nop,nop,sackOK",
            printed: "nop,nop,TS val 0 ecr 0,nop,wscale 8,mss 1460,nop,nop,sackOK]"),
    ]

    @discardableResult
    private static func run(_ text: String, _ row: Row) throws -> [String] {
        let profile = try ProfileFile.read(
            "profile = linux-defaults\noptionLayout = \(row.layout)", name: "profile")
        var trace: [String] = []
        for version in [DrillVersion.ipv4, .ipv6] {
            let report = try drill(text, DrillOptions(version: version, profile: profile))
            #expect(report.outcome == .passed(.strict), "\(report.outcome)\n\(report.trace.joined(separator: "\n"))")
            #expect(report.warnings.isEmpty)
            trace += report.trace
        }
        return trace
    }

    @Test("A SYN, and what comes after it", arguments: rows)
    func active(_ row: Row) throws {
        let trace = try Self.run(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0...0.1 connect(3, ..., ...) = 0
            +0 > S 0:0(0) <\(row.syn)>
            +.1 < S. 0:0(0) ack 1 win 32792 <mss 1000,sackOK,TS val 700 ecr 100,nop,wscale 7>
            +0 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 700>
            +0 < . 1001:2001(1000) ack 1 win 257 <nop,nop,TS val 700 ecr 100>
            +0 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 700,nop,nop,sack 1001:2001>
            +0 write(3, ..., 10) = 10
            +0 > P. 1:11(10) ack 1 <nop,nop,TS val 200 ecr 700,nop,nop,sack 1001:2001>
            """, row)
        let printed = trace.map { $0.replacing(/val [0-9]+/, with: "val 0") }
        #expect(printed.count { $0.contains("Flags [S],") && $0.contains(row.printed) } == 2)
    }

    @Test("SYN-ACKs", arguments: rows)
    func passive(_ row: Row) throws {
        for (offered, answered) in [
            ("mss 1000,sackOK,TS val 700 ecr 0,nop,wscale 7", row.all),
            ("mss 1000,nop,nop,sackOK,nop,wscale 7", row.noTimestamps), ("mss 1000,nop,nop,sackOK", row.sackOnly),
            ("mss 1000", "mss 1460"),
        ] {
            try Self.run(
                """
                0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                +0 bind(3, ..., ...) = 0
                +0 listen(3, 1) = 0
                +0 < S 0:0(0) win 32792 <\(offered)>
                +0 > S. 0:0(0) ack 1 <\(answered)>
                +1 > S. 0:0(0) ack 1 <...>
                """, row)
        }
    }

    @Test("Cookies are laid out too", arguments: rows)
    func cookies(_ row: Row) throws {
        try Self.run(
            """
            `sysctl -q net.ipv4.tcp_syncookies=2`
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 700 ecr 0,nop,wscale 7>
            +0 > S. 0:0(0) ack 1 <\(row.all)>
            """, row)
    }

    @Test(
        "A layout that makes no sense",
        arguments: ["", "bsd", "mss,TS,sackOK", "mss,mss,TS,sackOK", "mss nop wscale sackOK TS"])
    func wrong(_ text: String) {
        #expect(throws: ScriptError.self) { try ProfileFile.read("optionLayout = \(text)", name: "p") }
    }
}
