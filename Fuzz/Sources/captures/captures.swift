import Fuzzing

/// What libFuzzer calls with each of its inputs. Capture files, and every packet in them printed.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    CapturesTarget.run(unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
