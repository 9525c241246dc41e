# shellcheck shell=bash disable=SC2154
#
# Deciding before a client is answered: what the kernel's clients are told, and what happens when they give up.

# The decision comes after the second SYN, so each client has asked twice. What nc says is errno's text, here with dots
# where it has spaces.
told() { # FAMILY DECISION MESSAGE
    local family=$1 decision=$2 message=$3 host
    host=$(stack_address "$family")
    addresses_for "$family"
    serve --echo -v --decide "$decision@81" --decide-after 1.5s
    run client 8 nc -nzv -w 5 "$host" 81
    expect_status 1 "nc -z to a port for which is decided: $decision"
    expect_line "$dir/client.err" "port 81 .*$message"
    wait_for 5 grep -qE "asks for \[?$host\]?:81" "$dir/serve.err" || fail "-v tells not who asks"
    if [ "$decision" = ignore ]; then
        [ "$took" -ge 4900 ] || fail "nc had an answer after $took ms"
    else
        { [ "$took" -ge 1400 ] && [ "$took" -lt 3500 ]; } || fail "after $took ms instead of 1.5 s"
    fi
    expect_line "$dir/serve.err" '(refused|rejected \(.*\)|ignored), after 1\.5[0-9.]* s, 2 SYNs'
    # The port that is served answers at once, as ever.
    [ "$(in_ns 5 nc -N "$host" 80 <<<"hello")" = hello ] || fail "no echo at the port without a decision"
    stop_serve
}

decision_kinds() {
    local family
    for family in 4 6; do
        test_case "decide-refuse-ipv$family" 30 nc "a refused request: Connection refused" \
            told $family refuse Connection.refused
        test_case "decide-ignore-ipv$family" 30 nc "an ignored request: nc times out" told $family ignore timed.out
        test_case "decide-host-unreachable-ipv$family" 30 nc "rejected, host unreachable: No route to host" \
            told $family reject=host-unreachable No.route.to.host
        test_case "decide-net-unreachable-ipv$family" 30 nc "rejected, net unreachable: Network is unreachable" \
            told $family reject=net-unreachable Network.is.unreachable
        test_case "decide-port-unreachable-ipv$family" 30 nc "rejected, port unreachable: Connection refused" \
            told $family reject=3 Connection.refused
    done
    test_case decide-proto-unreachable-ipv4 30 nc "rejected, protocol unreachable: Protocol not available" \
        told 4 reject=proto-unreachable Protocol.not.available
    test_case decide-net-prohibited-ipv4 30 nc "rejected, net prohibited: Network is unreachable" \
        told 4 reject=9 Network.is.unreachable
    test_case decide-host-prohibited-ipv4 30 nc "rejected, host prohibited: No route to host" \
        told 4 reject=icmp-host-prohibited No.route.to.host
    test_case decide-admin-prohibited-ipv4 30 nc "rejected, administratively: No route to host, as Linux has it" \
        told 4 reject=icmp-admin-prohibited No.route.to.host
    test_case decide-admin-prohibited-ipv6 30 nc "rejected, administratively, over IPv6: Permission denied" \
        told 6 reject=adm-prohibited Permission.denied
}
decision_kinds

accepted_late() { # FAMILY
    addresses_for "$1"
    serve --echo -v --decide accept --decide-after 2.5s
    # shellcheck disable=SC2016
    run client 15 bash -c 'nc -N "$0" 80 <<<hello' "$(stack_address "$1")"
    [ "$(cat "$dir/client.out")" = hello ] || fail "no echo"
    { [ "$took" -ge 2400 ] && [ "$took" -lt 4500 ]; } || fail "after $took ms instead of 2.5 s"
    expect_line "$dir/serve.err" 'accepted, after 2\.5[0-9.]* s, 3 SYNs'
    stop_serve
}

test_case decide-accept-ipv4 30 nc "a request that is accepted late is a connection, and echoes" accepted_late 4
test_case decide-accept-ipv6 30 nc "a request that is accepted late over IPv6" accepted_late 6

# The kernel sends SYNs at 0 and about 1 s, and perhaps one just before nobody is there any more. 2.5 times the gap is
# less than 3 s, so the request is withdrawn 3 s after the last one, and what was decided for 30 s stops.
killed() { # FAMILY
    addresses_for "$1"
    serve --echo -v --decide accept --decide-after 30s
    local began
    start client 20 nc -nz "$(stack_address "$1")" 80
    began=$(now)
    sleep 2
    signal client KILL
    finish client 5
    wait_for 5 grep -q 'withdrawn: no SYN came any more' "$dir/serve.err" || fail "not withdrawn"
    took=$((($(now) - began) / 1000))
    { [ "$took" -ge 3800 ] && [ "$took" -lt 6500 ]; } || fail "withdrawn after $took ms instead of 4 to 5 s"
    expect_line "$dir/serve.err" 'stopped deciding, after (3\.9|4|5\.0)[0-9.]* s'
    signal serve USR1
    wait_for 5 grep -q ' 0 half-open' "$dir/serve.err" || fail "an entry is left"
    stop_serve
}

test_case decide-killed-ipv4 40 nc "nc is killed after 2 s: withdrawn 3 s after its last SYN, the decision stops" killed 4
test_case decide-killed-ipv6 40 nc "nc is killed after 2 s, over IPv6" killed 6
