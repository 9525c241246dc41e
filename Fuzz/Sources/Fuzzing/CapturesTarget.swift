import NetPrimitives
import PacketCapture
import PacketPrinting

/// Capture files of any bytes, and a line for whatever packet is in them.
public enum CapturesTarget {
    /// - Parameter bytes: two bytes of switches for the printer, then a capture; what is no capture is one packet.
    public static func run(_ bytes: [UInt8]) {
        var input = Input(bytes)
        var printer = PacketPrinter(options: options(&input), conversationLimit: 4)
        let file = input.rest()
        guard var reader = try? PcapReader(file) else {
            return print(CapturedPacket(instant: .zero, bytes: file), by: &printer)
        }
        var total = 24
        do throws(PcapError) {
            while let packet = try reader.next() {
                total += 16 + packet.bytes.count
                check(total <= file.count, "no packet is longer than its file")
                print(packet, by: &printer)
            }
            check(total == file.count, "a capture without an error was read to its end")
        } catch {
            // What follows a broken record has no beginning.
            let again = Result { try reader.next() }
            if case .failure(let second) = again { check(second as? PcapError == error, "an error stays") }
            check((try? again.get()) == nil, "nothing is read behind an error")
        }
    }

    private static func options(_ input: inout Input) -> PacketPrinter.Options {
        let (first, second) = (input.byte(), input.byte())
        var options = PacketPrinter.Options()
        options.numeric = first & 1 != 0
        options.absoluteSequence = first & 2 != 0
        options.nanoseconds = first & 4 != 0
        options.quiet = first & 8 != 0
        options.linkHeader = first & 16 != 0
        options.packetNumber = first & 32 != 0
        options.verifiesChecksums = first & 64 == 0
        options.verbosity = Int(second & 3)
        let formats = PacketPrinter.TimeFormat.allCases
        options.time = formats[Int(second >> 2) % formats.count]
        return options
    }

    private static func print(_ packet: CapturedPacket, by printer: inout PacketPrinter) {
        let line = printer.line(for: packet.bytes, at: packet.instant, originalLength: packet.originalLength)
        check(!line.isEmpty && line.utf8.last != 0x0A, "a packet has a line")
        // Hexadecimal of all bytes would be four characters each; a line is of that order at most.
        check(line.utf8.count <= 4_000 + 8 * packet.bytes.count, "a line is no longer than its packet deserves")
    }
}
