import NetPrimitives
import Testing
import WireFormats

@Suite("RFC 9293, 3.2, options of TCP")
struct TCPOptionsTests {
    static func options(_ change: (inout TCPOptions) -> Void) -> TCPOptions {
        var options = TCPOptions()
        change(&options)
        return options
    }

    static func blocks(_ count: Int) -> SACKBlocks {
        var blocks = SACKBlocks()
        for index in 0..<UInt32(count) {
            blocks.append(SACKBlock(left: SequenceNumber(index * 256), right: SequenceNumber(index * 256 + 16)))
        }
        return blocks
    }

    static func cookie(_ count: Int) -> FastOpenOption? {
        let octets = [UInt8](1...32).prefix(count)
        return FastOpenOption(cookie: octets.span)
    }

    /// Any options that fit into a header together.
    static func randomOptions(_ generator: inout Generator) -> TCPOptions {
        options {
            if generator.coin() { $0.maximumSegmentSize = generator.number() }
            if generator.coin() { $0.windowScale = generator.number() }
            $0.isSACKPermitted = generator.coin()
            if generator.coin() {
                $0.timestamps = TCPTimestamps(value: generator.number(), echoReply: generator.number())
            }
            for _ in 0..<generator.next(below: 5) where $0.encodedLength(isSYN: false) <= 28 {
                $0.sackBlocks.append(
                    SACKBlock(left: SequenceNumber(generator.number()), right: SequenceNumber(generator.number())))
            }
            if $0.encodedLength(isSYN: false) <= 20 {
                $0.fastOpen = cookie([0, 4, 6, 8, 10, 12, 14, 16][Int(generator.next(below: 8))])
            }
        }
    }

    struct Row: CustomTestStringConvertible {
        var testDescription: String
        var octets: [UInt8]
        var options: TCPOptions

        init(_ name: String, _ octets: String, _ change: (inout TCPOptions) -> Void) {
            testDescription = name
            self.octets = hex(octets)
            options = TCPOptionsTests.options(change)
        }
    }

