import Foundation
import NetPrimitives
import PacketCapture
import PacketPrinting
import Testing

/// The tcpdump of this machine, if there is one.
enum Tcpdump {
    static let path: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (folders + ["/usr/sbin", "/usr/bin"]).map { $0 + "/tcpdump" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }()

    private static let version: String = path == nil ? "" : (try? run(["--version"])) ?? ""

    /// Of the 4.99 series, and not Apple's, which prints other things.
    static let isUsable = version.contains("tcpdump version 4.99.") && !version.contains("Apple")

    /// The very release whose every corner the printer follows; later ones differ in what they say of broken packets.
    static let isReference = isUsable && version.contains("tcpdump version 4.99.3")

    /// What tcpdump prints, in UTC.
    static func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path ?? "/usr/sbin/tcpdump")
        process.arguments = arguments
        process.environment = ["TZ": "UTC", "PATH": "/usr/bin:/usr/sbin"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// What tcpdump prints for packets, one text for each.
    static func lines(for packets: [CapturedPacket], _ arguments: [String]) throws -> [String] {
        let writer = PcapWriter()
        var file = writer.header()
        for packet in packets {
            file += writer.record(packet.bytes, at: packet.instant, originalLength: packet.originalLength)
        }
        let name = FileManager.default.temporaryDirectory.appendingPathComponent("packets-\(UUID().uuidString).pcap")
        try Data(file).write(to: name)
        defer { try? FileManager.default.removeItem(at: name) }
        let output = try run(["-#", "-r", name.path] + arguments)
        var texts: [String] = []
        for line in output.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let number = String(texts.count + 1)
            if line.hasPrefix(String(repeating: " ", count: max(0, 5 - number.count)) + number + "  ") {
                texts.append(String(line))
            } else if !texts.isEmpty {
                texts[texts.count - 1] += "\n" + line
            }
        }
        return texts
    }
}

/// Switches of tcpdump and what they mean to the printer.
struct Switches: CustomTestStringConvertible, Sendable {
    let arguments: String
    let set: @Sendable (inout PacketPrinter.Options) -> Void

    init(_ arguments: String, _ set: @escaping @Sendable (inout PacketPrinter.Options) -> Void = { _ in }) {
        self.arguments = arguments
        self.set = set
    }

    var testDescription: String { arguments }

    var options: PacketPrinter.Options {
        var options = PacketPrinter.Options()
        options.numeric = true
        options.packetNumber = true
        set(&options)
        return options
    }

    static let all = [
        Switches("-n"), Switches("-nS") { $0.absoluteSequence = true }, Switches("-nt") { $0.time = .none },
        Switches("-ntt") { $0.time = .epoch }, Switches("-nttt") { $0.time = .sincePrevious },
        Switches("-ntttt") { $0.time = .dateAndTime }, Switches("-nttttt") { $0.time = .sinceFirst },
        Switches("-n --nano") { $0.nanoseconds = true },
        Switches("-nttt --nano") { ($0.nanoseconds, $0.time) = (true, .sincePrevious) },
        Switches("-ntt --nano") { ($0.nanoseconds, $0.time) = (true, .epoch) },
        Switches("-nv") { $0.verbosity = 1 }, Switches("-nvv") { $0.verbosity = 2 },
        Switches("-nvS") { ($0.verbosity, $0.absoluteSequence) = (1, true) },
        Switches("-nvvK") { ($0.verbosity, $0.verifiesChecksums) = (2, false) }, Switches("-nq") { $0.quiet = true },
        Switches("-nqv") { ($0.quiet, $0.verbosity) = (true, 1) }, Switches("-ne") { $0.linkHeader = true },
        Switches("-nev") { ($0.linkHeader, $0.verbosity) = (true, 1) },
    ]
}

@Suite("Lines equal tcpdump's", .enabled(if: Tcpdump.isUsable, "needs tcpdump 4.99"))
struct TcpdumpTests {
    /// Packets of all kinds, whole, cut short and mangled, with times that now and then run backwards.
    static func packets(seed: UInt64, count: Int) -> [CapturedPacket] {
        var forge = PacketForge(seed: seed)
        var packets: [CapturedPacket] = []
        var time: Int64 = 1_700_000_000_123_456_789
        while packets.count < count {
            var bytes = forge.packet()
            if forge.dice.oneIn(3) { bytes = forge.mutated(bytes) }
            guard Scope.covers(bytes) else { continue }
            let length = bytes.count
            if forge.dice.oneIn(5) { bytes.removeLast(forge.dice.below(bytes.count)) }
            time += Int64(forge.dice.below(2_000_000_000)) - 200_000_000
            packets.append(
                CapturedPacket(
                    instant: Instant(nanoseconds: time), bytes: bytes,
                    originalLength: forge.dice.oneIn(20) ? bytes.count : length))
        }
        return packets
    }

    @Test("Golden lines are tcpdump's", arguments: Golden.all)
    func golden(_ row: Golden) throws {
        let theirs = try Tcpdump.lines(for: row.packets, row.switches.arguments.split(separator: " ").map(String.init))
        #expect(theirs.map { $0.dropFirst(7) } == row.lines.map { $0[...] })
    }

    @Test("Jumbograms (RFC 2675)", arguments: [6, 17] as [UInt8])
    func jumbogram(_ number: UInt8) throws {
        let source = Endpoint("[2001:db8::1]:1234")!
        let destination = Endpoint("[2001:db8::2]:40000")!
        let payload = [UInt8](repeating: 7, count: 70_000)
        let transport =
            number == 6
            ? Assemble.tcp(source, destination, seq: 1, ack: 2, flags: 0x10, payload: payload)
            : Assemble.summed(
                Assemble.big16(1234) + Assemble.big16(40_000) + [0, 0, 0, 0] + payload, field: 6, number: 17,
                source.address, destination.address)
        let options = [number, 0, 0xC2, 4] + Assemble.big32(UInt32(transport.count + 8))
        var bytes = Assemble.ipv6(source.address, destination.address, 0, options + transport)
        bytes.replaceSubrange(4..<6, with: [0, 0])
        let packet = CapturedPacket(instant: .zero, bytes: bytes)
        let theirs = try Tcpdump.lines(for: [packet], ["-nvv"])
        var printer = PacketPrinter(options: Switches("") { $0.verbosity = 2 }.options)
        #expect(theirs == [printer.line(for: bytes, at: .zero)])
    }

    @Test(
        "Generated packets", .enabled(if: Tcpdump.isReference, "needs tcpdump 4.99.3"), arguments: Switches.all,
        [1, 2, 3] as [UInt64])
    func generated(_ switches: Switches, seed: UInt64) throws {
        let packets = Self.packets(seed: seed, count: 1_000)
        let theirs = try Tcpdump.lines(for: packets, switches.arguments.split(separator: " ").map(String.init))
        try #require(theirs.count == packets.count)
        var printer = PacketPrinter(options: switches.options)
        var differences = 0
        for (packet, line) in zip(packets, theirs) {
            let ours = printer.line(for: packet.bytes, at: packet.instant, originalLength: packet.originalLength)
            if ours == line { continue }
            differences += 1
            if differences > 5 { break }
            let octets = packet.bytes.map { String($0, radix: 16) }.joined(separator: " ")
            Issue.record("seed \(seed)\nours:   \(ours)\ntheirs: \(line)\nlength \(packet.originalLength) of \(octets)")
        }
    }
}
