import ArgumentParser

/// A number of bytes as people write it: 1048576, 1024KiB, 1MiB, 1M.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
    let bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let digits = argument.prefix { $0.isNumber && $0.isASCII }
        let shift: Int
        switch argument.dropFirst(digits.count).lowercased() {
        case "": shift = 0
        case "k", "kib": shift = 10
        case "m", "mib": shift = 20
        case "g", "gib": shift = 30
        default: return nil
        }
        guard let number = Int(digits), number <= Int.max >> (shift + 10) else { return nil }
        bytes = number << shift
    }

    var description: String {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    var defaultValueDescription: String { description }
}
