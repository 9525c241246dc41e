# shellcheck shell=bash disable=SC2154
#
# Bad input and faults: no trap, no spin, no loss of what was acknowledged, a clear line on stderr.

# A reader that takes 100 MB in about four seconds, so that there is a middle to disturb.
slowly() {
    local i
    for i in {1..100}; do
        head -c $((1 << 20))
        [ "$((i % 5))" -ne 0 ] || sleep 0.2
    done
    cat
}

# --- The device ---

vanishes() {
    addresses_for 4
    serve --echo
    start client 20 bash -c "exec 3<>/dev/tcp/$S4/80 && echo hello >&3 && head -n 1 <&3 && exec sleep 15"
    wait_for 5 grep -q hello "$dir/client.out" || fail "no echo"
    ip -n "$ns" link delete tun0
    finish serve 5
    expect_status 6 "serve without its device"
    expect_no_crash serve
    expect_line "$dir/serve.err" '^tcp: .*tun0'
}

vanishes_connect() {
    mkfifo "$dir/ours"
    exec 3<>"$dir/ours"
    listener 4
    connect_arguments 4 "$H4" 8080
    stdin=$dir/ours start connect "$limit" "${connect_command[@]}"
    wait_for 5 established 8080 || fail "not established"
    ip -n "$ns" link delete tun0
    finish connect 5
    expect_status 6 "connect without its device"
    expect_no_crash connect
    expect_line "$dir/connect.err" '^tcp: .*tun0'
}

test_case device-deleted-serve 30 "" "the device is deleted under serve: it says so and ends with 6" vanishes
test_case device-deleted-connect 30 nc "the device is deleted under connect: it says so and ends with 6" \
    vanishes_connect

# Down takes the IPv6 addresses along unless the kernel is told to keep them.
down_up() { # FAMILY
    addresses_for "$1"
    serve --echo
    in_ns 5 sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.tun0.keep_addr_on_down=1
    (
        sleep 1
        for _ in 1 2 3; do
            ip -n "$ns" link set tun0 down
            sleep 0.3
            ip -n "$ns" link set tun0 up
            sleep 0.5
        done
        established 80 && touch "$dir/in-the-middle"
    ) &
    local sum
    sum=$(in_ns "$limit" nc -N "$(stack_address "$1")" 80 <"$big" | slowly | sha256sum)
    [ -e "$dir/in-the-middle" ] || echo "the transfer was over before the device was up again"
    expect_sum "$sum" "100 MB over a device that went down and up"
    running serve || fail "serve ended"
    stop_serve
}

# While it is down nothing can be written to it: that must not become a loop.
down_idle() {
    addresses_for 4
    serve --chargen
    start client 40 bash -c "exec 3<>/dev/tcp/$S4/80 && head -c 100000 <&3 && exec sleep 30"
    wait_for 5 test -s "$dir/client.out" || fail "nothing came"
    ip -n "$ns" link set tun0 down
    sleep 0.5
    expect_idle serve
    ip -n "$ns" link set tun0 up
    [ "$(in_ns 10 bash -c "exec 3<>/dev/tcp/$S4/80 && head -c 10 <&3" | wc -c)" -eq 10 ] || fail "no new connection"
    signal client KILL
    finish client 5
    stop_serve
}

test_case down-and-up-ipv4 60 nc "the device goes down and up three times during 100 MB: all arrive" down_up 4
test_case down-and-up-ipv6 60 nc "the device goes down and up three times during 100 MB over IPv6" down_up 6
test_case down-is-no-spin 30 "" "serve is idle while its device is down, and serves again when it is up" down_idle

name_taken() {
    addresses_for 4
    serve --echo
    run second 10 "$tcp" serve --tun tun0 --address 10.78.0.2/24 --host-address 10.78.0.1/24 --port 80 --echo
    expect_status 6 "a device that another program has"
    expect_line "$dir/second.err" '^tcp: .*tun0'
    [ "$(in_ns 10 nc -N "$S4" 80 <<<"hello")" = hello ] || fail "the first one is hurt"
    stop_serve
    # No TUN device at all.
    ip -n "$ns" link add tun0 type veth peer name tun1 || skip "no veth"
    run third 10 "$tcp" serve --tun tun0 "${only4[@]}" --port 80 --echo
    expect_status 6 "a name that belongs to another kind of device"
    expect_line "$dir/third.err" '^tcp: .*tun0'
}

