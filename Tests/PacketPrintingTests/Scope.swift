/// Which packets tcpdump and the printer are expected to agree on to the letter.
///
/// tcpdump looks into more protocols than the printer. This walk over the headers finds whether a packet leads to one
/// of them; it knows nothing of lines.
struct Scope {
    let octets: [UInt8]

    static func covers(_ packet: [UInt8]) -> Bool {
        let scope = Scope(octets: packet)
        switch scope.at(0) >> 4 {
        case 4: return scope.coversIPv4(at: 0)
        case 6: return scope.coversIPv6(at: 0)
        default: return true
        }
    }

    private func at(_ offset: Int) -> UInt8 { offset < octets.count ? octets[offset] : 0 }
    private func port(_ offset: Int) -> UInt16 { UInt16(at(offset)) << 8 | UInt16(at(offset + 1)) }

    private func coversIPv4(at start: Int) -> Bool {
        guard at(start) >> 4 == 4 else { return true }
        if port(start + 6) & 0x1FFF != 0 { return true }
        return covers(at(start + 9), at: start + Int(at(start) & 0xF) * 4, isIPv6: false)
    }

    private func coversIPv6(at start: Int) -> Bool {
        var number = at(start + 6)
        var position = start + 40
        while position < octets.count {
            switch number {
            case 0, 60, 43:
                number = at(position)
                position += (Int(at(position + 1)) + 1) * 8
            case 44:
                number = at(position)
                position += 8
            default:
                return covers(number, at: position, isIPv6: true)
            }
        }
        return true
    }

    private func covers(_ number: UInt8, at start: Int, isIPv6: Bool) -> Bool {
        switch number {
        case 6, 17:
            let known = number == 6 ? PacketForge.ports : Array(PacketForge.ports.prefix(3))
            return start + 4 > octets.count || known.contains(port(start)) && known.contains(port(start + 2))
        case 1: return isIPv6 || (![3, 4, 5, 11, 12].contains(at(start)) || coversIPv4(at: start + 8))
        case 58: return !isIPv6 || [1, 2, 3, 4, 5, 100, 128, 129, 250].contains(at(start))
        case 4: return coversIPv4(at: start)
        case 41: return coversIPv6(at: start)
        case 59, 61, 99, 200, 253: return true
        default: return false
        }
    }
}
