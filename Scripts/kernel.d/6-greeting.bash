# shellcheck shell=bash disable=SC2154
#
# The README's async example: the same source file runs over the simulation in the tests, and here over TUN.

greeting() {
    [ -x "$bin/greeting" ] || skip "there is no program greeting yet"
    start greeting 30 "$bin/greeting" --tun tun0
    finish greeting 30
    expect_status 0 "greeting"
    expect_no_device
}

test_case greeting 40 "" "the README's example runs over TUN" greeting
