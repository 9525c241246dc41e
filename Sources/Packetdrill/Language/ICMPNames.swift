/// The names of ICMP's types and codes, of either version.
public enum ICMPNames {
    /// The numbers of a message whose words mean something in this version; `nil` otherwise. A missing code is 0.
    public static func numbers(of message: ICMPSyntax, isIPv6: Bool) -> (type: UInt8, code: UInt8)? {
        guard let type = number(message.type, "type_", isIPv6 ? typesV6 : typesV4) else { return nil }
        guard let word = message.code else { return (type, 0) }
        guard let code = number(word, "code_", codes(of: type, isIPv6: isIPv6)) else { return nil }
        return (type, code)
    }

    /// Whether a word is a type's name in some version, or `type_N`.
    static func isType(_ word: String) -> Bool {
        number(word, "type_", typesV4) != nil || number(word, "type_", typesV6) != nil
    }

    /// Whether a word is a code's name in some version, or `code_N`.
    static func isCode(_ word: String) -> Bool {
        [unreachableV4, unreachableV6, redirectV4, exceededV6, parameterV6, exceededV4].contains {
            number(word, "code_", $0) != nil
        }
    }

    private typealias Table = [(name: String, number: UInt8)]

    private static func number(_ word: String, _ prefix: String, _ table: Table) -> UInt8? {
        if word.hasPrefix(prefix) { return UInt8(word.dropFirst(prefix.count)) }
        return table.first { $0.name == word }?.number
    }

    private static func codes(of type: UInt8, isIPv6: Bool) -> Table {
        switch (type, isIPv6) {
        case (3, false): unreachableV4
        case (5, false): redirectV4
        case (11, false): exceededV4
        case (1, true): unreachableV6
        case (3, true): exceededV6
        case (4, true): parameterV6
        default: []
        }
    }

    private static let typesV4: Table = [
        ("echo_reply", 0), ("unreachable", 3), ("source_quench", 4), ("redirect", 5), ("echo_request", 8),
        ("time_exceeded", 11), ("parameter_problem", 12), ("timestamp_request", 13), ("timestamp_reply", 14),
        ("information_request", 15), ("information_reply", 16), ("address_mask_request", 17),
        ("address_mask_reply", 18),
    ]

    private static let typesV6: Table = [
        ("unreachable", 1), ("packet_too_big", 2), ("time_exceeded", 3), ("parameter_problem", 4),
        ("echo_request", 128), ("echo_reply", 129),
    ]

    private static let unreachableV4: Table = [
        ("net_unreachable", 0), ("host_unreachable", 1), ("protocol_unreachable", 2), ("port_unreachable", 3),
        ("frag_needed", 4), ("source_route_failed", 5), ("net_unknown", 6), ("host_unknown", 7),
        ("source_host_isolated", 8), ("net_prohibited", 9), ("host_prohibited", 10),
        ("net_unreachable_for_tos", 11), ("host_unreachable_for_tos", 12), ("packet_filtered", 13),
        ("precedence_violation", 14), ("precedence_cutoff", 15),
    ]

    private static let redirectV4: Table = [("net", 0), ("host", 1), ("tos_net", 2), ("tos_host", 3)]

    private static let exceededV4: Table = [("exceeded_ttl", 0), ("exceeded_frag_time", 1)]

    private static let unreachableV6: Table = [
        ("net_unreachable", 0), ("no_route", 0), ("admin_prohibited", 1), ("not_neighbour", 2),
        ("address_unreachable", 3), ("port_unreachable", 4),
    ]

    private static let exceededV6: Table = [("exceeded_hop_limit", 0), ("exceeded_frag_time", 1)]

    private static let parameterV6: Table = [("header_field", 0), ("unknown_next_header", 1), ("unknown_option", 2)]
}
