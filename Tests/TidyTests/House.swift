/// The house: which target may import which, as docs/architecture.md draws it. Each row imports only rows below it.
enum House {
    static let rows: [[String]] = [
        ["tcp"],
        ["NIONetstack"],
        ["AsyncNetstack"],
        ["PacketdrillInterface"],
        ["Packetdrill"],
        ["LabScenarios"],
        ["ConnectionAnalysis"],
        ["NetworkSimulation"],
        ["NetworkDevices"],
        ["PacketCapture", "PacketPrinting"],
        ["Netstack"],
        ["TCPStateMachine"],
        ["WireFormats"],
        ["NetPrimitives"],
    ]

    /// The targets that do no I/O, read no clock and also build as Embedded Swift.
    static let core: Set<String> = ["NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack"]

    /// The targets that run stacks on a real machine, and so read its clock and its randomness.
    static let drivers: Set<String> = ["tcp", "NIONetstack", "AsyncNetstack", "NetworkDevices"]

    /// The one file of the core that may handle raw memory.
    static let rawMemory = "Sources/NetPrimitives/Memory.swift"

    /// What `target` may import of this package; `nil` when the table does not know it.
    static func below(_ target: String) -> Set<String>? {
        guard let row = rows.firstIndex(where: { $0.contains(target) }) else { return nil }
        return Set(rows[(row + 1)...].joined())
    }

    static let targets = Set(rows.joined())
}
