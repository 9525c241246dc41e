import NetPrimitives
import Packetdrill
import Testing

@Suite("Socket calls")
struct SocketCallTests {
    @Test func errors() throws {
        try pass(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 read(9, ..., 10) = -1 EBADF (Bad file descriptor)
            +0 read(3, ..., 10) = -1 ENOTCONN (Transport endpoint is not connected)
            +0 write(3, ..., 10) = -1 EPIPE (Broken pipe)
            +0 shutdown(3, SHUT_WR) = -1 ENOTCONN (Transport endpoint is not connected)
            +0 accept(3, ..., ...) = -1 EINVAL (Invalid argument)
            +0 bind(3, ..., ...) = 0
            +0 bind(3, ..., ...) = -1 EINVAL (Invalid argument)
            +0 listen(3, 1) = 0
            +0 listen(3, 5) = 0
            +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
            +0 accept(3, ..., ...) = -1 EAGAIN (Resource temporarily unavailable)
            +0 connect(3, ..., ...) = -1 EISCONN (Transport endpoint is already connected)
            +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
            +0 bind(4, ..., ...) = -1 EADDRINUSE (Address already in use)
            +0 setsockopt(4, SOL_TCP, TCP_MAXSEG, [20], 4) = -1 EINVAL (Invalid argument)
            +0 close(4) = 0
            +0 close(4) = -1 EBADF (Bad file descriptor)
            """)
    }

    @Test func nonblockingConnect() throws {
        try pass(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
            +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
            +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
            +0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>
            +0 connect(3, ..., ...) = -1 EALREADY (Operation already in progress)
            +0 poll([{fd=3, events=POLLIN|POLLOUT, revents=0}], 1, 0) = 0
            +.1 < S. 0:0(0) ack 1 win 5792 <mss 1460,nop,wscale 2,nop,nop,sackOK>
            +0 > . 1:1(0) ack 1
            +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
            +0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
            +0 connect(3, ..., ...) = 0
            +0 connect(3, ..., ...) = -1 EISCONN (Transport endpoint is already connected)
            """)
    }

    @Test func icmpEndsAnAttempt() throws {
        try pass(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
            +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
            +0 > S 0:0(0) <...>
            +.1 < icmp unreachable port_unreachable [0:0(0)]
            +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
            +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
            """)
    }

    @Test func readersAndWritersOfAResetConnection() throws {
        try pass(
            Prologue.passive + """
                +0 < R. 1:1(0) ack 1 win 0
                +0 poll([{fd=4, events=POLLIN, revents=POLLIN|POLLERR|POLLHUP}], 1, 0) = 1
                +0 read(4, ..., 10) = -1 ECONNRESET (Connection reset by peer)
                +0 read(4, ..., 10) = 0
                +0 write(4, ..., 10) = -1 EPIPE (Broken pipe)
                """)
    }

    @Test func halfClose() throws {
        try pass(
            Prologue.passive + """
                +0 shutdown(4, SHUT_WR) = 0
                +0 > F. 1:1(0) ack 1
                +0 write(4, ..., 10) = -1 EPIPE (Broken pipe)
                +.1 < . 1:1(0) ack 2 win 257
                +0 < P. 1:101(100) ack 2 win 257
                +0 > . 2:2(0) ack 101
                +0 ioctl(4, SIOCINQ, [100]) = 0
                +0 recv(4, ..., 50, MSG_PEEK) = 50
                +0 read(4, ..., 200) = 100
                +0 < F. 101:101(0) ack 2 win 257
                +0 > . 2:2(0) ack 102
                +0 read(4, ..., 10) = 0
                +0 close(4) = 0
                """)
    }

    @Test func optionsComeBack() throws {
        try pass(
            Prologue.passive + """
                +0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
                +0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0
                +0 getsockopt(4, SOL_TCP, TCP_MAXSEG, [1000], [4]) = 0
                +0 getsockopt(4, SOL_SOCKET, SO_REUSEADDR, [1], [4]) = 0
                +0 getsockopt(4, SOL_SOCKET, SO_TYPE, [SOCK_STREAM], [4]) = 0
                +0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [20000], 4) = 0
                +0 getsockopt(4, SOL_SOCKET, SO_SNDBUF, [40000], [4]) = 0
                """)
        try pass(
            """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 setsockopt(3, SOL_TCP, TCP_MAXSEG, [1000], 4) = 0
            +0 getsockopt(3, SOL_TCP, TCP_MAXSEG, [1000], [4]) = 0
            +0 setsockopt(3, SOL_TCP, TCP_SYNCNT, [1], 4) = 0
            +0...3 connect(3, ..., ...) = -1 ETIMEDOUT (Connection timed out)
            +0 > S 0:0(0) win 65535 <mss 1000,sackOK,TS val 0 ecr 0,nop,wscale 8>
            +1 > S 0:0(0) <...>
            +1 > S 0:0(0) <...>
            """)
    }

    @Test func epoll() throws {
        try pass(
            Prologue.passive + """
                +0 epoll_create(1) = 5
                +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0
                +0 epoll_wait(5, {events=0, fd=0}, 1, 0) = 0
                +0...0.1 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, -1) = 1
                +.1 < P. 1:101(100) ack 1 win 257
                +0 epoll_wait(5, {events=0, fd=0}, 1, 0) = 0
                +0 < P. 101:201(100) ack 1 win 257
                +0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
                """)
    }

    @Test func codeSeesTheConnection() throws {
        let script =
            Prologue.passive + """
                +0 %{
                assert tcpi_state == TCP_ESTABLISHED
                assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd
                assert (tcpi_options & TCPI_OPT_SACK) != 0
                assert 90000 <= tcpi_rtt <= 110000
                assert tcpi_ca_state == TCP_CA_Open
                }%
                +0 write(4, ..., 2000) = 2000
                +0 > P. 1:2001(2000) ack 1
                +0 %{ assert tcpi_unacked == 2 }%

                """
        try pass(script)
        let report = try drill(script.replacing("unacked == 2", with: "unacked == 3"))
        guard case .failed(let failure) = report.outcome else {
            Issue.record("\(report.outcome)")
            return
        }
        #expect(failure.position.line == 18)
    }

    @Test func commandsChangeTheStack() throws {
        try pass(
            """
            `sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0
             sysctl -w net.ipv4.tcp_synack_retries=1`
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0 `nstat -n`
            +0 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 7>
            +0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>
            +1 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>
            +3 < . 1:1(0) ack 1 win 257
            +0 > R 1:1(0)
            +0 `nstat | grep TcpExtTCPSynRetrans | grep " 1 "`
            """)
    }
}
