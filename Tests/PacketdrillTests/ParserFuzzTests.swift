import NetPrimitives
import Packetdrill
import Testing

/// A small generator of its own, so that a failure's seed is a number that fits in a message.
struct FuzzGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<max(1, limit), using: &self) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// Takes scripts apart and puts them together wrongly.
struct ScriptMutator {
    static let corpus: [[UInt8]] = [
        "--ip_version=ipv4\n--define=A=\"x\"\n`init`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n`end`",
        "+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0\n+0 bind(3, ..., ...) = 0 // x\n+.1 listen(3, 1) = 0",
        "0 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 7>\n* > S. 0:0(0) ack 1 <...>",
        "+0 > [ect0] P. 1:1001(1000) ack 1 win 5 urg 3 <nop,nop,sack 1:2 3:4>\n+0~+2 > .5 1:1(0) ack 1",
        "+0...0.5 connect(3, ..., ...) = -1 EAGAIN (Can't (do))\n+0 poll([{fd=4, events=POLLIN|POLLOUT}], 1, 0) = 1",
        "0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]\n0 < udp 5 > 6 (7)\n/* c */ 0 > udp (5)",
        "0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd\nx = 1\nassert 0 <= (x & TCPI_OPT_SACK) <= 3 and not 0 }%",
        "0 > ipv6 fd00::1 > ::2: gre key 0x1: mpls (label 1): - 1:1(0) <FO 0011,ECN e0b 1 ceb 2,md5 00>",
        "0 f(\"a\\x41\\n\", {sa_family=AF_INET, sin_addr=inet_addr(\"1.2.3.4\")}, [{..., 1}], 1.2.3.4, 0xff) = ...",
    ].map { Array($0.utf8) }

    static let pieces: [[UInt8]] = [
        "0", "-1", "4294967295", "99999999999999999999", "0x", "0xffffffffffffffff", ".5", "1.", "...", "::", "1::2",
        "+",
        "~", "*", "<", ">", "(", ")", "[", "]", "{", "}", "|", "=", ",", "\"", "`", "%{", "}%", "//", "/*", "*/", "--",
        "--define=A=B", "\\", "\\x", "S.", "win", "ack", "and", "or", "not", "assert", "print", "(((((((((", "{{{{{{{{",
        "\u{e9}", "\u{0}", "\n", "\r\n", "1.2.3.4", "255.255.255.255.255", "TS val", "sack", "mss",
        "-9223372036854775808",
    ].map { Array($0.utf8) }

    var generator: FuzzGenerator

    init(seed: UInt64) { generator = FuzzGenerator(state: seed) }

    mutating func script() -> [UInt8] {
        var bytes = generator.pick(Self.corpus)
        for _ in 0...generator.below(6) {
            let place = generator.below(bytes.count + 1)
            let end = min(bytes.count, place + generator.below(8))
            switch generator.below(6) {
            case 0: bytes.insert(contentsOf: generator.pick(Self.pieces), at: place)
            case 1: bytes.replaceSubrange(place..<end, with: generator.pick(Self.pieces))
            case 2: bytes.removeSubrange(place..<end)
            case 3: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: generator.next()) }
            case 4: bytes.insert(contentsOf: bytes[place..<end], at: generator.below(bytes.count + 1))
            default:
                let other = generator.pick(Self.corpus)
                bytes = bytes[..<place] + [10] + other[generator.below(other.count)...]
            }
        }
        return bytes
    }
}

@Suite("Parsing: mutants")
struct ParserFuzzTests {
    @Test("A hundred thousand mutants are parsed or told where they are wrong")
    func mutants() {
        var parsed = 0
        for seed in 1...100_000 as ClosedRange<UInt64> {
            var mutator = ScriptMutator(seed: seed)
            let text = String(decoding: mutator.script(), as: UTF8.self)
            do throws(ScriptError) {
                let script = try Script(parsing: text, name: "mutant")
                parsed += 1
                if script.events.isEmpty { Issue.record("seed \(seed): no event") }
            } catch {
                let lines = text.utf8.count { $0 == 10 } + 1
                if !(1...lines).contains(error.position.line) || error.position.column < 1 || error.expected.isEmpty {
                    Issue.record("seed \(seed): \(error)")
                }
            }
        }
        #expect(parsed > 1_000)
    }
}
