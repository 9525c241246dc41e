import Fuzzing

/// What libFuzzer calls with each of its inputs. Two stacks, their applications and a bad network.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    StacksTarget.run(unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
