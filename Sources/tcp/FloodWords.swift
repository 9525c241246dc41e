import AsyncNetstack
import ConnectionAnalysis
import NetPrimitives
import Netstack

/// What a server under attack says, to people and to programs.
struct FloodRecord: Encodable {
    var event: String
    let listener: String
    let syns: UInt64
    let peakRate: UInt32
    let seconds: Double
    let cookiesSent: UInt64
    let cookiesReceived: UInt64
    let dropped: UInt64
    let evicted: UInt64
    let badCookies: UInt64
    let networks: [NetworkRecord]

    init(_ flood: FloodReport) {
        event = flood.isOver ? "flood-ended" : "flood-began"
        listener = "\(flood.listener)"
        syns = flood.syns
        peakRate = flood.peakRate
        seconds = Double((flood.last - flood.began).microseconds) / 1e6
        cookiesSent = flood.cookiesSent
        cookiesReceived = flood.cookiesReceived
        dropped = flood.dropped
        evicted = flood.evicted
        badCookies = flood.badCookies
        networks = NetworkRecord.all(flood.top)
    }
}

/// Attempts that failed alike within a second.
struct SummaryRecord: Encodable {
    var event = "attempts-failed"
    let listener: String
    let verdict: String
    let count: UInt32
    /// When the first and the last of them ended: seconds on the stack's clock, which on a device began with the
    /// machine.
    let first: Double
    let last: Double
    let networks: [NetworkRecord]
    let samples: [String]

    init(_ summary: AttemptSummary) {
        listener = "\(summary.listener)"
        verdict = "\(summary.verdict)"
        count = summary.count
        first = Double(summary.first.milliseconds) / 1e3
        last = Double(summary.last.milliseconds) / 1e3
        networks = NetworkRecord.all(summary.top)
        samples = (0..<4).compactMap { summary.sample($0).map { "\($0.remote)" } }
    }
}

struct NetworkRecord: Encodable {
    let prefix: String
    let count: Int

    static func all(_ top: TopPrefixes) -> [NetworkRecord] {
        (0..<top.count).compactMap { rank in
            top[rank].map { NetworkRecord(prefix: "\($0.prefix)", count: $0.count) }
        }
    }
}

extension FloodReport {
    /// A line for people.
    var words: String {
        let networks = top[0].map { ", most from \($0.prefix)" } ?? ""
        guard isOver else {
            if badCookies > syns {
                return "flood: \(peakRate) ACKs within a second brought \(listener) no good cookie\(networks)"
            }
            let what = cookiesSent > 0 ? "answered with cookies" : evicted > 0 ? "older ones give way" : "dropped"
            return "flood: \(peakRate) SYNs within a second were too many for \(listener), \(what)\(networks)"
        }
        return "flood at \(listener) over after \((last - began).brief): \(syns) SYNs, at most \(peakRate) a second; "
            + "\(cookiesSent) cookies sent, \(cookiesReceived) came back, \(badCookies) bad ones, "
            + "\(dropped) dropped, \(evicted) gave way\(networks)"
    }
}

extension AttemptSummary {
    /// A line for people.
    var words: String {
        let how =
            switch verdict {
            case .timedOut: "never completed"
            case .refused: "were reset by their client"
            case .dropped: "found no room"
            default: "were given up"
            }
        let networks = top[0].map { ", most from \($0.prefix)" } ?? ""
        return "\(count) more attempts at \(listener) \(how) within a second\(networks)"
    }
}
