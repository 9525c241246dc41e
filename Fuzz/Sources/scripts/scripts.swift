import Fuzzing

/// What libFuzzer calls with each of its inputs. packetdrill's language.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    ScriptsTarget.run(unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
