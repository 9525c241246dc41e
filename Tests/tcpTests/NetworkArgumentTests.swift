import ArgumentParser
import NetPrimitives
import Netstack
import NetworkDevices
import Testing

@testable import AsyncNetstack
@testable import tcp

@Suite("Arguments of serve and connect")
struct NetworkArgumentTests {
    static let serveLine: [String] = [
        "serve", "--tun", "t", "--address", "10.77.0.2", "--host-address", "10.77.0.1/24", "--port", "80",
    ]
    static let connectLine: [String] = [
        "connect", "--tun", "t", "--address", "10.77.0.2", "--host-address", "10.77.0.1/24",
    ]

    @Test("serve takes both families at once, and tcpdump's letters")
    func serve() throws {
        let more = [
            "--address", "fd77::2/64", "--host-address", "fd77::1/64", "--echo", "-nSv", "--trace", "--mtu", "9000",
            "--syn-cookies", "always",
            "--abort-on-overflow", "--quiet-time", "2min",
        ]
        let serve = try #require(try TCP.parseAsRoot(Self.serveLine + more) as? Serve)
        #expect(serve.tun.addresses.map(\.description) == ["10.77.0.2/32", "fd77::2/64"])
        #expect(serve.tun.hostAddresses.map(\.description) == ["10.77.0.1/24", "fd77::1/64"])
        #expect(serve.behaviour == .echo && serve.port == 80 && serve.backlog == 128 && serve.tun.mtu == 9000)
        #expect(serve.tun.trace && serve.tun.verbose && serve.tun.printing.absoluteNumbers)
        #expect(serve.configuration.synCookies == .always && serve.configuration.abortsOnOverflow)
        #expect(serve.configuration.quietTime == .seconds(120))
        #expect(serve.tun.printing.numeric == 1 && serve.tun.profile == .linux)
    }

    @Test("serve decides by port, under the names that iptables has")
    func decide() throws {
        let more = [
            "--echo", "--decide", "accept", "--decide-after", "2", "--decide", "refuse@81", "--decide", "ignore@65535",
        ]
        let serve = try #require(try TCP.parseAsRoot(Self.serveLine + more) as? Serve)
        #expect(serve.decisions == [80: .accept, 81: .refuse, 65_535: .ignore])
        #expect(serve.decideAfter?.interval == .seconds(2))
        let plain = try #require(try TCP.parseAsRoot(Self.serveLine + ["--echo"]) as? Serve)
        #expect(plain.decisions.isEmpty && plain.decideAfter == nil)
    }

    @Test(
        "reasons of rejections",
        arguments: [
            ("net-unreachable", .network), ("0", .network), ("icmp-net-unreachable", .network), ("no-route", .network),
            ("host-unreachable", .host), ("1", .host), ("icmp6-addr-unreachable", .host), ("3", .port),
            ("port-unreachable", .port), ("icmp-port-unreachable", .port), ("icmp6-port-unreachable", .port),
            ("proto-unreachable", .transport), ("9", .networkProhibited), ("icmp-net-prohibited", .networkProhibited),
            ("host-prohibited", .hostProhibited), ("icmp-admin-prohibited", .administrativelyProhibited),
            ("icmp6-adm-prohibited", .administrativelyProhibited), ("13", .administrativelyProhibited),
        ] as [(String, UnreachableReason)])
    func rejections(name: String, reason: UnreachableReason) throws {
        let argument = try DecisionArgument(parsing: "reject=\(name)@81")
        #expect(argument.decision == .reject(reason) && argument.port == 81)
        let again = try DecisionArgument(parsing: argument.decision.argument)
        #expect(again.decision == argument.decision && again.port == nil)
    }

    @Test("connect takes netcat's letters")
    func connect() throws {
        let more = ["-4zv", "-p", "4000", "--timeout", "3s", "server.example", "443"]
        let connect = try #require(try TCP.parseAsRoot(Self.connectLine + more) as? Connect)
        #expect(connect.host == "server.example" && connect.port == 443 && connect.sourcePort == 4000)
        #expect(connect.timeout?.interval == .seconds(3) && connect.onlyIPv4 && connect.reportsOnly)
    }

