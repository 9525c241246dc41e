import NetPrimitives
import Testing

@Suite("Addresses as text")
struct AddressTextTests {
    @Test("IPv4: printed forms read back", arguments: ["0.0.0.0", "1.2.3.4", "10.0.0.255", "255.255.255.255"])
    func ipv4(_ text: String) throws {
        let address = try #require(IPv4Address(text))
        #expect(address.description == text)
    }

    @Test(
        "IPv4: strict",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.0.0.1", "01.2.3.4", "1.2.3.00",
            "0x1.2.3.4",
            " 1.2.3.4", "1.2.3.4 ", "+1.2.3.4", "-1.2.3.4", "1.2.3.4/8", "1.2.3.99999999999999999999", "١.2.3.4",
            "1.2.3.4\0",
        ])
    func notIPv4(_ text: String) { #expect(IPv4Address(text) == nil) }

    @Test(
        "IPv6: canonical form of RFC 5952",
        arguments: [
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8::1", "2001:db8::1"),
            ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"), ("0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"), ("fe80::AbCd", "fe80::abcd"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::ffff:c000:201", "::ffff:192.0.2.1"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("::1.2.3.4", "::102:304"), ("ff02::1", "ff02::1"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ])
    func ipv6(_ text: String, _ canonical: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
    }

    @Test(
        "IPv6: strict",
        arguments: [
            "", ":", ":::", "1", "1:", ":1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:", "1::2::3",
            "1::2:3:4:5:6:7:8", "12345::", "g::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4.5", "::01.2.3.4",
            "1.2.3.4::", "1.2.3.4", "fe80::1%eth0", "[::1]", "::1/64", " ::1", "::1 ", "1:::2", "::1:",
            "1:2:3:4:5:6:7:8::",
            "::1.2.3.4:5",
        ])
    func notIPv6(_ text: String) { #expect(IPv6Address(text) == nil) }

    @Test("IPv6: every run of zeros", arguments: 0..<256)
    func zeroRuns(_ pattern: Int) throws {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for bit in 0..<8 where pattern >> bit & 1 == 1 {
            if bit < 4 { high |= 0xA << UInt64(16 * bit) } else { low |= 0xB << UInt64(16 * (bit - 4)) }
        }
        let address = IPv6Address(high: high, low: low)
        #expect(IPv6Address(address.description) == address)
    }

    @Test("Endpoints", arguments: ["192.0.2.1:80", "[2001:db8::1]:443", "[::ffff:10.0.0.1]:0", "0.0.0.0:65535"])
    func endpoints(_ text: String) throws {
        let endpoint = try #require(Endpoint(text))
        #expect(endpoint.description == text)
    }

    @Test(
        "Endpoints: strict",
        arguments: [
            "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:080", "2001:db8::1:80", "[2001:db8::1]",
            "[192.0.2.1]:80",
            "[::1]:80x", "[::1:80", "192.0.2.1:-1", ":80",
        ])
    func notEndpoints(_ text: String) { #expect(Endpoint(text) == nil) }

    @Test("Prefixes", arguments: ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0", "::1/128"])
    func prefixes(_ text: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.description == text)
    }

    @Test(
        "Prefixes: strict",
        arguments: ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/08", "10/8", "::/-1", "::/0 "])
    func notPrefixes(_ text: String) { #expect(IPPrefix(text) == nil) }

    @Test("Either family")
    func either() {
        #expect(IPAddress("192.0.2.1") == .v4(IPv4Address(192, 0, 2, 1)))
        #expect(IPAddress("::1") == .v6(.loopback))
        #expect(IPAddress("localhost") == nil)
    }
}