test_case name-taken 30 nc "the device's name is taken: exit 6, and says so" name_taken

# A stack's address that the kernel has itself never sees a packet.
address_taken() {
    ip -n "$ns" address add "$S4/32" dev lo
    run serve 10 "$tcp" serve --tun tun0 "${only4[@]}" --port 80 --echo
    expect_status 6 "an address that the kernel has"
    expect_line "$dir/serve.err" "^tcp: .*${S4//./\\.}"
    expect_no_device
    run serve 10 "$tcp" serve --tun tun0 --address "$H4/24" --host-address "$H4/24" --port 80 --echo
    { [ "$status" -eq 6 ] || [ "$status" -eq 64 ]; } || fail "one address for both: exit status $status"
    expect_line "$dir/serve.err" "${H4//./\\.}"
}

test_case address-taken 30 "" "the stack's address is the kernel's already: exit 6, and says so" address_taken

# --- Files and streams ---

full_disk() {
    mkdir "$dir/small-disk"
    addresses_for 4
    # Only the programs of this command see the disk.
    # shellcheck disable=SC2016
    start serve "$((limit + 5))" sh -c 'mount -t tmpfs -o size=256k none "$0" && exec "$@"' "$dir/small-disk" \
        "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 --send "$big" -w "$dir/small-disk/own.pcap"
    wait_for 10 serve_is_up || fail "tcp serve does not say that it listens"
    expect_sum "$(in_ns "$limit" nc -N "$S4" 80 </dev/null | sha256sum)" "100 MB while the disk is full"
    expect_line "$dir/serve.err" '^tcp: .*(own\.pcap|No space left)'
    [ "$(grep -c 'No space left\|own\.pcap' "$dir/serve.err")" -le 3 ] || fail "it says so again and again"
    expect_idle serve
    signal serve TERM
    finish serve 10
    expect_no_crash serve
    expect_no_device
}

full_device() {
    addresses_for 4
    run serve 5 "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 --echo -w "$dir/no/such/folder/own.pcap"
    expect_status 6 "a capture in a folder that is not there"
    expect_line "$dir/serve.err" '^tcp: .*own\.pcap'
    expect_no_device
    start serve "$((limit + 5))" "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 --echo -w /dev/full
    # The first write is the header's: to end at once is as good as to serve without a capture.
    wait_for 10 up_or_ended || fail "neither up nor ended"
    expect_no_crash serve
    expect_line_soon "$dir/serve.err" '^tcp: .*(/dev/full|No space left)'
}

up_or_ended() { ended serve || serve_is_up; }

expect_line_soon() { # FILE PATTERN
    in_ns 5 nc -N "$S4" 80 <<<"hello" >/dev/null 2>&1 || true
    wait_for 5 grep -qE "$2" "$1" || expect_line "$1" "$2"
}

test_case full-disk 60 nc "the disk is full under -w: said once, and the transfer goes on" full_disk
test_case capture-impossible 30 nc "-w at /dev/full or in no folder: said, no trap" full_device

# Who reads the trace has gone.
broken_pipe() {
    addresses_for 4
    # shellcheck disable=SC2016
    start serve "$((limit + 5))" sh -c '{ "$@"; echo "$?" >"$0"; } | head -n 1' "$dir/inner" \
        "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 --echo --trace -n
    wait_for 10 grep -q 'listening on' "$dir/serve.err" || fail "tcp serve does not say that it listens"
    local i
    for i in 1 2 3; do in_ns 5 nc -N -w 3 "$S4" 80 <<<"hello" >>"$dir/echoes" 2>&1 || true; done
    if wait_for 2 test -s "$dir/inner"; then
        echo "it ended with $(cat "$dir/inner")"
        [ "$(cat "$dir/inner")" -lt 128 ] || fail "it died: exit status $(cat "$dir/inner")"
        expect_no_device
    else
        [ "$(grep -c hello "$dir/echoes")" -eq 3 ] || fail "it runs on, but serves no more"
    fi
    ! grep -hE 'Fatal error|Illegal instruction' "$dir/serve.err" || fail "it trapped"
}

