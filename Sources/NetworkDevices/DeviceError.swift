public import NetPrimitives

/// Why a device cannot be had, or is gone: each in one sentence that says what helps.
public enum DeviceError: Error, Hashable, Sendable {
    /// The machine has no TUN device, or the program may not see it.
    case noTUN(code: Int32)
    /// The kernel refuses something for lack of a privilege.
    case notPermitted(String, device: String)
    /// Another process has this device open.
    case busy(String)
    /// There is an interface of this name, and it is no TUN device.
    case nameTaken(String)
    /// A name that no interface can have.
    case invalidName(String)
    /// Another interface of this machine has the address.
    case addressInUse(IPAddress, interface: String)
    /// An IPv6 address on a device whose MTU is below 1280 (RFC 8200, 5), or an MTU outside 68...65535.
    case mtuNotUsable(Int)
    /// The interface was deleted, or the descriptor is dead.
    case vanished(String)
    /// Any other refusal, with errno.
    case system(String, code: Int32)
    /// This operating system has no such devices.
    case notSupported
}

extension DeviceError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTUN(let code):
            "/dev/net/tun cannot be opened (\(Self.text(code))): \(Self.advice(code))"
        case .notPermitted(let what, let device):
            "\(what) needs the capability CAP_NET_ADMIN: run as root, or have root make the device for you once: "
                + "ip tuntap add dev \(device) mode tun user $USER, then ip addr add and ip link set \(device) up"
        case .busy(let name):
            "\(name) is in use by another process: choose another name, or end that process"
        case .nameTaken(let name):
            "\(name) is the name of an interface that is no TUN device: choose another name"
        case .invalidName(let name):
            "'\(name)' is no name for an interface: 1 to 15 characters, without / and spaces"
        case .addressInUse(let address, let interface):
            "the address \(address) is in use on \(interface): choose another, or remove it there"
        case .mtuNotUsable(let mtu):
            "an MTU of \(mtu) does not do: 68 to 65535, and 1280 at least for IPv6"
        case .vanished(let name):
            "the device \(name) is gone: somebody has deleted it"
        case .system(let what, let code):
            "\(what): \(Self.text(code))"
        case .notSupported:
            "this system has no TUN devices; NetworkSimulation works everywhere"
        }
    }

    private static func advice(_ code: Int32) -> String {
        switch code {
        case ErrorNumber.accessDenied, ErrorNumber.notPermitted: "run as root, or give this user access to it"
        default: "the kernel lacks the module tun (modprobe tun), or the container the device (--device /dev/net/tun)"
        }
    }

    private static func text(_ code: Int32) -> String { ErrorNumber.text(code) }
}
