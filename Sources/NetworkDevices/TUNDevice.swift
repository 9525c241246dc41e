public import NetPrimitives

/// What a TUN device is to be like.
public struct TUNConfiguration: Hashable, Sendable {
    /// The interface's name; "tun%d" takes a free number.
    public var name: String
    /// The kernel's own addresses on it, each with the length of its network: what lies in one is reached through it.
    public var hostAddresses: [IPPrefix]
    /// The largest packet, in bytes: 68...65535, and 1280 at least for IPv6.
    public var mtu: Int

    public init(name: String = "tun%d", hostAddresses: [IPPrefix] = [], mtu: Int = 1500) {
        self.name = name
        self.hostAddresses = hostAddresses
        self.mtu = mtu
    }

    /// Whether an interface can have this name: 1 to 15 bytes, without slashes and white space.
    public static func isName(_ text: String) -> Bool {
        (1...15).contains(text.utf8.count) && !text.contains { $0.isWhitespace || $0 == "/" || $0 == "\0" }
    }
}

#if os(Linux)
    import CNetworkDevices
    import Glibc

    /// A TUN device: the kernel routes packets into it, and takes what is written to it as if it had come by wire.
    ///
    /// A device that does not exist is made and lives as long as this value. One that exists, made by root for this
    /// user, is used as it is: no privilege is needed as long as addresses, MTU and state are right already.
    public struct TUNDevice: ~Copyable, Sendable {
        /// The interface's name.
        public let name: String
        /// The largest packet, in bytes.
        public let mtu: Int
        let descriptor: Descriptor

        /// Opens the device, gives it its addresses and its MTU and sets it up.
        public init(_ configuration: TUNConfiguration) throws(DeviceError) {
            let hasIPv6 = configuration.hostAddresses.contains { $0.address.isIPv6 }
            guard (68...65_535).contains(configuration.mtu), configuration.mtu >= 1280 || !hasIPv6 else {
                throw .mtuNotUsable(configuration.mtu)
            }
            let wanted = configuration.name
            guard TUNConfiguration.isName(wanted) else { throw .invalidName(wanted) }
            let descriptor = try Descriptor(stcp_tun_open()) { .noTUN(code: $0) }
            let name = try Self.attach(descriptor.number, wanted)
            try Interface(name: name).configure(configuration)
            self.descriptor = descriptor
            self.name = name
            mtu = configuration.mtu
        }

        private static func attach(_ descriptor: Int32, _ wanted: String) throws(DeviceError) -> String {
            var assigned = [CChar](repeating: 0, count: Int(STCP_NAME_SIZE))
            let code = unsafe assigned.withUnsafeMutableBufferPointer { buffer in
                unsafe stcp_tun_attach(descriptor, wanted, buffer.baseAddress)
            }
            switch -code {
            case 0: break
            case EPERM, EACCES: throw .notPermitted("making the TUN device \(wanted)", device: wanted)
            case EBUSY: throw .busy(wanted)
            case EINVAL: throw .nameTaken(wanted)
            case let error: throw .system("making the TUN device \(wanted)", code: error)
            }
            return String(decoding: assigned.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        /// The interface of this machine that has an address; `nil` when none has.
        public static func interface(having address: IPAddress) -> String? {
            InterfaceAddress.all().first { $0.address == address }?.name
        }

        /// Reads the packets that wait, as many as fit.
        /// - Parameters:
        ///   - batch: takes them.
        ///   - interface: how the stack knows this device.
        /// - Throws: ``DeviceError/vanished(_:)``.
        public borrowing func receive(into batch: inout PacketBatch, interface: InterfaceID) throws(DeviceError) {
            while let index = batch.appendUninitialized(length: mtu, interface: interface) {
                var packet = batch.mutableBytes(of: index)
                let count = unsafe packet.withUnsafeMutableBufferPointer { buffer in
                    unsafe read(descriptor.number, buffer.baseAddress, buffer.count)
                }
                if count > 0 {
                    batch.truncateLast(to: count)
                    continue
                }
                let code = errno
                batch.removeLast()
                if count < 0 && code == EINTR { continue }
                if count == 0 || code == EAGAIN { return }
                throw .vanished(name)
            }
        }

        /// Writes all packets of a batch.
        /// - Returns: how many the kernel did not take, because the interface is down or its queue full: TCP sends
        ///   them again.
        /// - Throws: ``DeviceError/vanished(_:)``.
        @discardableResult
        public borrowing func send(_ batch: borrowing PacketBatch) throws(DeviceError) -> Int {
            var refused = 0
            for index in 0..<batch.count {
                let packet = batch.bytes(of: index)
                while true {
                    let count = unsafe packet.withUnsafeBufferPointer { buffer in
                        unsafe write(descriptor.number, buffer.baseAddress, buffer.count)
                    }
                    if count >= 0 { break }
                    if errno == EINTR { continue }
                    if errno == EBADFD || errno == EBADF { throw .vanished(name) }
                    refused += 1
                    break
                }
            }
            return refused
        }
    }
#endif
