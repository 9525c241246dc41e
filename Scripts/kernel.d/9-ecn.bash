# shellcheck shell=bash disable=SC2154
#
# Explicit congestion notification with the kernel: it asks, we agree; its firewall plays the congested router.

# Marks 50 packets a second that say they may be marked: those that the kernel sends, and those that it receives.
mark() { # FAMILY
    local chain
    for chain in OUTPUT PREROUTING; do
        rule "$1" -t mangle -A "$chain" -p tcp -m ecn --ecn-ip-ect 2 -m limit --limit 50/s \
            -j TOS --set-tos 0x03/0x03
    done
}

flags() { # FROM FLAGS: lines of the capture with these flags
    grep -cE "$1 .*Flags \[$2\]" "$dir/lines" || true
}

ecn() { # FAMILY
    local sum host
    host=$(stack_address "$1")
    addresses_for "$1"
    in_ns 5 sysctl -qw net.ipv4.tcp_ecn=1
    mark "$1"
    serve --echo -w "$dir/serve.pcap"
    sum=$(in_ns "$limit" nc -N "$host" 80 <"$big" | sha256sum)
    expect_sum "$sum" "100 MB back, some of it marked"
    stop_serve
    tcpdump -n -r "$dir/serve.pcap" tcp >"$dir/lines" 2>"$dir/tcpdump.err"
    [ "$(flags "$host.80 >" 'S\.E')" -eq 1 ] || fail "the SYN-ACK does not agree"
    [ "$(flags "> $host.80:" 'SEW')" -eq 1 ] || fail "the kernel does not ask"
    # It was told of its marks, and says that it has heard; we were told of ours, and say so.
    [ "$(flags "$host.80 >" '[P.]*E')" -gt 10 ] || fail "marks were not echoed"
    [ "$(flags "> $host.80:" '[P.]*W')" -gt 5 ] || fail "the kernel has not heard of its marks"
    [ "$(flags "> $host.80:" '[P.]*EW?')" -gt 10 ] || fail "the kernel saw no mark of ours"
    [ "$(flags "$host.80 >" '[P.]*E?W')" -gt 5 ] || fail "we do not say that we have heard"
}

test_case ecn-ipv4 60 "iptables tcpdump nc" "100 MB both ways with ECN, marked on the way, over IPv4" ecn 4
test_case ecn-ipv6 60 "iptables tcpdump nc" "the same over IPv6" ecn 6
