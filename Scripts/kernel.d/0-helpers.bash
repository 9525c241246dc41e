# shellcheck shell=bash disable=SC2034,SC2154
#
# What the tests have in common. A test runs under `set -e` with these: $ns its namespace, $dir its folder, $limit its
# seconds, $tcp the program, $big a file of 100 MiB with the SHA-256 $big_sum. Its addresses are always the same:

H4=10.77.0.1 S4=10.77.0.2 H6=fd77::1 S6=fd77::2

both=(--address "$S4/24" --host-address "$H4/24" --address "$S6/64" --host-address "$H6/64")
only4=(--address "$S4/24" --host-address "$H4/24")
only6=(--address "$S6/64" --host-address "$H6/64")

stack_address() { if [ "$1" = 6 ]; then echo $S6; else echo $S4; fi; }
host_address() { if [ "$1" = 6 ]; then echo $H6; else echo $H4; fi; }

# Linux has no IPv6 on a link whose MTU is below 1280 (RFC 8200, 5).
addresses_for() { # FAMILY [MTU]
    if [ "${2:-1500}" -lt 1280 ]; then addresses=("${only4[@]}"); else addresses=("${both[@]}"); fi
}

# --- Outcomes ---

fail() {
    echo "error: $*"
    exit 1
}

skip() {
    echo "$*" >"$dir/reason"
    exit 77
}

expect_status() { # STATUS WHAT
    [ "$status" -eq "$1" ] || fail "$2: exit status $status instead of $1"
}

expect_line() { # FILE PATTERN
    grep -qE -- "$2" "$1" || fail "no line of $(basename "$1") matches: $2"
}

expect_sum() { # SUM WHAT
    [ "$1" = "$big_sum" ] || fail "$2: SHA-256 $1 instead of $big_sum"
}

# No trap and no signal that nobody sent: 128 and above is a death.
expect_no_crash() { # NAME
    [ ! -e "$dir/$1.rc" ] || [ "$(cat "$dir/$1.rc")" -lt 128 ] || fail "$1 died: exit status $(cat "$dir/$1.rc")"
    ! grep -hE 'Fatal error|Illegal instruction|Segmentation fault|Trace/BPT' "$dir/$1.err" || fail "$1 trapped"
}

