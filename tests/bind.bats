# Lesson 3: bind.
#
# shellcheck disable=SC2016,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

@test "bind: prints the datagram and whom it is from, and ends" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    equal "bind: bound to 127.0.0.1:$port" "$(cat bind.err)"
    equal '' "$(cat bind.out)"
    "$BUILD/sender" 127.0.0.1 "$port" hello
    await_exit "$pid"
    equal 0 "$status"
    like 'received 5 bytes from 127\.0\.0\.1:[0-9]+: hello' "$(cat bind.out)"
    equal "bind: bound to 127.0.0.1:$port" "$(cat bind.err)"
}

@test "bind: names the very port that the datagram came from" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    bind_pid=$pid
    input=<(echo hello) serve chat "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    await_exit "$bind_pid"
    equal "received 5 bytes from 127.0.0.1:$port: hello" "$(cat bind.out)"
}

@test "bind: port 7788 and all addresses of the machine, if they are left out" {
    needs_lan
    run lan bash -c '
        once() {
            "$1/bind" >out 2>err & pid=$!
            until grep -qs "bound to" err; do sleep 0.01; done
            shift
            "$@"
            wait "$pid" && cat err out
        }
        once "$1" "$1/sender" 127.0.0.1 7788 hello
        once "$1" on 2 "$1/sender" 10.77.0.1 7788 "hello, host 1"' bash "$BUILD"
    equal 0 "$status"
    like 'sent 5 bytes to 127\.0\.0\.1:7788
bind: bound to 0\.0\.0\.0:7788
received 5 bytes from 127\.0\.0\.1:[0-9]+: hello
sent 13 bytes to 10\.77\.0\.1:7788
bind: bound to 0\.0\.0\.0:7788
received 13 bytes from 10\.77\.0\.2:[0-9]+: hello, host 1' "$output"
}

@test "bind: -b: hears nothing that comes to another address" {
    needs_lan
    run lan bash -c '
        "$1/bind" -b 127.0.0.1 7788 >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        on 2 "$1/sender" 10.77.0.1 7788 "not for you"
        "$1/sender" 127.0.0.1 7788 "for you"
        wait "$pid" && cat out' bash "$BUILD"
    equal 0 "$status"
    like 'received 7 bytes from 127\.0\.0\.1:[0-9]+: for you' "${lines[2]}"
}

@test "bind: waits on an IPv6 address" {
    serve bind "$BUILD/bind" -b ::1 0
    equal "bind: bound to [::1]:$port" "$(cat bind.err)"
    "$BUILD/sender" ::1 "$port" hello
    await_exit "$pid"
    equal 0 "$status"
    like 'received 5 bytes from \[::1\]:[0-9]+: hello' "$(cat bind.out)"
}

@test "bind: takes one datagram, the first, and leaves the rest" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    kill -STOP "$pid"
    "$BUILD/sender" 127.0.0.1 "$port" first
    "$BUILD/sender" 127.0.0.1 "$port" second
    kill -CONT "$pid"
    await_exit "$pid"
    equal 0 "$status"
    like 'received 5 bytes from [^ ]+: first' "$(cat bind.out)"
}

@test "bind: prints 1024 bytes whole, of a longer datagram says what was cut" {
    head -c 65507 /dev/zero | tr '\0' x >long
    for size in 1024 1025 3000 65507; do
        serve bind "$BUILD/bind" -b 127.0.0.1 0
        head -c "$size" long | "$BUILD/probe" send 127.0.0.1 "$port"
        await_exit "$pid"
        equal 0 "$status"
        note=''
        ((size == 1024)) || note=" \[cut: 1024 of $size bytes\]"
        like "received $size bytes from [^ ]+: x{1024}$note" "$(cat bind.out)"
    done
}

@test "bind: an empty datagram is a datagram" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    "$BUILD/probe" send 127.0.0.1 "$port" </dev/null
    await_exit "$pid"
    equal 0 "$status"
    like 'received 0 bytes from 127\.0\.0\.1:[0-9]+: ' "$(cat bind.out)"
}

@test "bind: -e gb2312 decodes the text; without it, its bytes are shown as escapes" {
    serve bind "$BUILD/bind" -e gb2312 -b 127.0.0.1 0
    printf '\xc4\xe3\xba\xc3' | "$BUILD/probe" send 127.0.0.1 "$port"
    await_exit "$pid"
    like 'received 4 bytes from 127\.0\.0\.1:[0-9]+: 你好' "$(cat bind.out)"
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    printf '\xc4\xe3\xba\xc3' | "$BUILD/probe" send 127.0.0.1 "$port"
    await_exit "$pid"
    [[ $(cat bind.out) == *': \xc4\xe3\xba\xc3' ]]
}

@test "bind: a port that another program has is an error, exit 1" {
    serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
    run "$BUILD/bind" -b 127.0.0.1 "$port"
    equal 1 "$status"
    like "bind: cannot bind to 127\.0\.0\.1:$port: .* \(another program has this port; .*\)" \
        "$output"
}

@test "bind: an address that is not this machine's is an error, exit 1" {
    run "$BUILD/bind" -b 192.0.2.1 0
    equal 1 "$status"
    like 'bind: cannot bind to 192\.0\.2\.1:0: .* \(this machine has no such address\)' "$output"
}

@test "bind: a port below 1024 is an error without root, exit 1" {
    needs_lan
    run unshare -Un "$BUILD/bind" -b 0.0.0.0 80
    equal 1 "$status"
    like 'bind: cannot bind to 0\.0\.0\.0:80: .* \(to bind below port 1024 takes root.*\)' "$output"
}
