#if os(Linux)
    import CNetworkDevices
    import Glibc
    public import NetPrimitives

    /// Lets a thread sleep until a device has packets, a time has come, or somebody wakes it.
    public struct Poller: ~Copyable, Sendable {
        private let epoll: Descriptor
        private let event: Descriptor

        /// - Throws: ``DeviceError/system(_:code:)`` when the process has no descriptors left.
        public init() throws(DeviceError) {
            let epoll = try Descriptor(stcp_epoll_create()) { .system("epoll", code: $0) }
            let event = try Descriptor(stcp_eventfd_create()) { .system("eventfd", code: $0) }
            try Self.add(event.number, to: epoll)
            self.epoll = epoll
            self.event = event
        }

        private static func add(_ descriptor: Int32, to epoll: borrowing Descriptor) throws(DeviceError) {
            let code = stcp_epoll_add(epoll.number, descriptor)
            if code < 0 { throw .system("epoll", code: -code) }
        }

        /// Watches a device too. It must outlive its last ``wait(_:)``, or be closed, which ends the watch.
        public borrowing func watch(_ device: borrowing TUNDevice) throws(DeviceError) {
            try Self.add(device.descriptor.number, to: epoll)
        }

        /// Sleeps.
        /// - Parameter longest: how long at most, rounded up to a millisecond; `nil` for as long as it takes.
        public borrowing func wait(_ longest: Interval?) {
            var milliseconds: Int32 = -1
            if let longest {
                let rounded = longest.nanoseconds <= 0 ? 0 : (longest + .nanoseconds(999_999)).milliseconds
                milliseconds = Int32(clamping: rounded)
            }
            if stcp_epoll_wait(epoll.number, milliseconds) > 0 { drain() }
        }

        /// Ends a sleep, or the next one at once. From any thread.
        public borrowing func wake() {
            var one: UInt64 = 1
            _ = unsafe write(event.number, &one, 8)
        }

        private borrowing func drain() {
            var count: UInt64 = 0
            _ = unsafe read(event.number, &count, 8)
        }
    }
#endif
