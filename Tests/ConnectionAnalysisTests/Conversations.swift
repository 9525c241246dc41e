import ConnectionAnalysis
import NetPrimitives

/// Conversations made by hand, with 50 ms each way.
extension Conversation {
    static func between() -> Conversation {
        Conversation(
            left: Host(name: "client", address: "192.0.2.1:49152"),
            right: Host(name: "server", address: "198.51.100.1:80"))
    }

    mutating func at(_ ms: Int64, _ events: Event...) {
        for event in events { record(event, at: .zero + .milliseconds(ms)) }
    }

    @discardableResult
    mutating func send(_ ms: Int64, _ side: Side, _ segment: Segment) -> Int {
        send(Packet(from: side, .tcp(segment)), at: .zero + .milliseconds(ms))
    }

    mutating func arrive(_ index: Int, _ ms: Int64) { arrive(index, at: .zero + .milliseconds(ms)) }

    static let synOptions = ["mss 1460", "sackOK", "TS", "wscale 5"]

    static func syn() -> Segment {
        Segment(.syn, seq: SequenceNumber(1000), window: 65535, options: synOptions)
    }

    static func synAck(iss: UInt32 = 5000, irs: UInt32 = 1000) -> Segment {
        Segment(
            [.syn, .ack], seq: SequenceNumber(iss), ack: SequenceNumber(irs + 1), window: 65535, options: synOptions)
    }

    static func ack(_ seq: UInt32, _ ack: UInt32) -> Segment {
        Segment(.ack, seq: SequenceNumber(seq), ack: SequenceNumber(ack), window: 502)
    }

    static func data(_ seq: UInt32, _ ack: UInt32, _ length: Int, _ payload: String) -> Segment {
        Segment(
            [.psh, .ack], seq: SequenceNumber(seq), ack: SequenceNumber(ack), window: 502, length: length,
            payload: payload)
    }

    static func fin(_ seq: UInt32, _ ack: UInt32) -> Segment {
        Segment([.fin, .ack], seq: SequenceNumber(seq), ack: SequenceNumber(ack), window: 502)
    }
}

extension Conversation {
    /// A connection from connect() to both closes, nothing lost.
    static func handshake() -> Conversation {
        var c = between()
        c.at(0, .called(.right, "listen(128)"), .entered(.right, "LISTEN"))
        c.at(0, .called(.left, "connect()"), .entered(.left, "SYN-SENT"))
        let syn = c.send(0, .left, syn())
        c.arrive(syn, 50)
        c.at(50, .entered(.right, "SYN-RECEIVED"), .queued(.right, .syn, from: 0, to: 1))
        let synAck = c.send(50, .right, synAck())
        c.arrive(synAck, 100)
        c.at(100, .entered(.left, "ESTABLISHED"))
        let ack = c.send(100, .left, .init(.ack, seq: .init(1001), ack: .init(5001), window: 502))
        c.at(100, .called(.left, "write(40)"))
        let request = c.send(100, .left, data(1001, 5001, 40, "GET / HTTP/1.1"))
        c.arrive(ack, 150)
        c.at(150, .entered(.right, "ESTABLISHED"))
        c.at(150, .queued(.right, .syn, from: 1, to: 0), .queued(.right, .accept, from: 0, to: 1))
        c.at(150, .called(.right, "accept()"), .queued(.right, .accept, from: 1, to: 0))
        c.arrive(request, 150)
        c.at(150, .called(.right, "read() = 40"), .called(.right, "write(64)"))
        let answer = c.send(150, .right, data(5001, 1041, 64, "HTTP/1.1 200 OK"))
        c.at(150, .called(.right, "close()"), .entered(.right, "FIN-WAIT-1"))
        let fin = c.send(150, .right, fin(5065, 1041))
        c.arrive(answer, 200)
        c.at(200, .called(.left, "read() = 64"))
        c.arrive(fin, 200)
        c.at(200, .entered(.left, "CLOSE-WAIT"))
        c.at(200, .called(.left, "close()"), .entered(.left, "LAST-ACK"))
        let fin2 = c.send(200, .left, self.fin(1041, 5066))
        c.arrive(fin2, 250)
        c.at(250, .entered(.right, "TIME-WAIT"))
        let last = c.send(250, .right, self.ack(5066, 1042))
        c.arrive(last, 300)
        c.at(300, .entered(.left, "CLOSED"))
        c.at(60250, .entered(.right, "CLOSED"))
        return c
    }