# With a stream closed from the beginning the device itself gets that number, and must not be printed into.
closed_streams() { # REDIRECTION...
    addresses_for 4
    # shellcheck disable=SC2016
    start serve "$((limit + 5))" sh -c 'exec "$@" '"$*" sh \
        "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 --echo --trace -n -v
    wait_for 10 answers_or_ended || fail "no echo from a serve with $*"
    expect_no_crash serve
    if ended serve; then
        expect_line "$dir/serve.rc" '^6$'
    else
        answers_hello || fail "no second echo from a serve with $*"
        signal serve TERM
        finish serve 10
        expect_status 0 "serve with $*"
    fi
    expect_no_device
}

answers_or_ended() { ended serve || answers_hello; }

answers_hello() { [ "$(in_ns 5 nc -N -w 3 "$S4" 80 <<<"hello" 2>/dev/null)" = hello ]; }

connect_broken_pipe() {
    start listener "$limit" sh -c "yes | nc -4 -l -N 8080"
    wait_for 5 listens 8080 || fail "nc does not listen"
    connect_arguments 4 "$H4" 8080
    # shellcheck disable=SC2016
    start connect "$limit" sh -c '{ "$@"; echo "$?" >"$0"; } | head -n 1' "$dir/inner" "${connect_command[@]}"
    wait_for 5 test -s "$dir/inner" || fail "it runs on though nobody reads"
    echo "it ended with $(cat "$dir/inner")"
    { [ "$(cat "$dir/inner")" -lt 128 ] || [ "$(cat "$dir/inner")" -eq 141 ]; } || fail "it died: $(cat "$dir/inner")"
    expect_no_device
}

test_case broken-pipe-serve 30 nc "the reader of --trace goes: no death, no device left or the service goes on" \
    broken_pipe
test_case broken-pipe-connect 30 nc "the reader of connect's stdout goes: it ends" connect_broken_pipe
test_case closed-stdout 30 nc "stdout closed from the beginning: the device is not printed into" closed_streams '>&-'
test_case closed-streams 30 nc "stdin, stdout and stderr closed from the beginning" closed_streams '<&-' '>&-' '2>&-'

# --- Peers ---

stops_reading() { # FAMILY
    addresses_for "$1"
    serve --send "$big"
    mkfifo "$dir/pause"
    # shellcheck disable=SC2016
    start client "$limit" bash -c '
        nc -d "$0" 80 | { head -c 10000000; echo stopped >&2; read -r go <"$1"; cat; } | sha256sum' \
        "$(stack_address "$1")" "$dir/pause"
    wait_for 20 grep -q stopped "$dir/client.err" || fail "the first 10 MB did not come"
    sleep 1
    expect_idle serve
    sleep 1
    echo go >"$dir/pause"
    finish client "$limit"
    expect_sum "$(cat "$dir/client.out")" "100 MB by a client that paused"
    stop_serve
}

# The window of the kernel's closes, ours must wait, and probe.
listener_stops_reading() {
    start listener "$limit" sh -c "nc -4 -l -N 8080 </dev/null | sha256sum"
    wait_for 5 listens 8080 || fail "nc does not listen"
    local reader
    reader=$(pgrep -P "$(pid_of listener)" -x nc || true)
    [ -n "$reader" ] || fail "no process of nc"
    connect_arguments 4 "$H4" 8080
    kill -STOP "$reader"
    stdin=$big start connect "$limit" "${connect_command[@]}"
    sleep 1.5
    expect_idle connect
    kill -CONT "$reader"
    finish connect "$limit"
    expect_status 0 "tcp connect"
    finish listener 10
    expect_sum "$(cat "$dir/listener.out")" "100 MB to a listener that paused"
}

