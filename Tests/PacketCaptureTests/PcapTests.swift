import NetPrimitives
import PacketCapture
import Testing

@Suite("pcap files")
struct PcapTests {
    @Test("The bytes of a file are what the format says, on every machine")
    func golden() {
        let writer = PcapWriter()
        #expect(
            writer.header() == [
                0x4D, 0x3C, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0,
            ])
        let record = writer.record([1, 2, 3] as [UInt8], at: Instant(nanoseconds: 1_000_000_258), originalLength: 300)
        #expect(record == [1, 0, 0, 0, 2, 1, 0, 0, 3, 0, 0, 0, 44, 1, 0, 0, 1, 2, 3])
        #expect(
            writer.record(([1, 2, 3] as [UInt8]).span, at: Instant(nanoseconds: 1_000_000_258), originalLength: 300)
                == record)
    }

    @Test("What is written reads back", arguments: [TimeResolution.microsecond, .nanosecond])
    func roundTrip(_ resolution: TimeResolution) throws {
        let writer = PcapWriter(linkType: .ethernet, resolution: resolution)
        let packets = (0..<20).map { index in
            CapturedPacket(
                instant: Instant(nanoseconds: Int64(index) * 1_234_567_000),
                bytes: (0..<index * 7).map { UInt8(truncatingIfNeeded: $0 &* 31) }, originalLength: index * 9)
        }
        var file = writer.header()
        for packet in packets {
            file += writer.record(packet.bytes, at: packet.instant, originalLength: packet.originalLength)
        }
        var reader = try PcapReader(file)
        #expect(reader.linkType == .ethernet)
        #expect(reader.resolution == resolution)
        for packet in packets { #expect(try reader.next() == packet) }
        #expect(try reader.next() == nil)
    }

    @Test("Big-endian files", arguments: [UInt32(0xA1B2_C3D4), 0xA1B2_3C4D])
    func bigEndian(_ magic: UInt32) throws {
        func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        let file =
            big(magic) + [0, 2, 0, 4] + big(0) + big(0) + big(65_535) + big(0x3000_0065) + big(7) + big(5) + big(2)
            + big(60) + [0x45, 0]
        var reader = try PcapReader(file)
        #expect(reader.linkType == .raw)
        #expect(reader.snapLength == 65_535)
        let nanoseconds: Int64 = magic == 0xA1B2_3C4D ? 7_000_000_005 : 7_000_005_000
        #expect(
            try reader.next()
                == CapturedPacket(instant: Instant(nanoseconds: nanoseconds), bytes: [0x45, 0], originalLength: 60))
        #expect(try reader.next() == nil)
    }

    @Test("Packets are cut at the snap length")
    func snapLength() throws {
        let writer = PcapWriter(snapLength: 4)
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6]
        let cut = CapturedPacket(instant: .zero, bytes: [1, 2, 3, 4], originalLength: 6)
        var reader = try PcapReader(writer.header() + writer.record(bytes, at: .zero))
        #expect(try reader.next() == cut)
        var second = try PcapReader(writer.header() + writer.record(bytes.span, at: .zero))
        #expect(try second.next() == cut)
    }

    @Test("Times beyond the format's are moved to its ends")
    func extremeTimes() throws {
        let writer = PcapWriter()
        let file =
            writer.header() + writer.record([1] as [UInt8], at: Instant(nanoseconds: -1))
            + writer.record([1] as [UInt8], at: .distantFuture)
        var reader = try PcapReader(file)
        #expect(try reader.next()?.instant == .zero)
        #expect(try reader.next()?.instant == Instant(nanoseconds: 4_294_967_295_999_999_999))
    }

    @Test("Bytes that are no pcap file say why")
    func errors() throws {
        #expect(throws: PcapError.headerTruncated(have: 0)) { try PcapReader([]) }
        let header = PcapWriter().header()
        #expect(throws: PcapError.headerTruncated(have: 23)) { try PcapReader(Array(header.dropLast())) }
        #expect(throws: PcapError.notPcap(magic: 0x0A0D_0D0A)) {
            try PcapReader([0x0A, 0x0D, 0x0D, 0x0A] + header[4...])
        }
        var old = header
        old[4] = 1
        #expect(throws: PcapError.unsupportedVersion(major: 1, minor: 4)) { try PcapReader(old) }

        let record = PcapWriter().record([1, 2, 3] as [UInt8], at: .zero)
        var short = try PcapReader(header + record + record.prefix(15))
        #expect(try short.next()?.bytes == [1, 2, 3])
        #expect(throws: PcapError.recordTruncated(index: 1, have: 15, need: 16)) { try short.next() }
        #expect(throws: PcapError.recordTruncated(index: 1, have: 15, need: 16)) { try short.next() }
        var cut = try PcapReader(header + record.dropLast())
        #expect(throws: PcapError.recordTruncated(index: 0, have: 18, need: 19)) { try cut.next() }
        var long = record
        long.replaceSubrange(8..<12, with: [1, 0, 4, 0])
        var tooLong = try PcapReader(header + long)
        #expect(throws: PcapError.recordTooLong(index: 0, length: 262_145)) { try tooLong.next() }
    }

    @Test("No bytes trap", arguments: 0..<200 as Range<UInt64>)
    func anyBytes(_ seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func draw() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let writer = PcapWriter()
        var file = writer.header()
        for _ in 0..<3 { file += writer.record([UInt8](repeating: 7, count: Int(draw() % 40)), at: .zero) }
        for _ in 0..<1 + draw() % 4 { file[Int(draw() % UInt64(file.count))] = UInt8(truncatingIfNeeded: draw()) }
        file.removeLast(Int(draw() % UInt64(file.count)))
        guard var reader = try? PcapReader(file) else { return }
        var count = 0
        while let packet = try? reader.next() {
            count += 1
            #expect(packet.bytes.count <= file.count)
        }
        #expect(count <= file.count / 16)
    }
}