    /// The first SYN is lost, the second one gets through to a closed port.
    static func lostSyn() -> Conversation {
        var c = between()
        c.at(0, .called(.left, "connect()"), .entered(.left, "SYN-SENT"))
        let syn = c.send(0, .left, syn())
        c.lose(syn, because: "lost")
        let again = c.send(1000, .left, self.syn())
        c.arrive(again, 1050)
        c.at(1050, .entered(.right, "SYN-RECEIVED"), .queued(.right, .syn, from: 0, to: 1))
        let synAck = c.send(1050, .right, synAck())
        c.arrive(synAck, 1100)
        c.at(1100, .entered(.left, "ESTABLISHED"))
        let ack = c.send(1100, .left, ack(1001, 5001))
        c.arrive(ack, 1150)
        c.at(1150, .entered(.right, "ESTABLISHED"))
        c.at(1150, .queued(.right, .syn, from: 1, to: 0), .queued(.right, .accept, from: 0, to: 1))
        c.at(1150, .called(.right, "accept()"), .queued(.right, .accept, from: 1, to: 0))
        return c
    }

    /// A SYN to a closed port.
    static func refused() -> Conversation {
        var c = between()
        c.at(0, .called(.left, "connect()"), .entered(.left, "SYN-SENT"))
        let syn = c.send(0, .left, syn())
        c.arrive(syn, 50)
        c.at(50, .noted(.right, "no listener on port 80"))
        let reset = c.send(50, .right, .init([.rst, .ack], seq: .init(0), ack: .init(1001)))
        c.arrive(reset, 100)
        c.at(100, .entered(.left, "CLOSED"), .failed(.left, .refused))
        return c
    }

    /// SYNs that nobody answers, with the waits of RFC 6298.
    static func timeout(_ reason: String = "lost") -> Conversation {
        var c = between()
        c.at(0, .called(.left, "connect()"), .entered(.left, "SYN-SENT"))
        for second: Int64 in [0, 1, 3, 7, 15, 31, 63, 127] {
            let index = c.send(second * 1000, .left, syn())
            c.lose(index, because: reason)
        }
        c.at(180_000, .entered(.left, "CLOSED"), .failed(.left, .timedOut))
        return c
    }

    /// A router on the way knows no way further.
    static func unreachable() -> Conversation {
        var c = between()
        c.at(0, .called(.left, "connect()"), .entered(.left, "SYN-SENT"))
        let index = c.send(0, .left, syn())
        c.lose(index, because: "stopped by router 203.0.113.1")
        let icmp = c.send(
            Packet(from: .right, router: "router 203.0.113.1", .icmp("ICMP host unreachable")),
            at: .zero + .milliseconds(25))
        c.arrive(icmp, 50)
        c.at(50, .entered(.left, "CLOSED"), .failed(.left, .unreachable("host unreachable")))
        return c
    }

    /// Both ends connect to each other at once, and long initial numbers.
    static func simultaneousOpen() -> Conversation {
        var c = between()
        let (a, b): (UInt32, UInt32) = (3_735_928_559, 2_596_069_105)
        for side in Side.allCases { c.at(0, .called(side, "connect()"), .entered(side, "SYN-SENT")) }
        let one = c.send(0, .left, .init(.syn, seq: .init(a), options: synOptions))
        let two = c.send(0, .right, .init(.syn, seq: .init(b), options: synOptions))
        c.arrive(one, 50)
        c.at(50, .entered(.right, "SYN-RECEIVED"))
        let four = c.send(50, .right, synAck(iss: b, irs: a))
        c.arrive(two, 50)
        c.at(50, .entered(.left, "SYN-RECEIVED"))
        let three = c.send(50, .left, synAck(iss: a, irs: b))
        c.arrive(three, 100)
        c.at(100, .entered(.right, "ESTABLISHED"))
        c.arrive(four, 100)
        c.at(100, .entered(.left, "ESTABLISHED"))
        return c
    }
}
