internal import WireFormats

/// Layouts of options as profile files write them.
enum OptionLayoutText {
    private static let names: [(String, TCPOptionLayout.Option)] = [
        ("mss", .maximumSegmentSize), ("wscale", .windowScale), ("sackOK", .sackPermitted), ("TS", .timestamps),
    ]

    /// A name, or `mss`, `sackOK`, `TS` and `wscale` in their order, with blanks or commas between them and perhaps
    /// `eol` at the end. NOPs follow from the order, so they are not written.
    static func read(_ text: String) -> TCPOptionLayout? {
        switch text {
        case "linux": return .linux
        case "freebsd": return .freeBSD
        case "macos": return .macOS
        case "windows": return .windows
        default: break
        }
        var words = text.split { $0 == "," || $0 == " " }
        let endsWithEOL = words.last == "eol"
        if endsWithEOL { words.removeLast() }
        let order = words.compactMap { word in names.first { $0.0 == word }?.1 }
        guard words.count == 4, order.count == 4 else { return nil }
        return TCPOptionLayout(order[0], order[1], order[2], order[3], endsWithEOL: endsWithEOL)
    }
}
