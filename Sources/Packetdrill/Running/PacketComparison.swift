/// An expected segment beside the one that came: which fields differ.
struct PacketComparison {
    typealias Difference = DrillFailure.Difference

    let match: DrillMatch
    private(set) var differences: [Difference] = []

    init(match: DrillMatch) { self.match = match }

    /// Compares everything but the time.
    /// - Parameters:
    ///   - words: the segment in the script's numbers.
    ///   - timestampIsWrong: whether a timestamp of the script is too far from what the stack sent.
    mutating func compare(
        _ expected: TCPSyntax, _ words: TCPSyntax, ip: IPInformation, segment: WireSegment,
        flowLabels: inout [UInt32: UInt32], timestampIsWrong: (UInt32, UInt32) -> Bool
    ) {
        compareIP(ip, segment, &flowLabels)
        compareFlags(expected.flags, segment, words)
        note("seq", expected.sequence, words.sequence)
        note("len", UInt32(expected.length), UInt32(words.length))
        note("ack", expected.acknowledgment ?? 0, words.acknowledgment ?? 0)
        compareWindow(expected.window, words.window ?? 0)
        note("urg", UInt32(expected.urgentPointer ?? 0), UInt32(words.urgentPointer ?? 0))
        compareOptions(expected.options, words.options, timestampIsWrong)
        if let byte = segment.payload.firstIndex(where: { $0 != 0 }) {
            note("byte \(byte) of the data", 0, UInt32(segment.payload[byte]))
        }
        if segment.reserved & 0xE != 0 { note("reserved bits", 0, UInt32(segment.reserved >> 1)) }
        for defect in segment.defects {
            differences.append(Difference(field: defect, expected: "right", actual: "wrong"))
        }
    }

    private mutating func note(_ field: String, _ expected: UInt32, _ actual: UInt32) {
        guard expected != actual else { return }
        differences.append(Difference(field: field, expected: String(expected), actual: String(actual)))
    }

    private mutating func compareIP(
        _ ip: IPInformation, _ segment: WireSegment, _ flowLabels: inout [UInt32: UInt32]
    ) {
        let ecn = segment.trafficClass & 3
        let names = ["noecn", "ect1", "ect0", "ce"]
        let wanted: [UInt8]
        switch ip.trafficClass {
        case .whole(let byte):
            if byte != 255, byte != segment.trafficClass {
                differences.append(
                    Difference(
                        field: "tos", expected: "0x" + String(byte, radix: 16),
                        actual: "0x" + String(segment.trafficClass, radix: 16)))
            }
            wanted = [ecn]
        case .notECNCapable: wanted = [0]
        case .ect1: wanted = [1]
        case .ect0: wanted = [2]
        case .congestionExperienced: wanted = [3]
        case .ect0or1: wanted = [1, 2]
        case nil: wanted = [ecn]
        }
        if !wanted.contains(ecn) {
            let expected = wanted.count == 2 ? "ect01" : names[Int(wanted[0])]
            differences.append(Difference(field: "ecn", expected: expected, actual: names[Int(ecn)]))
        }
        if let hopLimit = ip.hopLimit, hopLimit != 255 { note("ttl", UInt32(hopLimit), UInt32(segment.hopLimit)) }
        if let label = ip.flowLabel {
            let live = flowLabels[label] ?? segment.flowLabel
            flowLabels[label] = live
            note("flowlabel", live, segment.flowLabel)
        }
    }

    private mutating func compareFlags(_ expected: TCPFlagsSyntax, _ segment: WireSegment, _ words: TCPSyntax) {
        var mask: UInt8 = 0xFF
        if match == .lenient { mask &= ~TCPFlagsSyntax.psh }
        let isSame =
            expected.bits & mask == segment.flags & mask && expected.accurateECN == (segment.reserved & 1 != 0)
        guard !isSame else { return }
        differences.append(Difference(field: "flags", expected: expected.text, actual: words.flags.text))
    }

    private mutating func compareWindow(_ expected: UInt16?, _ actual: UInt16) {
        guard let expected else { return }
        if match == .lenient, (expected == 0) == (actual == 0) { return }
        note("win", UInt32(expected), UInt32(actual))
    }

    private mutating func compareOptions(
        _ expected: TCPSyntax.Options, _ actual: TCPSyntax.Options, _ timestampIsWrong: (UInt32, UInt32) -> Bool
    ) {
        var expectedList: [TCPOptionSyntax] = []
        switch expected {
        case .any: return
        case .none: break
        case .list(let list): expectedList = list
        }
        var actualList: [TCPOptionSyntax] = []
        if case .list(let list) = actual { actualList = list }
        if match == .lenient {
            func sorted(_ list: [TCPOptionSyntax]) -> [TCPOptionSyntax] {
                list.filter { $0 != .noOperation && $0 != .endOfList }.sorted { $0.kind < $1.kind }
            }
            (expectedList, actualList) = (sorted(expectedList), sorted(actualList))
        }
        for index in 0..<max(expectedList.count, actualList.count) {
            let wanted = index < expectedList.count ? expectedList[index] : nil
            let came = index < actualList.count ? actualList[index] : nil
            if wanted == came { continue }
            if case .timestamps(let value, _)? = wanted, case .timestamps(let live, _)? = came {
                if !timestampIsWrong(value, live) { continue }
            }
            differences.append(
                Difference(
                    field: "option \(index + 1)", expected: wanted?.text ?? "none", actual: came?.text ?? "none"))
        }
    }
}

extension TCPOptionSyntax {
    /// The kind byte.
    var kind: UInt8 {
        switch self {
        case .endOfList: 0
        case .noOperation: 1
        case .maximumSegmentSize: 2
        case .windowScale: 3
        case .sackPermitted: 4
        case .sack: 5
        case .timestamps: 8
        case .md5: 19
        case .fastOpen: 34
        case .experimentalFastOpen: 254
        case .accurateECN(let kind, _), .other(let kind, _): kind
        }
    }
}
