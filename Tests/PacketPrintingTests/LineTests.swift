import NetPrimitives
import PacketCapture
import PacketPrinting
import Testing

@Suite("Lines")
struct LineTests {
    @Test("Golden lines", arguments: Golden.all)
    func golden(_ row: Golden) {
        var options = row.switches.options
        options.packetNumber = false
        var printer = PacketPrinter(options: options)
        for (index, packet) in row.packets.enumerated() {
            let line = printer.line(for: packet.bytes, at: packet.instant, originalLength: packet.originalLength)
            #expect(line == row.lines[index])
        }
        #expect(row.packets.count == row.lines.count)
    }

    private static let syn = Assemble.ipv4(
        IPAddress("127.0.0.1")!, IPAddress("127.0.0.1")!, 6,
        Assemble.tcp(Endpoint("127.0.0.1:40000")!, Endpoint("127.0.0.1:80")!, seq: 9, ack: 0, flags: 2, window: 512))

    @Test("Names come from the caller")
    func names() {
        var options = PacketPrinter.Options()
        options.time = .none
        var printer = PacketPrinter(options: options)
        #expect(
            printer.line(for: Self.syn, at: .zero)
                == "IP 127.0.0.1.40000 > 127.0.0.1.http: Flags [S], seq 9, win 512, length 0")
        printer.options.names = NameSource(
            hostName: { $0 == IPAddress("127.0.0.1") ? "localhost" : nil },
            serviceName: { port, transport in transport == .tcp && port == 40_000 ? "forty" : nil })
        #expect(
            printer.line(for: Self.syn.span, at: .zero)
                == "IP localhost.forty > localhost.80: Flags [S], seq 9, win 512, length 0")
        printer.options.numeric = true
        #expect(
            printer.line(for: Self.syn, at: .zero)
                == "IP 127.0.0.1.40000 > 127.0.0.1.80: Flags [S], seq 9, win 512, length 0")
    }

    @Test(
        "Times",
        arguments: [
            (PacketPrinter.TimeFormat.timeOfDay, 0, "00:00:00.000000"),
            (.timeOfDay, 86_399_999_999_999, "23:59:59.999999"),
            (.timeOfDay, -1, "23:59:59.999999"), (.epoch, 1_999, "0.000001"), (.epoch, -1_500_000_000, "-1.500000"),
            (.dateAndTime, 0, "1970-01-01 00:00:00.000000"),
            (.dateAndTime, 951_782_400_000_000_000, "2000-02-29 00:00:00.000000"),
            (.dateAndTime, 4_107_542_399_000_000_000, "2100-02-28 23:59:59.000000"),
            (.dateAndTime, 4_107_542_400_000_000_000, "2100-03-01 00:00:00.000000"),
            (.dateAndTime, -1, "1969-12-31 23:59:59.999999"), (.dateAndTime, .max, "2262-04-11 23:47:16.854775"),
            (.dateAndTime, .min, "1677-09-21 00:12:43.145224"), (.sinceFirst, .max, " 00:00:00.000000"),
        ] as [(PacketPrinter.TimeFormat, Int64, String)])
    func times(_ format: PacketPrinter.TimeFormat, _ nanoseconds: Int64, _ text: String) {
        var options = PacketPrinter.Options()
        options.time = format
        var printer = PacketPrinter(options: options)
        let line = printer.line(for: Self.syn, at: Instant(nanoseconds: nanoseconds))
        #expect(line.hasPrefix(text + " IP "), "\(line)")
    }

    @Test("Relative times count from a first packet at zero, and may run backwards")
    func relativeTimes() {
        var options = PacketPrinter.Options()
        options.time = .sincePrevious
        options.nanoseconds = true
        var printer = PacketPrinter(options: options)
        let stamps = [0, 100_000_000, 99_999_999, .min, .max].map { nanoseconds in
            printer.line(for: Self.syn, at: Instant(nanoseconds: nanoseconds)).prefix(19)
        }
        #expect(stamps[..<3] == [" 00:00:00.000000000", " 00:00:00.100000000", "-00:00:00.000000001"])
        options.time = .sinceFirst
        printer = PacketPrinter(options: options)
        let fromFirst = [5, 7, 4].map { printer.line(for: Self.syn, at: Instant(nanoseconds: $0)).prefix(19) }
        #expect(fromFirst == [" 00:00:00.000000000", " 00:00:00.000000002", "-00:00:00.000000001"])
    }

    @Test(
        "Local time is UTC plus the offset",
        arguments: [(3_600, "01:00:00.000000"), (-3_600, "23:00:00.000000")] as [(Int64, String)])
    func timeZone(_ seconds: Int64, _ text: String) {
        var options = PacketPrinter.Options()
        options.timeZoneOffset = .seconds(seconds)
        var printer = PacketPrinter(options: options)
        #expect(printer.line(for: Self.syn, at: .zero).hasPrefix(text))
    }

    @Test("The oldest conversation is forgotten first")
    func conversationLimit() {
        var options = PacketPrinter.Options()
        options.time = .none
        options.numeric = true
        var printer = PacketPrinter(options: options, conversationLimit: 2)
        func line(_ port: UInt16) -> String {
            let from = Endpoint(IPAddress("10.0.0.1")!, port)
            let to = Endpoint("10.0.0.2:80")!
            let segment = Assemble.tcp(from, to, seq: 500, ack: 700, flags: 0x11)
            return printer.line(for: Assemble.ipv4(from.address, to.address, 6, segment), at: .zero)
        }
        let isRelative = [1001, 1001, 1002, 1001, 1003, 1002, 1001, 1003].map { line($0).contains("seq 0, ack 1,") }
        // 1001 begins, then 1002; 1003 pushes 1001 out, which on its return pushes 1002 out.
        #expect(isRelative == [false, true, false, true, false, true, false, true])
    }

    @Test("No bytes trap", arguments: 0..<40 as Range<UInt64>)
    func anyBytes(_ seed: UInt64) {
        var forge = PacketForge(seed: seed)
        var printers = Switches.all.map { PacketPrinter(options: $0.options, conversationLimit: 8) }
        for round in 0..<200 {
            var bytes =
                round % 4 == 0 ? forge.dice.octets(forge.dice.below(120)) : forge.mutated(forge.mutated(forge.packet()))
            if round % 8 == 0 && !bytes.isEmpty { bytes[0] = forge.dice.oneIn(2) ? 0x45 : 0x60 }
            if forge.dice.oneIn(3) { bytes.removeLast(forge.dice.below(bytes.count + 1)) }
            let length = forge.dice.pick([bytes.count, bytes.count + 1, 0, -1, .max, .min, 65_535])
            let instant = Instant(nanoseconds: Int64(bitPattern: forge.dice.next()))
            for index in printers.indices {
                let line = printers[index].line(for: bytes, at: instant, originalLength: length)
                #expect(!line.isEmpty, "seed \(seed), round \(round): \(bytes)")
            }
        }
    }

    @Test("Packets nested as deep as they go", arguments: [1, 4] as [UInt8])
    func nesting(_ number: UInt8) {
        let host = IPAddress("10.0.0.1")!
        var packet: [UInt8] = []
        for _ in 0..<2_000 {
            let payload = number == 1 ? Assemble.icmpv4(3, 1, [0, 0, 0, 0] + packet) : packet
            packet = Assemble.ipv4(host, host, number, payload)
        }
        var options = PacketPrinter.Options()
        options.verbosity = 1
        var printer = PacketPrinter(options: options)
        let lines = printer.line(for: packet, at: .zero).split(separator: "\n").count
        #expect(lines > 16 && lines < 64)
    }
}
