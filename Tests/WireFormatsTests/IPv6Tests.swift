import NetPrimitives
import Testing
import WireFormats

@Suite("RFC 8200, IPv6 headers and their extensions")
struct IPv6Tests {
    /// A packet from 2001:db8::1 to 2001:db8::2: `next` tells what `body` begins with.
    static func packet(_ next: IPProtocol, _ body: [UInt8]) -> [UInt8] {
        let header = IPv6Header(
            source: IPv6Address(high: 0x2001_0db8_0000_0000, low: 1),
            destination: IPv6Address(high: 0x2001_0db8_0000_0000, low: 2), nextHeader: next, payloadLength: body.count)
        return written(IPv6Header.length) { header.emit(into: &$0) } + body
    }

    /// What a view says of a packet's layers.
    struct Layers: Hashable {
        var upper: IPProtocol
        var offset: Int
        var isAtomic = false
        var fragment: IPv6Fragment?
    }

    static func layers(_ octets: [UInt8]) throws(IPv6Error) -> Layers {
        let view = try IPv6View(validating: octets.span)
        return Layers(
            upper: view.upperProtocol, offset: view.upperOffset,
            isAtomic: view.isAtomicFragment, fragment: view.fragment)
    }

    static func error(_ octets: [UInt8]) -> IPv6Error? {
        do throws(IPv6Error) {
            _ = try layers(octets)
            return nil
        } catch { return error }
    }

    @Test("a packet says what it holds, without the link's padding")
    func accessors() throws {
        let octets = hex(
            """
            6b51 2345 0004 3b07 20010db8000000000000000000000001 20010db8000000000000000000000002 01020304 ffff
            """)
        let view = try IPv6View(validating: octets.span)
        let numbers = [Int(view.trafficClass), Int(view.ecn.rawValue), Int(view.flowLabel), Int(view.hopLimit)]
        #expect(numbers == [0xB5, 1, 0x12345, 7])
        let source = view.source
        let destination = view.destination
        let payload = bytes(view.payload)
        let upper = view.upperProtocol
        #expect(source == IPv6Address(high: 0x2001_0db8_0000_0000, low: 1))
        #expect(destination == IPv6Address(high: 0x2001_0db8_0000_0000, low: 2))
        #expect(payload == [1, 2, 3, 4])
        #expect(upper == .noNext)
    }

    static let tcp = [UInt8](repeating: 0x50, count: 20)
    static let withAll =
        hex("3c00 0502 0000 0100") + hex("2b00 0104 00000000") + hex("0600 0000 00000000") + tcp

