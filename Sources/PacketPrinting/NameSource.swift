public import NetPrimitives

/// Where names of hosts and services come from, when a line is not numeric.
///
/// The printer itself asks nobody: the default names well-known ports and leaves hosts as numbers. Give closures to do
/// otherwise, with a resolver or with the names of a simulation's hosts.
public struct NameSource: Sendable {
    /// The two protocols that have ports here.
    public enum Transport: Sendable, Hashable {
        case tcp, udp
    }

    /// The name of a host, or `nil` to print its address.
    public var hostName: @Sendable (IPAddress) -> String?
    /// The name of a port, or `nil` to print its number.
    public var serviceName: @Sendable (UInt16, Transport) -> String?

    public init(
        hostName: @escaping @Sendable (IPAddress) -> String? = { _ in nil },
        serviceName: @escaping @Sendable (UInt16, Transport) -> String? = NameSource.wellKnownService
    ) {
        self.hostName = hostName
        self.serviceName = serviceName
    }

    /// The name that a Linux host's list of services gives a well-known port.
    public static func wellKnownService(_ port: UInt16, _ transport: Transport) -> String? {
        sharedServices[port] ?? (transport == .tcp ? tcpServices[port] : udpServices[port])
    }

    private static let sharedServices: [UInt16: String] = [
        53: "domain", 88: "kerberos", 111: "sunrpc", 161: "snmp", 162: "snmp-trap", 389: "ldap", 443: "https",
        554: "rtsp", 636: "ldaps", 1194: "openvpn", 2049: "nfs", 1812: "radius",
        5060: "sip", 5061: "sip-tls",
    ]
    private static let tcpServices: [UInt16: String] = [
        7: "echo", 9: "discard", 13: "daytime", 19: "chargen", 20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet",
        25: "smtp", 37: "time", 43: "whois", 70: "gopher", 79: "finger", 80: "http", 110: "pop3", 119: "nntp",
        143: "imap2", 179: "bgp", 445: "microsoft-ds", 465: "submissions", 514: "shell", 515: "printer",
        587: "submission", 853: "domain-s", 873: "rsync", 993: "imaps", 995: "pop3s", 1080: "socks", 3306: "mysql",
        3389: "ms-wbt-server", 5222: "xmpp-client", 5432: "postgresql", 6379: "redis", 8080: "http-alt",
    ]
    private static let udpServices: [UInt16: String] = [
        7: "echo", 9: "discard", 13: "daytime", 19: "chargen", 37: "time", 67: "bootps", 68: "bootpc", 69: "tftp",
        123: "ntp", 500: "isakmp", 514: "syslog", 546: "dhcpv6-client", 547: "dhcpv6-server", 853: "domain-s",
        4500: "ipsec-nat-t", 5353: "mdns",
    ]
}

/// The names of IP protocols that lines use.
enum ProtocolName {
    /// As `-v` writes it in `proto TCP (6)`.
    static func inHeader(_ number: UInt8) -> String {
        switch number {
        case 0: "Options"
        case 1: "ICMP"
        case 2: "IGMP"
        case 4: "IPIP"
        case 6: "TCP"
        case 8: "EGP"
        case 9: "IGRP"
        case 17: "UDP"
        case 33: "DCCP"
        case 41: "IPv6"
        case 43: "Routing"
        case 44: "Fragment"
        case 46: "RSVP"
        case 47: "GRE"
        case 50: "ESP"
        case 51: "AH"
        case 55: "Mobile IP"
        case 58: "ICMPv6"
        case 62: "Mobile IP (old)"
        case 88: "EIGRP"
        case 89: "OSPF"
        case 103: "PIM"
        case 108: "Compressed IP"
        case 112: "VRRP"
        case 113: "PGM"
        case 132: "SCTP"
        case 135: "Mobility"
        case 143: "Ethernet"
        default: "unknown"
        }
    }

    /// As a line that is not numeric writes it for a packet that is not looked into: the names of the protocols that
    /// still travel. tcpdump has one for nearly every number.
    static func ofPayload(_ number: UInt8) -> String? {
        switch number {
        case 0: "hopopt"
        case 1: "icmp"
        case 2: "igmp"
        case 4: "ipencap"
        case 6: "tcp"
        case 17: "udp"
        case 33: "dccp"
        case 41: "ipv6"
        case 43: "ipv6-route"
        case 44: "ipv6-frag"
        case 46: "rsvp"
        case 47: "gre"
        case 50: "esp"
        case 51: "ah"
        case 58: "ipv6-icmp"
        case 59: "ipv6-nonxt"
        case 60: "ipv6-opts"
        case 88: "eigrp"
        case 89: "ospf"
        case 103: "pim"
        case 108: "ipcomp"
        case 112: "vrrp"
        case 115: "l2tp"
        case 132: "sctp"
        case 135: "mobility-header"
        case 136: "udplite"
        default: nil
        }
    }
}
