# shellcheck shell=bash disable=SC2034,SC2154
#
# `tcp connect` at listeners of the kernel's.

# --- Data both ways ---

connect_fetch() { # FAMILY MTU
    stdin=$big listener "$1" -N
    connect_arguments "$1" --mtu "$2" "$(host_address "$1")" 8080
    connect_held
    expect_sum "$(sha256sum <"$dir/connect.out")" "100 MB fetched from nc"
    expect_no_device
    rm "$dir/connect.out"
}

connect_send() { # FAMILY MTU
    # nc has nothing to say, so its FIN comes first and our bytes after it.
    start listener "$limit" sh -c "nc -$1 -l -N 8080 </dev/null | sha256sum"
    wait_for 5 listens 8080 || fail "nc does not listen"
    stdin=$big connect "$1" --mtu "$2" "$(host_address "$1")" 8080
    expect_status 0 "tcp connect"
    finish listener 10
    expect_sum "$(cat "$dir/listener.out")" "100 MB sent to nc"
    expect_no_device
}

test_case connect-fetch-ipv4 60 nc "tcp connect fetches 100 MB from nc over IPv4" connect_fetch 4 1500
test_case connect-fetch-ipv6 60 nc "tcp connect fetches 100 MB from nc over IPv6" connect_fetch 6 1500
test_case connect-fetch-mtu-576 60 nc "tcp connect fetches 100 MB at MTU 576" connect_fetch 4 576
test_case connect-fetch-mtu-9000 60 nc "tcp connect fetches 100 MB at MTU 9000 over IPv6" connect_fetch 6 9000
test_case connect-send-ipv4 60 nc "tcp connect sends 100 MB to nc over IPv4" connect_send 4 1500
test_case connect-send-ipv6 60 nc "tcp connect sends 100 MB to nc over IPv6" connect_send 6 1500
test_case connect-send-mtu-576 60 nc "tcp connect sends 100 MB at MTU 576" connect_send 4 576
test_case connect-send-mtu-9000 60 nc "tcp connect sends 100 MB at MTU 9000" connect_send 4 9000

# A real request. To python's server our FIN follows it at once, so the answer comes to a half-closed connection.
http() { # FAMILY PROGRAM
    mkdir "$dir/root"
    ln "$big" "$dir/root/file" 2>/dev/null || cp "$big" "$dir/root/file"
    case $2 in
    nginx)
        chmod -R go+rX "$dir/root"
        cat >"$dir/nginx.conf" <<END
daemon off; pid $dir/nginx.pid; error_log stderr; user root;
events { worker_connections 64; }
http {
    access_log off; client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
    server { listen 8080; listen [::]:8080; root $dir/root; }
}
END
        start server "$limit" nginx -e stderr -p "$dir" -c "$dir/nginx.conf"
        ;;
    python3) start server "$limit" python3 -m http.server --bind :: --directory "$dir/root" 8080 ;;
    esac
    wait_for 10 listens 8080 || fail "$2 does not listen"
    printf 'GET /file HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n' >"$dir/request"
    connect_arguments "$1" "$(host_address "$1")" 8080
    if [ "$2" = nginx ]; then
        connect_held "$ns" "$dir/request"
    else
        stdin=$dir/request run connect "$limit" "${connect_command[@]}"
        expect_status 0 "tcp connect"
    fi
    head -n 1 "$dir/connect.out" | grep -q '^HTTP/1.[01] 200' || fail "not 200: $(head -n 1 "$dir/connect.out")"
    expect_sum "$(sed '1,/^\r$/d' "$dir/connect.out" | sha256sum)" "100 MB from $2"
    rm "$dir/connect.out"
}

test_case http-nginx-ipv4 60 nginx "tcp connect asks nginx for 100 MB" http 4 nginx
test_case http-nginx-ipv6 60 nginx "tcp connect asks nginx for 100 MB over IPv6" http 6 nginx
test_case http-python 60 python3 "tcp connect asks python's http.server for 100 MB, its own FIN first" http 4 python3

