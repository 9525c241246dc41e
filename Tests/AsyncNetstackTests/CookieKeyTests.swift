import Foundation
import NetPrimitives
import Netstack
import NetworkSimulation
import Synchronization
import Testing

@testable import AsyncNetstack

@Suite("Keys of SYN cookies")
struct CookieKeyTests {
    private static let a = "000102030405060708090a0b0c0d0e0f"
    private static let b = "FFEEDDCCBBAA99887766554433221100"
    private static let c = "00000000000000000000000000000001"
    private static let keyA = SipKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
    private static let keyB = SipKey(0x8899_aabb_ccdd_eeff, 0x0011_2233_4455_6677)
    private static let keyC = SipKey(0, 0x0100_0000_0000_0000)

    // MARK: The file's text

    @Test("a line is 16 bytes in hexadecimal, the current key first")
    func text() throws {
        #expect(try CookieKeyPair(parsing: Self.a.utf8) == CookieKeyPair(current: Self.keyA))
        #expect(
            try CookieKeyPair(parsing: "\n\(Self.b)\r\n \(Self.a)\t\n\n".utf8)
                == CookieKeyPair(current: Self.keyB, previous: Self.keyA))
    }

    @Test(
        "anything else says what is wrong with it",
        arguments: [
            ("", "there is no key in it"), (" \n\n", "there is no key in it"),
            (a + "\n" + b + "\n" + a, "there are more than two keys in it"),
            (a.dropLast() + "", "line 1 is not 32 hexadecimal digits"), (a + "0", "line 1 is not"),
            ("0x" + a.dropFirst(2), "line 1 is not"), (a + "\n\n" + "key", "line 3 is not"),
            (String(repeating: "é", count: 16), "line 1 is not"),
        ])
    func nonsense(_ text: String, _ words: String) {
        #expect {
            _ = try CookieKeyPair(parsing: text.utf8)
        } throws: { error in
            "\(error)".contains(words)
        }
    }

    // MARK: The file

    /// A folder of a test's own, gone with it.
    private final class Folder {
        let url: URL
        var path: String { url.appendingPathComponent("keys").path }

        init() throws {
            let temporary = FileManager.default.temporaryDirectory
            url = try FileManager.default.url(
                for: .itemReplacementDirectory, in: .userDomainMask, appropriateFor: temporary, create: true)
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        /// Puts a file in place as its documentation says: by a rename.
        func put(_ text: String, mode: Int = 0o600) throws {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
    }

    private func keeper(_ folder: Folder) throws -> CookieKeyKeeper {
        try CookieKeyKeeper(.file(folder.path)) { 0 }
    }

    @Test("a file is read when it changes; what is no good is told once, and the keys stay")
    func watching() throws {
        let folder = try Folder()
        try folder.put(Self.a)
        var keeper = try keeper(folder)
        var step = keeper.step()
        #expect(step.keys == CookieKeyPair(current: Self.keyA) && step.news == [] && step.wait == .seconds(1))
        #expect(keeper.step().news == [])
        // One key: the one before is the one that was there before.
        try folder.put(Self.b)
        step = keeper.step()
        #expect(step.keys == CookieKeyPair(current: Self.keyB, previous: Self.keyA))
        #expect(step.news == [.taken(path: folder.path)])
        #expect(keeper.step().news == [])
        try folder.put("nonsense")
        step = keeper.step()
        #expect(step.keys == CookieKeyPair(current: Self.keyB, previous: Self.keyA))
        #expect(step.news.map(\.description).first?.contains("line 1 is not 32 hexadecimal digits") == true)
        #expect(step.news.map(\.description).first?.hasSuffix("the keys of before stay") == true)
        #expect(keeper.step().news == [])
        try FileManager.default.removeItem(atPath: folder.path)
        #expect(keeper.step().news.map(\.description).first?.contains("No such file") == true)
        #expect(keeper.step().news == [])
        // Two keys: both are as the file says.
        try folder.put(Self.a + "\n" + Self.c)
        step = keeper.step()
        #expect(step.keys == CookieKeyPair(current: Self.keyA, previous: Self.keyC))
        #expect(step.news == [.taken(path: folder.path)])
        // The same key again, alone, forgets nothing.
        try folder.put(Self.a + "\n")
        #expect(keeper.step().keys == CookieKeyPair(current: Self.keyA, previous: Self.keyC))
    }

    @Test("a file that others may read is told of, at the start and at each change")
    func permissions() throws {
        let folder = try Folder()
        try folder.put(Self.a, mode: 0o640)
        var keeper = try keeper(folder)
        #expect(keeper.step().news == [.exposed(path: folder.path)])
        #expect(keeper.step().news == [])
        try folder.put(Self.b, mode: 0o602)
        #expect(keeper.step().news == [.taken(path: folder.path), .exposed(path: folder.path)])
        try folder.put(Self.c)
        #expect(keeper.step().news == [.taken(path: folder.path)])
    }

    @Test("a start without good keys is none")
    func noStart() throws {
        let folder = try Folder()
        #expect(throws: CookieKeyError.self) { _ = try keeper(folder) }
        try folder.put("x")
        #expect(throws: CookieKeyError.self) { _ = try keeper(folder) }
        #expect(throws: CookieKeyError.self) { _ = try CookieKeyKeeper(.file(folder.url.path)) { 0 } }
    }

    // MARK: Rotation

    /// Numbers in a row instead of chance.
    private static func counting() -> @Sendable () -> UInt64 {
        let next = Mutex<UInt64>(0)
        return {
            next.withLock {
                $0 += 1
                return $0 &* 0x9E37_79B9_7F4A_7C15
            }
        }
    }

    @Test(
        "keys follow each other, two minutes apart at least, the first interval cut short by chance",
        arguments: [(0, 128), (128, 128), (3_600, 3_600)] as [(Int64, Int64)])
    func rotation(_ seconds: Int64, _ expected: Int64) throws {
        var keeper = try CookieKeyKeeper(.drawn(every: .seconds(seconds)), draw: Self.counting())
        let first = keeper.step()
        #expect(first.keys.previous == nil)
        #expect(first.wait >= .seconds(128) && first.wait <= .seconds(expected))
        var before = first.keys
        for _ in 0..<10 {
            let step = keeper.step()
            #expect(step.keys.previous == before.current && step.keys.current != before.current)
            #expect(step.wait == .seconds(expected) && step.news == [])
            before = step.keys
        }
    }

    @Test("no handshake is lost to a change of keys, through two hours of them", arguments: CookieCodec.allCases)
    func handshakes(_ codec: CookieCodec) async throws {
        var configuration = Configuration()
        (configuration.synCookies, configuration.cookieCodec) = (.always, codec)
        // 20 s on the way each: the ACK comes 40 s after its cookie was made.
        let far = LinkConditions(latency: .seconds(20))
        try await SimulatedNetwork.run(conditions: far, configuration: configuration) { client, server in
            let keeper = try CookieKeyKeeper(.drawn(every: .seconds(128)), draw: Self.counting())
            await server.engine.keepCookieKeys(by: keeper) { _ in }
            let listener = try server.listen(on: "192.0.2.2:80")
            for _ in 0..<100 {
                let connection = try await client.connect(to: "server:80")
                let accepted = try #require(try await listener.accept())
                #expect(accepted.remote == connection.local)
                await connection.close()
                await accepted.close()
                try await client.pause(for: .seconds(31))
            }
            #expect(await server.counters.cookiesFailed == 0)
            #expect(await server.counters.cookiesReceived >= 100)
        }
    }

    @Test("a program may bring keys of its own: the one before counts, another does not", arguments: [true, false])
    func ownKeys(_ remembersFormer: Bool) async throws {
        var configuration = Configuration()
        configuration.synCookies = .always
        let failed = try await SimulatedNetwork.run(conditions: slow, configuration: configuration) { client, server in
            let listener = try server.listen(on: "192.0.2.2:80")
            try await listener.setCookieCodec(.fleet)
            await server.setCookieKeys(CookieKeyPair(current: Self.keyA))
            async let connection = client.connect(to: "server:80")
            // The cookie went out after 50 ms, and its ACK comes after 150.
            try await server.pause(for: .milliseconds(75))
            await server.setCookieKeys(CookieKeyPair(current: Self.keyB, previous: remembersFormer ? Self.keyA : nil))
            try await server.pause(for: .milliseconds(200))
            await (try connection).close()
            return await server.counters.cookiesFailed
        }
        #expect(failed == (remembersFormer ? 0 : 1))
    }
}