    @Test("cut off anywhere it is truncated")
    func truncated() {
        let octets = Self.packet(.hopByHop, Self.withAll)
        #expect(Self.error(octets) == nil)
        for length in 0..<octets.count { #expect(Self.error([UInt8](octets.prefix(length))) == .truncated) }
    }

    /// The payload length is right, but ends within a header.
    @Test("cut off anywhere, and honest about it, it is truncated or has no upper layer")
    func ends() throws {
        for length in 0..<24 {
            let octets = Self.packet(.hopByHop, [UInt8](Self.withAll.prefix(length)))
            #expect(Self.error(octets) == .truncated, "\(length) bytes of extension headers")
        }
        #expect(try Self.layers(Self.packet(.hopByHop, [UInt8](Self.withAll.prefix(24)))).offset == 64)
    }

    struct Row: CustomTestStringConvertible {
        var testDescription: String
        var octets: [UInt8]
        var error: IPv6Error

        init(_ name: String, _ next: IPProtocol, _ body: String, _ error: IPv6Error) {
            testDescription = name
            octets = IPv6Tests.packet(next, hex(body) + IPv6Tests.tcp)
            self.error = error
        }

        init(_ name: String, octets: [UInt8], _ error: IPv6Error) {
            testDescription = name
            self.octets = octets
            self.error = error
        }
    }

    static func unknown(_ type: UInt8, at pointer: UInt32) -> IPv6Error {
        let octets = packet(.destinationOptions, [6, 0, type, 0, 1, 2, 0, 0])
        guard case .option(var option)? = error(octets) else { return .truncated }
        option.pointer = pointer
        return .option(option)
    }

    @Test(
        "refused",
        arguments: [
            Row("version 4", octets: packet(.tcp, tcp).patched([0: 0x40]), .version),
            Row("a length beyond the packet", octets: packet(.tcp, tcp).storing(21, at: 4), .truncated),
            Row("an extension header beyond the packet", .hopByHop, "0604 0104 00000000", .truncated),
            Row(
                "hop-by-hop behind another header", .destinationOptions, "0000 0104 00000000 0600 0104 00000000",
                .headerOrder),
            Row("hop-by-hop twice", .hopByHop, "0000 0104 00000000 0600 0104 00000000", .headerOrder),
            Row(
                "hop-by-hop behind a fragment header", .fragment, "0000 0000 00000000 0600 0104 00000000",
                .headerOrder),
            Row("an option longer than its header", .destinationOptions, "0600 0105 00000000", .optionLength),
            Row("an option without its length", .destinationOptions, "0600 0103 00000001", .optionLength),
            Row("a jumbogram", .hopByHop, "0600 c204 00010000", unknown(0xC2, at: 42)),
            Row("an option to drop for", .destinationOptions, "0600 0000 4000 0000", unknown(0x40, at: 44)),
            Row("an option to tell of", .hopByHop, "0600 0100 8001 0000", unknown(0x80, at: 44)),
            Row("routing type 0 with a segment left", .routing, "0600 0001 00000000", .routingHeader),
            Row("a routing type unknown with segments left", .routing, "0600 fd02 00000000", .routingHeader),
        ])
    func refused(_ row: Row) {
        #expect(Self.error(row.octets) == row.error)
    }

    @Test(
        "RFC 8200, 4.2: who wants to be told of an unknown option",
        arguments: [(0x41 as UInt8, false, false), (0x81, true, true), (0xC1, true, false)])
    func optionActions(type: UInt8, unicast: Bool, multicast: Bool) throws {
        let octets = Self.packet(.destinationOptions, [6, 0, type, 0, 1, 2, 0, 0] + Self.tcp)
        guard case .option(let option)? = Self.error(octets) else {
            Issue.record("the option is refused")
            return
        }
        #expect(option.type == type)
        #expect(option.pointer == 42)
        #expect(option.asksForAnswer(toMulticast: false) == unicast)
        #expect(option.asksForAnswer(toMulticast: true) == multicast)
    }

    struct Walk: CustomTestStringConvertible {
        var testDescription: String
        var octets: [UInt8]
        var layers: Layers

        init(_ name: String, _ next: IPProtocol, _ body: String, _ layers: Layers) {
            testDescription = name
            octets = IPv6Tests.packet(next, hex(body) + IPv6Tests.tcp)
            self.layers = layers
        }
    }

    @Test(
        "walked",
        arguments: [
            Walk("none", .tcp, "", Layers(upper: .tcp, offset: 40)),
            Walk("router alert", .hopByHop, "0600 0502 0000 0100", Layers(upper: .tcp, offset: 48)),
            Walk(
                "options unknown and harmless", .destinationOptions, "0601 3e01 aa 00 1f00 00 05000000000000",
                Layers(upper: .tcp, offset: 56)),
            Walk(
                "a routing type 0 that is done", .routing, "0600 0000 00000000",
                Layers(upper: .tcp, offset: 48)),
            Walk(
                "a protocol unknown", IPProtocol(rawValue: 253), "",
                Layers(upper: IPProtocol(rawValue: 253), offset: 40)),
            Walk(
                "RFC 6946: an atomic fragment", .fragment, "0600 0000 12345678",
                Layers(upper: .tcp, offset: 48, isAtomic: true)),
            Walk(
                "an atomic fragment with reserved bits", .fragment, "06ff 0006 12345678",
                Layers(upper: .tcp, offset: 48, isAtomic: true)),
            Walk(
                "an atomic fragment between options", .destinationOptions,
                "2c00 0104 00000000 3c00 0000 12345678 0600 0104 00000000",
                Layers(upper: .tcp, offset: 64, isAtomic: true)),
        ])
    func walked(_ row: Walk) throws {
        #expect(try Self.layers(row.octets) == row.layers)
    }

    @Test("no more headers, and no more bytes of them, than the caps")
    func caps() {
        func chain(_ count: Int, units: UInt8) -> [UInt8] {
            let header = { (next: UInt8) in
                [next, units, 1, 4, 0, 0, 0, 0] + [UInt8](repeating: 0, count: Int(units) * 8)
            }
            return Self.packet(
                .destinationOptions, (1..<count).flatMap { _ in header(60) } + header(6) + Self.tcp)
        }
        #expect(Self.error(chain(IPv6View.extensionHeaderLimit, units: 0)) == nil)
        #expect(Self.error(chain(IPv6View.extensionHeaderLimit + 1, units: 0)) == .tooManyHeaders)
        #expect(Self.error(chain(1, units: 255)) == nil)
        #expect(Self.error(chain(2, units: 255)) == .tooManyHeaders)
    }

    @Test("what is written is read", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var generator = Generator(seed: Seed(seed))
        for _ in 0..<500 {
            var header = IPv6Header(
                source: IPv6Address(high: generator.next(), low: generator.next()),
                destination: IPv6Address(high: generator.next(), low: generator.next()), nextHeader: .udp,
                payloadLength: Int(generator.next(below: 100)), hopLimit: generator.number(),
                flowLabel: generator.next(below: 1 << 20))
            header.trafficClass = generator.number()
            let octets = written(IPv6Header.length + header.payloadLength) { header.emit(into: &$0) }
            let view = try IPv6View(validating: octets.span)
            var read = IPv6Header(
                source: view.source, destination: view.destination, nextHeader: view.upperProtocol,
                payloadLength: view.payload.count, hopLimit: view.hopLimit, flowLabel: view.flowLabel)
            read.trafficClass = view.trafficClass
            #expect(read == header)
        }
    }
}

@Suite("RFC 8200, 4.5: fragment headers")
struct IPv6FragmentTests {
    static let tcp = IPv6Tests.tcp

