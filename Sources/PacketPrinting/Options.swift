public import NetPrimitives

extension PacketPrinter {
    /// tcpdump's switches, by the names of what they do.
    public struct Options: Sendable {
        /// `-n`: addresses and ports as numbers; names are not asked for.
        public var numeric = false
        /// `-S`: sequence numbers as they are on the wire.
        public var absoluteSequence = false
        /// `-t` to `-ttttt`: the time in front of the line.
        public var time = TimeFormat.timeOfDay
        /// `--nano`: nine digits of a second instead of six.
        public var nanoseconds = false
        /// `-v`: 0 is the short form, 1 adds the IP header and checksums, 2 (`-vv`) more numbers.
        public var verbosity = 0
        /// `-q`: addresses, ports and length only.
        public var quiet = false
        /// `-e`: what stands for the link header where there is none, `ip:`.
        public var linkHeader = false
        /// `-#`: the packet's number, from 1.
        public var packetNumber = false
        /// `-K` when false: under ``verbosity``, leave the checksums of IPv4, TCP and UDP unverified.
        public var verifiesChecksums = true
        /// Local time is UTC plus this.
        public var timeZoneOffset = Interval.zero
        /// Where names come from when the output is not ``numeric``.
        public var names = NameSource()

        /// The options of tcpdump without any switch, but in UTC and without asking a resolver.
        public init() {}
    }

    /// The time in front of a line.
    public enum TimeFormat: Sendable, Hashable, CaseIterable {
        /// `12:34:56.123456`, the default.
        case timeOfDay
        /// `-t`: no time.
        case none
        /// `-tt`: seconds since 1970, `1700000000.123456`.
        case epoch
        /// `-ttt`: the time since the previous packet, ` 00:00:00.001234`.
        case sincePrevious
        /// `-tttt`: `2023-11-14 22:13:20.123456`.
        case dateAndTime
        /// `-ttttt`: the time since the first packet.
        case sinceFirst
    }
}
