# shellcheck shell=bash disable=SC2154
#
# A flood of forged SYNs, short and slow enough for any machine. `Scripts/flood` measures a long and fast one.

flooded() { # COOKIES
    addresses_for 4
    clang -O2 -Wall -Werror -o "$dir/flood" "$root/Scripts/flood.d/flood.c" || fail "flood.c does not compile"
    serve --echo --json --backlog 16 --budget 16MiB --syn-cookies "$1"
    local before growth
    before=$(resident serve)
    start forge 30 "$dir/flood" forge tun0 "$S4" 80 4 20000
    # A SYN that the device had no room for is sent again after 1, 3 and 7 seconds: by then the flood is over.
    run dial 60 "$dir/flood" dial "$S4" 80 50 60 20000
    expect_status 0 "the honest clients"
    expect_line "$dir/dial.out" '^good 50 of 50 '
    finish forge 30
    expect_line "$dir/forge.out" '^sent [1-9][0-9]{3,} '
    growth=$(($(resident serve) - before))
    wait_for 10 status_says connections 0 || fail "connections are left: $report"
    [ "$(number passiveOpens)" -eq 50 ] || fail "others than the honest were accepted: $report"
    [ "$(number halfOpen)" -le 17 ] || fail "more than backlog + 1 half-open: $report"
    [ "$(number cookiesSent)" -gt 1000 ] || fail "no cookies: $report"
    [ "$(number allocatedBytes)" -le $((16 << 20)) ] || fail "more than the budget: $report"
    [ "$growth" -le $((16 << 10)) ] || fail "the process grew by $growth KiB"
    expect_line "$dir/serve.out" '"event" ?: ?"flood-began"'
    stop_serve
}

test_case flood 60 clang "80,000 forged SYNs in 4 s: 50 honest connections succeed, nothing else is kept" flooded full
test_case flood-cookies-always 60 clang "the same with cookies always" flooded always
