#if os(Linux)
    import CPacketdrillInterface
    import Glibc
    import NetPrimitives
    import Testing
    import WireFormats

    @testable import PacketdrillInterface

    @Suite("packetdrill's --so_filename")
    struct InterfaceTests {
        struct Row: Sendable, CustomTestStringConvertible {
            let origin: Driver.Origin
            let isIPv6: Bool

            var testDescription: String { "\(origin.rawValue), \(isIPv6 ? "IPv6" : "IPv4")" }

            static let all = Driver.Origin.allCases.filter(\.isThere).flatMap { origin in
                [false, true].map { Row(origin: origin, isIPv6: $0) }
            }

            func driver(_ flags: String = "") throws -> Driver {
                try #require(Driver(origin, flags: flags, isIPv6: isIPv6))
            }
        }

        @Test("The table lies in memory as packetdrill's does: 33 words") func layout() {
            let word = unsafe MemoryLayout<UnsafeRawPointer>.size
            #expect(unsafe MemoryLayout<packetdrill_interface>.size == 33 * word)
            #expect(unsafe MemoryLayout<packetdrill_interface>.offset(of: \.userdata) == 0)
            #expect(unsafe MemoryLayout<packetdrill_interface>.offset(of: \.accept) == 5 * word)
            #expect(unsafe MemoryLayout<packetdrill_interface>.offset(of: \.close) == 19 * word)
            #expect(unsafe MemoryLayout<packetdrill_interface>.offset(of: \.poll) == 23 * word)
            #expect(unsafe MemoryLayout<packetdrill_interface>.offset(of: \.netdev_receive) == 25 * word)
            #expect(unsafe MemoryLayout<packetdrill_interface>.offset(of: \.time_of_day) == 27 * word)
            #expect(unsafe MemoryLayout<packetdrill_interface>.offset(of: \.splice) == 32 * word)
        }

        @Test("A client opens, writes, reads and closes", arguments: Row.all) func passive(_ row: Row) throws {
            let driver = try row.driver()
            let listener = driver.listener()
            #expect(listener > 2)
            driver.inject(.syn, seq: 0, mss: 1000)
            let answer = try #require(driver.next())
            #expect(answer.segment.flags == [.syn, .ack] && answer.segment.ack == SequenceNumber(1))
            let iss = answer.segment.seq.rawValue
            driver.inject(.ack, seq: 1, ack: iss &+ 1)
            let (fd, peer) = driver.accept(listener)
            #expect(fd > 2 && peer == driver.remote)
            driver.inject([.psh, .ack], seq: 1, ack: iss &+ 1, "hello")
            #expect(try #require(driver.next()).segment.ack == SequenceNumber(6))
            #expect(driver.read(fd, 100) == Array("hello".utf8))
            #expect(driver.write(fd, Array("world!".utf8)) == 6)
            let reply = try #require(driver.next())
            #expect(reply.text == "world!" && reply.segment.seq.rawValue == iss &+ 1)
            driver.inject(.ack, seq: 6, ack: iss &+ 7)
            #expect(driver.close(fd) == 0)
            #expect(try #require(driver.next()).segment.flags == [.fin, .ack])
            driver.inject([.fin, .ack], seq: 6, ack: iss &+ 8)
            #expect(try #require(driver.next()).segment.ack == SequenceNumber(7))
            #expect(driver.close(fd) == -1 && errno == EBADF)
            #expect(driver.close(listener) == 0)
        }

        @Test("Time goes on only when one waits or looks", arguments: Row.all) func time(_ row: Row) throws {
            let driver = try row.driver()
            let first = driver.time
            #expect(driver.time == first + 1)
            driver.pause(250_000)
            #expect(driver.time == first + 250_002)
            #expect(driver.next() == nil)
            #expect(driver.time == first + 250_003)
            #expect(driver.listener() > 2)
            driver.inject(.syn, seq: 0, mss: 1000)
            let times = (0..<3).compactMap { _ in driver.next()?.at }
            #expect(times.map { $0 - times[0] } == [0, 1_000_000, 3_000_000])
            #expect(driver.time == times[0] + 3_000_001)
        }

        @Test("A call that blocks waits on its thread, and was over when it was over", arguments: Row.all)
        func blocking(_ row: Row) throws {
            let driver = try row.driver()
            let listener = driver.listener()
            let other = OtherThread(driver)
            other.begin { driver in driver.accept(listener).fd }
            driver.inject(.syn, seq: 0, mss: 1000)
            let iss = try #require(driver.next()).segment.seq.rawValue
            driver.pause(99_990)
            let before = driver.time
            driver.inject(.ack, seq: 1, ack: iss &+ 1)
            driver.pause(5_000_000)
            let end = other.end()
            #expect(end.result > 2 && end.time == before)
            // On the thread that moves the clock it moves the clock; what would wait for ever says so.
            #expect(driver.accept(listener).fd == -1 && errno == EDEADLK)
            driver.inject([.fin, .ack], seq: 1, ack: iss &+ 1)
            #expect(driver.read(end.result, 10) == [])
        }

        @Test("A client of ours, polled", arguments: Row.all) func active(_ row: Row) throws {
            let driver = try row.driver("windowScale=7,offersTimestamps=off")
            let fd = driver.socket(Int32(SOCK_NONBLOCK.rawValue))
            #expect(driver.bind(fd) == 0)
            #expect(driver.connect(fd) == -1 && errno == EINPROGRESS)
            let syn = try #require(driver.next()).segment
            #expect(syn.options.windowScale == 7 && syn.options.timestamps == nil)
            var entry = pollfd(fd: fd, events: Int16(POLLOUT), revents: -1)
            let early = unsafe driver.table.poll(driver.table.userdata, &entry, 1, 0)
            #expect(early == 0 && entry.revents == 0)
            let epoll = unsafe driver.table.epoll_create(driver.table.userdata, 1)
            var event = unsafe epoll_event()
            unsafe event.events = UInt32(EPOLLOUT.rawValue)
            unsafe event.data.u64 = 77
            let added = unsafe driver.table.epoll_ctl(driver.table.userdata, epoll, Int32(EPOLL_CTL_ADD), fd, &event)
            #expect(added == 0)
            // Nothing comes of the SYN: time goes on to the end of the wait.
            let none = unsafe driver.table.epoll_wait(driver.table.userdata, epoll, &event, 1, 500)
            #expect(none == 0)
            driver.inject([.syn, .ack], seq: 0, ack: syn.seq.rawValue &+ 1, mss: 1000)
            #expect(try #require(driver.next()).segment.flags == .ack)
            let due = unsafe driver.table.epoll_wait(driver.table.userdata, epoll, &event, 1, 0)
            let told = unsafe (event.events, event.data.u64)
            #expect(due == 1 && told == (UInt32(EPOLLOUT.rawValue), 77))
            let ready = unsafe driver.table.poll(driver.table.userdata, &entry, 1, 0)
            #expect(ready == 1 && entry.revents == Int16(POLLOUT))
            #expect(driver.close(99) == -1 && errno == EBADF)
        }

        @Test("Pieces, options, flags, and what is not there", arguments: Row.all) func rest(_ row: Row) throws {
            let driver = try row.driver()
            let fd = driver.socket()
            #expect(driver.control(fd, F_GETFL) == O_RDWR)
            #expect(driver.control(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
            #expect(driver.control(fd, F_GETFL) == O_RDWR | O_NONBLOCK)
            #expect(driver.setOption(fd, 6, 1, [1, 0, 0, 0]) == 0)
            #expect(driver.option(fd, 6, 1, 4) == [1, 0, 0, 0])
            // SO_LINGER, SO_RCVTIMEO, TCP_CONGESTION; and a number that is too short.
            for (level, option, bytes) in [
                (1, 13, [1, 0, 0, 0, 5, 0, 0, 0]), (1, 20, [3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]),
                (6, 13, Array("cubic".utf8) + [UInt8](repeating: 0, count: 11)),
            ] as [(Int32, Int32, [UInt8])] {
                #expect(driver.setOption(fd, level, option, bytes) == 0)
                #expect(driver.option(fd, level, option, bytes.count) == bytes)
            }
            #expect(driver.setOption(fd, 6, 1, [1]) == -1 && errno == EINVAL)
            #expect(driver.missing() == [ENOSYS, ENOSYS])
            #expect(driver.read(fd, 1) == nil && errno == ENOTCONN)
            // The number is one of the process's own: packetdrill closes it so.
            #expect(Driver.isOpen(fd))
            #expect(driver.close(fd) == 0)
        }

        @Test("Data in pieces", arguments: Row.all) func pieces(_ row: Row) throws {
            let driver = try row.driver()
            let listener = driver.listener()
            driver.inject(.syn, seq: 0, mss: 1000)
            let iss = try #require(driver.next()).segment.seq.rawValue
            driver.inject([.psh, .ack], seq: 1, ack: iss &+ 1, "abcdefgh")
            let fd = driver.accept(listener).fd
            var unread: Int32 = -1
            #expect(driver.inquire(fd, 0x541B, &unread) == 0 && unread == 8)
            #expect(driver.readPieces(fd, [3, 2]) == ["abc", "de"])
            #expect(driver.setOption(fd, 6, 36, [1, 0, 0, 0]) == 0)
            // TCP_INQ: what is left, in a control message.
            let message = driver.receiveMessage(fd, 2, room: 64)
            #expect(message.text == "fg")
            #expect(message.control == [20, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 36, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
            #expect(driver.receiveMessage(fd, 2, room: 23).control == [])
            _ = driver.next()
            #expect(driver.writePieces(fd, ["12", "", "345"]) == 5)
            #expect(try #require(driver.next()).text == "12345")
        }

        @Test(
            "Flags",
            arguments: [
                ("", "ok"), ("profile=rfc", "ok"), ("local_ip=192.0.2.9,local_ip=2001:db8::9,mtu=9000", "ok"),
                ("mtu=10", "an MTU"), ("local_ip=here", "an address"), ("windowScale=no", "a number"),
                ("colour=red", "a field"),
            ]) func flags(_ text: String, _ outcome: String)
        {
            do {
                let flags = try InterfaceFlags(parsing: text)
                #expect(outcome == "ok")
                #expect(text.contains("mtu") == (flags.mtu == 9000))
            } catch {
                #expect("\(error)".contains(outcome) && "\(error)".hasPrefix("so_flags:"))
            }
        }
    }
#endif
