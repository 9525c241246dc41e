#if os(Linux)
    import CPacketdrillInterface
    import Glibc
    import NetPrimitives
    import Packetdrill

    // What callers lend for the time of a call: the only places where their memory is read and written.

    /// The bytes that are lent.
    func lent(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8] {
        guard let start = unsafe start, count > 0 else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Puts bytes where there is room for them.
    func hand(_ bytes: [UInt8], _ start: UnsafeMutableRawPointer?) {
        guard let start = unsafe start, !bytes.isEmpty else { return }
        unsafe UnsafeMutableRawBufferPointer(start: start, count: bytes.count).copyBytes(from: bytes)
    }

    /// Tells an address, as much of it as there is room for (accept(2)).
    func tell(
        _ endpoint: Endpoint?, _ start: UnsafeMutablePointer<sockaddr>?, _ length: UnsafeMutablePointer<socklen_t>?
    ) {
        guard let endpoint, let start = unsafe start, let length = unsafe length else { return }
        let bytes = endpoint.socketAddress
        unsafe hand(Array(bytes.prefix(Int(length.pointee))), start)
        unsafe length.pointee = socklen_t(bytes.count)
    }

    private func list(_ pieces: UnsafePointer<iovec>?, _ count: Int) -> UnsafeBufferPointer<iovec> {
        unsafe UnsafeBufferPointer(start: pieces, count: unsafe pieces == nil ? 0 : max(count, 0))
    }

    /// Bytes that the pieces hold together.
    func room(_ pieces: UnsafePointer<iovec>?, _ count: Int) -> Int {
        unsafe list(pieces, count).reduce(0) { unsafe $0 + Int(clamping: $1.iov_len) }
    }

    /// The bytes of all pieces.
    func gathered(_ pieces: UnsafePointer<iovec>?, _ count: Int) -> [UInt8] {
        unsafe list(pieces, count).flatMap { unsafe lent($0.iov_base, Int(clamping: $0.iov_len)) }
    }

    /// Fills the pieces one after the other.
    func scatter(_ bytes: [UInt8], _ pieces: UnsafePointer<iovec>?, _ count: Int) {
        var rest = bytes[...]
        let list = unsafe list(pieces, count)
        for index in list.indices {
            let part = unsafe rest.prefix(Int(clamping: list[index].iov_len))
            unsafe hand(Array(part), list[index].iov_base)
            rest = rest.dropFirst(part.count)
        }
    }

    /// Control messages as they lie in memory, those that fit: length, level, type, number, padding (cmsg(3)).
    func controlBytes(_ messages: [ControlMessage], limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for message in messages where bytes.count + 24 <= limit {
            bytes += UInt64(20).storedBytes
            bytes += [message.level, message.type, message.value, 0].flatMap {
                Int32(truncatingIfNeeded: $0).storedBytes
            }
        }
        return bytes
    }

    // MARK: Options

    extension OptionValue {
        /// Reads what setsockopt() was given; `nil` when it is too short.
        init?(level: Int, option: Int, bytes: [UInt8]) {
            switch (level, option, bytes.count) {
            case (1, 13, 8...):
                self = .linger(
                    isOn: bytes[0..<4].stored != 0, seconds: Int(Int32(truncatingIfNeeded: bytes[4..<8].stored)))
            case (1, 20...21, 16...):
                self = .time(
                    .seconds(Int64(bitPattern: bytes[0..<8].stored))
                        + .microseconds(Int64(bitPattern: bytes[8..<16].stored)))
            case (6, 13, 1...), (6, 31, 1...): self = .bytes(bytes)
            case (_, _, 4): self = .integer(Int(Int32(truncatingIfNeeded: bytes[0..<4].stored)))
            case (0, _, 1): self = .integer(Int(bytes[0]))
            case (_, _, 5...): self = .bytes(bytes)
            default: return nil
            }
        }

        /// What getsockopt() hands out, at most so many bytes.
        func bytes(limit: Int) -> [UInt8] {
            let all: [UInt8]
            switch self {
            case .integer(let value): all = Int32(truncatingIfNeeded: value).storedBytes
            case .linger(let isOn, let seconds):
                all = Int32(isOn ? 1 : 0).storedBytes + Int32(truncatingIfNeeded: seconds).storedBytes
            case .time(let time):
                all = (time.microseconds / 1_000_000).storedBytes + (time.microseconds % 1_000_000).storedBytes
            // Names stand in sixteen bytes (TCP_CA_NAME_MAX).
            case .bytes(let bytes): all = bytes + [UInt8](repeating: 0, count: max(16 - bytes.count, 0))
            }
            return Array(all.prefix(max(limit, 0)))
        }
    }

    extension FixedWidthInteger {
        /// The bytes in the machine's order.
        var storedBytes: [UInt8] { 1.littleEndian == 1 ? bytes.reversed() : bytes }
    }

    extension ArraySlice<UInt8> {
        /// The number of which these are the bytes in the machine's order.
        var stored: UInt64 { 1.littleEndian == 1 ? ArraySlice(reversed()).number : number }
    }
#endif