# What is typed arrives while nobody has closed, and the answer too.
dialogue() { # FAMILY
    mkfifo "$dir/ours" "$dir/theirs"
    exec 3<>"$dir/ours" 4<>"$dir/theirs"
    stdin=$dir/theirs listener "$1" -N
    connect_arguments "$1" -p 41000 -v "$(host_address "$1")" 8080
    stdin=$dir/ours start connect "$limit" "${connect_command[@]}"
    wait_for 5 established 8080 || fail "not established"
    [ -n "$(in_ns 5 ss -Htn state established "sport = :8080 and dport = :41000")" ] || fail "-p 41000 is not obeyed"
    echo "one" >&3
    wait_for 5 grep -q one "$dir/listener.out" || fail "nc got nothing"
    echo "two" >&4
    wait_for 5 grep -q two "$dir/connect.out" || fail "nothing came back"
    expect_idle connect
    expect_line "$dir/connect.err" 'SYN'
    expect_line "$dir/connect.err" '[0-9](\.[0-9]+)? ?(ms|us|µs|s)'
    kill "$(pid_of listener)"
    wait_for 5 ended listener
    # The end of our own input is still to come.
    running connect || fail "it ended before its input did"
    exec 3>&-
    finish connect 5
    expect_status 0 "connect after the end of both sides"
}

test_case dialogue-ipv4 30 nc "a dialogue: line by line both ways, -p, -v, idle in between" dialogue 4
test_case dialogue-ipv6 30 nc "a dialogue over IPv6" dialogue 6

# --- -z and -c ---

zero() { # FAMILY
    listener "$1" -k
    connect "$1" -z "$(host_address "$1")" 8080
    expect_status 0 "connect -z"
    [ "$took" -lt 2000 ] || fail "took $took ms"
    [ -s "$dir/connect.err" ] || [ -s "$dir/connect.out" ] || fail "it reports nothing"
    expect_no_device
}

test_case zero-ipv4 30 nc "connect -z at an open port: exit 0, at once" zero 4
test_case zero-ipv6 30 nc "connect -z at an open port over IPv6" zero 6

counted() {
    listener 4 -k
    connect 4 -z -c 5 --interval 0.2 "$H4" 8080
    expect_status 0 "connect -c 5"
    cat "$dir/connect.out" "$dir/connect.err" >"$dir/said"
    expect_line "$dir/said" 'min/avg/max/mdev'
    expect_line "$dir/said" '[0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+'
    [ "$took" -ge 800 ] || fail "five connections at 0.2 s took only $took ms"
}

test_case counted 30 nc "connect -c 5 --interval 0.2 repeats as ping does, with min/avg/max/mdev" counted

connect_json() {
    listener 4 -k
    connect 4 -z --json "$H4" 8080
    expect_status 0 "connect -z --json"
    [ -s "$dir/connect.out" ] || fail "no report"
    ! grep -v '^{.*}$' "$dir/connect.out" || fail "a line on stdout is not an object"
    [ -z "$(command -v python3)" ] || python3 -c '
import json, sys
for line in sys.stdin: json.loads(line)' <"$dir/connect.out" || fail "not JSON lines"
    connect 4 -z --json "$H4" 1
    expect_status 1 "connect -z --json at a closed port"
    expect_line "$dir/connect.out" 'refused'
}

test_case connect-json 30 nc "connect -z --json says its report as JSON, also of a failure" connect_json

# --- Each way to fail has its exit status ---

closed() { # FAMILY
    connect "$1" -z "$(host_address "$1")" 1
    expect_status 1 "a closed port"
    [ "$took" -lt 2000 ] || fail "not at once: $took ms"
    expect_line "$dir/connect.err" "^tcp: refused by $(host_address "$1") after [0-9.]+ ms \(RST\)"
    expect_no_device
}

test_case closed-ipv4 20 "" "a closed port: exit 1 at once, refused (RST)" closed 4
test_case closed-ipv6 20 "" "a closed port over IPv6: exit 1 at once" closed 6

dropped() { # FAMILY
    rule "$1" -A INPUT -p tcp --dport 9 -j DROP
    connect "$1" -z --timeout 3s "$(host_address "$1")" 9
    expect_status 3 "a DROP rule"
    { [ "$took" -ge 2900 ] && [ "$took" -lt 4500 ]; } || fail "took $took ms instead of 3 s"
    expect_line "$dir/connect.err" \
        '^tcp: timed out after (3|2\.9[0-9]*) s: 3 SYNs at 0, 1\.[0-9] and [23]\.[0-9] s, no answer of any kind'
}

test_case dropped-ipv4 20 iptables "a DROP rule: exit 3 after --timeout 3s, with the times of the SYNs" dropped 4
test_case dropped-ipv6 20 ip6tables "a DROP rule of ip6tables: exit 3 after --timeout 3s" dropped 6

