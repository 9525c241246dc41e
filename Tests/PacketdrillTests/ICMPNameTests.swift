import Packetdrill
import Testing

@Suite("ICMP's names")
struct ICMPNameTests {
    @Test(
        "A word has the number of its version",
        arguments: [
            ("unreachable", "host_unreachable", false, 3, 1), ("unreachable", "frag_needed", false, 3, 4),
            ("unreachable", "precedence_cutoff", false, 3, 15), ("unreachable", nil, true, 1, 0),
            ("unreachable", "address_unreachable", true, 1, 3), ("packet_too_big", nil, true, 2, 0),
            ("type_9", "code_7", false, 9, 7), ("time_exceeded", "exceeded_frag_time", true, 3, 1),
        ] as [(String, String?, Bool, UInt8, UInt8)])
    func numbers(type: String, code: String?, isIPv6: Bool, typeNumber: UInt8, codeNumber: UInt8) {
        let numbers = ICMPNames.numbers(of: ICMPSyntax(type: type, code: code), isIPv6: isIPv6)
        #expect(numbers?.type == typeNumber)
        #expect(numbers?.code == codeNumber)
    }

    @Test("A word of the other version has none")
    func foreign() {
        #expect(ICMPNames.numbers(of: ICMPSyntax(type: "packet_too_big"), isIPv6: false) == nil)
        #expect(ICMPNames.numbers(of: ICMPSyntax(type: "unreachable", code: "no_route"), isIPv6: false) == nil)
        #expect(ICMPNames.numbers(of: ICMPSyntax(type: "type_256"), isIPv6: false) == nil)
    }
}
