import Fuzzing

/// What libFuzzer calls with each of its inputs. A listening stack among forged packets.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    ListenerTarget.run(unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
