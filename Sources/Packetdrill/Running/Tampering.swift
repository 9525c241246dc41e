internal import NetPrimitives
internal import Netstack

/// A fault between the stack and the runner, for the tests that ask whether the scripts would notice it. Nothing but
/// those tests makes one.
final class Tampering {
    /// A packet that leaves the stack, and how much later than it should.
    struct Outgoing {
        var bytes: [UInt8]
        var delay = Interval.zero
    }

    /// Changes how the stack behaves, whatever the script has set.
    var configure: (inout Configuration) -> Void = { _ in }
    /// What becomes of a packet on its way out: itself, others, nothing.
    var outgoing: ([UInt8]) -> [Outgoing] = { [Outgoing(bytes: $0)] }
    /// What becomes of a packet on its way in.
    var incoming: ([UInt8]) -> [[UInt8]] = { [$0] }
}
