import Testing

@testable import PacketPrinting