    /// The order and the padding are Linux's.
    static let layouts = [
        Row("none", "", { _ in }),
        Row("all of a SYN", "0204 05b4 0402 080a 00000001 00000002 01 030307") {
            $0.maximumSegmentSize = 1460
            $0.isSACKPermitted = true
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 2)
            $0.windowScale = 7
        },
        Row("a SYN without timestamps", "0204 05b4 0101 0402 01 030307") {
            $0.maximumSegmentSize = 1460
            $0.isSACKPermitted = true
            $0.windowScale = 7
        },
        Row("a SYN without SACK", "0204 05b4 0101 080a 00000001 00000002 01 030307") {
            $0.maximumSegmentSize = 1460
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 2)
            $0.windowScale = 7
        },
        Row("a SYN with MSS only", "0204 0000") { $0.maximumSegmentSize = 0 },
        Row("a SYN with window scale only", "01 0303ff") { $0.windowScale = 255 },
        Row("a SYN that asks for a cookie", "0204 05b4 2202 0101") {
            $0.maximumSegmentSize = 1460
            $0.fastOpen = FastOpenOption()
        },
        Row("a SYN with a cookie", "0204 05b4 220a 01020304 05060708 0101") {
            $0.maximumSegmentSize = 1460
            $0.fastOpen = cookie(8)
        },
        Row("timestamps", "0101 080a 00000001 00000002") {
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 2)
        },
        Row("a SACK block", "0101 050a 00000000 00000010") { $0.sackBlocks = blocks(1) },
        Row("timestamps and a SACK block", "0101 080a 00000001 00000002 0101 050a 00000000 00000010") {
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 2)
            $0.sackBlocks = blocks(1)
        },
    ]

    static func encoded(_ options: TCPOptions, isSYN: Bool) -> [UInt8] {
        written(options.encodedLength(isSYN: isSYN)) { options.emit(into: &$0, at: 0, isSYN: isSYN) }
    }

    static func parsed(_ octets: [UInt8]) -> TCPOptions { TCPOptions(parsing: octets.span) }

    @Test("written as Linux writes them, and read", arguments: layouts)
    func layout(_ row: Row) {
        #expect(Self.encoded(row.options, isSYN: true) == row.octets)
        #expect(Self.encoded(row.options, isSYN: false) == row.octets)
        #expect(Self.parsed(row.octets) == row.options)
    }

    @Test("SACK blocks give way to the 40 bytes", arguments: [(true, 3, 40), (false, 4, 36)])
    func sackRoom(timestamps: Bool, fitting: Int, length: Int) {
        let options = Self.options {
            if timestamps { $0.timestamps = TCPTimestamps(value: 1, echoReply: 2) }
            $0.sackBlocks = Self.blocks(4)
        }
        let octets = Self.encoded(options, isSYN: false)
        #expect(octets.count == length)
        #expect(Self.parsed(octets).sackBlocks == Self.blocks(fitting))
    }

    @Test("never more than 40 bytes, always whole words, whatever is set")
    func bounds() {
        for mask in 0..<16 {
            for count in 0...4 {
                for length in [nil, 0, 4, 6, 8, 10, 12, 14, 16] as [Int?] {
                    let options = Self.options {
                        if mask & 1 != 0 { $0.maximumSegmentSize = 1460 }
                        if mask & 2 != 0 { $0.windowScale = 7 }
                        if mask & 4 != 0 { $0.timestamps = TCPTimestamps(value: 1, echoReply: 2) }
                        $0.isSACKPermitted = mask & 8 != 0
                        $0.sackBlocks = Self.blocks(count)
                        $0.fastOpen = length.flatMap(Self.cookie)
                    }
                    let octets = Self.encoded(options, isSYN: mask & 1 != 0)
                    #expect(octets.count <= 40 && octets.count % 4 == 0, "\(options)")
                    let read = Self.parsed(octets)
                    #expect(read.timestamps == options.timestamps)
                    #expect(read.maximumSegmentSize == options.maximumSegmentSize)
                    #expect(read.windowScale == options.windowScale)
                    #expect(read.isSACKPermitted == options.isSACKPermitted)
                    #expect(read.fastOpen == nil || read.fastOpen == options.fastOpen)
                }
            }
        }
    }

    @Test("what is written is read", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) {
        var generator = Generator(seed: Seed(seed))
        for _ in 0..<2000 {
            let options = Self.randomOptions(&generator)
            #expect(Self.parsed(Self.encoded(options, isSYN: generator.coin())) == options)
        }
    }

    /// Where a list is broken the rest is ignored; what stood before holds.
    static let odd = [
        Row("the end, and garbage behind it", "0204 05b4 00 030307") { $0.maximumSegmentSize = 1460 },
        Row("length 0", "0204 05b4 0800 0303 07") { $0.maximumSegmentSize = 1460 },
        Row("length 1", "0204 05b4 0801 0303 07") { $0.maximumSegmentSize = 1460 },
        Row("length past the end", "0204 05b4 080a 000000") { $0.maximumSegmentSize = 1460 },
        Row("no room for the length", "0204 05b4 08") { $0.maximumSegmentSize = 1460 },
        Row("an unknown option is skipped by its length", "fe06 deadbeef 0204 05b4") { $0.maximumSegmentSize = 1460 },
        Row("an unknown option with length 0", "fe00 deadbeef 0204 05b4", { _ in }),
        Row("an unknown option of 255 bytes", "feff deadbeef 0204 05b4", { _ in }),
        Row("only padding", "01010101 01010101", { _ in }),
        Row("an MSS of a wrong length", "0203 05 030307") { $0.windowScale = 7 },
        Row("a window scale of a wrong length", "0304 0707 0402") { $0.isSACKPermitted = true },
        Row("SACK-permitted of a wrong length", "0403 00 030307") { $0.windowScale = 7 },
        Row("timestamps of a wrong length", "0809 00000001 000000 030307") { $0.windowScale = 7 },
        Row("SACK of no blocks", "0502 030307") { $0.windowScale = 7 },
        Row("SACK of half a block", "0506 00000001 030307") { $0.windowScale = 7 },
        Row("a cookie of an odd length", "2207 0102030405 030307") { $0.windowScale = 7 },
        Row("a cookie too short", "2204 0102 030307") { $0.windowScale = 7 },
        Row("a cookie too long", "2214 \(String(repeating: "01", count: 18)) 030307") { $0.windowScale = 7 },
        Row("the last of two counts", "0204 0001 0204 0002") { $0.maximumSegmentSize = 2 },
        Row("twelve bytes that are no timestamps", "0101 0101 0204 05b4 01 030307") {
            $0.maximumSegmentSize = 1460
            $0.windowScale = 7
        },
        Row("timestamps in another place", "080a 00000001 00000002 0101") {
            $0.timestamps = TCPTimestamps(value: 1, echoReply: 2)
        },
        Row("four SACK blocks", "0522 \((0..<4).map { "00000\($0)00 00000\($0)10" }.joined())") {
            $0.sackBlocks = blocks(4)
        },
    ]

    @Test("lists that are odd or broken", arguments: odd)
    func oddLists(_ row: Row) {
        #expect(Self.parsed(row.octets) == row.options)
    }

    @Test("every kind with every length: what stands behind is found when the option ends before it")
    func everyLength() {
        for kind in UInt8(2)...255 {
            for length in UInt8.min...255 where length != 37 {
                let list = [kind, length] + [UInt8](repeating: 1, count: 34) + [3, 3, 9, 1]
                let isFound = Self.parsed(list).windowScale == 9
                #expect(isFound == (2...36).contains(length), "kind \(kind), length \(length)")
            }
        }
    }

    @Test("cookies", arguments: 0...17)
    func cookies(count: Int) {
        let isCookie = [0, 4, 6, 8, 10, 12, 14, 16].contains(count)
        let option = Self.cookie(count)
        #expect((option != nil) == isCookie)
        guard let option else { return }
        #expect((0..<count).map { option[$0] } == [UInt8](1...32).prefix(count).map { $0 })
    }

    @Test("a fifth SACK block is dropped, and equality looks at those that are there")
    func sackBlocks() {
        #expect(Self.blocks(5) == Self.blocks(4))
        #expect(Self.blocks(3) != Self.blocks(4))
        #expect(Self.blocks(0) == SACKBlocks())
        #expect(Self.blocks(4)[3] == SACKBlock(left: SequenceNumber(768), right: SequenceNumber(784)))
    }
}
