#!/usr/bin/env bash
#
# usage: honest.bash TO PORT COUNT EVERY TIMEOUT
#
# Opens COUNT connections to TO:PORT with `nc -z`, one every EVERY milliseconds, each a program of its own that has TIMEOUT
# seconds. The time that is told is that from before nc is started to its end.

set -euo pipefail

now() { echo "${EPOCHREALTIME//[.,]/}"; }

# One line: its time in microseconds, or that it failed.
open_one() { # TO PORT TIMEOUT
    local began=${EPOCHREALTIME//[.,]/}
    if nc -n -z -w "$3" "$1" "$2" 2>/dev/null; then
        echo $((${EPOCHREALTIME//[.,]/} - began))
    else
        echo never
    fi
}

open_all() { # TO PORT COUNT EVERY TIMEOUT
    local began index rest
    began=$(now)
    for ((index = 0; index < $3; index++)); do
        rest=$((began + index * $4 * 1000 - ${EPOCHREALTIME//[.,]/}))
        [ "$rest" -le 0 ] || sleep "$(printf '%d.%06d' $((rest / 1000000)) $((rest % 1000000)))"
        open_one "$1" "$2" "$5" &
    done
    wait
}

# The same line as that of `flood dial`. "never" sorts behind all numbers.
open_all "$@" | sort -n -k 1,1 | awk -v count="$3" '
    function time(rank) { return rank in times ? sprintf("%.2f", times[rank] / 1000) : "never" }
    $1 != "never" { times[++good] = $1 }
    END {
        printf "good %d of %d p50 %s p99 %s max %s ms\n", good, count, time(int((count + 1) / 2)),
            time(int((count * 99 + 99) / 100)), time(count)
    }'
