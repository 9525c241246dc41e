import NetPrimitives
import Netstack

/// The two messages that the lab's hosts exchange.
enum Exchange {
    /// 40 bytes.
    static let request = Array("GET / HTTP/1.1\r\nHost: server.example\r\n\r\n".utf8)
    static let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, world!\n".utf8)
}

/// The application at the client: sends the request, waits for the whole answer, closes.
final class Requester {
    /// What has come of the answer.
    private(set) var answer: [UInt8] = []

    func take(_ event: StackEvent, at host: LabHost) {
        switch event {
        case .established(let id): host.write(id, Exchange.request)
        case .readable(let id):
            answer += host.read(id)
            if answer.count >= Exchange.answer.count { host.close(id) }
        case .readClosed(let id): host.close(id)
        case .closed(let id): host.bury(id)
        case .acceptable, .writable, .reported, .requested, .withdrawn: break
        }
    }
}

/// The application at the server: accepts, answers the request, closes when the client has closed.
final class Responder {
    /// What has come of the request.
    private(set) var request: [UInt8] = []

    /// A new life.
    func forget() { request = [] }

    func take(_ event: StackEvent, at host: LabHost) {
        switch event {
        case .acceptable: while host.accept() != nil {}
        case .readable(let id):
            request += host.read(id)
            if request.count >= Exchange.request.count { host.write(id, Exchange.answer) }
        case .readClosed(let id):
            _ = host.read(id)
            host.close(id)
        case .closed(let id): host.bury(id)
        case .established, .writable, .reported, .requested, .withdrawn: break
        }
    }
}
