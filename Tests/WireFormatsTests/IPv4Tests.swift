import NetPrimitives
import Testing
import WireFormats

@Suite("RFC 791, IPv4 headers")
struct IPv4Tests {
    /// UDP from 192.168.0.1 to 192.168.0.199, 115 bytes, with its checksum b861.
    static let packet =
        hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7") + [UInt8](repeating: 7, count: 95)

    static func error(_ octets: [UInt8]) -> IPv4Error? {
        do throws(IPv4Error) {
            _ = try IPv4View(validating: octets.span)
            return nil
        } catch { return error }
    }

    /// A header of `packet`, changed, with the checksum that it should have then.
    static func patched(_ patches: [Int: UInt8]) -> [UInt8] {
        var octets = packet.patched(patches).storing(0, at: 10)
        let length = min(Int(octets[0] & 15) * 4, octets.count)
        octets = octets.storing(~referenceSum(octets[..<length]), at: 10)
        return octets
    }

    @Test("a packet says what it holds")
    func accessors() throws {
        let octets = Self.packet + [9, 9, 9]
        let view = try IPv4View(validating: octets.span)
        let source = view.source
        let destination = view.destination
        let payload = bytes(view.payload)
        let numbers = [view.headerLength, view.totalLength, Int(view.timeToLive), Int(view.protocol.rawValue)]
        let bits = [view.dontFragment, view.moreFragments, view.isFragment]
        #expect(source == IPv4Address(192, 168, 0, 1))
        #expect(destination == IPv4Address(192, 168, 0, 199))
        #expect(numbers == [20, 115, 64, 17])
        #expect(bits == [true, false, false])
        #expect(payload == [UInt8](repeating: 7, count: 95), "what the link padded is cut off")
    }

    @Test("cut off anywhere it is truncated", arguments: 0..<115)
    func truncated(length: Int) {
        #expect(Self.error([UInt8](Self.packet.prefix(length))) == .truncated)
    }

    struct Row: CustomTestStringConvertible {
        var testDescription: String
        var patches: [Int: UInt8]
        var error: IPv4Error?

        init(_ name: String, _ patches: [Int: UInt8], _ error: IPv4Error?) {
            testDescription = name
            self.patches = patches
            self.error = error
        }
    }

    @Test(
        "contradictions",
        arguments: [
            Row("nothing wrong", [:], nil),
            Row("version 0", [0: 0x05], .version),
            Row("version 5", [0: 0x55], .version),
            Row("version 6", [0: 0x65], .version),
            Row("a header of 0 words", [0: 0x40], .headerLength),
            Row("a header of 4 words", [0: 0x44], .headerLength),
            Row("a header of 15 words", [0: 0x4F], nil),
            Row("a total length of 0", [2: 0, 3: 0], .totalLength),
            Row("a total length below 20", [2: 0, 3: 19], .totalLength),
            Row("a total length of the header alone", [2: 0, 3: 20], nil),
            Row("a total length below a header with options", [0: 0x4F, 2: 0, 3: 59], .totalLength),
            Row("a total length beyond the packet", [2: 0, 3: 116], .truncated),
            Row("the largest total length", [2: 255, 3: 255], .truncated),
        ])
    func contradictions(_ row: Row) {
        #expect(Self.error(Self.patched(row.patches)) == row.error)
    }

    @Test("no single bit of the header changes unseen", arguments: 0..<160)
    func flips(bit: Int) {
        let flipped = Self.packet[bit / 8] ^ 1 << UInt8(bit % 8)
        #expect(Self.error(Self.packet.patched([bit / 8: flipped])) != nil)
    }

    @Test("options are skipped")
    func options() throws {
        let octets = Self.patched([0: 0x46, 20: 1, 21: 1, 22: 1, 23: 0])
        let view = try IPv4View(validating: octets.span)
        let lengths = [view.headerLength, view.payload.count]
        #expect(lengths == [24, 91])
    }

    @Test(
        "a fragment is one with an offset or with more to come",
        arguments: [
            (0x0000 as UInt16, false, false, 0), (0x4000, false, false, 0), (0x8000, false, false, 0),
            (0x2000, true, true, 0), (0x0001, true, false, 8), (0x3FFF, true, true, 65_528),
            (0x1FFF, true, false, 65_528),
        ])
    func fragments(field: UInt16, isFragment: Bool, more: Bool, offset: Int) throws {
        let octets = Self.patched([6: UInt8(field >> 8), 7: UInt8(field & 0xFF)])
        let view = try IPv4View(validating: octets.span)
        let bits = [view.isFragment, view.moreFragments]
        let place = view.fragmentOffset
        #expect(bits == [isFragment, more])
        #expect(place == offset)
    }

    @Test("what is written is read", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var generator = Generator(seed: Seed(seed))
        for _ in 0..<500 {
            var header = IPv4Header(
                source: IPv4Address(generator.number()), destination: IPv4Address(generator.number()),
                protocol: IPProtocol(rawValue: generator.number()), payloadLength: Int(generator.next(below: 200)),
                timeToLive: generator.number())
            header.trafficClass = generator.number()
            header.identification = generator.number()
            header.dontFragment = generator.coin()
            header.moreFragments = generator.coin()
            header.fragmentOffset = Int(generator.next(below: 8192)) * 8
            let octets = written(IPv4Header.length + header.payloadLength) { header.emit(into: &$0) }
            #expect(referenceSum(octets[..<20]) == 0xFFFF)
            let view = try IPv4View(validating: octets.span)
            var read = IPv4Header(
                source: view.source, destination: view.destination, protocol: view.protocol,
                payloadLength: view.payload.count, timeToLive: view.timeToLive)
            read.trafficClass = view.trafficClass
            read.identification = view.identification
            read.dontFragment = view.dontFragment
            read.moreFragments = view.moreFragments
            read.fragmentOffset = view.fragmentOffset
            #expect(read == header)
            let ecn = view.ecn
            #expect(ecn.rawValue == header.trafficClass & 3)
        }
    }
}
