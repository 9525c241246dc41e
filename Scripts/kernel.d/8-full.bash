# shellcheck shell=bash disable=SC2154
#
# A full accept queue, and a device that does not take what it is given.

established_clients() { # NUMBER
    [ "$(in_ns 5 ss -Htn state established "dport = :80" | wc -l)" -eq "$1" ]
}

# `tcp serve` accepts whoever is there, so the queue is full only within one turn of it: three clients that were let in
# think that they are connected, what they say after that is held back, and then all of it comes at once. The first
# takes the only place.
overflow() { # FAMILY RESETS [ARGUMENT...]
    local family=$1 resets=$2 client greeted=0 reset=0
    shift 2
    addresses_for "$family"
    serve --echo --json --backlog 0 --decide accept --decide-after 300ms "$@"
    rule "$family" -A OUTPUT -o tun0 -p tcp --dport 80 ! --syn -j DROP
    for client in 1 2 3; do
        # shellcheck disable=SC2016
        start "client$client" 25 bash -c \
            'exec 3<>"/dev/tcp/$0/80" && echo hello >&3 && read -r -t 20 line <&3 && echo "$line"' \
            "$(stack_address "$family")"
    done
    wait_for 5 established_clients 3 || fail "not three clients that think that they are connected"
    signal serve STOP
    rule "$family" -D OUTPUT -o tun0 -p tcp --dport 80 ! --syn -j DROP
    # By now each has said again what was held back.
    sleep 3
    signal serve CONT
    for client in 1 2 3; do
        finish "client$client" 20
        [ "$(cat "$dir/client$client.out")" != hello ] || greeted=$((greeted + 1))
        ! grep -q 'Connection reset' "$dir/client$client.err" || reset=$((reset + 1))
    done
    [ "$reset" = "$resets" ] || fail "$reset clients were reset instead of $resets"
    [ "$greeted" = $((3 - resets)) ] || fail "$greeted clients had an answer"
    wait_for 5 status_says connections 0 || fail "connections are left: $report"
    [ "$(number passiveOpens)" = "$greeted" ] || fail "not $greeted connections: $report"
    [ "$(number halfOpen)" = 0 ] || fail "an entry is left: $report"
    stop_serve
}

test_case abort-on-overflow-ipv4 60 iptables "--abort-on-overflow: whose third packet meets a full queue is reset" \
    overflow 4 2 --abort-on-overflow
test_case abort-on-overflow-ipv6 60 ip6tables "--abort-on-overflow over IPv6" overflow 6 2 --abort-on-overflow
test_case overflow-waits 60 iptables "without it the client waits for its turn, and gets it" overflow 4 0

# The answer is due while the interface is down: it is counted as the device's, and sent again when that is up.
refusing_device() {
    addresses_for 4
    serve --echo --json --decide accept --decide-after 500ms
    # shellcheck disable=SC2016
    start client 30 bash -c 'nc -N "$0" 80 <<<hello' "$S4"
    wait_for 5 status_says halfOpen 1 || fail "nobody asks"
    in_ns 5 ip link set tun0 down
    wait_for 5 device_refused || fail "nothing was refused"
    in_ns 5 ip link set tun0 up
    finish client 20
    [ "$(cat "$dir/client.out")" = hello ] || fail "no echo when the interface was up again"
    grep '"drops"' "$dir/serve.out" | tail -n 1 >"$dir/drops.out"
    expect_line "$dir/drops.out" '"listenDrops" ?: ?0\b'
    expect_line "$dir/drops.out" '"answersDropped" ?: ?0\b'
    stop_serve
}

device_refused() {
    ask_status
    grep '"drops"' "$dir/serve.out" | tail -n 1 | grep -qE '"deviceRefusals" ?: ?[1-9]'
}

test_case device-refuses 60 nc "what the device does not take is told apart from what the stack drops" refusing_device
