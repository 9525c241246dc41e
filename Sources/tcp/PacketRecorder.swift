import AsyncNetstack
import Dispatch
import NetPrimitives
import NetworkDevices
import PacketCapture
import PacketPrinting
import Synchronization

/// Prints and keeps packets as they pass, on a thread of its own: a slow terminal or disk never holds the stack up.
///
/// What waits is bounded; packets beyond are not shown, and counted, as tcpdump does.
final class PacketRecorder: Sendable {
    private let queue = DispatchQueue(label: "packets")
    private let waiting = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)
    private let state: Mutex<State>
    private let sinceEpoch = MonotonicClock.sinceEpoch

    private static let limit = 65_536

    private struct State: Sendable {
        var printer: PacketPrinter?
        var capture: CaptureFile?
        var writeFailed = false
    }

    /// Where the trace goes: standard output, or standard error when the first is the peer's.
    private let keepsOutputClear: Bool

    /// - Throws: ``OutputError`` when the capture's file cannot be made.
    init(_ arguments: TUNArguments, keepsOutputClear: Bool = false) throws {
        self.keepsOutputClear = keepsOutputClear
        state = Mutex(
            State(
                printer: arguments.trace ? PacketPrinter(options: arguments.printing.options) : nil,
                capture: try arguments.capture.map { try CaptureFile($0) }))
    }

    /// For a stack's device.
    var observer: PacketObserver { { self.observe($0) } }

    private func observe(_ packets: [ObservedPacket]) {
        guard waiting.add(packets.count, ordering: .relaxed).newValue <= Self.limit else {
            waiting.subtract(packets.count, ordering: .relaxed)
            dropped.add(packets.count, ordering: .relaxed)
            return
        }
        queue.async {
            self.state.withLock { state in self.record(packets, &state) }
            self.waiting.subtract(packets.count, ordering: .relaxed)
        }
    }

    private func record(_ packets: [ObservedPacket], _ state: inout State) {
        if state.printer != nil {
            let lines = packets.compactMap { state.printer?.line(for: $0.bytes, at: $0.time + sinceEpoch) }
            do {
                if keepsOutputClear {
                    try OutputFile.standardError.write(lines: lines)
                } else {
                    try OutputFile.standardOutput.write(lines: lines)
                }
            } catch {
                state.printer = nil
                Report.complain("\(error): going on without the trace")
            }
        }
        do {
            try state.capture?.write(packets.map { ($0.bytes, $0.time + sinceEpoch) })
        } catch {
            state.capture = nil
            state.writeFailed = true
            Report.complain("\(error): going on without the capture")
        }
    }

    /// Waits until all that has passed is printed and kept.
    /// - Returns: whether the capture is whole.
    func finish() -> Bool {
        queue.sync {}
        let lost = dropped.load(ordering: .relaxed)
        if lost > 0 { Report.complain("\(lost) packets came too fast to be shown") }
        return state.withLock { !$0.writeFailed }
    }
}

/// A pcap file that grows.
private final class CaptureFile: Sendable {
    private let file: OutputFile
    private let writer = PcapWriter(resolution: .microsecond)

    init(_ path: String) throws {
        file = try OutputFile(path: path)
        try file.write(writer.header())
    }

    func write(_ packets: [(bytes: [UInt8], time: Instant)]) throws {
        try file.write(packets.reduce(into: []) { $0 += writer.record($1.bytes, at: $1.time) })
    }
}
