# shellcheck shell=bash disable=SC2154
#
# SYN cookies with the kernel's clients, and keys that change while the server runs.

cookie_key() { head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# A key file in place, as docs/cookies.md says: with a rename.
put_keys() { # LINE...
    (umask 077 && printf '%s\n' "$@" >"$dir/keys.new")
    mv "$dir/keys.new" "$dir/keys"
}

keys_taken() { [ "$(grep -c '"cookie-keys"' "$dir/serve.out")" -ge "$1" ]; }

# One line there and back.
say_hello() { # FAMILY
    stdin=$dir/hello run hello 15 nc -N "$(stack_address "$1")" 80
    cmp "$dir/hello" "$dir/hello.out" || fail "the greeting came back otherwise, exit status $status"
}

fleet_cookies() { # FAMILY
    local old new
    addresses_for "$1"
    echo "hello, world" >"$dir/hello"
    old=$(cookie_key) new=$(cookie_key)
    put_keys "$old"
    serve --echo --json --syn-cookies always --cookie-codec fleet --cookie-key-file "$dir/keys"
    say_hello "$1"
    # What nobody can finish with is told, and the keys stay.
    put_keys "no key"
    wait_for 10 grep -q '32 hexadecimal digits' "$dir/serve.err" || fail "nothing is said of a bad key file"
    say_hello "$1"
    put_keys "$new" "$old"
    wait_for 10 keys_taken 1 || fail "the new key was not taken"
    say_hello "$1"
    # A key file that others may read is worth a word.
    chmod 644 "$dir/keys"
    touch "$dir/keys"
    wait_for 10 grep -q 'chmod 600' "$dir/serve.err" || fail "nothing is said of a file that is open to others"
    ask_status
    [ "$(number cookiesReceived)" = 3 ] || fail "$(number cookiesReceived) cookies came back instead of 3"
    [ "$(number cookiesFailed)" = 0 ] || fail "$(number cookiesFailed) cookies were refused"
    stop_serve
}

test_case fleet-cookies-ipv4 40 "nc od" "fleet cookies complete, and their key file changes while serve runs" \
    fleet_cookies 4
test_case fleet-cookies-ipv6 40 "nc od" "fleet cookies complete over IPv6, and their key file changes" fleet_cookies 6

# Without timestamps: what the kernel agreed on must be what the stack rebuilt, or 100 MB do not get through.
fleet_without_timestamps() { # FAMILY
    local host
    host=$(stack_address "$1")
    addresses_for "$1"
    in_ns 5 sysctl -qw net.ipv4.tcp_timestamps=0
    put_keys "$(cookie_key)"
    serve --send "$big" --json --syn-cookies always --cookie-codec fleet --cookie-key-file "$dir/keys"
    # shellcheck disable=SC2016
    start client 20 bash -c 'exec 3<>"/dev/tcp/$0/80" && sleep 15' "$host"
    wait_for 5 established 80 || fail "no connection"
    in_ns 5 ss -Htni "dport = :80" >"$dir/ss.out"
    expect_line "$dir/ss.out" 'wscale:[1-9]'
    ! grep -qw ts "$dir/ss.out" || fail "there are timestamps"
    signal client KILL
    [ "$1" = 4 ] || host="[$host]"
    expect_sum "$(in_ns "$limit" curl --http0.9 --silent --show-error "http://$host:80/" | sha256sum)" "100 MB by curl"
    ask_status
    [ "$(number cookiesReceived)" = 2 ] || fail "$(number cookiesReceived) cookies came back instead of 2"
    stop_serve
}

test_case fleet-options-ipv4 60 "curl od" "fleet cookies keep window scale and SACK without timestamps: 100 MB" \
    fleet_without_timestamps 4
test_case fleet-options-ipv6 60 "curl od" "fleet cookies keep window scale and SACK over IPv6" \
    fleet_without_timestamps 6

# A server without a good key file does not start.
no_keys() {
    addresses_for 4
    put_keys "no key"
    run serve 10 "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 --echo --cookie-key-file "$dir/keys"
    expect_status 6 "tcp serve with a bad key file"
    expect_line "$dir/serve.err" 'no cookie keys from .*line 1 is not 32 hexadecimal digits'
    rm "$dir/keys"
    run serve 10 "$tcp" serve --tun tun0 "${addresses[@]}" --port 80 --echo --cookie-key-file "$dir/keys"
    expect_status 6 "tcp serve without its key file"
    expect_line "$dir/serve.err" 'no cookie keys from .*No such file'
    expect_no_device
}

test_case no-cookie-keys 30 "od" "serve with a key file that is none says so and ends with 6" no_keys
