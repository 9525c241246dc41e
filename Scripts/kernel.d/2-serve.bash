# shellcheck shell=bash disable=SC2154
#
# The kernel's own clients at `tcp serve`.

# --- --send ---

fetch() { # FAMILY MTU PROGRAM
    local family=$1 mtu=$2 host sum
    host=$(stack_address "$family")
    addresses_for "$family" "$mtu"
    serve --send "$big" --mtu "$mtu"
    expect_mtu "$mtu"
    case $3 in
    # Its input stays open, so the FIN of the client comes after ours.
    nc) sum=$(in_ns "$limit" nc -d "$host" 80 | sha256sum) ;;
    # Its FIN comes first, before most of the file is sent.
    nc-N) sum=$(in_ns "$limit" nc -N "$host" 80 </dev/null | sha256sum) ;;
    # It says a request that nobody wants to read.
    curl)
        [ "$family" = 4 ] || host="[$host]"
        sum=$(in_ns "$limit" curl --http0.9 --silent --show-error "http://$host:80/" | sha256sum)
        ;;
    esac
    expect_sum "$sum" "100 MB fetched by $3"
    stop_serve
}

expect_mtu() {
    ip -n "$ns" link show tun0 | grep -q "mtu $1 " || fail "the device has not MTU $1: $(ip -n "$ns" link show tun0)"
}

test_case fetch-nc-ipv4 60 nc "nc fetches 100 MB from serve --send over IPv4" fetch 4 1500 nc
test_case fetch-nc-ipv6 60 nc "nc fetches 100 MB from serve --send over IPv6" fetch 6 1500 nc
test_case fetch-half-closed 60 nc "nc -N, whose FIN comes first, fetches 100 MB all the same" fetch 4 1500 nc-N
test_case fetch-curl-ipv4 60 curl "curl --http0.9 fetches 100 MB from serve --send over IPv4" fetch 4 1500 curl
test_case fetch-curl-ipv6 60 curl "curl --http0.9 fetches 100 MB from serve --send over IPv6" fetch 6 1500 curl
test_case fetch-mtu-576-ipv4 60 nc "100 MB at MTU 576 over IPv4" fetch 4 576 nc
test_case fetch-mtu-1280-ipv6 60 nc "100 MB at MTU 1280, the smallest that IPv6 knows" fetch 6 1280 nc
test_case fetch-mtu-9000-ipv4 60 nc "100 MB at MTU 9000 over IPv4" fetch 4 9000 nc
test_case fetch-mtu-9000-ipv6 60 nc "100 MB at MTU 9000 over IPv6" fetch 6 9000 nc

# The client that neither speaks nor closes is let go after a second: what it says then is answered with a RST.
send_closes() {
    addresses_for 4
    head -c 1000 "$big" >"$dir/small"
    serve --send "$dir/small"
    # shellcheck disable=SC2016
    run client 15 bash -c '
        exec 3<>"/dev/tcp/$0/80" && cat <&3 && sleep 2
        trap "" PIPE
        echo one >&3 && sleep 0.5 && ! echo two >&3' "$S4"
    expect_status 0 "a client that speaks two seconds after the file, and should be refused"
    cmp "$dir/small" "$dir/client.out" || fail "the file came otherwise"
    stop_serve
}

test_case send-closes 30 "" "serve --send closes a second after the file when the client says nothing" send_closes

# --- --echo, --discard, --chargen ---

echo_back() { # FAMILY MTU
    addresses_for "$1" "$2"
    serve --echo --mtu "$2"
    local sum
    sum=$(in_ns "$limit" nc -N "$(stack_address "$1")" 80 <"$big" | sha256sum)
    expect_sum "$sum" "100 MB back from --echo"
    stop_serve
}

test_case echo-ipv4 60 nc "100 MB both ways at once through serve --echo over IPv4" echo_back 4 1500
test_case echo-ipv6 60 nc "100 MB both ways at once through serve --echo over IPv6" echo_back 6 1500
test_case echo-mtu-576 60 nc "100 MB both ways at once at MTU 576" echo_back 4 576
test_case echo-mtu-9000 60 nc "100 MB both ways at once at MTU 9000" echo_back 6 9000

discard() {
    addresses_for "$1"
    serve --discard
    local answer
    answer=$(in_ns "$limit" nc -N "$(stack_address "$1")" 80 <"$big" | wc -c)
    [ "$answer" -eq 0 ] || fail "--discard answered with $answer bytes"
    stop_serve
}

test_case discard-ipv4 60 nc "serve --discard takes 100 MB and says nothing" discard 4
test_case discard-ipv6 60 nc "serve --discard takes 100 MB over IPv6" discard 6

# RFC 864: lines of 72 of the 95 printing characters, each line beginning one further.
chargen() {
    addresses_for 4
    serve --chargen
    in_ns 20 bash -c "exec 3<>/dev/tcp/$S4/80 && head -c 74000 <&3" >"$dir/chargen.out"
    awk 'BEGIN { for (i = 32; i < 127; i++) ring = ring sprintf("%c", i); ring = ring ring
            for (i = 0; i < 1000; i++) printf "%s\r\n", substr(ring, i % 95 + 1, 72) }' >"$dir/expected"
    cmp "$dir/expected" "$dir/chargen.out" || fail "not the characters of RFC 864"
    stop_serve
}

test_case chargen 30 "" "serve --chargen sends the lines of RFC 864 until the client goes" chargen

# --- ping ---