# Who reads our stdout stops: the peer's kernel has to be held back.
we_stop_reading() {
    stdin=$big listener 4 -N
    connect_arguments 4 "$H4" 8080
    mkfifo "$dir/input"
    exec 3<>"$dir/input"
    # shellcheck disable=SC2016
    stdin=$dir/input start connect "$limit" sh -c \
        '"$@" | { head -c 10000000 && sleep 3 && cat; } | sha256sum' sh "${connect_command[@]}"
    wait_for "$limit" peer_finished 8080 || fail "no FIN of the peer's"
    exec 3>&-
    finish connect 20
    expect_sum "$(cat "$dir/connect.out")" "100 MB by a connect whose reader paused"
}

test_case stops-reading-ipv4 60 nc "a client stops reading and resumes: serve is idle, nothing is lost" stops_reading 4
test_case stops-reading-ipv6 60 nc "a client stops reading and resumes over IPv6" stops_reading 6
test_case listener-stops-reading 60 "nc pgrep" "a listener stops reading and resumes: connect is idle" \
    \
    listener_stops_reading
test_case we-stop-reading 60 nc "the reader of connect's stdout stops and resumes: nothing is lost" we_stop_reading

peer_dies() {
    addresses_for 4
    serve --echo --json -v
    ask_status
    local chunks
    chunks=$(number chunksInUse)
    start client 20 bash -c "exec 3<>/dev/tcp/$S4/80 && exec cat '$big' >&3"
    wait_for 5 established 80 || fail "not established"
    sleep 0.5
    # It has read nothing of the echo, so its kernel sends RST.
    signal client KILL
    wait_for 5 status_says connections 0 || fail "the connection is still there: $report"
    [ "$(number chunksInUse)" -eq "$chunks" ] || fail "buffers are left: $report"
    [ "$(in_ns 10 nc -N "$S4" 80 <<<"hello")" = hello ] || fail "serve serves no more"
    stop_serve
}

# The cable is cut both ways for four seconds.
peer_silent() {
    addresses_for 4
    serve --send "$big"
    (in_ns "$limit" nc -d "$S4" 80 | slowly | sha256sum >"$dir/sum.new" && mv "$dir/sum.new" "$dir/sum") &
    sleep 1
    rule 4 -A INPUT -i tun0 -j DROP
    rule 4 -A OUTPUT -o tun0 -j DROP
    sleep 1
    expect_idle serve
    sleep 1
    rule 4 -F
    wait_for "$limit" test -s "$dir/sum" || fail "the transfer does not go on"
    expect_sum "$(cat "$dir/sum")" "100 MB over a cable that was cut"
    stop_serve
}

test_case peer-dies 30 nc "the client's process dies: RST, the connection and its buffers are gone" peer_dies
test_case peer-silent 60 "nc iptables" "everything is dropped for four seconds: no spin, then it goes on" peer_silent

# --- Garbage ---

garbage() {
    addresses_for 4
    serve --echo --json
    mkfifo "$dir/go"
    exec 3<>"$dir/go"
    stdin=$dir/go start client "$limit" bash -c "
        exec 3<>/dev/tcp/$S4/80; echo one >&3; head -n 1 <&3; read -r go; echo two >&3; head -n 1 <&3"
    wait_for 5 grep -q one "$dir/client.out" || fail "no echo"
    # Longer packets than serve was told of: somebody else set the MTU.
    ip -n "$ns" link set tun0 mtu 65535
    in_ns 60 python3 "$root/Scripts/kernel.d/garbage.py" tun0 "$S4" "$S6" 80 >"$dir/garbage.out" 2>&1 ||
        fail "no garbage: $(tail -n 3 "$dir/garbage.out")"
    cat "$dir/garbage.out"
    ip -n "$ns" link set tun0 mtu 1500
    expect_no_crash serve
    running serve || fail "serve ended"
    expect_idle serve
    [ "$(in_ns 10 nc -N "$S4" 80 <<<"hello")" = hello ] || fail "no echo over IPv4"
    [ "$(in_ns 10 nc -N "$S6" 80 <<<"hello")" = hello ] || fail "no echo over IPv6"
    echo go >&3
    wait_for 5 grep -q two "$dir/client.out" || fail "the connection of before is dead"
    stop_serve
}

