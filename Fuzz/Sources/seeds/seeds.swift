import Foundation
import Fuzzing

/// Writes the seeds: inputs that say what every connection does, so that the fuzzer begins where it becomes
/// interesting.
@main
enum SeedWriter {
    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            print("usage: seeds FOLDER")
            exit(64)
        }
        let folder = URL(filePath: CommandLine.arguments[1])
        let stories = StackStories.all
        var recorded: [(name: String, packets: [[UInt8]])] = []
        for (name, bytes) in stories { recorded.append((name, StacksTarget.packets(bytes))) }
        for (_, bytes) in MachineStories.all { MachineTarget.run(bytes) }
        for (_, bytes) in ListenerStories.all { ListenerTarget.run(bytes) }
        let formats = PacketStories.formats(recorded)
        let captures = PacketStories.captures(recorded)
        for (target, inputs) in [
            ("stacks", stories), ("machine", MachineStories.all), ("listener", ListenerStories.all),
            ("formats", formats), ("captures", captures),
        ] {
            let place = folder.appending(path: target)
            try? FileManager.default.removeItem(at: place)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for (name, bytes) in inputs { try Data(bytes).write(to: place.appending(path: name)) }
            print("\(target): \(inputs.count) seeds, \(inputs.reduce(0) { $0 + $1.bytes.count }) bytes")
        }
    }
}

/// A name and an input.
typealias SeedInput = (name: String, bytes: [UInt8])
