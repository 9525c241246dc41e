#if os(Linux)
    import Dispatch
    import Glibc
    import Synchronization

    /// A thread beside the test's own, as packetdrill has one for calls that block.
    final class OtherThread: @unchecked Sendable {
        private let driver: Driver
        private let done = DispatchSemaphore(value: 0)
        private var ended: (result: Int32, time: Int64) = (-1, -1)

        init(_ driver: Driver) { self.driver = driver }

        /// Begins a call, and waits until it blocks: until the kernel says that its thread sleeps, as packetdrill does.
        func begin(_ call: @escaping @Sendable (Driver) -> Int32) {
            let thread = Mutex("")
            let begun = DispatchSemaphore(value: 0)
            DispatchQueue(label: "calls that block").async {
                thread.withLock { $0 = Self.link("/proc/thread-self") }
                begun.signal()
                let result = call(self.driver)
                self.ended = (result, self.driver.time)
                self.done.signal()
            }
            begun.wait()
            let path = "/proc/\(thread.withLock { $0 })/stat"
            while let state = Self.state(path), state != "S" { sched_yield() }
        }

        private static func link(_ path: String) -> String {
            var bytes = [CChar](repeating: 0, count: 64)
            let count = unsafe readlink(path, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        /// The letter behind the thread's name.
        private static func state(_ path: String) -> Character? {
            let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard fd >= 0 else { return nil }
            defer { close(fd) }
            var bytes = [UInt8](repeating: 0, count: 512)
            let count = unsafe read(fd, &bytes, bytes.count)
            let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
            return text.lastIndex(of: ")").flatMap { text[text.index(after: $0)...].first { $0 != " " } }
        }

        func end() -> (result: Int32, time: Int64) {
            done.wait()
            return ended
        }
    }
#endif