# What there is to see when a test failed.
tell() {
    local file
    for file in "$dir"/*.rc "$dir"/*.err "$dir"/*.out; do
        [ -s "$file" ] || continue
        echo "-- $(basename "$file")"
        tail -c 4000 "$file" | tail -n 25 | tr -cd '\11\12\40-\176'
    done
    echo "-- the namespace"
    timeout 5 ip -n "$ns" -br address
    timeout 5 ip netns exec "$ns" ss -tan | head -n 12
}

# --- Programs in the namespace ---

make_namespace() { # NAME
    ip netns add "$1"
    ip -n "$1" link set lo up
    timeout 5 ip netns exec "$1" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
}

in_ns() { # SECONDS COMMAND...
    local seconds=$1
    shift
    timeout -k 2 "$seconds" ip netns exec "$ns" "$@"
}

# Runs a program to its end: $status and $took (milliseconds), NAME.out and NAME.err. Its input is $stdin or nothing.
run() { # NAME SECONDS COMMAND...
    local name=$1 seconds=$2 began
    shift 2
    began=$(now)
    status=0
    in_ns "$seconds" "$@" <"${stdin:-/dev/null}" >"$dir/$name.out" 2>"$dir/$name.err" || status=$?
    took=$((($(now) - began) / 1000))
}

# Starts a program and leaves it running: NAME.pid, NAME.out, NAME.err, and NAME.rc when it has ended. In monitor mode,
# because the shell would have it ignore SIGINT otherwise. Descriptors 3 and 4 are the test's own, for its fifos.
start() { # NAME SECONDS COMMAND...
    local name=$1 seconds=$2
    shift 2
    rm -f "$dir/$name.pid" "$dir/$name.rc"
    set -m
    (
        set +e
        exec 3>&- 4>&-
        # shellcheck disable=SC2016
        timeout -k 2 "$seconds" ip netns exec "$ns" sh -c 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec "$@"' \
            "$dir/$name.pid" "$@" <"${stdin:-/dev/null}" >"$dir/$name.out" 2>"$dir/$name.err"
        echo $? >"$dir/$name.rc.new"
        mv "$dir/$name.rc.new" "$dir/$name.rc"
    ) &
    set +m
    wait_for 5 test -s "$dir/$name.pid" || fail "$name did not start"
}

pid_of() { cat "$dir/$1.pid"; }

signal() { # NAME SIGNAL
    kill "-$2" "$(pid_of "$1")" || fail "$1 is gone"
}

ended() { test -e "$dir/$1.rc"; }

running() { ! ended "$1"; }

# Waits until it has ended, and gives its status.
finish() { # NAME SECONDS
    wait_for "$2" ended "$1" || fail "$1 has not ended after $2 s"
    status=$(cat "$dir/$1.rc")
}

wait_for() { # SECONDS COMMAND...
    local deadline
    deadline=$(($(now) + $1 * 1000000))
    shift
    while ! "$@"; do
        [ "$(now)" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# --- The tool ---

# Starts `tcp serve` as "serve" on tun0, at $addresses, and waits until it says that it listens.
serve() { # ARGUMENT...
    start serve "$((limit + 5))" "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 "$@"
    wait_for 10 serve_is_up || fail "tcp serve does not say that it listens"
}

serve_is_up() {
    ! ended serve || fail "tcp serve ended: exit status $(cat "$dir/serve.rc")"
    local lines
    lines=$(cat "$dir/serve.out" "$dir/serve.err" | grep -aciE 'listening on|"event" ?: ?"listening"' || true)
    [ $((lines * 4)) -ge ${#addresses[@]} ]
}

# Ends it as a user does, and expects the best.
stop_serve() {
    signal serve TERM
    finish serve 10
    expect_status 0 "tcp serve after SIGTERM"
    expect_no_device
}

expect_no_device() {
    ! ip -n "$ns" link show tun0 >/dev/null 2>&1 || fail "the device tun0 is still there"
}

# Runs `tcp connect` as "connect" from tun0, at the addresses of the FAMILY.
connect() { # FAMILY ARGUMENT...
    connect_arguments "$@"
    run connect "$limit" "${connect_command[@]}"
}

connect_arguments() { # FAMILY ARGUMENT...
    local family=$1 own=("${only4[@]}")
    shift
    [ "$family" = 4 ] || own=("${only6[@]}")
    connect_command=("$tcp" connect --tun tun0 "${own[@]}" "$@")
}

# Runs $connect_command as "connect", its input being a file and then held open until the kernel's FIN: `nc -l` and nginx
# give up when their client has half-closed. The peer's socket is in the namespace $1, if that is another.
connect_held() { # [NAMESPACE [FILE]]
    mkfifo "$dir/input"
    exec 3<>"$dir/input"
    stdin=$dir/input start connect "$limit" "${connect_command[@]}"
    [ -z "${2:-}" ] || cat "$2" >&3
    ns=${1:-$ns} wait_for "$limit" peer_finished 8080 || fail "no FIN of the peer's"
    running connect || fail "it ended before its input did"
    exec 3>&-
    finish connect 10
    expect_status 0 "tcp connect"
}

peer_finished() { # PORT
    [ -n "$(in_ns 5 ss -Htn state fin-wait-2 "sport = :$1")" ]
}

# Starts `nc` as a listener of the kernel's on port 8080, as "listener".
listener() { # FAMILY ARGUMENT...
    local family=$1
    shift
    start listener "$limit" nc "-$family" -l "$@" 8080
    wait_for 5 listens 8080 || fail "nc does not listen"
}

listens() { # PORT
    [ -n "$(in_ns 5 ss -Hltn "sport = :$1")" ]
}

established() { # PORT, of either side
    [ -n "$(in_ns 5 ss -Htn state established "( sport = :$1 or dport = :$1 )")" ]
}

# A rule of iptables for IPv4 or ip6tables for IPv6. What the kernel cannot do is no failure of ours.
rule() { # FAMILY ARGUMENT...
    local program=iptables
    [ "$1" = 4 ] || program=ip6tables
    shift
    in_ns 10 "$program" -w "$@" || skip "$program refuses: $*"
}

# --- Measures ---

# Processor time that a program has used, user and system, in hundredths of a second as a rule.
ticks() { # NAME
    sed 's/.*) //' "/proc/$(pid_of "$1")/stat" | awk '{ print $12 + $13 }'
}

# At most 2.5 per cent of a processor over two seconds.
expect_idle() { # NAME
    local before after hertz
    hertz=$(getconf CLK_TCK)
    before=$(ticks "$1")
    sleep 2
    after=$(ticks "$1")
    echo "$1 used $((after - before)) of $((2 * hertz)) ticks"
    [ $(((after - before) * 40)) -le $((2 * hertz)) ] || fail "$1 is busy: $((after - before)) ticks in two seconds"
}

resident() { # NAME: KiB
    awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of "$1")/status"
}

# Asks a `tcp serve --json` for its status: $report is the line.
ask_status() {
    local before
    before=$(grep -c '"status"' "$dir/serve.out" || true)
    signal serve USR1
    wait_for 5 more_status "$before" || fail "no status after SIGUSR1"
    report=$(grep '"status"' "$dir/serve.out" | tail -n 1)
}

more_status() { [ "$(grep -c '"status"' "$dir/serve.out")" -gt "$1" ]; }

number() { # KEY of $report
    sed -nE "s/.*\"$1\" ?: ?([0-9]+).*/\1/p" <<<"$report"
}

# Whether the status says so of a number.
status_says() { # KEY NUMBER
    ask_status
    [ "$(number "$1")" = "$2" ]
}
