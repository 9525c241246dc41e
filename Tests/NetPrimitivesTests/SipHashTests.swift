import Testing

@testable import NetPrimitives

@Suite("SipHash-2-4")
struct SipHashTests {
    /// The vectors of the reference paper's appendix and code: key 00..0f, message 00, 01, ... of each length.
    @Test(arguments: [
        (0, 0x726f_db47_dd0e_0e31 as UInt64), (1, 0x74f8_39c5_93dc_67fd), (2, 0x0d6c_8009_d9a9_4f5a),
        (3, 0x8567_6696_d7fb_7e2d), (7, 0xab02_00f5_8b01_d137), (8, 0x93f5_f579_9a93_2462),
        (15, 0xa129_ca61_49be_45e5),
    ])
    func referenceVectors(length: Int, expected: UInt64) {
        let message = (0..<length).map(UInt8.init)
        let key = SipKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        #expect(SipHash.hash(message.span, key: key) == expected)
    }
}
