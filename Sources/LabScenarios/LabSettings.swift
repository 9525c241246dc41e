public import NetPrimitives

/// The circumstances of a run in the lab.
public struct LabSettings: Hashable, Sendable {
    /// How the stacks behave where the RFCs leave a choice.
    public enum Profile: Hashable, Sendable {
        /// As the RFCs say.
        case standard
        /// As Linux does.
        case linux
    }

    /// From a host to the other and back; a packet takes half of it.
    public var roundTrip: Interval = .milliseconds(100)
    /// The probability that a packet is lost, beyond what the scenario loses on purpose: 0...1.
    public var loss: Double = 0
    /// Where all that is random comes from. The same seed gives the same run.
    public var seed: UInt64 = 1
    /// The client's initial sequence number, instead of the one that RFC 6528 gives.
    public var clientISN: SequenceNumber?
    /// The same for the server.
    public var serverISN: SequenceNumber?
    public var usesIPv6 = false
    public var profile = Profile.standard

    public init() {}
}
