import NetPrimitives
import TCPStateMachine
import Testing

@testable import Netstack

@Suite("What an entry takes")
struct SizeTests {
    /// Four bytes of the index for each entry, and what a timer takes of its queue: a place in the heap and one
    /// beside it.
    static let index = 4
    static let timer = 16 + 4

    @Test func halfOpenFitsIn64Bytes() {
        #expect(MemoryLayout<HalfOpenEntry>.stride + Self.index <= 64)
        #expect(MemoryLayout<HalfOpenEntry>.stride + Self.index + MemoryLayout<AddressPair>.stride <= 96)
    }

    @Test func timeWaitFitsIn64Bytes() {
        #expect(MemoryLayout<TimeWaitEntry>.stride + Self.index <= 64)
        #expect(MemoryLayout<TimeWaitEntry>.stride + Self.index + MemoryLayout<AddressPair>.stride <= 96)
    }

    @Test func idleConnectionFitsIn320Bytes() {
        let entry = MemoryLayout<ConnectionEntry>.stride + Self.index + Self.timer
        #expect(entry <= 320)
        #expect(entry + MemoryLayout<AddressPair>.stride <= 352)
    }
}