test_case garbage 60 "python3 nc" "20,000 packets of garbage, up to 64 KB each: serve goes on" garbage

# --- Idleness, signals, SIGKILL ---

idle() {
    addresses_for 4
    serve --echo
    expect_idle serve
    # shellcheck disable=SC2016
    start clients 20 bash -c '
        for i in {1..10}; do exec {fd}<>"/dev/tcp/$0/80" && echo "$i" >&"$fd" && head -n 1 <&"$fd"; done
        sleep 15' "$S4"
    wait_for 5 grep -q 10 "$dir/clients.out" || fail "the ten are not open"
    sleep 0.5
    expect_idle serve
    signal clients KILL
    finish clients 5
    stop_serve
}

test_case idle 30 "" "idle with no connection and with ten: CPU near zero" idle

# Its connections end with a FIN, not with a RST.
ends_well() { # SIGNAL
    addresses_for 4
    serve --echo
    start client 20 bash -c "exec 3<>/dev/tcp/$S4/80 && echo hello >&3 && cat <&3"
    wait_for 5 grep -q hello "$dir/client.out" || fail "no echo"
    signal serve "$1"
    finish serve 5
    expect_status 0 "serve after SIG$1"
    finish client 5
    expect_status 0 "the client, which should see the end of the stream"
    ! grep -i reset "$dir/client.err" || fail "the client was reset"
    expect_no_device
}

# A client that is not there any more cannot agree to a proper end.
second_signal() {
    addresses_for 4
    serve --echo
    start client 30 bash -c "exec 3<>/dev/tcp/$S4/80 && echo hello >&3 && head -n 1 <&3 && exec sleep 25"
    wait_for 5 grep -q hello "$dir/client.out" || fail "no echo"
    rule 4 -A INPUT -i tun0 -j DROP
    rule 4 -A OUTPUT -o tun0 -j DROP
    signal serve TERM
    sleep 0.5
    running serve || fail "it did not wait for its connection to close"
    signal serve "$1"
    finish serve 1
    expect_no_device
}

test_case sigint 20 "" "SIGINT: connections end with a FIN, the device is gone, exit 0" ends_well INT
test_case sigterm 20 "" "SIGTERM: connections end with a FIN, the device is gone, exit 0" ends_well TERM
test_case second-signal 20 iptables "a second signal ends serve at once" second_signal INT

# RFC 9293, 3.5.1: the side that knows nothing of the connection answers it with a RST.
killed() { # FAMILY
    local host
    host=$(stack_address "$1")
    addresses_for "$1"
    serve --echo
    # shellcheck disable=SC2016
    start old "$limit" bash -c '
        exec 3<>"/dev/tcp/$0/80" && echo one >&3 && head -n 1 <&3
        read -r go <"$1"
        echo two >&3
        read -r answer <&3 && echo "answered: $answer" || echo "over"' "$host" "$dir/go"
    wait_for 5 grep -q one "$dir/old.out" || fail "no echo"
    start busy "$limit" sh -c "cat '$big' '$big' '$big' '$big' | nc -N '$host' 80 >/dev/null"
    sleep 0.2
    signal serve KILL
    finish serve 5
    serve --echo
    [ "$(in_ns 10 nc -N "$host" 80 <<<"hello")" = hello ] || fail "a new connection does not work at once"
    echo go >"$dir/go"
    finish old 10
    expect_line "$dir/old.err" 'reset by peer'
    expect_line "$dir/old.out" '^over'
    finish busy 20
    [ -z "$(in_ns 5 ss -Htn state established)" ] || fail "connections of before are still there"
    stop_serve
}

killed_with_fifo() {
    mkfifo "$dir/go"
    killed "$1"
}

test_case sigkill-ipv4 60 nc "SIGKILL in the middle, started again: old connections are reset, new ones work" \
    killed_with_fifo 4
test_case sigkill-ipv6 60 nc "SIGKILL in the middle, started again, over IPv6" killed_with_fifo 6
