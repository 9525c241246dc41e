public import NetPrimitives

/// Where a stack has the keys of its SYN cookies from.
public enum CookieKeySource: Hashable, Sendable {
    /// Drawn when the stack starts and again after each interval, which is two minutes at least: for a machine that
    /// completes its own handshakes only. The first interval is cut short by chance.
    case drawn(every: Duration)
    /// A file with one or two keys, for machines that complete each other's handshakes: see ``CookieKeyPair``. It is
    /// looked at once a second, on the stack's thread, so it should be on a local disk.
    case file(String)
}

/// The key of SYN cookies, and the one before it.
///
/// A key file has one line for each, the current one first: 32 hexadecimal digits, the key's 16 bytes in their order.
/// Empty lines do not count. Whoever can read it can forge connections: let it belong to the server's user, with mode
/// 600. Change it with a rename, so that nobody sees half of it, and not more often than every two minutes, so that
/// what was sent completes.
public struct CookieKeyPair: Hashable, Sendable {
    /// What cookies are made with.
    public var current: SipKey
    /// What they may have been made with.
    public var previous: SipKey?

    public init(current: SipKey, previous: SipKey? = nil) {
        self.current = current
        self.previous = previous
    }

    /// Reads the text of a key file.
    /// - Throws: ``CookieKeyError`` in words that tell the line.
    public init(parsing text: some Sequence<UInt8>) throws(CookieKeyError) {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        let lines = Array(text).split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
            .map { (number: $0 + 1, digits: $1.filter { !isBlank($0) }) }
            .filter { !$0.digits.isEmpty }
        guard let first = lines.first else { throw CookieKeyError("there is no key in it") }
        guard lines.count <= 2 else { throw CookieKeyError("there are more than two keys in it") }
        current = try Self.key(first)
        previous = lines.count == 2 ? try Self.key(lines[1]) : nil
    }

    private static func key(_ line: (number: Int, digits: [UInt8])) throws(CookieKeyError) -> SipKey {
        let values = line.digits.compactMap { Character(UnicodeScalar($0)).hexDigitValue.map(UInt64.init) }
        guard values.count == 32, line.digits.count == 32 else {
            throw CookieKeyError("line \(line.number) is not 32 hexadecimal digits")
        }
        // The first byte is the least significant, as SipHash takes its key.
        func word(_ start: Int) -> UInt64 {
            (0..<8).reduce(0) { word, byte in
                word | (values[start + 2 * byte] << 4 | values[start + 2 * byte + 1]) << UInt64(8 * byte)
            }
        }
        return SipKey(word(0), word(16))
    }
}

/// Why no keys could be had from a key file.
public struct CookieKeyError: Error, Hashable, CustomStringConvertible {
    /// The file, if it is known.
    public var path: String?
    /// What is wrong.
    public var reason: String

    init(_ reason: String, path: String? = nil) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "no cookie keys from \(path ?? "a key file"): \(reason)" }
}

/// What there is to tell about a stack's keys.
public enum CookieKeyNews: Hashable, Sendable, CustomStringConvertible {
    /// The key file has changed, and its keys are in use now.
    case taken(path: String)
    /// The key file has changed and is no good; the keys are those of before.
    case refused(CookieKeyError)
    /// Others than its owner may read or write the key file.
    case exposed(path: String)

    public var description: String {
        switch self {
        case .taken(let path): "new cookie keys from \(path)"
        case .refused(let error): "\(error); the keys of before stay"
        case .exposed(let path): "\(path) is open to others than its owner: chmod 600 it"
        }
    }
}

/// Says when a stack's keys change: one step at a time, so that the driver's clock decides.
struct CookieKeyKeeper: Sendable {
    struct Step {
        var keys: CookieKeyPair
        var news: [CookieKeyNews] = []
        /// When to take the next step.
        var wait: Interval
    }

    private enum Source {
        case drawn(every: Interval)
        case file(KeyFile)
    }

    private var source: Source
    private var keys: CookieKeyPair
    private var isFirst = true
    private let draw: @Sendable () -> UInt64

    /// No cookie of before may be alive when its key is forgotten: both codecs' live for two of their units.
    private static let leastInterval = Interval.seconds(128)
    private static let glance = Interval.seconds(1)

    /// - Throws: ``CookieKeyError`` for a file without keys.
    init(_ origin: CookieKeySource, draw: @escaping @Sendable () -> UInt64) throws(CookieKeyError) {
        self.draw = draw
        switch origin {
        case .drawn(let interval):
            source = .drawn(every: max(Interval(interval), Self.leastInterval))
            keys = CookieKeyPair(current: SipKey(draw(), draw()))
        case .file(let path):
            var file = KeyFile(path)
            guard let first = try file.keysIfChanged() else { throw CookieKeyError("it has not been read", path: path) }
            source = .file(file)
            keys = first
        }
    }

    mutating func step() -> Step {
        defer { isFirst = false }
        switch source {
        case .drawn(let interval):
            if isFirst {
                // Nobody is to know when the key changes from when the stack started.
                let span = UInt64((interval - Self.leastInterval).nanoseconds) + 1
                return Step(keys: keys, wait: Self.leastInterval + .nanoseconds(Int64(draw() % span)))
            }
            keys = CookieKeyPair(current: SipKey(draw(), draw()), previous: keys.current)
            return Step(keys: keys, wait: interval)
        case .file(var file):
            var news: [CookieKeyNews] = []
            do throws(CookieKeyError) {
                if let new = try file.keysIfChanged() {
                    take(new)
                    news.append(.taken(path: file.path))
                }
                if file.isExposed, isFirst || !news.isEmpty { news.append(.exposed(path: file.path)) }
            } catch {
                news.append(.refused(error))
            }
            source = .file(file)
            return Step(keys: keys, news: news, wait: Self.glance)
        }
    }

    /// With one key in the file the one before it is the one that was there before.
    private mutating func take(_ new: CookieKeyPair) {
        let former = new.current == keys.current ? keys.previous : keys.current
        keys = CookieKeyPair(current: new.current, previous: new.previous ?? former)
    }
}
