# shellcheck shell=bash disable=SC2154
#
# A minute of 50 clients that open, move and close at random. It stands first, so that the others run beside it.

# Each client is a loop: an echo of a random length, a client that is killed in the middle, one that only connects.
soak() {
    addresses_for 4
    serve --echo --json
    # What is made once is made before the measure.
    crowd 5 50 1
    wait_for 20 at_rest || fail "not at rest after the warming up: $report"
    local chunks rss after
    chunks=$(number chunksInUse)
    rss=$(resident serve)
    echo "before: $rss KiB resident, $report"
    crowd 60 50 2
    [ ! -s "$dir/wrong" ] || fail "$(wc -l <"$dir/wrong") echoes were wrong"
    wait_for 20 at_rest || fail "not at rest after the soak: $report"
    after=$(resident serve)
    echo "after $(wc -l <"$dir/done") connections: $after KiB resident, $report"
    [ "$(number chunksInUse)" -le "$chunks" ] || fail "buffers are left: $report"
    [ "$after" -le $((rss + 3072)) ] || fail "memory: $after KiB resident, $rss before"
    expect_idle serve
    stop_serve
}

at_rest() {
    ask_status
    [ "$(number connections)" -eq 0 ] && [ "$(number halfOpen)" -eq 0 ] && [ "$(number timeWaits)" -eq 0 ]
}

crowd() { # SECONDS CLIENTS SEED
    : >"$dir/done"
    : >"$dir/wrong"
    # shellcheck disable=SC2016
    run crowd "$(($1 + 30))" bash -c '
        seconds=$0 clients=$1 seed=$2 big=$3 folder=$4 host4=$5 host6=$6
        client() {
            RANDOM=$1
            local host length
            while [ "$SECONDS" -lt "$seconds" ]; do
                host=$host4
                [ $((RANDOM % 2)) -eq 0 ] || host=$host6
                length=$((RANDOM * (RANDOM % 40) + RANDOM))
                case $((RANDOM % 8)) in
                0) head -c "$length" "$big" | timeout -s KILL "0.$((RANDOM % 9 + 1))" nc "$host" 80 >/dev/null ;;
                1) nc -z "$host" 80 ;;
                *)
                    head -c "$length" "$big" | timeout 30 nc -N "$host" 80 | cmp -s -n "$length" - "$big" &&
                        [ "${PIPESTATUS[1]}" -eq 0 ] || echo "$host $length" >>"$folder/wrong"
                    ;;
                esac
                echo >>"$folder/done"
                sleep "$((RANDOM % 2)).$((RANDOM % 10))"
            done
        }
        for ((i = 0; i < clients; i++)); do client $((seed * 1000 + i)) & done
        wait' "$1" "$2" "$3" "$big" "$dir" "$S4" "$S6"
    expect_status 0 "the clients"
}

test_case soak 130 "nc cmp" "a minute of 50 connections at random, then tables and memory as before" soak
