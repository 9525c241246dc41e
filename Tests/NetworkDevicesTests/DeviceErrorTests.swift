import NetPrimitives
import Testing

@testable import NetworkDevices

@Suite("Devices that cannot be had")
struct DeviceErrorTests {
    @Test("say in one sentence what helps")
    func sentences() {
        let denied = DeviceError.notPermitted("making the TUN device tun7", device: "tun7").description
        #expect(denied.contains("CAP_NET_ADMIN") && denied.contains("ip tuntap add dev tun7 mode tun user $USER"))
        #expect(DeviceError.noTUN(code: 13).description.contains("Permission denied"))
        #expect(DeviceError.noTUN(code: 2).description.contains("modprobe tun"))
    }

    #if os(Linux)
        @Test("names and MTUs that cannot be are refused before anything is opened")
        func arguments() throws {
            let v6 = try #require(IPPrefix(.v6(.loopback), length: 64))
            let rows: [(TUNConfiguration, DeviceError)] = [
                (TUNConfiguration(name: ""), .invalidName("")),
                (TUNConfiguration(name: "a name"), .invalidName("a name")),
                (TUNConfiguration(name: "a/b"), .invalidName("a/b")),
                (TUNConfiguration(name: "sixteenletterslo"), .invalidName("sixteenletterslo")),
                (TUNConfiguration(name: "t", mtu: 67), .mtuNotUsable(67)),
                (TUNConfiguration(name: "t", mtu: 65_536), .mtuNotUsable(65_536)),
                (TUNConfiguration(name: "t", hostAddresses: [v6], mtu: 1279), .mtuNotUsable(1279)),
            ]
            for (configuration, error) in rows {
                #expect(throws: error) { _ = try TUNDevice(configuration) }
            }
        }

        @Test("this machine's addresses include the loopback's, when it is up")
        func loopback() {
            let loopback = InterfaceAddress.all().filter { $0.name == "lo" }.map(\.address)
            #expect(loopback.isEmpty || loopback.contains(.v4(IPv4Address(127, 0, 0, 1))))
        }
    #endif

    @Test("the resolver knows numbers without asking anyone")
    func numbers() throws {
        #expect(try SystemResolver.addresses(of: "192.0.2.1") == [.v4(IPv4Address(192, 0, 2, 1))])
        let v6 = try #require(IPv6Address("2001:db8::1"))
        #expect(try SystemResolver.addresses(of: "2001:db8::1") == [.v6(v6)])
    }
}
