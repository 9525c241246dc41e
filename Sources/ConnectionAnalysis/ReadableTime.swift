public import NetPrimitives

extension Interval {
    /// The time as people write it: "20 us", "100 ms", "1.5 s", "180 s", "12 min 5 s", "2 h 30 min".
    ///
    /// Five digits at most, so that it fits a column of nine characters up to ten minutes.
    public var readable: String {
        if nanoseconds < 0 {
            return "-" + Interval(nanoseconds: nanoseconds == .min ? .max : -nanoseconds).readable
        }
        if nanoseconds == 0 { return "0 ms" }
        if nanoseconds < 1_000 { return "\(nanoseconds) ns" }
        let scales: [(unit: String, size: Int64, below: Int64)] = [
            ("us", 1_000, 1_000), ("ms", 1_000_000, 1_000), ("s", 1_000_000_000, 600),
        ]
        for scale in scales where nanoseconds < scale.size * scale.below {
            let thousandths = rounded(inThousandthsOf: scale.size)
            if thousandths < scale.below * 1_000 { return Self.decimal(thousandths) + " " + scale.unit }
        }
        let seconds = nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 >= 500_000_000 ? 1 : 0)
        if seconds < 7_200 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
    }

    /// The interval in thousandths of `unit` nanoseconds, to the nearest thousandth and to five digits.
    private func rounded(inThousandthsOf unit: Int64) -> Int64 {
        let step = nanoseconds < unit * 100 ? unit / 1_000 : unit / 100
        let steps = nanoseconds / step + (nanoseconds % step >= (step + 1) / 2 ? 1 : 0)
        return steps * (step * 1_000 / unit)
    }

    /// A number of thousandths as a decimal number without trailing zeros.
    static func decimal(_ thousandths: Int64) -> String {
        var text = "\(thousandths / 1_000)"
        var rest = thousandths % 1_000
        if rest > 0 { text += "." }
        var place: Int64 = 100
        while rest > 0 {
            text += "\(rest / place)"
            rest %= place
            place /= 10
        }
        return text
    }
}

extension Instant {
    /// The time since the clock's origin, as ``Interval/readable`` writes it.
    public var readable: String { (self - Instant.zero).readable }
}