rejected() { # FAMILY STATUS [KIND]
    rule "$1" -A INPUT -p tcp --dport 9 -j REJECT ${3:+--reject-with "$3"}
    connect "$1" -z --timeout 5s "$(host_address "$1")" 9
    expect_status "$2" "REJECT ${3:-by default}"
    [ "$took" -lt 2000 ] || fail "not at once: $took ms"
    expect_line "$dir/connect.err" "^tcp: (refused|.*unreachable|.*prohibited|.*rejected).*$(host_address "$1")"
}

reject_kinds() {
    local kind
    test_case reject-default-ipv4 20 iptables "iptables' REJECT by default: exit 4" rejected 4 4
    for kind in icmp-net-unreachable icmp-host-unreachable icmp-port-unreachable icmp-proto-unreachable \
        icmp-net-prohibited icmp-host-prohibited icmp-admin-prohibited; do
        test_case "reject-$kind" 20 iptables "REJECT with $kind: exit 4" rejected 4 4 $kind
    done
    test_case reject-tcp-reset-ipv4 20 iptables "REJECT with tcp-reset: exit 1" rejected 4 1 tcp-reset
    test_case reject-default-ipv6 20 ip6tables "ip6tables' REJECT by default: exit 4" rejected 6 4
    for kind in icmp6-no-route icmp6-adm-prohibited icmp6-addr-unreachable icmp6-port-unreachable \
        icmp6-policy-fail icmp6-reject-route; do
        test_case "reject-$kind" 20 ip6tables "REJECT with $kind: exit 4" rejected 6 4 $kind
    done
    test_case reject-tcp-reset-ipv6 20 ip6tables "REJECT of ip6tables with tcp-reset: exit 1" rejected 6 1 tcp-reset
}
reject_kinds

no_route() { # FAMILY
    in_ns 5 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    local far=198.51.100.1
    [ "$1" = 4 ] || far=2001:db8:1::1
    connect "$1" -z --timeout 5s "$far" 80
    expect_status 4 "no route behind a namespace that forwards"
    [ "$took" -lt 2000 ] || fail "not at once: $took ms"
    expect_line "$dir/connect.err" "unreachable.*$(host_address "$1")|$(host_address "$1").*unreachable"
}

test_case no-route-ipv4 20 "" "no route behind a namespace that forwards: exit 4" no_route 4
test_case no-route-ipv6 20 "" "no route behind a namespace that forwards IPv6: exit 4" no_route 6

# A connection to the kernel that has taken our first line; what is written to descriptor 3 is what we send.
establish() {
    mkfifo "$dir/ours"
    exec 3<>"$dir/ours"
    listener 4
    connect_arguments 4 "$H4" 8080
    stdin=$dir/ours start connect "$limit" "${connect_command[@]}"
    echo "one" >&3
    wait_for 5 grep -q one "$dir/listener.out" || fail "not established"
}

# The kernel answers nothing but RST any more.
reset_by_rule() {
    establish
    rule 4 -A INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset
    echo "two" >&3
    finish connect 5
    expect_status 5 "a RST after establishment"
    expect_line "$dir/connect.err" '^tcp: .*reset'
}

# A process that dies with bytes unread: its kernel sends RST (RFC 2525, 2.17).
reset_by_death() {
    establish
    signal listener STOP
    echo "nobody reads this" >&3
    wait_for 5 unread 8080 || fail "the kernel holds no unread bytes"
    signal listener KILL
    finish connect 5
    expect_status 5 "the death of the peer"
    expect_line "$dir/connect.err" '^tcp: .*reset'
}

unread() { in_ns 5 ss -Htn state established "sport = :$1" | awk '$1 > 0 { found = 1 } END { exit !found }'; }

test_case reset-by-rule 20 "nc iptables" "a RST after establishment: exit 5" reset_by_rule
test_case reset-by-death 20 nc "the peer's process dies with bytes unread: exit 5" reset_by_death

no_route_of_our_own() {
    connect 4 -z "$H6" 80
    expect_status 6 "IPv6 from an IPv4 address"
    expect_line "$dir/connect.err" '^tcp: .*route|^tcp: .*IPv6'
    connect 4 -z no-such-name.invalid 80
    expect_status 6 "a name that is none"
    expect_line "$dir/connect.err" '^tcp: .*no-such-name\.invalid'
}

test_case local-errors 40 "" "no route in our own table, no such name: exit 6" no_route_of_our_own

