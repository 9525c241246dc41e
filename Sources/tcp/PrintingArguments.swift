import ArgumentParser
import PacketPrinting

/// How packets are printed: tcpdump's letters for tcpdump's meanings.
struct PrintingArguments: ParsableArguments {
    @Flag(name: .customShort("S"), help: "Sequence numbers as they are on the wire.")
    var absoluteNumbers = false

    @Flag(name: .customShort("n"), help: "Addresses and ports as numbers (tcpdump).")
    var numeric: Int

    @Flag(
        name: .customShort("t"),
        help: "No time (tcpdump); -tt seconds, -ttt since the packet before, -tttt with date, -ttttt since the first.")
    var time: Int

    func validate() throws {
        if time > 5 { throw ValidationError("tcpdump's times are -t, -tt, -ttt, -tttt and -ttttt.") }
    }

    /// As the printer takes it.
    var options: PacketPrinter.Options {
        var options = PacketPrinter.Options()
        options.numeric = numeric > 0
        options.absoluteSequence = absoluteNumbers
        options.time = [.timeOfDay, .none, .epoch, .sincePrevious, .dateAndTime, .sinceFirst][time]
        return options
    }
}
