import NetPrimitives
import Packetdrill
import Testing

@Suite("Calls that block")
struct BlockingCallTests {
    @Test func acceptWaitsForTheHandshake() throws {
        try pass(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0...0.2 accept(3, ..., ...) = 4
            +.1 < S 0:0(0) win 32792 <mss 1000>
            +0 > S. 0:0(0) ack 1 <mss 1460>
            +.1 < . 1:1(0) ack 1 win 257
            +.1 < P. 1:11(10) ack 1 win 257
            +0 read(4, ..., 100) = 10
            """)
    }

    @Test func readWaitsForData() throws {
        let script =
            Prologue.passive + """
                +0...0.5 read(4, ..., 1000) = 100
                +.5 < P. 1:101(100) ack 1 win 257
                +0 > . 1:1(0) ack 101

                """
        try pass(script)
        try fail(script.replacing("+0...0.5", with: "+0...0.3"), line: 9, fields: ["time"], containing: "too late")
        try fail(script.replacing("= 100\n", with: "= 99\n"), line: 9, fields: ["result"])
    }

    @Test func writeWaitsForRoom() throws {
        try pass(
            Prologue.passive + """
                +0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [4000], 4) = 0
                +0...0.1 write(4, ..., 6000) = 6000
                +0 > P. 1:4001(4000) ack 1
                +.1 < . 1:1(0) ack 4001 win 257
                +0 > P. 4001:6001(2000) ack 1
                """)
    }

    @Test func connectEndsWithAnError() throws {
        try pass(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0...0.1 connect(3, ..., ...) = -1 ECONNREFUSED (Connection refused)
            +0 > S 0:0(0) <...>
            +.1 < R. 0:0(0) ack 1 win 0
            """)
    }

    @Test func pollTimesOut() throws {
        try pass(
            Prologue.passive + """
                +0...0.25 poll([{fd=4, events=POLLIN, revents=0}], 1, 250) = 0
                +.3 < P. 1:11(10) ack 1 win 257
                +0 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1
                """)
    }

    @Test func closeLingers() throws {
        try pass(
            Prologue.passive + """
                +0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0
                +0 write(4, ..., 1000) = 1000
                +0 > P. 1:1001(1000) ack 1
                +0...0.1 close(4) = 0
                +0 > F. 1001:1001(0) ack 1
                +.1 < . 1:1(0) ack 1002 win 257
                """)
        try pass(
            Prologue.passive + """
                +0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
                +0 close(4) = 0
                +0 > R. 1:1(0) ack 1
                """)
    }

    @Test func whatStillBlocksAtTheEndIsAFailure() throws {
        try fail(
            Prologue.passive + "+0...2 read(4, ..., 1000) = 100", line: 9, fields: [], containing: "end of the script")
        try fail(
            Prologue.passive + "+0...2 read(4, ..., 1000) = 100\n+0 close(4) = 0", line: 9, fields: [],
            containing: "when close is to be called")
        try fail(Prologue.passive + "+0 read(4, ..., 1000) = 100", line: 9, fields: [], containing: "blocks")
    }
}
