import Packetdrill
import Testing

@Suite("Code in scripts")
struct CodeTests {
    static let variables: [String: CodeValue] = [
        "tcpi_snd_cwnd": .integer(10), "tcpi_options": .integer(7), "TCPI_OPT_SACK": .integer(2),
        "TCPI_OPT_ECN": .integer(8), "tcpi_rtt": .integer(20_000), "name": .string("abc"),
        "tcpi_ca_state": .integer(0), "TCP_CA_Open": .integer(0),
    ]

    static func snapshot(_ text: String, line: Int = 3) -> CodeSnapshot {
        CodeSnapshot(
            code: ScriptCode(position: SourcePosition(line: line, column: 9), text: text), variables: variables)
    }

    @Test(
        "What holds",
        arguments: [
            "assert tcpi_snd_cwnd == 10",
            "assert (tcpi_options & TCPI_OPT_SACK) != 0, 'SACK is off'",
            "assert (tcpi_options & TCPI_OPT_ECN) == 0",
            "assert 19000 <= tcpi_rtt <= 21000, tcpi_rtt",
            "assert tcpi_rtt > 0 and not tcpi_rtt < 0 or unknown",
            "assert tcpi_ca_state == TCP_CA_Open, \"%d is not %s\" % (tcpi_ca_state, 'open')",
            "assert 1 | 2 == 3; assert 2 + 3 * 4 - 1 == 13; assert 7 // 2 == 3 and 7 % 2 == 1 and 7 / 2 == 3.5",
            "assert -7 // 2 == -4 and -7 % 2 == 1 and 1 << 4 == 16 and 256 >> 4 == 0x10 and 5 ^ 1 == 4 and ~0 == -1",
            "x = 5\nx += 2\nassert x == 7\nx -= 1 ; x *= 2 ; x |= 1 ; x &= 9\nassert x == 9",
            "assert abs(-3) == 3 and min(3, 1, 2) == 1 and max(1, 2) == 2 and int(2.9) == 2",
            "assert (tcpi_rtt\n   == 20000)\n# a comment\npass",
            "assert tcpi_rtt == \\\n 20000",
            "assert name == 'abc' and name + 'd' == \"abcd\" and 'a' < 'b' and name != 1",
            "assert True and not False and True == 1",
            "assert 1 < 2 < 3 != 4; assert not (3 > 2 > 2)",
            "assert '%x%%' % 255 == 'ff%' and str(1) == '1'",
            "",
        ])
    func holds(text: String) throws {
        var program = CodeProgram()
        try program.run([Self.snapshot(text)])
    }

    @Test(
        "What does not hold is told with its values",
        arguments: [
            ("assert tcpi_snd_cwnd == 9", "assert tcpi_snd_cwnd == 9, with tcpi_snd_cwnd = 10"),
            (
                "assert (tcpi_options & TCPI_OPT_ECN) != 0, 'no ECN'",
                "no ECN: assert (tcpi_options & TCPI_OPT_ECN) != 0, with tcpi_options = 7, TCPI_OPT_ECN = 8"
            ),
            ("assert 1 == 2, 'got %d' % 1", "got 1: assert 1 == 2"),
            ("assert 0 <= tcpi_rtt <= 5", "assert 0 <= tcpi_rtt <= 5, with tcpi_rtt = 20000"),
            ("assert tcpi_foo == 1", "nobody knows tcpi_foo"),
            ("assert foo(1)", "nobody knows foo()"),
            ("import os", "expected 'assert', 'print' or an assignment"),
            ("assert", "expected a number, a string, a name or '('"),
            ("assert (1", "expected ')'"),
            ("assert 1 1", "expected the end of the statement"),
            ("assert 1 // 0", "expected a divisor other than 0"),
            ("assert 9223372036854775807 + 1", "expected a number of at most 64 bits"),
            ("assert 1 << 63", "expected a number of at most 64 bits"),
            ("assert 99999999999999999999", "expected a number of at most 64 bits"),
            ("assert 'a' < 1", "expected two numbers or two strings around '<'"),
            ("assert 'a' - 1", "expected numbers on both sides of '-'"),
            ("assert 'a", "expected a string that ends on its line"),
            ("assert '%d' % ()", "expected a value for each of %d %s %x"),
            ("assert a.b", "expected assertions, print and assignments with numbers, strings and names"),
            ("x += 1", "nobody knows x"),
        ])
    func fails(text: String, message: String) {
        var program = CodeProgram()
        do throws(CodeError) {
            try program.run([Self.snapshot(text)])
            Issue.record("it holds")
        } catch {
            #expect(error.message == message)
        }
    }

    @Test("Pieces share their variables, and a failure has its place")
    func pieces() {
        var program = CodeProgram()
        do throws(CodeError) {
            try program.run([
                Self.snapshot("mark = tcpi_rtt"), Self.snapshot("print(mark, 'us', True, 1.5)\nprint('a')", line: 8),
                Self.snapshot("x = 1\n   assert mark == 0", line: 20),
            ])
            Issue.record("it holds")
        } catch {
            #expect(error.position == SourcePosition(line: 21, column: 4))
        }
        #expect(program.printed == ["20000 us True 1.5", "a"])
    }

    @Test(
        "Neither depth nor length takes the evaluator down",
        arguments: [
            String(repeating: "(", count: 100_000), String(repeating: "-", count: 100_000) + "1",
            String(repeating: "not ", count: 100_000) + "1", String(repeating: "1+", count: 100_000) + "1",
            String(repeating: "1 or ", count: 100_000) + "1", String(repeating: "1 < ", count: 100_000) + "1",
            String(repeating: "f(", count: 100_000),
        ])
    func limits(text: String) {
        var program = CodeProgram()
        #expect(throws: CodeError.self) { try program.run([Self.snapshot("assert " + text)]) }
    }

    @Test("Strings do not grow without end")
    func growth() {
        var program = CodeProgram()
        let text = "x = 'ab'\n" + String(repeating: "x = x + x\n", count: 64)
        #expect(throws: CodeError.self) { try program.run([Self.snapshot(text)]) }
    }

    @Test("Twenty thousand mutants run or are told where they are wrong")
    func mutants() {
        for seed in 1...20_000 as ClosedRange<UInt64> {
            var mutator = ScriptMutator(seed: seed)
            let text = String(decoding: mutator.script(), as: UTF8.self)
            var program = CodeProgram()
            do throws(CodeError) { try program.run([Self.snapshot("assert " + text)]) } catch {
                if error.position.line < 3 { Issue.record("seed \(seed): \(error)") }
            }
        }
    }
}
