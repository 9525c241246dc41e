import Packetdrill
import Testing

/// Runs a script that is written in a test.
func drill(
    _ text: String, _ options: DrillOptions = DrillOptions(), sourceLocation: SourceLocation = #_sourceLocation
) throws -> DrillReport {
    do {
        return DrillRunner.run(try Script(parsing: text, name: "test.pkt"), options: options)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
        throw error
    }
}

/// A script that must pass strictly over every version.
func pass(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for version in DrillVersion.allCases {
        let report = try drill(text, DrillOptions(version: version), sourceLocation: sourceLocation)
        if report.outcome != .passed(.strict) {
            Issue.record(
                "\(version): \(report.outcome)\n\(report.trace.joined(separator: "\n"))", sourceLocation: sourceLocation
            )
        }
    }
}

/// A script that must fail at a line, with these fields named.
func fail(
    _ text: String, line: Int, fields: [String], containing words: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let report = try drill(text, sourceLocation: sourceLocation)
    guard case .failed(let failure) = report.outcome else {
        Issue.record("\(report.outcome)", sourceLocation: sourceLocation)
        return
    }
    #expect(failure.position.line == line, "\(failure)", sourceLocation: sourceLocation)
    #expect(failure.differences.map(\.field) == fields, "\(failure)", sourceLocation: sourceLocation)
    #expect(failure.message.contains(words), "\(failure)", sourceLocation: sourceLocation)
}

/// Pieces that most scripts begin with.
enum Prologue {
    /// A listener, a handshake without timestamps, an accepted socket 4.
    static let passive = """
        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
        +0 bind(3, ..., ...) = 0
        +0 listen(3, 1) = 0
        +0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
        +0 > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8>
        +.1 < . 1:1(0) ack 1 win 257
        +0 accept(3, ..., ...) = 4

        """
    /// A blocking connect that has succeeded, without timestamps.
    static let active = """
        `sysctl -q net.ipv4.tcp_timestamps=0`
        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0...0.1 connect(3, ..., ...) = 0
        +0 > S 0:0(0) win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8>
        +.1 < S. 0:0(0) ack 1 win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
        +0 > . 1:1(0) ack 1

        """
}
