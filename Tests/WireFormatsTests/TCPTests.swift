import NetPrimitives
import Testing
import WireFormats

@Suite("RFC 9293, 3.1, TCP headers")
struct TCPTests {
    /// A SYN from 192.0.2.1:49153 to 198.51.100.2:80 as Linux writes it.
    static let syn = hex(
        """
        c001 0050 00000400 00000000 a002 faf0 9880 0000 0204 05b4 0402 080a 01020304 00000000 01 03 03 07
        """)
    /// Five bytes on the same way.
    static let data =
        hex("c001 0050 00000401 00001389 8018 00e5 53c7 0000 0101 080a 01020305 0a0b0c0d") + Array("hello".utf8)

    static func pseudoHeader(_ length: Int) -> UInt32 {
        InternetChecksum.pseudoHeaderSum(
            source: IPv4Address(192, 0, 2, 1), destination: IPv4Address(198, 51, 100, 2), protocol: .tcp,
            length: length)
    }

    static func error(_ octets: [UInt8]) -> TCPError? {
        do throws(TCPError) {
            _ = try TCPView(validating: octets.span)
            return nil
        } catch { return error }
    }

    @Test("a SYN says what it holds")
    func readSyn() throws {
        let view = try TCPView(validating: Self.syn.span)
        let ports = [view.sourcePort, view.destinationPort]
        let seg = view.segment
        let isValid = view.hasValidChecksum(pseudoHeaderSum: Self.pseudoHeader(40))
        #expect(ports == [49153, 80])
        #expect(isValid)
        #expect(seg.seq == SequenceNumber(0x400))
        #expect(seg.flags == .syn)
        #expect(seg.window == 64240)
        #expect(seg.length == 1)
        #expect(seg.headerLength == 40)
        #expect(seg.options.maximumSegmentSize == 1460)
        #expect(seg.options.windowScale == 7)
        #expect(seg.options.isSACKPermitted)
        #expect(seg.options.timestamps == TCPTimestamps(value: 0x0102_0304, echoReply: 0))
        #expect(seg.options.sackBlocks.count == 0)
        #expect(seg.options.fastOpen == nil)
    }

    @Test("data says what it holds")
    func readData() throws {
        let view = try TCPView(validating: Self.data.span)
        let seg = view.segment
        let payload = bytes(view.payload)
        let isValid = view.hasValidChecksum(pseudoHeaderSum: Self.pseudoHeader(37))
        #expect(isValid)
        #expect(seg.ack == SequenceNumber(5001))
        #expect(seg.flags == [.psh, .ack])
        #expect(seg.payloadLength == 5)
        #expect(seg.length == 5)
        #expect(payload == Array("hello".utf8))
    }

    @Test("and over IPv6")
    func overIPv6() throws {
        let network: UInt64 = 0x2001_0db8_0000_0000
        let sum = InternetChecksum.pseudoHeaderSum(
            source: IPv6Address(high: network, low: 1), destination: IPv6Address(high: network, low: 2),
            protocol: .tcp, length: 40)
        let view = try TCPView(validating: Self.syn.storing(0x2943, at: 16).span)
        let isValid = view.hasValidChecksum(pseudoHeaderSum: sum)
        #expect(isValid)
    }

    @Test("both are written to the byte", arguments: [syn, data])
    func write(octets: [UInt8]) throws {
        let view = try TCPView(validating: octets.span)
        let seg = view.segment
        let text = bytes(view.payload)
        let result = written(seg.headerLength + text.count) {
            seg.emitHeader(into: &$0, sourcePort: 49153, destinationPort: 80)
            $0.copy(from: text.span, at: seg.headerLength)
            Segment.storeChecksum(in: &$0, pseudoHeaderSum: Self.pseudoHeader(octets.count))
        }
        #expect(result == octets)
    }

    @Test("cut off anywhere in the header it is truncated", arguments: 0..<40)
    func truncated(length: Int) {
        #expect(Self.error([UInt8](Self.syn.prefix(length))) == .truncated)
    }

    @Test("data offsets", arguments: 0...15)
    func dataOffsets(words: Int) {
        let error: TCPError? = words < 5 ? .dataOffset : words > 10 ? .truncated : nil
        #expect(Self.error(Self.syn.patched([12: UInt8(words) << 4])) == error)
    }

    @Test("reserved bits are ignored and shown")
    func reserved() throws {
        let view = try TCPView(validating: Self.syn.patched([12: 0xAF]).span)
        let bits = view.reservedBits
        let length = view.headerLength
        #expect(bits == 15)
        #expect(length == 40)
    }

    @Test("no single bit changes unseen")
    func flips() throws {
        for bit in 0..<Self.data.count * 8 {
            let flipped = Self.data.patched([bit / 8: Self.data[bit / 8] ^ 1 << UInt8(bit % 8)])
            guard let view = try? TCPView(validating: flipped.span) else { continue }
            let isValid = view.hasValidChecksum(pseudoHeaderSum: Self.pseudoHeader(37))
            #expect(!isValid, "bit \(bit)")
        }
    }

    @Test("flags are the bits of the header, each its own")
    func flags() {
        let all: [TCPFlags] = [.fin, .syn, .rst, .psh, .ack, .urg, .ece, .cwr]
        #expect(all.map(\.rawValue) == [1, 2, 4, 8, 16, 32, 64, 128])
    }

    @Test(
        "SEG.LEN counts text, SYN and FIN",
        arguments: [
            ([], 0, 0), ([.syn], 0, 1), ([.fin, .ack], 0, 1), ([.syn, .fin], 7, 9), ([.psh, .ack, .urg, .rst], 7, 7),
        ] as [(TCPFlags, Int, UInt32)])
    func length(flags: TCPFlags, text: Int, length: UInt32) {
        var seg = Segment()
        seg.flags = flags
        seg.payloadLength = text
        #expect(seg.length == length)
    }

    /// What is not acknowledged is not told.
    @Test("an acknowledgment number without its bit is written as 0")
    func noAcknowledgment() {
        var seg = Segment()
        seg.ack = SequenceNumber(.max)
        seg.flags = .rst
        let octets = written(20) { seg.emitHeader(into: &$0, sourcePort: 1, destinationPort: 2) }
        #expect(octets == hex("0001 0002 00000000 00000000 5004 0000 0000 0000"))
    }

    @Test("what is written is read", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var generator = Generator(seed: Seed(seed))
        for _ in 0..<1000 {
            var seg = Segment()
            seg.seq = SequenceNumber(generator.number())
            seg.flags = TCPFlags(rawValue: generator.number()).union(.ack)
            seg.ack = SequenceNumber(generator.number())
            seg.window = generator.number()
            seg.urgentPointer = generator.number()
            seg.options = TCPOptionsTests.randomOptions(&generator)
            let text = generator.octets(Int(generator.next(below: 50)))
            seg.payloadLength = text.count
            let pseudoHeader: UInt32 = generator.number()
            let octets = written(seg.headerLength + text.count) {
                seg.emitHeader(into: &$0, sourcePort: 7, destinationPort: 9)
                $0.copy(from: text.span, at: seg.headerLength)
                Segment.storeChecksum(in: &$0, pseudoHeaderSum: pseudoHeader)
            }
            let view = try TCPView(validating: octets.span)
            let read = view.segment
            let isValid = view.hasValidChecksum(pseudoHeaderSum: pseudoHeader)
            let ports = [view.sourcePort, view.destinationPort]
            #expect(read == seg)
            #expect(isValid)
            #expect(ports == [7, 9])
        }
    }
}
