// The core in a program without a runtime library: packets through a batch, and one line at the end.

import NetPrimitives

/// Sends one packet's worth of bytes through a batch and reads them back.
func run() -> Bool {
    var batch = PacketBatch(byteCapacity: 256, packetCapacity: 4)
    let isn = SequenceNumber(.max) + 1
    guard let index = batch.appendUninitialized(length: 20, interface: InterfaceID(0)) else { return false }
    var bytes = batch.mutableBytes(of: index)
    bytes.store(isn.rawValue, at: 4)
    guard batch.bytes(of: index).uint32(at: 4) == 0 else { return false }
    print("packets: \(batch.count)")
    return true
}

precondition(run())