ping_stack() {
    addresses_for "$1"
    serve --echo
    run ping 15 ping "-$1" -c 5 -i 0.2 -W 2 "$(stack_address "$1")"
    expect_line "$dir/ping.out" '5 (packets transmitted, 5 received|received)'
    expect_status 0 "ping -$1"
    run ping 15 ping "-$1" -c 2 -i 0.2 -W 2 -s 1400 "$(stack_address "$1")"
    expect_status 0 "ping -$1 with 1400 bytes"
    stop_serve
}

test_case ping-ipv4 30 ping "ping is answered" ping_stack 4
test_case ping-ipv6 30 ping "ping -6 is answered" ping_stack 6

# --- Many at once ---

# Held open together by one shell, then each writes and reads.
held() {
    addresses_for "$1"
    serve --echo --json
    # shellcheck disable=SC2016
    start clients 40 bash -c '
        for i in {1..200}; do exec {fd}<>"/dev/tcp/$0/80" && fds+=($fd) || exit 1; done
        echo "open"
        read -r go <"$1"
        for fd in "${fds[@]}"; do printf "this goes through descriptor %d\n" "$fd" >&"$fd"; done
        for fd in "${fds[@]}"; do
            read -r -t 10 line <&"$fd" && [ "$line" = "this goes through descriptor $fd" ] || exit 2
        done
        echo "all ${#fds[@]} answered"' "$(stack_address "$1")" "$dir/go"
    wait_for 20 grep -q open "$dir/clients.out" || fail "the 200 did not all open"
    wait_for 5 status_says connections 200 || fail "not 200 connections: $report"
    echo go >"$dir/go"
    finish clients 20
    expect_status 0 "the clients"
    expect_line "$dir/clients.out" '^all 200 answered'
    wait_for 10 status_says connections 0 || fail "connections are left: $report"
    stop_serve
}

# A fifo, so that the clients wait for the word.
held_with_fifo() {
    mkfifo "$dir/go"
    held "$1"
}

test_case 200-held-ipv4 60 "" "200 connections open at once, each is answered, none is left" held_with_fifo 4
test_case 200-held-ipv6 60 "" "200 connections open at once over IPv6" held_with_fifo 6

# All SYNs in the same moment, with a backlog that they exceed and one that they do not.
burst() { # FAMILY BACKLOG [COOKIES]
    local host i
    host=$(stack_address "$1")
    addresses_for "$1"
    serve --echo --backlog "$2" --syn-cookies "${3:-full}"
    head -c 20000 "$big" >"$dir/small"
    # shellcheck disable=SC2016
    run burst 45 bash -c '
        for i in {1..200}; do
            { nc -N "$0" 80 <"$1" | cmp -s - "$1" && echo same || echo different; } &
        done
        wait' "$host" "$dir/small"
    i=$(grep -c '^same$' "$dir/burst.out" || true)
    [ "$i" -eq 200 ] || fail "$i of 200 came back whole"
    stop_serve
}

test_case 200-burst-ipv4 60 "nc cmp" "200 clients start at once, backlog 256" burst 4 256
test_case 200-burst-ipv6 60 "nc cmp" "200 clients start at once over IPv6, backlog 256" burst 6 256
test_case 200-burst-default 60 "nc cmp" "200 clients start at once, the backlog that serve has by itself" burst 4 128
test_case 200-burst-small-backlog 60 "nc cmp" "200 clients at once, backlog 16, no cookies: late, and none lost" burst 4 16 off

# --- What it says ---

says_ready() {
    addresses_for 4
    serve --echo
    expect_line "$dir/serve.err" "^listening on $S4:80\$"
    expect_line "$dir/serve.err" "^listening on \[$S6\]:80\$"
    [ ! -s "$dir/serve.out" ] || fail "something on stdout"
    ip -n "$ns" -br address show dev tun0 | grep "$H4/24" | grep -q "$H6/64" ||
        fail "the kernel's addresses are not on the device: $(ip -n "$ns" -br address show dev tun0)"
    stop_serve
}

test_case says-ready 30 "" "serve says where it listens, on stderr, and sets the kernel's addresses" says_ready

says_connections() {
    addresses_for 4
    serve --echo -v
    in_ns 10 nc -N "$S4" 80 <<<"hello" >/dev/null
    wait_for 5 two_lines_about "$H4" || fail "-v tells not of the connection's beginning and end"
    signal serve USR1
    wait_for 5 grep -qiE 'connections?' "$dir/serve.err" || fail "no status line after SIGUSR1"
    stop_serve
}

two_lines_about() { [ "$(grep -cF "$1" "$dir/serve.err")" -ge 2 ]; }

test_case says-connections 30 nc "serve -v says a line when a connection opens and one when it closes" says_connections

says_json() {
    addresses_for 4
    serve --echo -v --json
    in_ns 10 nc -N "$S4" 80 <<<"hello" >/dev/null
    ask_status
    local key
    for key in connections halfOpen timeWaits chunksInUse allocatedBytes; do
        [ -n "$(number $key)" ] || fail "the status has no $key: $report"
    done
    stop_serve
    ! grep -v '^{.*}$' "$dir/serve.out" || fail "a line on stdout is not an object"
    [ -z "$(command -v python3)" ] || python3 -c '
import json, sys
events = [json.loads(line)["event"] for line in sys.stdin]
assert events.count("listening") == 2, events' <"$dir/serve.out" || fail "not JSON lines"
}

test_case says-json 30 nc "serve --json says its reports as JSON lines on stdout" says_json
