import Glibc
import NetPrimitives
import PacketPrinting

/// What a run is told in when somebody looks at a finding: with FUZZ_TELL=1 in the environment each step says a line.
enum Telling {
    static let isOn = unsafe getenv("FUZZ_TELL") != nil

    static func say(_ line: @autoclosure () -> String) {
        guard isOn else { return }
        let text = Array((line() + "\n").utf8)
        unsafe text.withUnsafeBytes { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// A packet as tcpdump prints it.
    static func say(_ words: String, _ packet: [UInt8], at now: Instant) {
        guard isOn else { return }
        var options = PacketPrinter.Options()
        options.numeric = true
        options.absoluteSequence = true
        var printer = PacketPrinter(options: options)
        say("\(words) \(printer.line(for: packet, at: now))")
    }
}