usage_errors() {
    connect 4 "$H4"
    expect_status 64 "no port"
    connect 4 -z "$H4" 99999
    expect_status 64 "port 99999"
    run connect 5 "$tcp" connect --tun tun0 --address 10.77.0 --host-address "$H4/24" -z "$H4" 80
    expect_status 64 "the address 10.77.0"
    run connect 5 "$tcp" serve --tun tun0 "${only4[@]}" --port 80 --echo --discard
    expect_status 64 "--echo and --discard"
    run connect 5 "$tcp" serve --tun tun0 "${only4[@]}" --port 80
    expect_status 64 "none of --echo, --discard, --chargen and --send"
    run connect 5 "$tcp" serve --tun a-name-of-over-fifteen "${only4[@]}" --port 80 --echo
    expect_status 64 "a device name that is too long"
}

test_case usage-errors 20 "" "arguments that make no sense: exit 64" usage_errors

# --- Privileges ---

no_capability() {
    run connect 10 setpriv --bounding-set=-all --inh-caps=-all \
        "$tcp" connect --tun tun0 "${only4[@]}" -z "$H4" 80
    expect_status 6 "root without CAP_NET_ADMIN"
    expect_line "$dir/connect.err" '^tcp: .*(CAP_NET_ADMIN|root|tuntap)'
    run serve 10 setpriv --bounding-set=-all --inh-caps=-all \
        "$tcp" serve --tun tun0 "${only4[@]}" --port 80 --echo
    expect_status 6 "serve by root without CAP_NET_ADMIN"
    expect_line "$dir/serve.err" '^tcp: .*(CAP_NET_ADMIN|root|tuntap)'
}

# Whether the program can be run at all by who may read neither root's files nor the toolchain's.
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
needs_nobody() {
    in_ns 10 "${nobody[@]}" "$tcp" --version >/dev/null 2>&1 ||
        in_ns 10 "${nobody[@]}" "$tcp" --help >/dev/null 2>&1 || skip "the user nobody may not run the program"
}

no_root() {
    needs_nobody
    run connect 10 "${nobody[@]}" "$tcp" connect --tun tun0 "${only4[@]}" -z "$H4" 80
    expect_status 6 "the user nobody"
    expect_line "$dir/connect.err" '^tcp: .*(CAP_NET_ADMIN|root|tuntap)'
}

# The device made beforehand for the user, who then needs no right at all. The node of the device may be root's, so
# the test has one of its own in the place where only its own programs see it.
user_owned() {
    needs_nobody
    ip -n "$ns" tuntap add dev tun0 mode tun user 65534
    ip -n "$ns" address add "$H4/24" dev tun0
    ip -n "$ns" link set tun0 up
    mknod -m 666 "$dir/node" c 10 200
    # shellcheck disable=SC2016
    start serve "$limit" sh -c 'mount --bind "$0" /dev/net/tun && exec "$@"' "$dir/node" \
        "${nobody[@]}" "$tcp" serve --tun tun0 "${only4[@]}" --port 80 --echo
    addresses=("${only4[@]}")
    wait_for 10 serve_is_up || fail "serve does not say that it listens"
    [ "$(in_ns 10 nc -N "$S4" 80 <<<"hello")" = hello ] || fail "no echo"
    signal serve TERM
    finish serve 10
    expect_status 0 "serve by the user nobody"
    ip -n "$ns" link show tun0 >/dev/null || fail "it removed the user's device"
}

test_case no-capability 20 setpriv "root without CAP_NET_ADMIN: exit 6, with the sentence that helps" no_capability
test_case no-root 20 setpriv "the user nobody: exit 6, with the sentence that helps" no_root
test_case user-owned-device 30 "setpriv nc" "a device made beforehand for a user: serve works without root" user_owned

# --- Through a router: the recipe of docs/kernel.md ---

# The namespace routes; a second one is the Internet, and knows no way back to the stack's address.
masquerade() {
    local far=203.0.113.10 inside="$ns" outside="$ns-b"
    make_namespace "$outside"
    ip -n "$inside" link add out0 type veth peer name in0 netns "$outside" || skip "no veth"
    ip -n "$inside" address add 203.0.113.1/24 dev out0
    ip -n "$outside" address add $far/24 dev in0
    ip -n "$inside" link set out0 up
    ip -n "$outside" link set in0 up
    in_ns 5 sysctl -qw net.ipv4.ip_forward=1
    rule 4 -t nat -A POSTROUTING -s 10.77.0.0/24 -o out0 -j MASQUERADE
    ns=$outside
    stdin=$big listener 4 -N
    ns=$inside
    connect_arguments 4 $far 8080
    connect_held "$outside"
    expect_sum "$(sha256sum <"$dir/connect.out")" "100 MB from behind the router"
    rm "$dir/connect.out"
}

test_case masquerade 40 "nc iptables" "through a namespace that forwards and masquerades, as docs/kernel.md says" \
    masquerade
