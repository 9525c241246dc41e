import Foundation
import NetPrimitives
import Testing

@testable import Packetdrill

/// Scripts that make no sense end, one way or the other.
@Suite("Running nonsense")
struct RunnerFuzzTests {
    /// Words that are put in the place of others.
    static let words: [Substring] = [
        "0", "-1", "1", "2", "3", "4", "65535", "65536", "4294967295", "4294967296", "9223372036854775807",
        "-9223372036854775808", "+0", "+.1", "+86400", "*", "...", "S", "F.", "R.", ".", "P.", "<", ">", "ack", "win",
        "1:1001(1000)", "1:65536(65535)", "0:0(0)", "1000", "[-1]", "[2147483647]", "SO_SNDBUF", "SO_RCVBUF",
        "SO_LINGER", "TCP_MAXSEG", "TCP_SYNCNT", "SOL_TCP", "SOL_SOCKET", "SHUT_RDWR", "EAGAIN", "MSG_PEEK",
        "MSG_WAITALL", "<sack", "1:2>", "<mss", "0>", "{onoff=1,", "linger=9223372036854775807}",
    ]

    @Test(arguments: 1...4) func neverTrapsAndEnds(seed: UInt64) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Drill")
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".pkt") }
            .sorted()
        let texts = try paths.map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
        var generator = Generator(seed: Seed(seed))
        func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }
        var ran = 0
        for round in 0..<1500 {
            var lines = texts[below(texts.count)].split(separator: "\n", omittingEmptySubsequences: false)
            for _ in 0...below(3) {
                let line = below(lines.count)
                switch below(4) {
                case 0: lines.insert(lines[below(lines.count)], at: line)
                case 1: lines.swapAt(line, below(lines.count))
                default:
                    var words = lines[line].split(separator: " ")
                    guard !words.isEmpty else { continue }
                    words[below(words.count)] = Self.words[below(Self.words.count)]
                    lines[line] = Substring(words.joined(separator: " "))
                }
            }
            let text = lines.joined(separator: "\n")
            guard let script = try? Script(parsing: text, name: "nonsense") else { continue }
            ran += 1
            let version = DrillVersion.allCases[round % 3]
            let report = DrillRunner.run(
                script, options: DrillOptions(version: version, match: .lenient, stepLimit: 20_000))
            #expect(report.trace.count <= 20_000, "seed \(seed), round \(round)")
        }
        #expect(ran > 500)
    }
}
