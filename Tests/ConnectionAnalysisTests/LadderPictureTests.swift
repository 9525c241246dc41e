import ConnectionAnalysis
import Testing

@Suite("The ladder's pictures")
struct LadderPictureTests {
    static func text(_ conversation: Conversation, _ ladder: Ladder = Ladder()) -> String {
        ladder.lines(conversation).joined(separator: "\n")
    }

    @Test("A connection from connect() to both closes")
    func handshake() {
        let expected = """
                            client                                 server
                        192.0.2.1:49152                        198.51.100.1:80
              connect()   0 ms │                                      │ 0 ms    listen(128)
               SYN-SENT        ├─ (1) SYN seq 1000 ────────────────╮  │         LISTEN
                               │    mss 1460, sackOK, TS, wscale 5 ╰─►│ 50 ms   SYN-RECEIVED
                               │  ╭─── (2) SYN-ACK seq 5000 ack 1001 ─┤ SYN queue 0→1
            ESTABLISHED 100 ms │◄─╯    mss 1460, sackOK, TS, wscale 5 │
                               │ ESTABLISHED, ready to send data      │
                               ├─ (3) ACK seq 1001 ack 5001 ───────╮  │
              write(40)        ├─ PSH|ACK seq 1001:1041 ack 5001 ╮ │  │
                               │  len 40, GET / HTTP/1.1         │ │  │
                               │                                 │ ╰─►│ 150 ms  ESTABLISHED
                               │                                 │    │ SYN queue 1→0
                               │                                 │    │ accept queue 0→1
                               │                                 │    │         accept()
                               │                                 │    │ accept queue 1→0
                               │                                 ╰───►│         read() = 40
                               │  ╭── PSH|ACK seq 5001:5065 ack 1041 ─┤         write(64)
                               │  │   len 64, HTTP/1.1 200 OK         │         close()
                               │  │ ╭───── FIN|ACK seq 5065 ack 1041 ─┤         FIN-WAIT-1
            read() = 64 200 ms │◄─╯ │                                 │
             CLOSE-WAIT        │◄───╯                                 │
                close()        │                                      │
               LAST-ACK        ├─ FIN|ACK seq 1041 ack 5066 ───────╮  │
                               │                                   ╰─►│ 250 ms  TIME-WAIT
                               │  ╭─────────── ACK seq 5066 ack 1042 ─┤
                 CLOSED 300 ms │◄─╯                                   │
                               ┊               59.95 s                ┊
                               │                                      │ 60.25 s CLOSED

            ss shows SYN-RECEIVED as SYN-RECV (netstat: SYN_RECV), ESTABLISHED as ESTAB.

            What it meant
              - The client was established after 100 ms (1 RTT), the server after 150 ms
                (1.5 RTT): ready to send data.
              - At 150 ms the server moved the entry from the SYN queue to the accept queue;
                accept() took it at 150 ms.
              - The request (40 bytes) arrived at 150 ms (1.5 RTT).
              - The answer (64 bytes) arrived at 200 ms (2 RTT).
              - Nothing was lost, and nothing was sent twice.
              - The server closed its direction at 150 ms, the client at 200 ms.
              - The server kept the pair of addresses in TIME-WAIT from 250 ms to 60.25 s.
            """
        #expect(Self.text(.handshake(), Ladder(absoluteNumbers: true)) == expected)
    }

    @Test("A lost SYN")
    func lostSyn() {
        let expected = """
                           client                                   server
                       192.0.2.1:49152                          198.51.100.1:80
              connect()  0 ms │                                        │
               SYN-SENT       ├╌ (1) SYN seq 1000 ╌╌╌╌╌╌╌╌╌╌╌╌╌✗ lost  │
                              │      mss 1460, sackOK, TS, wscale 5    │
                              ┊                  1 s                   ┊
                          1 s ├─ (1) SYN seq 1000 again ────────────╮  │
                              │                                     ╰─►│ 1.05 s SYN-RECEIVED
                              │  ╭───── (2) SYN-ACK seq 5000 ack 1001 ─┤ SYN queue 0→1
            ESTABLISHED 1.1 s │◄─╯      mss 1460, sackOK, TS, wscale 5 │
                              │ ESTABLISHED, ready to send data        │
                              ├─ (3) ACK seq 1 ack 1 ───────────────╮  │
                              │                                     ╰─►│ 1.15 s ESTABLISHED
                              │        ESTABLISHED, ready to send data │ SYN queue 1→0
                              │                                        │ accept queue 0→1
                              │                                        │        accept()
                              │                                        │ accept queue 1→0

            ss shows SYN-RECEIVED as SYN-RECV (netstat: SYN_RECV), ESTABLISHED as ESTAB.

            What it meant
              - The client was established after 1.1 s (11 RTT), the server after 1.15 s
                (11.5 RTT): ready to send data.
              - At 1.15 s the server moved the entry from the SYN queue to the accept queue;
                accept() took it at 1.15 s.
              - The client sent its SYN twice, at 0 and 1 s, with a gap of 1 s.
              - 1 packet was lost.
            """
        #expect(Self.text(.lostSyn(), Ladder()) == expected)
    }

