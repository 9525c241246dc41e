import NetPrimitives

/// The protocols over TCP whose requests and responses are lines of text.
enum TextProtocol {
    case ftp, smtp, http, rtsp

    /// The protocol that a port of either end stands for; the first of them when both do.
    init?(ports: (UInt16, UInt16)) {
        func either(_ numbers: UInt16...) -> Bool { numbers.contains(ports.0) || numbers.contains(ports.1) }
        // Ports of binary protocols that come first and are not looked into.
        if either(23) { return nil }
        if either(25) {
            self = .smtp
        } else if either(22, 139, 179, 445, 1723, 6379, 6633, 6653, 10288) {
            return nil
        } else if either(21) {
            self = .ftp
        } else if either(80, 8080) {
            self = .http
        } else if either(554, 8554) {
            self = .rtsp
        } else {
            return nil
        }
    }

    var name: String {
        switch self {
        case .ftp: "ftp"
        case .smtp: "smtp"
        case .http: "http"
        case .rtsp: "rtsp"
        }
    }

    /// What a request begins with; `nil` where every line is a request or a response.
    var commands: Set<String>? {
        switch self {
        case .ftp, .smtp: nil
        case .http: Self.httpCommands
        case .rtsp: Self.rtspCommands
        }
    }

    private static let httpCommands: Set<String> = [
        "GET", "PUT", "COPY", "HEAD", "LOCK", "MOVE", "POLL", "POST", "BCOPY", "BMOVE", "MKCOL", "TRACE", "LABEL",
        "MERGE", "DELETE", "SEARCH", "UNLOCK", "REPORT", "UPDATE", "NOTIFY", "BDELETE", "CONNECT", "OPTIONS", "CHECKIN",
        "PROPFIND", "CHECKOUT", "CCM_POST", "SUBSCRIBE", "PROPPATCH", "BPROPFIND", "BPROPPATCH", "UNCHECKOUT",
        "MKACTIVITY", "MKWORKSPACE", "UNSUBSCRIBE", "RPC_CONNECT", "VERSION-CONTROL", "BASELINE-CONTROL",
    ]
    private static let rtspCommands: Set<String> = [
        "ANNOUNCE", "DESCRIBE", "OPTIONS", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER",
        "REDIRECT", "RECORD",
    ]
}

extension Dissector {
    /// `: HTTP` and, where a request or response begins, its first line; under `-v` all lines up to the first that is
    /// not plain text.
    mutating func textPayload(_ kind: TextProtocol, at start: Int, length: Int) throws(CaptureEnded) {
        layer = kind.name
        text += ": " + kind.name.uppercased()
        let limit = start + length
        if let commands = kind.commands, !beginsMessage(at: start, limit, commands) { return }
        guard isVerbose else {
            _ = try textLine(at: start, limit, prefix: ": ")
            return
        }
        text += ", length: \(length)"
        var position = start
        while position < limit, let next = try textLine(at: position, limit, prefix: "\n\t") { position = next }
    }

    /// Whether the text begins with a command, or with a version and a code of three digits.
    private func beginsMessage(at start: Int, _ limit: Int, _ commands: Set<String>) -> Bool {
        guard let (first, next) = token(at: start, limit) else { return false }
        if commands.contains(first.uppercased()) { return true }
        guard let (second, _) = token(at: next, limit) else { return false }
        return second.utf8.count == 3 && second.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// A run of printable characters and where the next one begins. One that the capture cuts off is none.
    private func token(at start: Int, _ limit: Int) -> (String, Int)? {
        var position = start
        while position < limit {
            guard position < end else { return nil }
            let octet = octets[position]
            if isBlank(octet) || octet == 0x0A || octet == 0x0D { break }
            guard isPrintable(octet), position - start < 128 else { return nil }
            position += 1
        }
        guard position > start else { return nil }
        let word = String(decoding: octets[start..<position], as: UTF8.self)
        while position < min(limit, end), octets[position] == 0x20 { position += 1 }
        return (word, position)
    }

    /// A line up to LF or CR LF.
    /// - Returns: where the next begins; `nil` when there is no end of line, or a character that is not text: such a
    ///   line is not printed.
    private mutating func textLine(at start: Int, _ limit: Int, prefix: String) throws(CaptureEnded) -> Int? {
        var position = start
        var next: Int?
        while position < limit {
            let octet = try uint8(position)
            if octet == 0x0A {
                next = position + 1
                break
            }
            if octet == 0x0D {
                guard position + 1 < limit, try uint8(position + 1) == 0x0A else { return nil }
                next = position + 2
                break
            }
            guard isPrintable(octet) || octet == 0x09 else { return nil }
            position += 1
        }
        text += prefix + String(decoding: octets[start..<position], as: UTF8.self)
        if next == nil { markCut() }
        return next
    }

    private func isPrintable(_ octet: UInt8) -> Bool { octet >= 0x20 && octet < 0x7F }
    private func isBlank(_ octet: UInt8) -> Bool { octet == 0x20 || octet == 0x09 }
}
