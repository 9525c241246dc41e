# shellcheck shell=bash disable=SC2154
#
# Real tcpdump on the device beside our own trace and capture. Port 7777, which tcpdump knows no protocol for.

# Short slots, or a buffer holds few of them.
capture() {
    start tcpdump "$((limit + 5))" tcpdump -i tun0 -n -l -U -s 2048 -B 32768 --immediate-mode "$@" tcp port 7777
    wait_for 10 grep -q 'listening on' "$dir/tcpdump.err" || fail "tcpdump does not listen"
}

end_capture() {
    wait_for 5 both_fins || echo "tcpdump saw not both FINs"
    sleep 0.3
    signal tcpdump INT
    finish tcpdump 5
    expect_line "$dir/tcpdump.err" '^0 packets dropped by kernel'
}

both_fins() { [ "$(grep -cE 'Flags \[[A-Z]*F' "$dir/tcpdump.out")" -ge 2 ]; }

# From the flags to the length, of the lines to or from port 7777 that match.
comparable() { # FILE PATTERN
    sed -nE "\\|$2|s/^.*(Flags \\[.*length [0-9]+).*\$/\\1/p" "$1"
}

expect_same() { # PATTERN WHAT
    comparable "$dir/tcpdump.out" "$1" >"$dir/theirs"
    comparable "$dir/serve.out" "$1" >"$dir/ours"
    [ -s "$dir/theirs" ] || fail "tcpdump saw nothing of $2"
    diff -u "$dir/theirs" "$dir/ours" >"$dir/diff" || {
        head -n 30 "$dir/diff"
        fail "our trace of $2 differs from tcpdump's"
    }
    echo "$(wc -l <"$dir/ours") lines of $2 are the same"
}

# A packet that waits in the device is seen by tcpdump before it is by us, so lines of the two directions may stand in
# another order; within a direction they may not.
trace() { # FAMILY BYTES ARGUMENT-OF-BOTH...
    local family=$1 bytes=$2 host
    shift 2
    host=$(stack_address "$family")
    addresses_for "$family"
    head -c "$bytes" "$big" >"$dir/small"
    start serve "$((limit + 5))" "$tcp" serve --tun tun0 "${addresses[@]}" --port 7777 --echo --trace -n \
        -w "$dir/own.pcap" "$@"
    wait_for 10 serve_is_up || fail "tcp serve does not say that it listens"
    capture "$@"
    in_ns 20 nc -N "$host" 7777 <"$dir/small" >"$dir/echoed"
    cmp "$dir/echoed" "$dir/small" || fail "the echo differs"
    end_capture
    stop_serve
    expect_same "> $host.7777: " "what the kernel sent"
    expect_same " $host.7777 > " "what the stack sent"
    expect_own_capture "$@"
}

# Our own capture, read by tcpdump, is our own trace line by line, and its checksums are right.
expect_own_capture() {
    timeout 20 tcpdump -n -r "$dir/own.pcap" "$@" tcp port 7777 >"$dir/reread" 2>"$dir/reread.err"
    comparable "$dir/reread" 7777 >"$dir/theirs"
    comparable "$dir/serve.out" 7777 >"$dir/ours"
    diff -u "$dir/theirs" "$dir/ours" >"$dir/diff" || {
        head -n 30 "$dir/diff"
        fail "tcpdump -r of our capture differs from our trace"
    }
    timeout 20 tcpdump -n -r "$dir/own.pcap" -v tcp port 7777 >"$dir/verbose" 2>>"$dir/reread.err"
    ! grep -E 'incorrect|bad cksum|\[bad' "$dir/verbose" | head -n 5 | grep . || fail "a checksum is wrong"
    [ "$(grep -cE 'cksum 0x[0-9a-f]+ \(correct\)' "$dir/verbose")" -eq "$(wc -l <"$dir/ours")" ] ||
        fail "not every packet has a checksum that tcpdump calls correct"
}

