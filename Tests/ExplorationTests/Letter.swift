import NetPrimitives
import Netstack
import NetworkSimulation
import WireFormats

/// A TCP segment between the two ends of a model, to be written by hand or changed on its way.
struct Letter {
    /// Where it comes from.
    var from: ExploredSide
    var segment: Segment
    var text: [UInt8] = []

    init(from side: ExploredSide, _ flags: WireFormats.TCPFlags, seq: UInt32, ack: UInt32 = 0, text: String = "") {
        from = side
        segment = Segment()
        segment.flags = flags
        segment.seq = SequenceNumber(seq)
        segment.ack = SequenceNumber(ack)
        segment.window = 4096
        self.text = Array(text.utf8)
    }

    /// - Returns: `nil` when the packet is no TCP segment between the two.
    init?(_ packet: [UInt8]) {
        guard let ip = try? IPv4View(validating: packet.span), let tcp = try? TCPView(validating: ip.payload) else {
            return nil
        }
        from = Model.address(.left) == .v4(ip.source) ? .left : .right
        segment = tcp.segment
        let payload = tcp.payload
        text = payload.indices.map { payload[$0] }
    }

    func has(_ flag: WireFormats.TCPFlags) -> Bool { segment.flags.contains(flag) }

    /// The packet, its checksums right.
    var bytes: [UInt8] {
        let (source, destination) = (Model.endpoint(from), Model.endpoint(from.opposite))
        guard case .v4(let local) = source.address, case .v4(let remote) = destination.address else { return [] }
        var segment = segment
        segment.payloadLength = text.count
        var tcp = [UInt8](repeating: 0, count: segment.headerLength) + text
        var octets = tcp.mutableSpan
        segment.emitHeader(into: &octets, sourcePort: source.port, destinationPort: destination.port)
        let sum = InternetChecksum.pseudoHeaderSum(
            source: source.address, destination: destination.address, protocol: .tcp, length: octets.count)
        Segment.storeChecksum(in: &octets, pseudoHeaderSum: sum)
        var header = [UInt8](repeating: 0, count: IPv4Header.length)
        octets = header.mutableSpan
        IPv4Header(source: local, destination: remote, protocol: .tcp, payloadLength: tcp.count).emit(into: &octets)
        return header + tcp
    }

    /// As a packet from outside.
    var packet: ExploredPacket { ExploredPacket(bytes, to: from.opposite) }
}
