import NetPrimitives

/// The time in front of each line, and the packets that relative times refer to.
///
/// Times are cut to the digits that are printed before they are subtracted, as tcpdump has them from a capture. One
/// thing differs on purpose: tcpdump takes a first packet at time zero for no packet at all and counts from the second.
struct PacketClock {
    private var reference: Int64?

    /// The time of a packet in the wanted form, with the space that follows it.
    mutating func stamp(_ instant: Instant, _ options: PacketPrinter.Options) -> String {
        let unit = options.nanoseconds ? Unit.nanosecond : Unit.microsecond
        let ticks = instant.nanoseconds.flooredQuotient(by: unit.nanoseconds)
        switch options.time {
        case .none:
            return ""
        case .timeOfDay:
            return unit.clock(local(ticks, unit, options)) + " "
        case .epoch:
            let magnitude = ticks.magnitude
            return (ticks < 0 ? "-" : "") + String(magnitude / UInt64(unit.perSecond)) + unit.fraction(magnitude) + " "
        case .dateAndTime:
            let time = local(ticks, unit, options)
            return date(time.flooredQuotient(by: unit.perDay)) + " " + unit.clock(time) + " "
        case .sincePrevious, .sinceFirst:
            let start = reference ?? ticks
            if reference == nil || options.time == .sincePrevious { reference = ticks }
            // The difference of any two times fits 64 bits without a sign. Whole days are not shown.
            let elapsed = UInt64(bitPattern: ticks < start ? start &- ticks : ticks &- start)
            return (ticks < start ? "-" : " ") + unit.clock(Int64(elapsed % UInt64(unit.perDay))) + " "
        }
    }

    private func local(_ ticks: Int64, _ unit: Unit, _ options: PacketPrinter.Options) -> Int64 {
        ticks.addingReportingOverflow(options.timeZoneOffset.nanoseconds / unit.nanoseconds).partialValue
    }

    /// The date that is `days` after 1 January 1970, in the Gregorian calendar.
    private func date(_ days: Int64) -> String {
        // Years are counted from March, so that the odd day comes last, in eras of 400 years from 1 March 0000.
        let sinceEra = days + 719_468
        let era = sinceEra.flooredQuotient(by: 146_097)
        let dayOfEra = sinceEra - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(zeroPadded(year, 4))-\(zeroPadded(month, 2))-\(zeroPadded(day, 2))"
    }
}

/// The smallest step of time that is printed.
private struct Unit {
    let nanoseconds: Int64
    let digits: Int

    static let microsecond = Unit(nanoseconds: 1_000, digits: 6)
    static let nanosecond = Unit(nanoseconds: 1, digits: 9)

    var perSecond: Int64 { 1_000_000_000 / nanoseconds }
    var perDay: Int64 { perSecond * 86_400 }

    /// `HH:MM:SS.ffffff` of a day.
    func clock(_ ticks: Int64) -> String {
        let ofDay = (ticks % perDay + perDay) % perDay
        let seconds = ofDay / perSecond
        let parts = [seconds / 3_600, seconds / 60 % 60, seconds % 60]
        return parts.map { zeroPadded($0, 2) }.joined(separator: ":") + fraction(UInt64(ofDay))
    }

    /// A point and the digits of the second's fraction.
    func fraction(_ ticks: UInt64) -> String { "." + zeroPadded(Int64(ticks % UInt64(perSecond)), digits) }
}

private func zeroPadded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

extension Int64 {
    /// The quotient rounded down; the divisor is positive.
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
