#if os(Linux)
    import CNetworkDevices
    import Glibc
    import NetPrimitives

    /// A network interface of the kernel, set by ioctl. What is right already is left alone, which needs no privilege.
    struct Interface {
        let name: String

        func configure(_ wanted: TUNConfiguration) throws(DeviceError) {
            for prefix in wanted.hostAddresses { try check(prefix.address) }
            if unsafe stcp_interface_mtu(name) != Int32(wanted.mtu) {
                try demand(unsafe stcp_interface_set_mtu(name, Int32(wanted.mtu)), "setting the MTU of \(name)")
            }
            for prefix in wanted.hostAddresses { try add(prefix) }
            if unsafe stcp_interface_is_up(name) != 1 {
                try demand(unsafe stcp_interface_set_up(name), "setting \(name) up")
            }
            for prefix in wanted.hostAddresses { awaitUse(of: prefix.address) }
        }

        /// No other interface may have the address.
        private func check(_ address: IPAddress) throws(DeviceError) {
            guard let other = InterfaceAddress.all().first(where: { $0.address == address && $0.name != name }) else {
                return
            }
            throw .addressInUse(address, interface: other.name)
        }

        /// An IPv6 address is tentative at first. Whoever connects meanwhile gets another source address, such as that of
        /// the loopback, and no answer. After a second it is the kernel's affair.
        private func awaitUse(of address: IPAddress) {
            guard case .v6(let address) = address else { return }
            for _ in 0..<1000 where unsafe stcp_interface_can_bind6(name, address.high, address.low) == -EADDRNOTAVAIL {
                usleep(1000)
            }
        }

        private func add(_ prefix: IPPrefix) throws(DeviceError) {
            let present = InterfaceAddress.all().filter { $0.name == name }
            if present.contains(where: { $0.address == prefix.address }) { return }
            let what = "giving \(name) the address \(prefix)"
            switch prefix.address {
            case .v4(let address):
                let earlier = present.count { !$0.address.isIPv6 }
                let mask = prefix.length == 0 ? 0 : UInt32.max << (32 - UInt32(prefix.length))
                let label = earlier == 0 ? name : "\(name):\(earlier)"
                try demand(unsafe stcp_interface_add4(label, address.rawValue, mask), what)
            case .v6(let address):
                try demand(unsafe stcp_interface_add6(name, address.high, address.low, UInt32(prefix.length)), what)
            }
        }

        private func demand(_ result: Int32, _ what: String) throws(DeviceError) {
            switch -result {
            case ...0: break
            case EPERM: throw .notPermitted(what, device: name)
            case EACCES: throw .system("\(what) (is IPv6 switched off on this machine?)", code: EACCES)
            case let code: throw .system(what, code: code)
            }
        }
    }

    /// An address that an interface of this machine has.
    struct InterfaceAddress {
        /// Without the label's number.
        let name: String
        let address: IPAddress

        static func all() -> [InterfaceAddress] {
            var list: UnsafeMutablePointer<ifaddrs>?
            guard unsafe getifaddrs(&list) == 0 else { return [] }
            defer { unsafe freeifaddrs(list) }
            var result: [InterfaceAddress] = []
            var next = unsafe list
            while let entry = unsafe next {
                if let address = unsafe IPAddress(entry.pointee.ifa_addr) {
                    let label = unsafe String(cString: entry.pointee.ifa_name)
                    result.append(InterfaceAddress(name: String(label.prefix { $0 != ":" }), address: address))
                }
                unsafe next = entry.pointee.ifa_next
            }
            return result
        }
    }
#endif
