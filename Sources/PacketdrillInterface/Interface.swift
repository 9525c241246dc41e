#if os(Linux)
    public import CPacketdrillInterface
    import Glibc
    import NetPrimitives
    import Packetdrill

    /// What packetdrill calls when it has loaded the object: fills its table.
    ///
    /// Flags that make no sense end the process, as packetdrill's own errors do.
    @_cdecl("packetdrill_interface_init")
    public func packetdrillInterfaceInit(
        _ flags: UnsafePointer<CChar>?, _ table: UnsafeMutablePointer<packetdrill_interface>?
    ) {
        guard let table = unsafe table else { return }
        let text = unsafe flags.map { unsafe String(cString: $0) } ?? ""
        let stack: DrilledStack
        do {
            stack = try DrilledStack(InterfaceFlags(parsing: text))
        } catch {
            let words = Array("\(error)\n".utf8)
            _ = unsafe write(STDERR_FILENO, words, words.count)
            exit(64)
        }
        unsafe table.pointee.userdata = Unmanaged.passRetained(stack).toOpaque()
        unsafe table.pointee.free = { unsafe Unmanaged<DrilledStack>.fromOpaque($0.unsafelyUnwrapped).release() }
        unsafe fillOpening(&table.pointee)
        unsafe fillReceiving(&table.pointee)
        unsafe fillSending(&table.pointee)
        unsafe fillOptions(&table.pointee)
        unsafe fillPolling(&table.pointee)
        unsafe fillNetwork(&table.pointee)
        unsafe stcp_fill_variadics(table)
    }

    /// What `userdata` stands for.
    private func stack(_ userdata: UnsafeMutableRawPointer?) -> DrilledStack {
        unsafe Unmanaged<DrilledStack>.fromOpaque(userdata.unsafelyUnwrapped).takeUnretainedValue()
    }

    /// The result as C has it, with errno.
    private func answer(_ result: CallResult) -> Int32 { Int32(truncatingIfNeeded: long(result)) }

    private func long(_ result: CallResult) -> Int {
        if let error = result.error { errno = error.rawValue }
        return result.value
    }

    private func failure(_ number: Int32) -> CallResult { .failed(LinuxError(rawValue: number)) }

    // MARK: Opening and closing

    private func fillOpening(_ table: inout packetdrill_interface) {
        unsafe table.socket = { userdata, domain, type, number in
            unsafe answer(
                stack(userdata).call { _ in
                    .socket(domain: Int(domain), type: Int(type), protocol: Int(number))
                })
        }
        unsafe table.bind = { userdata, fd, address, length in
            guard let local = unsafe Endpoint(socketAddress: lent(address, Int(length))) else {
                return answer(failure(EINVAL))
            }
            let stack = unsafe stack(userdata)
            stack.own(local.address.unmapped)
            return answer(stack.call { .bind($0[fd], local) })
        }
        unsafe table.listen = { userdata, fd, backlog in
            unsafe answer(stack(userdata).call { .listen($0[fd], backlog: Int(backlog)) })
        }
        unsafe table.accept = { userdata, fd, address, length in
            let stack = unsafe stack(userdata)
            let result = stack.call { .accept($0[fd]) }
            if result.error == nil { unsafe tell(stack.peer(of: Int32(result.value)), address, length) }
            return answer(result)
        }
        unsafe table.connect = { userdata, fd, address, length in
            let stack = unsafe stack(userdata)
            let bytes = unsafe lent(address, Int(length))
            // AF_UNSPEC dissolves a connection.
            if bytes.count >= 2, bytes[0] == 0, bytes[1] == 0 { return answer(stack.call { .connect($0[fd], nil) }) }
            guard let remote = Endpoint(socketAddress: bytes) else { return answer(failure(EINVAL)) }
            // Where packetdrill's own addresses are, if nobody said which is ours.
            stack.ownSome(
                remote.address.unmapped.isIPv6
                    ? .v6(IPv6Address(high: 0xFD3D_FA7B_D17D << 16, low: 1)) : .v4(IPv4Address(192, 168, 0, 1)))
            return answer(stack.call { .connect($0[fd], remote) })
        }
        unsafe table.close = { userdata, fd in unsafe answer(stack(userdata).close(fd)) }
        unsafe table.shutdown = { userdata, fd, how in
            unsafe answer(stack(userdata).call { .shutdown($0[fd], how: Int(how)) })
        }
    }

    // MARK: Data

    private func receive(
        _ userdata: UnsafeMutableRawPointer?, _ fd: Int32, _ limit: Int, _ flags: Int32
    ) -> (result: CallResult, bytes: [UInt8], control: [ControlMessage]) {
        let result = unsafe stack(userdata).call { .receive($0[fd], limit: limit, flags: Int(flags)) }
        guard case .bytes(let bytes, _, let control) = result.output else { return (result, [], []) }
        return (result, bytes, control)
    }

    private func fillReceiving(_ table: inout packetdrill_interface) {
        unsafe table.read = { userdata, fd, buffer, count in
            let got = unsafe receive(userdata, fd, Int(clamping: count), 0)
            unsafe hand(got.bytes, buffer)
            return long(got.result)
        }
        unsafe table.recv = { userdata, fd, buffer, count, flags in
            let got = unsafe receive(userdata, fd, Int(clamping: count), flags)
            unsafe hand(got.bytes, buffer)
            return long(got.result)
        }
        unsafe table.recvfrom = { userdata, fd, buffer, count, flags, _, length in
            let got = unsafe receive(userdata, fd, Int(clamping: count), flags)
            unsafe hand(got.bytes, buffer)
            // A stream has no addresses.
            if got.result.error == nil { unsafe length?.pointee = 0 }
            return long(got.result)
        }
        unsafe table.readv = { userdata, fd, pieces, count in
            let got = unsafe receive(userdata, fd, room(pieces, Int(count)), 0)
            unsafe scatter(got.bytes, pieces, Int(count))
            return long(got.result)
        }
        unsafe table.recvmsg = { userdata, fd, message, flags in
            guard let message = unsafe message else { return long(failure(EFAULT)) }
            let pieces = unsafe UnsafePointer(message.pointee.msg_iov)
            let count = unsafe Int(clamping: message.pointee.msg_iovlen)
            let got = unsafe receive(userdata, fd, room(pieces, count), flags)
            guard got.result.error == nil else { return long(got.result) }
            unsafe scatter(got.bytes, pieces, count)
            let control = controlBytes(got.control, limit: unsafe Int(clamping: message.pointee.msg_controllen))
            unsafe hand(control, message.pointee.msg_control)
            unsafe message.pointee.msg_controllen = control.count
            unsafe message.pointee.msg_namelen = 0
            unsafe message.pointee.msg_flags = 0
            return long(got.result)
        }
    }

    private func send(_ userdata: UnsafeMutableRawPointer?, _ fd: Int32, _ bytes: [UInt8], _ flags: Int32) -> Int {
        unsafe long(stack(userdata).call { .send($0[fd], bytes, flags: Int(flags)) })
    }

    private func fillSending(_ table: inout packetdrill_interface) {
        unsafe table.write = { userdata, fd, buffer, count in
            unsafe send(userdata, fd, lent(buffer, Int(clamping: count)), 0)
        }
        unsafe table.send = { userdata, fd, buffer, count, flags in
            unsafe send(userdata, fd, lent(buffer, Int(clamping: count)), flags)
        }
        unsafe table.sendto = { userdata, fd, buffer, count, flags, _, _ in
            unsafe send(userdata, fd, lent(buffer, Int(clamping: count)), flags)
        }
        unsafe table.writev = { userdata, fd, pieces, count in
            unsafe send(userdata, fd, gathered(pieces, Int(count)), 0)
        }
        unsafe table.sendmsg = { userdata, fd, message, flags in
            guard let message = unsafe message else { return long(failure(EFAULT)) }
            let pieces = unsafe UnsafePointer(message.pointee.msg_iov)
            return unsafe send(userdata, fd, gathered(pieces, Int(clamping: message.pointee.msg_iovlen)), flags)
        }
    }

    // MARK: Options

    private func fillOptions(_ table: inout packetdrill_interface) {
        unsafe table.getsockopt = { userdata, fd, level, option, value, length in
            guard let length = unsafe length, unsafe value != nil else { return answer(failure(EFAULT)) }
            let result = unsafe stack(userdata).call {
                .getOption($0[fd], level: Int(level), option: Int(option))
            }
            guard case .option(let got) = result.output else { return answer(result) }
            let bytes = got.bytes(limit: unsafe Int(length.pointee))
            unsafe hand(bytes, value)
            unsafe length.pointee = socklen_t(bytes.count)
            return 0
        }
        unsafe table.setsockopt = { userdata, fd, level, option, value, length in
            guard
                let new = unsafe OptionValue(
                    level: Int(level), option: Int(option), bytes: lent(value, Int(length)))
            else { return answer(failure(EINVAL)) }
            return unsafe answer(
                stack(userdata).call { .setOption($0[fd], level: Int(level), option: Int(option), new) })
        }
    }

    /// fcntl, its third argument read.
    @_cdecl("stcp_drill_fcntl")
    public func drillControl(
        _ userdata: UnsafeMutableRawPointer?, _ fd: Int32, _ command: Int32, _ argument: Int
    ) -> Int32 {
        unsafe answer(stack(userdata).call { .fcntl($0[fd], command: Int(command), argument: argument) })
    }

    /// ioctl, with what its third argument points to.
    @_cdecl("stcp_drill_ioctl")
    public func drillInquire(
        _ userdata: UnsafeMutableRawPointer?, _ fd: Int32, _ request: UInt, _ argument: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let argument = unsafe argument else { return answer(failure(EFAULT)) }
        let given = unsafe Int(argument.pointee)
        let result = unsafe stack(userdata).call {
            .ioctl($0[fd], request: Int(truncatingIfNeeded: request), argument: given)
        }
        if case .integer(let number) = result.output { unsafe argument.pointee = Int32(truncatingIfNeeded: number) }
        return answer(result)
    }

    // MARK: Waiting for descriptors

    private func fillPolling(_ table: inout packetdrill_interface) {
        unsafe table.poll = { userdata, entries, count, timeout in
            let asked = unsafe UnsafeBufferPointer(start: entries, count: Int(clamping: count)).map { $0 }
            let result = unsafe stack(userdata).call { numbers in
                .poll(
                    asked.map { entry in
                        let number = entry.fd < 0 ? -1 : max(numbers[entry.fd], 0)
                        return PollEntry(descriptor: number, events: Int(entry.events))
                    }, timeout: Int(timeout))
            }
            guard case .polled(let answers) = result.output else { return answer(result) }
            for (index, entry) in answers.enumerated() {
                unsafe entries?[index].revents = Int16(truncatingIfNeeded: entry.returned)
            }
            return answer(result)
        }
        unsafe table.epoll_create = { userdata, size in
            guard size > 0 else { return answer(failure(EINVAL)) }
            return unsafe answer(stack(userdata).call { _ in .epollCreate })
        }
        unsafe table.epoll_ctl = { userdata, epoll, operation, fd, event in
            let wanted = unsafe event.map {
                unsafe EpollEvent(events: Int($0.pointee.events), data: $0.pointee.data.u64)
            }
            return unsafe answer(
                stack(userdata).call {
                    .epollControl($0[epoll], operation: Int(operation), descriptor: $0[fd], wanted)
                })
        }
        unsafe table.epoll_wait = { userdata, epoll, events, limit, timeout in
            let result = unsafe stack(userdata).call {
                .epollWait($0[epoll], limit: Int(limit), timeout: Int(timeout))
            }
            guard case .events(let due) = result.output else { return answer(result) }
            for (index, event) in due.enumerated() {
                unsafe events?[index].events = UInt32(truncatingIfNeeded: event.events)
                unsafe events?[index].data.u64 = event.data
            }
            return answer(result)
        }
        unsafe table.pipe = { _, _ in answer(failure(ENOSYS)) }
        unsafe table.splice = { _, _, _, _, _, _, _ in answer(failure(ENOSYS)) }
    }

    // MARK: Packets and time

    private func fillNetwork(_ table: inout packetdrill_interface) {
        unsafe table.netdev_send = { userdata, packet, count in
            let bytes = unsafe lent(packet, Int(clamping: count))
            guard !bytes.isEmpty else { return answer(failure(EINVAL)) }
            unsafe stack(userdata).receive(bytes)
            return 0
        }
        unsafe table.netdev_receive = { userdata, buffer, count, time in
            guard let count = unsafe count else { return answer(failure(EFAULT)) }
            let packet = unsafe stack(userdata).nextPacket()
            let bytes = packet?.bytes ?? []
            guard unsafe bytes.count <= count.pointee else { return answer(failure(EMSGSIZE)) }
            unsafe hand(bytes, buffer)
            unsafe count.pointee = bytes.count
            if let packet { unsafe time?.pointee = (packet.at - .zero).microseconds }
            return 0
        }
        unsafe table.pause = { userdata, duration in
            unsafe stack(userdata).pause(.microseconds(Int64(duration)))
            return 0
        }
        unsafe table.time_of_day = { userdata, time, _ in
            let now = unsafe (stack(userdata).look() - .zero).microseconds
            unsafe time?.pointee = timeval(tv_sec: Int(now / 1_000_000), tv_usec: Int(now % 1_000_000))
            return 0
        }
    }
#endif