test_case trace-ipv4 30 "tcpdump nc cmp" "serve --trace -n says what tcpdump says, from flags to length" trace 4 300
test_case trace-ipv6 30 "tcpdump nc cmp" "serve --trace -n says what tcpdump says over IPv6" trace 6 300
test_case trace-absolute 30 "tcpdump nc cmp" "serve --trace -n -S says what tcpdump -S says" trace 4 300 -S
test_case trace-megabyte 30 "tcpdump nc cmp" "the same over a megabyte, direction by direction" trace 4 1000000

# The four kinds of segment, as the issue names them.
handshake() { # FAMILY
    local host
    host=$(stack_address "$1")
    addresses_for "$1"
    start serve "$((limit + 5))" "$tcp" serve --tun tun0 "${addresses[@]}" --port 7777 --echo
    wait_for 10 serve_is_up || fail "tcp serve does not say that it listens"
    capture
    [ "$(in_ns 10 nc -N "$host" 7777 <<<"hello")" = hello ] || fail "no echo"
    end_capture
    expect_line "$dir/tcpdump.out" "> $host\.7777: Flags \[S\], seq"
    expect_line "$dir/tcpdump.out" " $host\.7777 > .*: Flags \[S\.\], seq .*mss 14[46]0"
    expect_line "$dir/tcpdump.out" "> $host\.7777: Flags \[\.\], ack 1,"
    expect_line "$dir/tcpdump.out" "> $host\.7777: Flags \[P\.\], seq 1:7, ack 1,"
    expect_line "$dir/tcpdump.out" " $host\.7777 > .*: Flags \[P\.\], seq 1:7, ack [78],"
    ! grep -E 'Flags \[R' "$dir/tcpdump.out" || fail "a RST in a conversation that ended well"
    stop_serve
}

test_case handshake-ipv4 30 "tcpdump nc" "tcpdump sees [S], [S.], [.] and [P.] of a connection to serve" handshake 4
test_case handshake-ipv6 30 "tcpdump nc" "tcpdump sees [S], [S.], [.] and [P.] over IPv6" handshake 6

# The device of `tcp connect` is there only while it runs, so its own capture is what tcpdump reads.
connect_handshake() { # FAMILY
    listener "$1" -N
    printf 'hello\n' >"$dir/hello"
    stdin=$dir/hello connect "$1" -w "$dir/own.pcap" --trace -n "$(host_address "$1")" 8080
    expect_status 0 "tcp connect"
    # Standard output is the peer's, so the trace is on the other.
    [ ! -s "$dir/connect.out" ] || fail "the peer said nothing, but there is something on stdout"
    expect_line "$dir/connect.err" " > $(host_address "$1")\.8080: Flags \[S\], seq"
    timeout 10 tcpdump -n -r "$dir/own.pcap" -v tcp >"$dir/verbose" 2>"$dir/reread.err"
    tr -d '\n' <"$dir/verbose" | sed 's/    / /g; s/IP6\{0,1\} (/\n&/g' >"$dir/lines"
    expect_line "$dir/lines" " > $(host_address "$1")\.8080: Flags \[S\], cksum 0x[0-9a-f]+ \(correct\), seq"
    expect_line "$dir/lines" " $(host_address "$1")\.8080 > .*: Flags \[S\.\], cksum 0x[0-9a-f]+ \(correct\), seq"
    expect_line "$dir/lines" " > $(host_address "$1")\.8080: Flags \[P\.\], cksum 0x[0-9a-f]+ \(correct\), seq 1:7"
    ! grep -E 'incorrect|bad cksum' "$dir/verbose" || fail "a checksum is wrong"
}

test_case connect-handshake-ipv4 20 "tcpdump nc" "tcpdump reads [S], [S.], [P.] in the capture of tcp connect" \
    connect_handshake 4
test_case connect-handshake-ipv6 20 "tcpdump nc" "tcpdump reads [S], [S.], [P.] in the capture over IPv6" \
    connect_handshake 6
