import Netstack

/// Who dropped what a server was sent or had to say: the stack, or its device. What the device dropped on the way in it
/// tells itself (`ip -s link`).
struct DropRecord: Encodable {
    var event = "drops"
    /// SYNs and third packets that found no room.
    let listenDrops: UInt64
    /// Answers that found no room in their batch.
    let answersDropped: UInt64
    /// Packets that the device did not take.
    let deviceRefusals: UInt64

    var words: String {
        "dropped by the stack: \(listenDrops) SYNs or third packets, \(answersDropped) answers; "
            + "\(deviceRefusals) packets not taken by the device"
    }
}

extension DropRecord {
    init(_ counters: Counters, deviceRefusals: UInt64) {
        self.init(
            listenDrops: counters.listenDrops, answersDropped: counters.answersDropped, deviceRefusals: deviceRefusals)
    }
}
