import NetPrimitives
import Testing
import WireFormats

@Suite("Layouts of options")
struct TCPOptionLayoutTests {
    /// What a segment carries, and its bytes in one layout.
    struct Row: CustomTestStringConvertible {
        var testDescription: String
        var layout: TCPOptionLayout
        var octets: [UInt8]
        var options: TCPOptions

        init(_ name: String, _ layout: TCPOptionLayout, _ carried: String, _ octets: String) {
            testDescription = "\(name): \(carried)"
            self.layout = layout
            self.octets = hex(octets)
            options = TCPOptionLayoutTests.options(carried, layout)
        }
    }

    static func options(_ carried: String, _ layout: TCPOptionLayout) -> TCPOptions {
        TCPOptionsTests.options {
            $0.layout = layout
            if carried.contains("mss") { $0.maximumSegmentSize = 1460 }
            if carried.contains("wscale") { $0.windowScale = 7 }
            $0.isSACKPermitted = carried.contains("sackOK")
            if carried.contains("TS") { $0.timestamps = TCPTimestamps(value: 1, echoReply: 2) }
            if carried.contains("blocks") { $0.sackBlocks = TCPOptionsTests.blocks(1) }
        }
    }

    static let all = "mss wscale sackOK TS"

    static let rows = [
        Row("Linux", .linux, all, "0204 05b4 0402 080a 00000001 00000002 01 030307"),
        Row("Linux", .linux, "mss wscale sackOK", "0204 05b4 0101 0402 01 030307"),
        Row("FreeBSD", .freeBSD, all, "0204 05b4 01 030307 0402 080a 00000001 00000002"),
        Row("FreeBSD", .freeBSD, "mss TS", "0204 05b4 0101 080a 00000001 00000002"),
        Row("FreeBSD", .freeBSD, "mss sackOK", "0204 05b4 0402 0000"),
        Row("macOS", .macOS, all, "0204 05b4 01 030307 0101 080a 00000001 00000002 0402 0000"),
        Row("macOS", .macOS, "mss wscale sackOK", "0204 05b4 01 030307 0402 0000"),
        Row("Windows", .windows, all, "0204 05b4 01 030307 0101 080a 00000001 00000002 0101 0402"),
        Row("Windows", .windows, "mss wscale sackOK", "0204 05b4 01 030307 0101 0402"),
        Row("Windows", .windows, "mss sackOK", "0204 05b4 0101 0402"),
        Row("an EOL only where nothing follows", .macOS, "sackOK blocks", "0101 0402 0101 050a 00000000 00000010"),
    ]

    @Test("A SYN in each", arguments: rows)
    func bytes(_ row: Row) {
        #expect(TCPOptionsTests.encoded(row.options, isSYN: true) == row.octets)
    }

    @Test("Later segments are the same in all", arguments: ["", "TS", "blocks", "TS blocks"])
    func later(_ carried: String) {
        let usual = TCPOptionsTests.encoded(Self.options(carried, .linux), isSYN: false)
        for layout in [TCPOptionLayout.freeBSD, .macOS, .windows] {
            #expect(TCPOptionsTests.encoded(Self.options(carried, layout), isSYN: false) == usual)
        }
    }

    @Test("Every order of every selection: whole words, read again, and in that order")
    func orders() throws {
        let every: [TCPOptionLayout.Option] = [.maximumSegmentSize, .windowScale, .sackPermitted, .timestamps]
        var values: Set<UInt16> = []
        for code in 0..<512 {
            let order = (0..<4).map { every[code >> (2 * $0) & 3] }
            let layout = TCPOptionLayout(order[0], order[1], order[2], order[3], endsWithEOL: code & 256 != 0)
            #expect((layout != nil) == (Set(order).count == 4))
            guard let layout else { continue }
            values.insert(layout.rawValue)
            #expect((0..<4).map { layout.option(at: $0) } == order)
            for mask in 0..<16 {
                let words = ["mss", "wscale", "sackOK", "TS"].enumerated().filter { mask & 1 << $0.offset != 0 }
                var options = Self.options(words.map(\.element).joined(separator: " "), layout)
                let octets = TCPOptionsTests.encoded(options, isSYN: true)
                #expect(octets.count <= 40 && octets.count % 4 == 0)
                #expect(Self.kinds(octets) == order.filter { mask & 1 << Int($0.rawValue) != 0 }.map(Self.kind))
                options.layout = .linux
                #expect(TCPOptionsTests.parsed(octets) == options)
            }
        }
        #expect(values.count == 48)
        #expect(
            TCPOptionLayout(.maximumSegmentSize, .sackPermitted, .timestamps, .windowScale, endsWithEOL: false)
                == .linux)
        #expect(
            TCPOptionLayout(.maximumSegmentSize, .windowScale, .sackPermitted, .timestamps, endsWithEOL: true)
                == .freeBSD)
        for (endsWithEOL, layout) in [(true, TCPOptionLayout.macOS), (false, .windows)] {
            #expect(
                TCPOptionLayout(
                    .maximumSegmentSize, .windowScale, .timestamps, .sackPermitted, endsWithEOL: endsWithEOL)
                    == layout)
        }
    }

    private static func kind(_ option: TCPOptionLayout.Option) -> UInt8 {
        switch option {
        case .maximumSegmentSize: 2
        case .windowScale: 3
        case .sackPermitted: 4
        case .timestamps: 8
        }
    }

    /// The kinds of a list's options, without padding.
    private static func kinds(_ octets: [UInt8]) -> [UInt8] {
        var kinds: [UInt8] = []
        var index = 0
        while index < octets.count {
            if octets[index] > 1 { kinds.append(octets[index]) }
            index += octets[index] > 1 ? Int(octets[index + 1]) : 1
        }
        return kinds
    }
}
