import NetPrimitives
import Packetdrill
import Testing

@Suite("Parsing: the shape of a script")
struct ParserShapeTests {
    static let whole = """
        // A script with one of everything.
        --ip_version=ipv4
        --tolerance_usecs = 10000
        --local_ip=192.168.0.1/16 --remote_ip=fd3d:fa7b:d17d::1
        --debug
        --init_scripts="a b"
        --define=NUMBER=12
        --define=TEXT="some text"
        --define=COMMAND=`ls`
        --define=WORD=SOL_SOCKET
        `./defaults.sh
        ./set_sysctls.py a=1`
            0 socket(..., SOCK_STREAM, NUMBER) = 3
        +0.000001 f(TEXT, WORD) = 0
        +.1...0.200 accept(3, ..., ...) = 4
        +0 `nstat -n`
        +0 COMMAND
        * > . 1:1(0)
        +1~+2.5 > . 1:1(0)
        7~9 > . 1:1(0)
        9.25 %{ assert tcpi_unacked == 0
        print(1) }%
        `cleanup`
        """

    @Test("One of everything")
    func everything() throws {
        let script = try Script(parsing: Self.whole, name: "w")
        #expect(
            script.options.map(\.name) == [
                "ip_version", "tolerance_usecs", "local_ip", "remote_ip", "debug", "init_scripts", "define", "define",
                "define", "define",
            ])
        #expect(
            script.options.map(\.value) == [
                .text("ipv4"), .text("10000"), .text("192.168.0.1/16"), .text("fd3d:fa7b:d17d::1"), nil,
                .string("a b"), .definition(name: "NUMBER", value: .integer("12")),
                .definition(name: "TEXT", value: .string("some text")),
                .definition(name: "COMMAND", value: .command("ls")),
                .definition(name: "WORD", value: .word("SOL_SOCKET")),
            ])
        #expect(script.initCommand?.text == "./defaults.sh\n./set_sysctls.py a=1")
        #expect(script.cleanupCommand?.text == "cleanup")
        #expect(
            script.events.map(\.time) == [
                .absolute(.zero), .relative(.microseconds(1)), .relative(.milliseconds(100)), .relative(.zero),
                .relative(.zero), .any, .relativeRange(.seconds(1), .milliseconds(2500)),
                .absoluteRange(.seconds(7), .seconds(9)), .absolute(.milliseconds(9250)),
            ])
        #expect(script.events.map(\.position.line) == [13, 14, 15, 16, 17, 18, 19, 20, 21])
        #expect(script.events.map(\.lastLine) == [13, 14, 15, 16, 17, 18, 19, 20, 22])
        #expect(script.events[0].position == SourcePosition(line: 13, column: 5))
        guard case .call(let socket) = script.events[0].action, case .call(let f) = script.events[1].action,
            case .call(let accept) = script.events[2].action, case .code(let code) = script.events[8].action,
            case .command(let command) = script.events[4].action
        else {
            Issue.record("\(script.events)")
            return
        }
        #expect(socket.arguments[2].integer == 12)
        #expect(f.arguments.map(\.form) == [.string(Array("some text".utf8)), .symbol("SOL_SOCKET")])
        #expect(accept.blockingEnd == .milliseconds(200))
        #expect(command.text == "ls")
        #expect(code.text == "assert tcpi_unacked == 0\nprint(1)")
        #expect(code.position == SourcePosition(line: 21, column: 9))
        #expect(script.line(16) == "+0 `nstat -n`")
        #expect(script.line(99) == "" && script.line(0) == "")
    }

    @Test("What the command line defines wins, and a name is not replaced where it is defined")
    func definitions() throws {
        let text = "--define=N=5\n--define=N=6\n0 f(N, M, TFO) = 0"
        let script = try Script(
            parsing: text, name: "t", definitions: ["M": .integer("1"), "TFO": Definition(parsing: "\"x\"")])
        guard case .call(let call) = script.events[0].action else { return }
        #expect(call.arguments.map(\.form) == [.integer(6), .integer(1), .string([120])])
        let given = try Script(parsing: text, name: "t", definitions: ["N": .integer("1")])
        guard case .call(let call) = given.events[0].action else { return }
        #expect(call.arguments[0].integer == 1)
    }

    @Test(
        "What a definition is",
        arguments: [
            ("12", Definition.integer("12")), ("007", .integer("007")), ("\"a b\"", .string("a b")),
            ("`ls -l`", .command("ls -l")),
            ("c1d1", .word("c1d1")), ("", .word("")), ("\"", .word("\"")),
        ])
    func definition(text: String, definition: Definition) {
        #expect(Definition(parsing: text) == definition)
    }

    @Test(
        "Numbers next to dots",
        arguments: [
            ("0...5 f() = 0", EventTime.absolute(.zero), Interval.seconds(5)),
            ("0...0.5 f() = 0", .absolute(.zero), .milliseconds(500)),
            ("+0....25 f() = 0", .relative(.zero), .milliseconds(250)),
            ("+0.0...+.25 f() = 0", .relative(.zero), .milliseconds(250)),
        ])
    func dots(text: String, time: EventTime, end: Interval) throws {
        let event = try Script(parsing: text, name: "t").events[0]
        #expect(event.time == time)
        guard case .call(let call) = event.action else { return }
        #expect(call.blockingEnd == end)
    }

    @Test(
        "A text that is no script is told where and why",
        arguments: [
            ("", "t:1:1: expected an event, found the end"),
            ("--mtu=1500", "t:1:11: expected an event, found the end"),
            ("0 < S 0:0(0)", "t:1:13: expected 'win' and a window in an inbound segment, found the end"),
            ("0 foo", "t:1:6: expected '(' behind the name of a system call, found the end"),
            ("0 f(1 2) = 0", "t:1:7: expected ')' or ',', found '2'"),
            ("0 f(1)\n+0 g() = 0", "t:2:1: expected '=' and the result of the call, found '+'"),
            (
                "0 f() = 0\n// x\n  zero g() = 0",
                "t:3:3: expected the name of an error, a note or an event, found 'zero'"
            ),
            ("0 f() = 0 foo\n", "t:1:11: expected the name of an error, a note or an event, found 'foo'"),
            ("1 f() = 0", "t:1:1: expected the first event at 0 or +0"),
            ("0 f() = 0\n-1 g() = 0", "t:2:1: expected a time that is not negative, found '-1'"),
            ("0 f() = 0\n2 f() = 0\n1 f() = 0", "t:3:1: expected a time that is not before the event above"),
            ("0 f() = 0\n* f() = 0", "t:2:1: expected an exact time: '*' and ranges are for outbound packets"),
            ("0 f() = 0\n2~1 > . 1:1(0)", "t:2:3: expected an end of the range that is not before its beginning"),
            ("0 f() = 0\n+1...0.5 f() = 0", "t:2:1: expected a call that returns no earlier than it begins"),
            ("0...1 > . 1:1(0)", "t:1:1: expected a system call with the time at which it returns"),
            ("0 > . 1:3(1)", "t:1:7: expected 1:2(1), found 1:3(1)"),
            ("0 > . 4294967296:0(0)", "t:1:7: expected a sequence number from 0 to 4294967295, found '4294967296'"),
            ("0 > . 1:1(65536)", "t:1:11: expected a length from 0 to 65535, found '65536'"),
            ("0 > X. 1:1(0)", "t:1:5: expected flags: letters of FSRPUEWA and a dot for ACK, or '-', found 'X'"),
            ("0 > .8 1:1(0)", "t:1:5: expected one digit from 0 to 7 behind the dot of the flags, found '.8'"),
            ("0 > E.2 1:1(0)", "t:1:5: expected either E, W and A or a digit behind the dot"),
            (
                "0 > . 1:1(0) <mss 1460,nop>",
                "t:1:14: expected options of at most 40 bytes, padded to a multiple of 4, found 5 bytes"
            ),
            ("0 < . 1:1(0) win 1 <...>", "t:1:21: expected options: an inbound segment has to say which, found '...'"),
            (
                "0 > . 1:1(0) <foo>",
                "t:1:15: expected one of the TCP options "
                    + "mss wscale sackOK sack TS nop eol FO FOEXP md5 ECN, found 'foo'"
            ),
            (
                "0 > . 1:1(0) <FO abc,nop,nop>",
                "t:1:18: expected an even number of hexadecimal digits, at most 80, found 'abc'"
            ),
            ("0 < [ect01] . 1:1(0) win 1", "t:1:6: expected 'ect0' or 'ect1': an inbound packet has one of them"),
            ("0 < icmp foo", "t:1:10: expected the name of an ICMP type, found 'foo'"),
            ("0 < icmp unreachable CODE", "t:1:22: expected the name of an ICMP code, found 'CODE'"),
            (
                "0 < icmp unreachable host_unreachable mtu 5",
                "t:1:39: expected no MTU: only frag_needed and packet_too_big have one, found 'mtu'"
            ),
            ("0 f(\"abc) = 0", "t:1:5: expected '\"' at the end of this string"),
            ("0 f(\"\\q\") = 0", "t:1:6: expected one of the escapes \\\\ \\\" \\f \\n \\r \\t \\v \\xHH"),
            ("0 `abc", "t:1:3: expected '`' at the end of this command"),
            ("0 %{ abc }", "t:1:3: expected '}%' at the end of this code"),
            ("/* abc", "t:1:1: expected '*/' at the end of this comment"),
            ("0 f() = 0 (abc", "t:1:11: expected ')' at the end of this note"),
            (
                "0 f(99999999999999999999) = 0",
                "t:1:5: expected a number of at most 64 bits, found '99999999999999999999'"
            ),
            ("0 f(é) = 0", "t:1:5: expected a token, found 'é'"),
            ("0 f(\u{1}) = 0", "t:1:5: expected a token, found '\\u{01}'"),
            ("9999999999 f() = 0", "t:1:1: expected a time of at most 1000000000 seconds, found '9999999999'"),
            ("0 f() = 0\n`a`\n0 f() = 0", "t:3:1: expected nothing behind the clean-up command, found '0'"),
            ("--define=X\n0 f() = 0", "t:2:1: expected '=' behind the word to define, found '0'"),
            ("--mtu=\"a\" --=", "t:1:11: expected an option's name behind '--'"),
        ])
    func errors(text: String, message: String) {
        #expect(throws: ScriptError.self) { try Script(parsing: text, name: "t") }
        do throws(ScriptError) {
            _ = try Script(parsing: text, name: "t")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test("Neither depth nor length takes the parser down")
    func limits() {
        for opening in ["[", "{", "f(", "a=", "{a=[", "["] {
            let text = "0 f(" + String(repeating: opening, count: 100_000)
            #expect(throws: ScriptError.self) { try Script(parsing: text, name: "t") }
        }
        let long = "0 f() = 0 //" + String(repeating: "x", count: 1 << 20)
        #expect(throws: ScriptError.self) { try Script(parsing: long, name: "t") }
    }
}
