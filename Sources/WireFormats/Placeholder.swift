public import NetPrimitives
public struct TCPFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let fin = TCPFlags(rawValue: 1), syn = TCPFlags(rawValue: 2), rst = TCPFlags(rawValue: 4), psh = TCPFlags(rawValue: 8), ack = TCPFlags(rawValue: 16)
}
public struct SACKBlock: BitwiseCopyable, Sendable { public var left: SequenceNumber; public var right: SequenceNumber
 public init(left: SequenceNumber, right: SequenceNumber) { self.left = left; self.right = right } }
public struct SACKBlocks: BitwiseCopyable, Sendable { public var count: Int = 0; var s: [4 of SACKBlock] = .init(repeating: SACKBlock(left: SequenceNumber(0), right: SequenceNumber(0)))
  public mutating func append(_ b: SACKBlock) { s[count] = b; count += 1}
  public subscript(i: Int) -> SACKBlock { s[i] } }
public struct TCPTimestamps: BitwiseCopyable, Sendable { public var value: UInt32; public var echoReply: UInt32
 public init(value: UInt32, echoReply: UInt32) { self.value = value; self.echoReply = echoReply } }
public struct TCPOptions: BitwiseCopyable, Sendable {
  public var maximumSegmentSize: UInt16? = nil, windowScale: UInt8? = nil, isSACKPermitted = false, timestamps: TCPTimestamps? = nil, sackBlocks = SACKBlocks()
  public init() {} }
public struct Segment: BitwiseCopyable, Sendable {
  public var seq = SequenceNumber(0), ack = SequenceNumber(0), flags: TCPFlags = [], window: UInt16 = 0, options = TCPOptions(), payloadLength = 0
  public init() {}
  @inlinable public var length: UInt32 { UInt32(truncatingIfNeeded: payloadLength) &+ (flags.contains(.syn) ? 1 : 0) &+ (flags.contains(.fin) ? 1 : 0) }
}
