/// In which order the options of a SYN stand, and where their padding goes. No RFC asks for one; hosts tell themselves
/// apart by it.
///
/// An option has NOPs before it, so that it ends with a word (RFC 9293, 3.2): none for the MSS, one for the window
/// scale, two for each of the others. SACK-permitted needs none right before timestamps, whose two it takes the
/// place of. SACK blocks and Fast Open come behind, and so what stands in later segments, timestamps and SACK blocks,
/// is the same in every layout.
public struct TCPOptionLayout: Hashable, Sendable, BitwiseCopyable {
    /// An option that has a place in the order.
    public enum Option: UInt8, Hashable, Sendable, BitwiseCopyable {
        case maximumSegmentSize, windowScale, sackPermitted, timestamps
    }

    /// Two bits an option, the first lowest; then ``endsWithEOL`` and ``sharesWord``. Different layouts differ in it.
    public let rawValue: UInt16

    /// Linux: `mss,sackOK,TS,nop,wscale`.
    @inlinable public static var linux: TCPOptionLayout { TCPOptionLayout(rawValue: 0x278) }
    /// FreeBSD: `mss,nop,wscale,sackOK,TS`.
    @inlinable public static var freeBSD: TCPOptionLayout { TCPOptionLayout(rawValue: 0x3E4) }
    /// macOS: `mss,nop,wscale,nop,nop,TS,sackOK,eol`.
    @inlinable public static var macOS: TCPOptionLayout { TCPOptionLayout(rawValue: 0x1B4) }
    /// Windows, which offers no timestamps by itself: `mss,nop,wscale,nop,nop,sackOK`.
    @inlinable public static var windows: TCPOptionLayout { TCPOptionLayout(rawValue: 0x0B4) }

    @inlinable init(rawValue: UInt16) { self.rawValue = rawValue }

    /// - Parameter endsWithEOL: where SACK-permitted is the last of all options, it has its padding behind it.
    /// - Returns: `nil` when an option comes twice.
    public init?(_ first: Option, _ second: Option, _ third: Option, _ fourth: Option, endsWithEOL: Bool) {
        let order = [first, second, third, fourth]
        var places = 0
        var value: UInt16 = endsWithEOL ? 1 << 8 : 0
        for place in 0..<4 {
            places |= 1 << Int(order[place].rawValue)
            value |= UInt16(order[place].rawValue) << UInt16(2 * place)
            if place > 0, order[place - 1] == .sackPermitted, order[place] == .timestamps { value |= 1 << 9 }
        }
        guard places == 0b1111 else { return nil }
        rawValue = value
    }

    /// The option at a place, 0...3.
    @inlinable public func option(at place: Int) -> Option {
        Option(rawValue: UInt8(truncatingIfNeeded: rawValue >> UInt16(truncatingIfNeeded: 2 &* place)) & 3)
            ?? .maximumSegmentSize
    }

    /// SACK-permitted pads behind itself where nothing follows.
    @inlinable public var endsWithEOL: Bool { rawValue & 1 << 8 != 0 }
    /// SACK-permitted stands in the word in which timestamps begin.
    @inlinable public var sharesWord: Bool { rawValue & 1 << 9 != 0 }
}
