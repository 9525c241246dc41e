#if os(Linux)
    import CPacketdrillInterface
    import Glibc
    import NetPrimitives
    import WireFormats

    @testable import PacketdrillInterface

    /// Drives a stack through the table alone, as packetdrill does.
    @safe final class Driver {
        /// Where the function comes from that fills the table.
        enum Origin: String, CaseIterable, Sendable {
            /// Linked into the tests.
            case linked
            /// The shared object beside the tests, loaded as packetdrill loads it.
            case object

            /// The object is there: a run that builds only some products may lack it.
            var isThere: Bool { unsafe self == .linked || access(Self.path, R_OK) == 0 }

            static let path: String = {
                let program = unsafe realpath("/proc/self/exe", nil)
                defer { unsafe free(program) }
                let folders = unsafe program.map { unsafe String(cString: $0) } ?? ""
                return folders.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
                    + "/libPacketdrillInterface.so"
            }()
        }

        typealias Filler =
            @convention(c) (UnsafePointer<CChar>?, UnsafeMutablePointer<packetdrill_interface>?) -> Void

        var table = unsafe packetdrill_interface()
        let isIPv6: Bool
        let remotePort: UInt16 = 40_000

        init?(_ origin: Origin, flags: String = "", isIPv6: Bool = false) {
            self.isIPv6 = isIPv6
            switch origin {
            case .linked:
                unsafe packetdrillInterfaceInit(flags, &table)
            case .object:
                guard let object = unsafe dlopen(Origin.path, RTLD_NOW | RTLD_LOCAL),
                    let symbol = unsafe dlsym(object, "packetdrill_interface_init")
                else { return nil }
                let fill = unsafe unsafeBitCast(symbol, to: Filler.self)
                unsafe fill(flags, &table)
            }
        }

        deinit { unsafe table.free(table.userdata) }

        // MARK: Addresses

        var local: Endpoint {
            Endpoint(
                isIPv6 ? .v6(IPv6Address(high: 0xFD3D_FA7B_D17D << 16, low: 0x77)) : .v4(IPv4Address(192, 168, 44, 7)),
                8080)
        }

        var remote: Endpoint {
            Endpoint(
                isIPv6 ? .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: 1)) : .v4(IPv4Address(192, 0, 2, 1)), remotePort)
        }

        var domain: Int32 { isIPv6 ? AF_INET6 : AF_INET }

        // MARK: Calls

        func socket(_ flags: Int32 = 0) -> Int32 {
            unsafe table.socket(table.userdata, domain, Int32(SOCK_STREAM.rawValue) | flags, Int32(IPPROTO_TCP))
        }

        func withAddress(_ endpoint: Endpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            let bytes = endpoint.socketAddress
            return unsafe bytes.withUnsafeBytes { raw in
                guard let start = raw.baseAddress else { return -1 }
                return unsafe body(start.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
            }
        }

        func bind(_ fd: Int32) -> Int32 {
            unsafe withAddress(local) { unsafe table.bind(table.userdata, fd, $0, $1) }
        }

        func connect(_ fd: Int32) -> Int32 {
            unsafe withAddress(remote) { unsafe table.connect(table.userdata, fd, $0, $1) }
        }

        /// A socket that listens.
        func listener(_ backlog: Int32 = 1) -> Int32 {
            let fd = socket()
            guard bind(fd) == 0, unsafe table.listen(table.userdata, fd, backlog) == 0 else { return -1 }
            return fd
        }

        /// accept(), and whom it tells of.
        func accept(_ fd: Int32) -> (fd: Int32, peer: Endpoint?) {
            var bytes = [UInt8](repeating: 0, count: 28)
            var length = socklen_t(28)
            let accepted = unsafe bytes.withUnsafeMutableBytes { raw in
                unsafe table.accept(
                    table.userdata, fd, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            }
            return (accepted, Endpoint(socketAddress: Array(bytes.prefix(Int(length)))))
        }

        func read(_ fd: Int32, _ limit: Int) -> [UInt8]? {
            var bytes = [UInt8](repeating: 0xEE, count: limit)
            let count = unsafe table.read(table.userdata, fd, &bytes, limit)
            return count < 0 ? nil : Array(bytes.prefix(count))
        }

        func write(_ fd: Int32, _ bytes: [UInt8]) -> Int {
            unsafe table.write(table.userdata, fd, bytes, bytes.count)
        }

        func close(_ fd: Int32) -> Int32 { unsafe table.close(table.userdata, fd) }

        func control(_ fd: Int32, _ command: Int32, _ argument: Int32 = 0) -> Int32 {
            unsafe stcp_call_fcntl(&table, fd, command, argument)
        }

        func inquire(_ fd: Int32, _ request: UInt, _ number: inout Int32) -> Int32 {
            unsafe stcp_call_ioctl(&table, fd, request, &number)
        }

        func setOption(_ fd: Int32, _ level: Int32, _ option: Int32, _ bytes: [UInt8]) -> Int32 {
            unsafe table.setsockopt(table.userdata, fd, level, option, bytes, socklen_t(bytes.count))
        }

        func option(_ fd: Int32, _ level: Int32, _ option: Int32, _ room: Int) -> [UInt8]? {
            var bytes = [UInt8](repeating: 0xEE, count: room)
            var length = socklen_t(room)
            guard unsafe table.getsockopt(table.userdata, fd, level, option, &bytes, &length) == 0 else { return nil }
            return Array(bytes.prefix(Int(length)))
        }

        /// The errors of the calls that are not there.
        func missing() -> [Int32] {
            var fds: [Int32] = [0, 0]
            let pipe = unsafe table.pipe(table.userdata, &fds) == -1 ? errno : 0
            let splice = unsafe table.splice(table.userdata, 0, nil, 0, nil, 1, 0) == -1 ? errno : 0
            return [pipe, splice]
        }

        /// Whether the process has the descriptor open.
        static func isOpen(_ fd: Int32) -> Bool { fcntl(fd, F_GETFD) >= 0 }

        // MARK: Pieces

        /// An iovec over memory of its own.
        private func withPieces<Result>(
            _ pieces: [[UInt8]], _ body: (UnsafeMutablePointer<iovec>, Int) -> Result
        ) -> (result: Result, pieces: [[UInt8]]) {
            var memory = pieces.flatMap { $0 }
            var result: Result?
            unsafe memory.withUnsafeMutableBytes { raw in
                var offset = 0
                var list = unsafe pieces.map { piece in
                    defer { offset += piece.count }
                    return unsafe iovec(iov_base: raw.baseAddress.map { unsafe $0 + offset }, iov_len: piece.count)
                }
                result = unsafe list.withUnsafeMutableBufferPointer { list in
                    unsafe list.baseAddress.map { unsafe body($0, list.count) }
                }
            }
            var rest = memory[...]
            let filled = pieces.map { piece in
                defer { rest = rest.dropFirst(piece.count) }
                return Array(rest.prefix(piece.count))
            }
            guard let result else { preconditionFailure("there are pieces") }
            return (result, filled)
        }

        func readPieces(_ fd: Int32, _ sizes: [Int]) -> [String] {
            let got = unsafe withPieces(sizes.map { [UInt8](repeating: 0, count: $0) }) {
                unsafe table.readv(table.userdata, fd, $0, Int32($1))
            }
            return got.pieces.map { String(decoding: $0, as: UTF8.self) }
        }

        func writePieces(_ fd: Int32, _ texts: [String]) -> Int {
            unsafe withPieces(texts.map { Array($0.utf8) }) {
                unsafe table.writev(table.userdata, fd, $0, Int32($1))
            }.result
        }

        /// recvmsg(), with room for control messages.
        func receiveMessage(_ fd: Int32, _ limit: Int, room: Int) -> (text: String, control: [UInt8]) {
            var control = [UInt8](repeating: 0xEE, count: room)
            let got = unsafe withPieces([[UInt8](repeating: 0, count: limit)]) { pieces, count in
                unsafe control.withUnsafeMutableBytes { raw in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = pieces
                    unsafe message.msg_iovlen = count
                    unsafe message.msg_control = raw.baseAddress
                    unsafe message.msg_controllen = raw.count
                    let count = unsafe table.recvmsg(table.userdata, fd, &message, 0)
                    return (count, unsafe message.msg_controllen)
                }
            }
            let text = String(decoding: got.pieces[0].prefix(max(got.result.0, 0)), as: UTF8.self)
            return (text, Array(control.prefix(got.result.1)))
        }

        // MARK: Packets and time

        /// Microseconds.
        var time: Int64 {
            var time = timeval()
            _ = unsafe table.time_of_day(table.userdata, &time, nil)
            return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_usec)
        }

        func pause(_ microseconds: UInt32) { _ = unsafe table.pause(table.userdata, microseconds) }

        /// A segment of the peer's, with its text.
        func inject(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0, _ text: String = "", mss: UInt16? = nil) {
            var seg = Segment()
            seg.flags = flags
            seg.seq = SequenceNumber(seq)
            seg.ack = SequenceNumber(ack)
            seg.window = 65535
            seg.options.maximumSegmentSize = mss
            seg.payloadLength = text.utf8.count
            let packet = Self.packet(seg, Array(text.utf8), from: remote, to: local)
            _ = unsafe table.netdev_send(table.userdata, packet, packet.count)
        }

        static func packet(_ seg: Segment, _ text: [UInt8], from: Endpoint, to: Endpoint) -> [UInt8] {
            var octets = [UInt8](repeating: 0, count: seg.headerLength) + text
            let sum = InternetChecksum.pseudoHeaderSum(
                source: from.address, destination: to.address, protocol: .tcp, length: octets.count)
            var span = octets.mutableSpan
            seg.emitHeader(into: &span, sourcePort: from.port, destinationPort: to.port)
            Segment.storeChecksum(in: &span, pseudoHeaderSum: sum)
            var header = [UInt8](repeating: 0, count: from.address.isIPv6 ? 40 : 20)
            var space = header.mutableSpan
            switch (from.address, to.address) {
            case (.v4(let source), .v4(let target)):
                IPv4Header(source: source, destination: target, protocol: .tcp, payloadLength: octets.count)
                    .emit(into: &space)
            case (.v6(let source), .v6(let target)):
                IPv6Header(source: source, destination: target, nextHeader: .tcp, payloadLength: octets.count)
                    .emit(into: &space)
            default: break
            }
            return header + octets
        }

        /// The next segment that leaves, its text, and when: nothing when none ever will.
        func next() -> (segment: Segment, text: String, at: Int64)? {
            var buffer = [UInt8](repeating: 0, count: 65536)
            var count = buffer.count
            var time: Int64 = 0
            guard unsafe table.netdev_receive(table.userdata, &buffer, &count, &time) == 0, count > 0 else {
                return nil
            }
            let octets = Array(buffer[(isIPv6 ? 40 : 20)..<count])
            guard let view = try? TCPView(validating: octets.span) else { return nil }
            return (view.segment, String(decoding: octets[view.headerLength...], as: UTF8.self), time)
        }
    }
#endif
