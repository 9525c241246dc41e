import NetPrimitives
import Testing
import WireFormats

@Suite("RFC 768, UDP headers")
struct UDPTests {
    /// A query from 192.0.2.1 to 198.51.100.2.
    static let datagram = hex("d431 0035 000d ef4d") + Array("query".utf8)
    static let pseudoHeader = InternetChecksum.pseudoHeaderSum(
        source: IPv4Address(192, 0, 2, 1), destination: IPv4Address(198, 51, 100, 2), protocol: .udp, length: 13)

    static func error(_ octets: [UInt8]) -> UDPError? {
        do throws(UDPError) {
            _ = try UDPView(validating: octets.span)
            return nil
        } catch { return error }
    }

    @Test("a datagram says what it holds, without padding")
    func read() throws {
        let octets = Self.datagram + [0, 0]
        let view = try UDPView(validating: octets.span)
        let payload = bytes(view.payload)
        let isValid = view.hasValidChecksum(pseudoHeaderSum: Self.pseudoHeader)
        let numbers = [Int(view.sourcePort), Int(view.destinationPort), view.length]
        let hasNoChecksum = view.hasNoChecksum
        #expect(payload == Array("query".utf8))
        #expect(numbers == [54321, 53, 13])
        #expect(isValid)
        #expect(!hasNoChecksum)
    }

    @Test("cut off anywhere it is truncated", arguments: 0..<13)
    func truncated(length: Int) {
        #expect(Self.error([UInt8](Self.datagram.prefix(length))) == .truncated)
    }

    @Test(
        "lengths",
        arguments: [(0, .length), (7, .length), (8, nil), (13, nil), (14, .truncated)] as [(UInt16, UDPError?)])
    func lengths(length: UInt16, error: UDPError?) {
        #expect(Self.error(Self.datagram.storing(length, at: 4)) == error)
    }

    @Test("a checksum of 0 is none")
    func noChecksum() throws {
        let view = try UDPView(validating: Self.datagram.storing(0, at: 6).span)
        let hasNoChecksum = view.hasNoChecksum
        #expect(hasNoChecksum)
    }

    @Test("written to the byte")
    func write() {
        let text = Array("query".utf8)
        let header = UDPHeader(sourcePort: 54321, destinationPort: 53, payloadLength: text.count)
        let octets = written(13) {
            header.emit(into: &$0)
            $0.copy(from: text.span, at: 8)
            UDPHeader.storeChecksum(in: &$0, pseudoHeaderSum: Self.pseudoHeader)
        }
        #expect(octets == Self.datagram)
    }

    @Test("a checksum that comes out as 0 is written as all ones")
    func allOnes() throws {
        let header = UDPHeader(sourcePort: 0xFFFF - 16, destinationPort: 0, payloadLength: 0)
        let octets = written(8) {
            header.emit(into: &$0)
            UDPHeader.storeChecksum(in: &$0, pseudoHeaderSum: 8)
        }
        #expect(octets == hex("ffef 0000 0008 ffff"))
        let view = try UDPView(validating: octets.span)
        let isValid = view.hasValidChecksum(pseudoHeaderSum: 8)
        #expect(isValid)
    }
}