    @Test("a fragment ends the walk, and tells its place")
    func fragment() throws {
        let octets = IPv6Tests.packet(
            .destinationOptions, hex("2c00 0104 00000000 0600 05a9 12345678") + [UInt8](repeating: 0, count: 16))
        let layers = try IPv6Tests.layers(octets)
        #expect(layers.offset == 56)
        #expect(layers.fragment?.headerOffset == 48)
        #expect(layers.fragment?.linkOffset == 40)
        #expect(layers.fragment?.offset == 0x5A8)
        #expect(layers.fragment?.moreFragments == true)
        #expect(layers.fragment?.identification == 0x1234_5678)
        #expect(layers.fragment?.nextHeader == .tcp)
        let view = try IPv6View(validating: octets.span)
        let headers = bytes(view.headers)
        #expect(headers == [UInt8](octets.prefix(48)))
    }

    /// A later fragment's data is never read as headers.
    @Test("what a later fragment carries is not walked")
    func laterFragment() throws {
        let octets = IPv6Tests.packet(.fragment, hex("0000 0009 12345678") + [UInt8](repeating: 0xFF, count: 8))
        #expect(try IPv6Tests.layers(octets).offset == 48)
    }

    @Test(
        "RFC 7112: a first fragment holds all headers",
        arguments: [
            ("0600 0001 12345678", 20, nil), ("0600 0001 12345678", 16, .headerChain),
            ("1100 0001 12345678", 8, nil), ("1100 0001 12345678", 0, .headerChain),
            ("3a00 0001 12345678", 8, nil), ("3a00 0001 12345678", 0, .headerChain),
            ("3c00 0001 12345678 0600 0104 00000000", 16, .headerChain),
            ("3c00 0001 12345678 0600 0104 00000000", 24, nil),
            ("3c00 0001 12345678 0601 0104 00000000", 0, .headerChain),
            ("3c00 0001 12345678 2c00 0104 00000000 0600 0000 00000000", 24, .headerOrder),
        ] as [(String, Int, IPv6Error?)])
    func headerChain(headers: String, data: Int, error: IPv6Error?) {
        let octets = IPv6Tests.packet(.fragment, hex(headers) + [UInt8](repeating: 0, count: data))
        #expect(IPv6Tests.error(octets) == error)
    }
}
