public import NetPrimitives

/// A stretch that the receiver holds already (RFC 2018, 3).
public struct SACKBlock: Hashable, Sendable, BitwiseCopyable {
    public var left: SequenceNumber
    public var right: SequenceNumber

    @inlinable public init(left: SequenceNumber, right: SequenceNumber) {
        self.left = left
        self.right = right
    }
}

/// Up to four SACK blocks, which is what a header has room for.
public struct SACKBlocks: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline var used: UInt8
    @usableFromInline var blocks: [4 of SACKBlock]

    @inlinable public init() {
        used = 0
        blocks = [4 of SACKBlock](repeating: SACKBlock(left: SequenceNumber(0), right: SequenceNumber(0)))
    }

    @inlinable public var count: Int { Int(used) }

    /// Block `index`, as it stands in the option. The index must be below ``count``.
    @inlinable public subscript(index: Int) -> SACKBlock {
        precondition(index < count, "a block that is there")
        return blocks[index]
    }

    /// Adds a block; a fifth is dropped.
    @inlinable public mutating func append(_ block: SACKBlock) {
        guard used < 4 else { return }
        blocks[Int(used)] = block
        used &+= 1
    }

    public static func == (a: SACKBlocks, b: SACKBlocks) -> Bool {
        guard a.used == b.used else { return false }
        for index in 0..<a.count where a.blocks[index] != b.blocks[index] { return false }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        for index in 0..<count { hasher.combine(blocks[index]) }
    }
}

/// The timestamps option (RFC 7323, 3.2).
public struct TCPTimestamps: Hashable, Sendable, BitwiseCopyable {
    /// TSval
    public var value: UInt32
    /// TSecr
    public var echoReply: UInt32

    @inlinable public init(value: UInt32, echoReply: UInt32) {
        self.value = value
        self.echoReply = echoReply
    }
}

/// The Fast Open option (RFC 7413, 4.1.1).
public struct FastOpenOption: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of the cookie: 4...16 and even, or 0 for a request.
    public let count: UInt8
    @usableFromInline var high: UInt64
    @usableFromInline var low: UInt64

    /// A request for a cookie.
    @inlinable public init() {
        count = 0
        high = 0
        low = 0
    }

    /// - Returns: `nil` for a length that no cookie has.
    @inlinable public init?(cookie: Span<UInt8>) {
        guard cookie.count <= 16, cookie.count % 2 == 0, cookie.count == 0 || cookie.count >= 4 else { return nil }
        count = UInt8(truncatingIfNeeded: cookie.count)
        high = 0
        low = 0
        for index in cookie.indices {
            if index < 8 {
                high |= UInt64(cookie[index]) << UInt64(56 - 8 * index)
            } else {
                low |= UInt64(cookie[index]) << UInt64(120 - 8 * index)
            }
        }
    }

    /// Byte `index` of the cookie.
    @inlinable public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < Int(count), "a byte of the cookie")
        return UInt8(truncatingIfNeeded: index < 8 ? high >> UInt64(56 - 8 * index) : low >> UInt64(120 - 8 * index))
    }
}

/// The options of a segment that the stack understands (RFC 9293, 3.2; RFC 7323; RFC 2018; RFC 7413).
public struct TCPOptions: Hashable, Sendable, BitwiseCopyable {
    public var maximumSegmentSize: UInt16?
    /// The shift as it came; ``WindowScale`` bounds it.
    public var windowScale: UInt8?
    public var isSACKPermitted: Bool
    public var timestamps: TCPTimestamps?
    public var sackBlocks: SACKBlocks
    public var fastOpen: FastOpenOption?
    /// How the list is written; what was read does not tell.
    public var layout: TCPOptionLayout

    /// No options.
    @inlinable public init() {
        isSACKPermitted = false
        sackBlocks = SACKBlocks()
        layout = .linux
    }
}

// MARK: - Reading

extension TCPOptions {
    /// Reads a list of options. An unknown one is skipped by its length; where the list is broken the rest is ignored.
    @inlinable public init(parsing octets: Span<UInt8>) {
        self.init()
        // What nearly every segment of an open connection carries: nop, nop, timestamps.
        if octets.count == 12, octets.uint32(at: 0) == 0x0101_080A {
            timestamps = TCPTimestamps(value: octets.uint32(at: 4), echoReply: octets.uint32(at: 8))
        } else {
            readList(octets)
        }
    }

    @usableFromInline mutating func readList(_ octets: Span<UInt8>) {
        var position = 0
        while position < octets.count {
            let kind = octets[position]
            if kind == 0 { return }
            if kind == 1 {
                position &+= 1
                continue
            }
            guard position &+ 1 < octets.count else { return }
            let length = Int(octets[position &+ 1])
            guard length >= 2, position &+ length <= octets.count else { return }
            read(kind, octets.extracting(position &+ 2..<position &+ length))
            position &+= length
        }
    }

