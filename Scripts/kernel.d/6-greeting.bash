# shellcheck shell=bash disable=SC2154
#
# The README's async example: the same source file runs over the simulation in the tests, and here over TUN. Its client
# and its server have a device each, and the kernel forwards between them.

greeting() {
    [ -x "$bin/greeting" ] || skip "there is no program greeting"
    in_ns 5 sysctl -qw net.ipv4.ip_forward=1
    run greeting 20 "$bin/greeting"
    expect_status 0 "greeting"
    [ "$(cat "$dir/greeting.out")" = "hello, world" ] || fail "it said something else"
    ! ip -n "$ns" -br link | grep greet || fail "its devices are still there"
}

test_case greeting 30 "" "the README's example, client and server, each over a TUN device" greeting