    @Test("bytes as people write them")
    func bytes() {
        let rows: [(String, Int?)] = [
            ("1048576", 1 << 20), ("16MiB", 16 << 20), ("16m", 16 << 20), ("3K", 3_072), ("1GiB", 1 << 30), ("0", 0),
            ("MiB", nil), ("-1", nil), ("1.5M", nil), ("1TB", nil), ("", nil), ("9999999999999999999", nil),
        ]
        for (text, bytes) in rows { #expect(ByteCount(argument: text)?.bytes == bytes, "\(text)") }
        #expect("\(ByteCount(256 << 20))" == "256MiB" && "\(ByteCount(1_000))" == "1000")
    }

    @Test(
        "what does not make sense exits with 64 and says what does",
        arguments: [
            (serveLine, "--echo, --discard, --chargen and --send FILE"),
            (serveLine + ["--echo", "--send", "f"], "Say what to do"),
            (serveLine + ["--echo", "--discard"], "--discard"), (serveLine + ["--echo", "--backlog=-1"], "backlog"),
            (serveLine + ["--echo", "--budget", "1000"], "1MiB or more"),
            (serveLine + ["--echo", "--budget", "9e9"], "--budget"),
            (serveLine + ["--echo", "--budget", "99999999999GiB"], "--budget"),
            (serveLine + ["--echo", "--mtu", "67"], "68 to 65535"),
            (serveLine + ["--echo", "--port", "0"], "1 to 65535"),
            (serveLine + ["--echo", "--address", "fd77::2", "--mtu", "576"], "1280"),
            (serveLine + ["--echo", "--address", "10.77.0.1"], "cannot be both"),
            (serveLine + ["--echo", "--address", "224.0.0.1"], "10.77.0.2"),
            (serveLine + ["--echo", "--address", "x"], "fd77::2"),
            (serveLine + ["--echo", "--host-address", "10.77.0.1"], "10.77.0.1/24"),
            (serveLine + ["--echo", "-w", "-", "--trace"], "standard output"),
            (serveLine + ["--echo", "-w", ""], "-w needs"),
            (serveLine + ["--echo", "--decide", "maybe"], "accept, refuse, reject=CODE or ignore"),
            (serveLine + ["--echo", "--decide", "accept@80@81"], "accept, refuse, reject=CODE or ignore"),
            (serveLine + ["--echo", "--decide", "refuse=1"], "accept, refuse, reject=CODE or ignore"),
            (serveLine + ["--echo", "--decide", "reject"], "host-unreachable (1)"),
            (serveLine + ["--echo", "--decide", "reject=5"], "admin-prohibited (13)"),
            (serveLine + ["--echo", "--decide", "reject=icmp-1"], "host-unreachable (1)"),
            (serveLine + ["--echo", "--decide", "refuse@0"], "1 to 65535"),
            (serveLine + ["--echo", "--decide", "refuse@http"], "1 to 65535"),
            (serveLine + ["--echo", "--decide", "refuse", "--decide", "accept@80"], "about port 80"),
            (serveLine + ["--echo", "--decide", "refuse@81", "--decide", "accept@81"], "about port 81"),
            (serveLine + ["--echo", "--decide-after", "1s"], "needs a --decide"),
            (serveLine + ["--echo", "--decide", "accept", "--decide-after", "long"], "1.5s"),
            (connectLine, "<host>"), (connectLine + ["h", "http"], "1 to 65535"),
            (connectLine + ["-46", "h", "80"], "exclude"),
            (connectLine + ["-c", "0", "h", "80"], "counts from 1"),
            (connectLine + ["-c", "2", "-p", "9", "h", "80"], "-p"),
            (connectLine + ["-w", "-", "h", "80"], "the peer's"),
            (connectLine + ["--timeout", "3h", "h", "80"], "1.5s"),
            (["serve", "--tun", "a name", "--address", "10.0.0.2", "--port", "80", "--echo"], "1 to 15"),
            (["serve", "--tun", "t", "--port", "80", "--echo"], "--address"),
        ] as [([String], String)])
    func usage(arguments: [String], hint: String) { expectUsageError(of: arguments, saying: hint) }

    @Test("every failure has its exit status and its word")
    func failures() {
        let peer = Endpoint(.v4(IPv4Address(10, 77, 0, 1)), 80)
        let rows: [(any Error, Int32, String)] = [
            (NetstackError.connection(.reset, peer: peer), 5, "reset"),
            (NetstackError.connection(.peerSilent, peer: peer), 3, "timed-out"),
            (NetstackError.call(.noRoute), 6, "local-error"),
            (NetstackError.noAddress("x", reason: "unknown"), 6, "local-error"),
            (NetstackError.device(.vanished("t")), 6, "local-error"),
            (NetstackError.withdrawn(.silent), 6, "local-error"), (NetstackError.notCompleted, 6, "local-error"),
            (NetstackError.closed, 130, "interrupted"),
            (OutputError.readerGone, 141, "local-error"), (InputError(name: "f", code: 2), 6, "local-error"),
        ]
        for (error, status, word) in rows {
            #expect(Failure.exitCode(error).rawValue == status, "\(error)")
            #expect(Failure.verdict(error) == word, "\(error)")
        }
    }

    @Test("what many attempts came to, as ping sums it up")
    func statistics() {
        let statistics = PingStatistics("h:80")
        for milliseconds in [1, 2, 3] as [Int64] { statistics.add(.milliseconds(milliseconds)) }
        #expect(
            statistics.words == """
                --- h:80 connect statistics ---
                3 attempts, 3 established, 0% failed
                min/avg/max/mdev = 1.000/2.000/3.000/0.816 ms
                """)
        #expect(statistics.exitCode == .success)
        let peer = Endpoint(.v4(IPv4Address(10, 77, 0, 1)), 80)
        let failing = PingStatistics("h:80")
        failing.add(NetstackError.connection(.reset, peer: peer))
        #expect(failing.words == "--- h:80 connect statistics ---\n1 attempts, 0 established, 100% failed")
        #expect(failing.exitCode.rawValue == 5)
    }
}
