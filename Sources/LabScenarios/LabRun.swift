public import ConnectionAnalysis
public import NetPrimitives
import NetworkSimulation
import PacketCapture
public import PacketPrinting

/// A scenario that has been played: its story, its packets, and whether it went as it should.
public struct LabRun: Sendable {
    /// A packet as the client's end of the link saw it.
    public struct Packet: Hashable, Sendable {
        /// Since 1970.
        public let time: Instant
        /// From the IP header on.
        public let bytes: [UInt8]
    }

    /// For the ladder.
    public let conversation: Conversation
    /// All that the client sent, also if it was lost, and all that reached it.
    public let packets: [Packet]
    /// What did not go as it should, a sentence each; empty after a success.
    public let problems: [String]
    private let addresses: LabAddresses

    /// The time that captures of the lab begin at: midnight, UTC, of 1 January 2000. tcpdump takes a first packet at
    /// the very beginning of 1970 for none, and with midnight the time of day reads as the time since the beginning.
    public static let epoch = Instant(nanoseconds: 946_684_800_000_000_000)

    init(_ laboratory: Laboratory, problems: [String]) {
        conversation = laboratory.conversation
        packets = laboratory.capture.map { Packet(time: Self.epoch + ($0.time - .zero), bytes: $0.bytes) }
        addresses = laboratory.addresses
        self.problems = problems
    }

    /// The packets as the bytes of a pcap file.
    public func pcap() -> [UInt8] {
        let writer = PcapWriter(resolution: .microsecond)
        return packets.reduce(into: writer.header()) { $0 += writer.record($1.bytes, at: $1.time) }
    }

    /// The packets as tcpdump prints them, with the lab's hosts in its hosts file.
    public func lines(_ options: PacketPrinter.Options) -> [String] {
        var options = options
        options.names.hostName = { [addresses] in addresses.name(of: $0) }
        var printer = PacketPrinter(options: options)
        return packets.map { printer.line(for: $0.bytes, at: $0.time) }
    }
}

extension Scenario {
    /// Plays the scenario from beginning to end, in virtual time.
    public func run(_ settings: LabSettings = LabSettings()) -> LabRun {
        let play = play(settings)
        let laboratory = Laboratory(settings, isBalanced: play.isBalanced, serverBudget: play.serverBudget)
        var problems: [String] = []
        do {
            try play.stage(laboratory)
            try laboratory.run()
        } catch let error as SimulationError {
            problems.append("the run does not end: \(error)")
        } catch {
            problems.append("a call failed: \(error)")
        }
        let conversation = laboratory.conversation
        laboratory.showsAbsoluteNumbers = play.showsAbsoluteNumbers
        laboratory.remarks += play.remarks(laboratory, conversation)
        // The first timeout is 1 s: with a longer round trip packets are sent again although nothing is lost. With none
        // at all nothing is ever under way at the same time.
        let isPlain = settings.loss == 0 && settings.roundTrip > .zero && settings.roundTrip < play.longestRoundTrip
        let isExact = play.isAlwaysExact || isPlain
        problems += play.expectations.compactMap {
            $0.problem(in: conversation, laboratory, isExact: isExact)
        }
        return LabRun(laboratory, problems: problems)
    }
}