    @Test("The same in ASCII")
    func lostSynInASCII() {
        let expected = """
                           client                                   server
                       192.0.2.1:49152                          198.51.100.1:80
              connect()  0 ms |                                        |
               SYN-SENT       |- (1) SYN seq 1000  - - - - - - x lost  |
                              |      mss 1460, sackOK, TS, wscale 5    |
                              :                  1 s                   :
                          1 s |- (1) SYN seq 1000 again ------------.  |
                              |                                     '->| 1.05 s SYN-RECEIVED
                              |  .----- (2) SYN-ACK seq 5000 ack 1001 -| SYN queue 0->1
            ESTABLISHED 1.1 s |<-'      mss 1460, sackOK, TS, wscale 5 |
                              | ESTABLISHED, ready to send data        |
                              |- (3) ACK seq 1 ack 1 ---------------.  |
                              |                                     '->| 1.15 s ESTABLISHED
                              |        ESTABLISHED, ready to send data | SYN queue 1->0
                              |                                        | accept queue 0->1
                              |                                        |        accept()
                              |                                        | accept queue 1->0

            ss shows SYN-RECEIVED as SYN-RECV (netstat: SYN_RECV), ESTABLISHED as ESTAB.

            What it meant
              - The client was established after 1.1 s (11 RTT), the server after 1.15 s
                (11.5 RTT): ready to send data.
              - At 1.15 s the server moved the entry from the SYN queue to the accept queue;
                accept() took it at 1.15 s.
              - The client sent its SYN twice, at 0 and 1 s, with a gap of 1 s.
              - 1 packet was lost.
            """
        #expect(Self.text(.lostSyn(), Ladder(charset: .ascii)) == expected)
    }

    @Test("A closed port")
    func refused() {
        let expected = """
                              client                                  server
                          192.0.2.1:49152                         198.51.100.1:80
                connect()   0 ms │                                       │
                 SYN-SENT        ├─ (1) SYN seq 1000 ─────────────────╮  │
                                 │     mss 1460, sackOK, TS, wscale 5 ╰─►│ 50 ms no listener
                                 │  ╭─────────── RST|ACK seq 0 ack 1001 ─┤       on port 80
                   CLOSED 100 ms │◄─╯                                    │
            error refused        │                                       │

            What it meant
              - connect() of the client failed after 100 ms (1 RTT) with the error refused:
                198.51.100.1:80 answered with RST|ACK, seq 0, ack 1001. The host is there,
                but nothing listens on that port.
            """
        #expect(Self.text(.refused(), Ladder()) == expected)
    }

    @Test("A router says no")
    func unreachable() {
        let expected = """
                           client                                           server
                       192.0.2.1:49152                                  198.51.100.1:80
              connect()  0 ms │                                                │
               SYN-SENT       ├╌ (1) SYN seq 1000 ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌✗    │
                              │      stopped by router 203.0.113.1, mss 1460   │
                              │  ╭──────────────── ICMP host unreachable ─○    │
                 CLOSED 50 ms │◄─╯                from router 203.0.113.1      │
                  error       │                                                │
            unreachable       │                                                │

            What it meant
              - 1 packet was stopped by router 203.0.113.1.
              - connect() of the client failed after 50 ms with the error unreachable: host
                unreachable, said by router 203.0.113.1.
            """
        #expect(Self.text(.unreachable(), Ladder()) == expected)
    }

    @Test("Two SYNs cross")
    func simultaneousOpen() {
        let expected = """
                             client                                 server
                         192.0.2.1:49152                        198.51.100.1:80
               connect()   0 ms │                                      │ 0 ms   connect()
                SYN-SENT        ├─ (1) SYN seq 3735928559 ──────────╮  │        SYN-SENT
                                │  ╭─────── (1) SYN seq 2596069105 ─┼──┤
            SYN-RECEIVED  50 ms │◄─╯ mss 1460, sackOK, TS, wscale 5 ╰─►│ 50 ms  SYN-RECEIVED
                                │    ╭──── (2) SYN-ACK seq 2596069105 ─┤
                                │    │        ack 3735928560, mss 1460 │
                                ├────┼─ (2) SYN-ACK seq 3735928559 ─╮  │
                                │    │     ack 2596069106, mss 1460 │  │
             ESTABLISHED 100 ms │◄───╯                              ╰─►│ 100 ms ESTABLISHED
                                │      ESTABLISHED, ready to send data │
                                │ ESTABLISHED, ready to send data      │

            ss shows SYN-RECEIVED as SYN-RECV (netstat: SYN_RECV), ESTABLISHED as ESTAB.

            What it meant
              - The client was established after 100 ms (1 RTT), the server after 100 ms
                (1 RTT): ready to send data.
              - Nothing was lost, and nothing was sent twice.
            """
        #expect(Self.text(.simultaneousOpen(), Ladder()) == expected)
    }
}
