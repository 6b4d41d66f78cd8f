# Lesson 3: bind. Addresses and ports that one cannot bind to: endpoint.bats; charsets: text.bats.
#
# shellcheck disable=SC2016,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

@test "bind: prints the datagram and the very address and port it is from, and ends" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    bind_pid=$pid
    equal "bind: bound to 127.0.0.1:$port" "$(cat bind.err)"
    equal '' "$(cat bind.out)"
    input=<(echo hello) serve chat "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    await_exit "$bind_pid"
    equal 0 "$status"
    equal "received 5 bytes from 127.0.0.1:$port: hello" "$(cat bind.out)"
    equal 1 "$(wc -l <bind.err)"
}

@test "bind: port 7788 and all addresses of the machine, if they are left out" {
    needs_lan
    run lan bash -c '
        once() {
            rm -f err # or the line of the run before is taken for this one
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

@test "bind: prints up to 1024 bytes, none too, whole; of a longer datagram says what was cut" {
    head -c 65507 /dev/zero | tr '\0' x >long
    for size in 0 1024 1025 3000 65507; do
        serve bind "$BUILD/bind" -b 127.0.0.1 0
        head -c "$size" long | "$BUILD/probe" send 127.0.0.1 "$port"
        await_exit "$pid"
        equal 0 "$status"
        kept=$size note=''
        ((size <= 1024)) || kept=1024 note=" \[cut: 1024 of $size bytes\]"
        like "received $size bytes from 127\.0\.0\.1:[0-9]+: x{$kept}$note" "$(cat bind.out)"
    done
}
