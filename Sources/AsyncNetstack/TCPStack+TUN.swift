public import NetPrimitives
public import Netstack
public import NetworkDevices

/// A stack on a TUN device: what the device is like, and who lives on it.
public struct TUNOptions: Sendable {
    /// The device, with the kernel's own addresses.
    public var device: TUNConfiguration
    /// The stack's addresses.
    public var addresses: [IPPrefix]
    /// Networks that the stack is the gateway of: TCP for any of their hosts, which the kernel routes to the device, is
    /// for listeners that take every address.
    public var gateways: [IPPrefix] = []
    /// How the stack behaves.
    public var configuration: Configuration
    /// Sees every packet.
    public var observer: PacketObserver?
    /// Where the keys of SYN cookies come from, and who is told about them; by default standard error, of what is
    /// wrong.
    public var cookieKeys = CookieKeySource.drawn(every: .seconds(3600))
    public var cookieKeyNews: @Sendable (CookieKeyNews) -> Void = { news in
        if case .taken = news { return }
        Complaint.print("\(news)")
    }
    /// From names to addresses.
    public var resolver: Resolver = .system

    public init(
        device: TUNConfiguration, addresses: [IPPrefix], configuration: Configuration = Configuration(),
        observer: PacketObserver? = nil
    ) {
        self.device = device
        self.addresses = addresses
        self.configuration = configuration
        self.observer = observer
    }

    /// The short form: text for everything.
    /// - Parameters:
    ///   - name: the interface.
    ///   - address: the stack's address.
    ///   - host: the kernel's address with the length of the network that both are in: "10.77.0.1/24".
    public init?(name: String, address: String, host: String) {
        guard let own = IPAddress(address), let kernel = IPPrefix(host) else { return nil }
        self.init(device: TUNConfiguration(name: name, hostAddresses: [kernel]), addresses: [IPPrefix(host: own)])
    }
}

extension TCPStack {
    /// Opens a TUN device and starts a stack on it, with a thread of its own. All packets that are for nobody the stack
    /// knows go to the kernel.
    /// - Throws: ``NetstackError/device(_:)`` with a sentence that helps; ``NetstackError/call(_:)`` for an address
    ///   that cannot be a host's; ``CookieKeyError`` for a key file that is none.
    public static func tun(_ options: TUNOptions) throws -> TCPStack {
        #if os(Linux)
            let keeper = try CookieKeyKeeper(options.cookieKeys) {
                var chance = SystemRandomNumberGenerator()
                return chance.next()
            }
            do {
                var wanted = options.device
                wanted.guestAddresses += options.addresses.map(\.address)
                let device = try TUNDevice(wanted)
                let poller = SharedPoller(try Poller())
                try poller.watch(device)
                return try start(options, device, poller, keeper)
            } catch let error as DeviceError {
                throw NetstackError.device(error)
            }
        #else
            throw NetstackError.device(.notSupported)
        #endif
    }
}

#if os(Linux)
    /// A poller that the thread sleeps on and others wake.
    private final class SharedPoller: Sendable {
        private let poller: Poller

        init(_ poller: consuming Poller) { self.poller = poller }

        func watch(_ device: borrowing TUNDevice) throws(DeviceError) { try poller.watch(device) }
        func wait(_ longest: Interval?) { poller.wait(longest) }
        @Sendable func wake() { poller.wake() }
    }

    extension TCPStack {
        private static func start(
            _ options: TUNOptions, _ device: consuming TUNDevice, _ poller: SharedPoller, _ keeper: CookieKeyKeeper
        ) throws -> TCPStack {
            let mtu = device.mtu
            var chance = SystemRandomNumberGenerator()
            let seed = Seed(chance.next(), chance.next(), chance.next(), chance.next())
            var stack = NetworkStack(configuration: options.configuration, seed: seed)
            let interface: InterfaceID
            do throws(StackError) {
                interface = try stack.addInterface(InterfaceConfiguration(mtu: mtu))
                for prefix in options.addresses {
                    try stack.addAddress(prefix, to: interface)
                    let any: IPAddress = prefix.address.isIPv6 ? .v6(.any) : .v4(.any)
                    if let everywhere = IPPrefix(any, length: 0) { try stack.addRoute(everywhere, by: interface) }
                }
                for network in options.gateways { try stack.addGateway(of: network, on: interface) }
            } catch {
                throw NetstackError.call(error)
            }
            let executor = DriverExecutor("swift-tcp " + device.name)
            let owner = DeviceOwner(stack, on: device, as: interface, observer: options.observer)
            let engine = Engine(Confined(value: owner), on: executor)
            executor.post { [weak engine, tell = options.cookieKeyNews] in
                engine?.assumeIsolated { $0.keepCookieKeys(by: keeper, tell) }
            }
            executor.start(wake: poller.wake) { [weak engine] in
                while !executor.isStopping {
                    executor.drain()
                    guard let rest = engine.map({ engine in engine.assumeIsolated { $0.turn() } }) else { break }
                    poller.wait(executor.hasWork ? .zero : rest)
                }
            }
            return TCPStack(engine, resolver: options.resolver)
        }
    }
#endif
