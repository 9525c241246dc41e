public import NetPrimitives

/// A packet as it passed the device.
public struct ObservedPacket: Sendable {
    /// From the IP header on.
    public let bytes: [UInt8]
    /// Whether the stack sent it.
    public let isOutgoing: Bool
    /// When, on ``NetworkDevices/MonotonicClock``.
    public let time: Instant
}

/// Sees all packets, in batches, on the driver's thread: it must be quick, for meanwhile nothing else happens.
public typealias PacketObserver = @Sendable (_ packets: [ObservedPacket]) -> Void
