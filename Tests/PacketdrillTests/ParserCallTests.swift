import NetPrimitives
import Packetdrill
import Testing

/// Calls and their values, printed back in a form that shows how they were understood.
@Suite("Parsing: system calls")
struct ParserCallTests {
    @Test(arguments: [
        ("socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "socket(... SOCK_STREAM IPPROTO_TCP)=3"),
        ("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", "setsockopt(3 SOL_SOCKET SO_REUSEADDR [1] 4)=0"),
        ("accept(3, ..., ...) = -1 EAGAIN (Try again)", "accept(3 ... ...)=-1 EAGAIN"),
        ("connect(3, ..., ...) = -1 EINPROGRESS (Can't (now)) (note)", "connect(3 ... ...)=-1 EINPROGRESS"),
        ("fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", "fcntl(3 F_GETFL)=2"),
        ("fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", "fcntl(3 F_SETFL or(O_RDWR O_NONBLOCK))=0"),
        ("write(3, NULL, 4294967295) = -1 EFAULT", "write(3 NULL 4294967295)=-1 EFAULT"),
        ("write(4, \"ab\" \"c\\n\\x41\\\\\\\"\", 6) = 6", "write(4 \"ab\" 6)=6"),
        (
            "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0",
            "getsockopt(3 SOL_SOCKET SO_ERROR [ECONNRESET] [4])=0"
        ),
        (
            "setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
            "setsockopt(3 SOL_SOCKET SO_LINGER {onoff:=1 linger:=0} 8)=0"
        ),
        (
            "poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1",
            "poll([{fd:=4 events:=or(POLLIN POLLOUT) revents:=POLLOUT}] 1 0)=1"
        ),
        (
            "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, u64=0xffffffffffffffff}) = 0",
            "epoll_ctl(5 EPOLL_CTL_ADD 4 {events:=EPOLLIN u64:=-1})=0"
        ),
        ("epoll_wait(5, {events=EPOLLIN, ptr=4}, 1, 0) = 1", "epoll_wait(5 {events:=EPOLLIN ptr:=4} 1 0)=1"),
        ("writev(4, [{..., 1000}, {..., 20}], 2) = 1020", "writev(4 [{... 1000} {... 20}] 2)=1020"),
        (
            "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=MSG_TRUNC, "
                + "msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=0}]}, 0) = 1000",
            "recvmsg(4 {msg_name(...):=... msg_iov(1):=[{... 1000}] msg_flags:=MSG_TRUNC "
                + "msg_control:=[{cmsg_level:=SOL_TCP cmsg_type:=TCP_CM_INQ cmsg_data:=0}]} 0)=1000"
        ),
        (
            "sendto(3, ..., 10, 0, "
                + "{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.0.2.1\")}, 16) = 10",
            "sendto(3 ... 10 0 {sa_family:=AF_INET sin_port:=htons(8080) sin_addr:=inet_addr(\"19\")} 16)=10"
        ),
        (
            "bind(3, {sin_addr=192.0.2.7, sin6_addr=2001:db8::7}, ...) = 0",
            "bind(3 {sin_addr:=192.0.2.7 sin6_addr:=2001:db8::7} ...)=0"
        ),
        ("ioctl(3, SIOCINQ, [1000]) = 0", "ioctl(3 SIOCINQ [1000])=0"),
        ("pipe([]) = 0", "pipe([])=0"),
        ("shutdown(3, SHUT_WR) = 0 // and a comment\n/* more */", "shutdown(3 SHUT_WR)=0"),
        ("mmap(...) = ...", "mmap(...)=..."),
    ])
    func calls(text: String, printed: String) throws {
        let script = try Script(parsing: "+0 \(text)\n+1.5 close(3) = 0", name: "t")
        guard script.events.count == 2, case .call(let call) = script.events[0].action else {
            Issue.record("\(script.events)")
            return
        }
        let arguments = call.arguments.map(Self.show).joined(separator: " ")
        let errno = call.errno.map { " " + $0.name } ?? ""
        #expect("\(call.name)(\(arguments))=\(Self.show(call.result))\(errno)" == printed)
        #expect(script.events[1].time == .relative(.milliseconds(1500)))
    }

    @Test("Escapes in strings, and what a field is")
    func values() throws {
        let script = try Script(
            parsing: "0 a(\"\\\\ \\\" \\f\\n\\r\\t\\v\\x4A\" \"\", {b=7}) = 0 (x) (why not)", name: "t")
        guard case .call(let call) = script.events[0].action else { return }
        #expect(call.arguments[0].form == .string([92, 32, 34, 32, 12, 10, 13, 9, 11, 0x4a]))
        #expect(call.arguments[1].field("b")?.integer == 7)
        #expect(call.arguments[1].field("c") == nil)
        #expect(call.note == "why not")
        #expect(call.position == SourcePosition(line: 1, column: 3))
        #expect(call.arguments[1].position.column == 32)
    }

    /// Strings by their first two bytes.
    static func show(_ expression: ExpressionSyntax) -> String {
        func all(_ parts: [ExpressionSyntax]) -> String { parts.map(show).joined(separator: " ") }
        switch expression.form {
        case .integer(let value): return String(value)
        case .symbol(let name): return name
        case .string(let bytes): return "\"\(String(decoding: bytes.prefix(2), as: UTF8.self))\""
        case .address(let address): return address.description
        case .ellipsis: return "..."
        case .union(let parts): return "or(\(all(parts)))"
        case .list(let parts): return "[\(all(parts))]"
        case .structure(let parts): return "{\(all(parts))}"
        case .call(let name, let arguments): return "\(name)(\(all(arguments)))"
        case .assignment(let name, let arguments, let value):
            return name + (arguments.map { "(\(all($0)))" } ?? "") + ":=" + show(value)
        }
    }
}