    private mutating func read(_ kind: UInt8, _ data: Span<UInt8>) {
        switch (kind, data.count) {
        case (2, 2): maximumSegmentSize = data.uint16(at: 0)
        case (3, 1): windowScale = data[0]
        case (4, 0): isSACKPermitted = true
        case (5, let length) where length > 0 && length % 8 == 0:
            var offset = 0
            while offset < length {
                sackBlocks.append(
                    SACKBlock(
                        left: SequenceNumber(data.uint32(at: offset)),
                        right: SequenceNumber(data.uint32(at: offset &+ 4))))
                offset &+= 8
            }
        case (8, 8): timestamps = TCPTimestamps(value: data.uint32(at: 0), echoReply: data.uint32(at: 4))
        case (34, _): fastOpen = FastOpenOption(cookie: data)
        default: break
        }
    }
}

// MARK: - Writing

extension TCPOptions {
    /// Bytes of the list as it is written, padding included; at most 40.
    @inlinable public func encodedLength(isSYN: Bool) -> Int {
        if !isSYN, sackBlocks.count == 0, fastOpen == nil, maximumSegmentSize == nil, windowScale == nil,
            !isSACKPermitted
        {
            return timestamps == nil ? 0 : 12
        }
        var length = fixedLength
        length &+= sackLength(room: 40 &- length)
        if let fastOpen, length &+ fastOpenLength(fastOpen) <= 40 { length &+= fastOpenLength(fastOpen) }
        return length
    }

    /// All but SACK blocks and Fast Open.
    @usableFromInline var fixedLength: Int {
        (maximumSegmentSize == nil ? 0 : 4) &+ (timestamps == nil ? 0 : 12) &+ (windowScale == nil ? 0 : 4)
            &+ (isSACKPermitted && !sharesWord ? 4 : 0)
    }

    /// SACK-permitted takes the place of the two bytes of padding before timestamps.
    private var sharesWord: Bool { timestamps != nil && layout.sharesWord }

    @usableFromInline func sackLength(room: Int) -> Int {
        let fitting = Swift.min(sackBlocks.count, Swift.max((room &- 4) / 8, 0))
        return fitting == 0 ? 0 : 4 &+ 8 &* fitting
    }

    @usableFromInline func fastOpenLength(_ option: FastOpenOption) -> Int { (2 &+ Int(option.count) &+ 3) / 4 &* 4 }

    /// Writes the list at `start` in its ``layout``.
    @_lifetime(octets: copy octets)
    @inlinable public func emit(into octets: inout MutableSpan<UInt8>, at start: Int, isSYN: Bool) {
        if let timestamps, encodedLength(isSYN: isSYN) == 12 {
            octets.store(isSACKPermitted ? 0x0402_080A : 0x0101_080A as UInt32, at: start)
            octets.store(timestamps.value, at: start &+ 4)
            octets.store(timestamps.echoReply, at: start &+ 8)
        } else {
            emitList(into: &octets, at: start)
        }
    }

    @_lifetime(octets: copy octets)
    @usableFromInline func emitList(into octets: inout MutableSpan<UInt8>, at start: Int) {
        var position = start
        for place in 0..<4 {
            switch layout.option(at: place) {
            case .maximumSegmentSize:
                guard let mss = maximumSegmentSize else { continue }
                octets.store(0x0204_0000 | UInt32(mss), at: position)
            case .windowScale:
                guard let windowScale else { continue }
                octets.store(0x0103_0300 | UInt32(windowScale), at: position)
            case .sackPermitted:
                guard isSACKPermitted, !sharesWord else { continue }
                let isLast = position &+ 4 == start &+ encodedLength(isSYN: true)
                octets.store(layout.endsWithEOL && isLast ? 0x0402_0000 : 0x0101_0402 as UInt32, at: position)
            case .timestamps:
                guard let timestamps else { continue }
                octets.store(isSACKPermitted && sharesWord ? 0x0402_080A : 0x0101_080A as UInt32, at: position)
                octets.store(timestamps.value, at: position &+ 4)
                octets.store(timestamps.echoReply, at: position &+ 8)
                position &+= 8
            }
            position &+= 4
        }
        let sack = sackLength(room: 40 &- (position &- start))
        if sack > 0 {
            octets.store(0x0101_0500 | UInt32(truncatingIfNeeded: sack &- 2), at: position)
            for index in 0..<(sack &- 4) / 8 {
                octets.store(sackBlocks[index].left.rawValue, at: position &+ 4 &+ 8 &* index)
                octets.store(sackBlocks[index].right.rawValue, at: position &+ 8 &+ 8 &* index)
            }
            position &+= sack
        }
        if let fastOpen, position &- start &+ fastOpenLength(fastOpen) <= 40 {
            emit(fastOpen, into: &octets, at: position)
        }
    }

    @_lifetime(octets: copy octets)
    private func emit(_ option: FastOpenOption, into octets: inout MutableSpan<UInt8>, at position: Int) {
        octets[position] = 34
        octets[position &+ 1] = 2 &+ option.count
        for index in 0..<Int(option.count) { octets[position &+ 2 &+ index] = option[index] }
        for index in 2 &+ Int(option.count)..<fastOpenLength(option) { octets[position &+ index] = 1 }
    }
}
