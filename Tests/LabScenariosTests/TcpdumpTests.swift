import Foundation
import LabScenarios
import NetPrimitives
import PacketPrinting
import Testing

/// The tcpdump of this machine, if it is of the series that the printer follows.
private enum Tcpdump {
    static let path = ["/usr/sbin/tcpdump", "/usr/bin/tcpdump"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static let isUsable = ((try? run(["--version"])) ?? "").contains("tcpdump version 4.99.")

    static func run(_ arguments: [String]) throws -> String {
        guard let path else { return "" }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ["TZ": "UTC"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// What it prints for the bytes of a capture file.
    static func read(_ capture: [UInt8], _ arguments: [String]) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("lab-\(UUID().uuidString).pcap")
        try Data(capture).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try run(["-r", file.path] + arguments)
    }
}

@Suite("The lab's captures", .enabled(if: Tcpdump.isUsable, "needs tcpdump 4.99"))
struct LabCaptureTests {
    private static let forms: [(String, PacketPrinter.TimeFormat)] = [
        ("-n", .timeOfDay), ("-nt", .none), ("-ntt", .epoch), ("-nttt", .sincePrevious), ("-ntttt", .dateAndTime),
        ("-nttttt", .sinceFirst),
    ]

    @Test("read the same in tcpdump", arguments: Scenario.allCases, [false, true])
    func lines(scenario: Scenario, usesIPv6: Bool) throws {
        var settings = LabSettings()
        settings.usesIPv6 = usesIPv6
        let run = scenario.run(settings)
        for (form, time) in Self.forms {
            for isAbsolute in [false, true] {
                var options = PacketPrinter.Options()
                (options.numeric, options.time, options.absoluteSequence) = (true, time, isAbsolute)
                let theirs = try Tcpdump.read(run.pcap(), [isAbsolute ? form + "S" : form])
                #expect(run.lines(options).joined(separator: "\n") + "\n" == theirs)
            }
        }
    }

    @Test("have checksums that are all right", arguments: Scenario.allCases, [false, true])
    func checksums(scenario: Scenario, usesIPv6: Bool) throws {
        var settings = LabSettings()
        settings.usesIPv6 = usesIPv6
        let text = try Tcpdump.read(scenario.run(settings).pcap(), ["-n", "-v"])
        #expect(!text.contains("incorrect") && !text.contains("bad"))
        #expect(text.contains("(correct)"))
    }
}
