# Lesson 2: receiver.
#
# shellcheck disable=SC2016,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

# hold SERVER-PID: stops the server's process (it keeps its datagrams) until `kill -CONT`.
hold() {
    local state
    kill -STOP "$1"
    until read -r state <"/proc/$1/stat" && [[ $state == *') T '* ]]; do
        sleep 0.01
    done
}

@test "receiver: prints what it sent, then the reply and whom it is from" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    run timeout 20 "$BUILD/receiver" 127.0.0.1 "$port" hello
    equal 0 "$status"
    equal "sent 5 bytes to 127.0.0.1:$port
received 5 bytes from 127.0.0.1:$port: hello" "$output"
}

@test "receiver: asks an IPv6 address" {
    serve echo "$BUILD/echo" -b ::1 0
    run timeout 20 "$BUILD/receiver" ::1 "$port" hello
    equal 0 "$status"
    equal "sent 5 bytes to [::1]:$port
received 5 bytes from [::1]:$port: hello" "$output"
}

@test "receiver: port 8080 if it is left out, TEXT from standard input then" {
    needs_lan
    run lan bash -c '
        "$1/echo" -b 127.0.0.1 8080 >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        echo hello | "$1/receiver" -w 5 127.0.0.1
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    equal 'sent 5 bytes to 127.0.0.1:8080
received 5 bytes from 127.0.0.1:8080: hello' "$output"
}

@test "receiver: TEXT left out: one line of standard input, an empty one too" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    run "$BUILD/receiver" -w 5 127.0.0.1 "$port" < <(printf 'one line\nand another\n')
    equal "received 8 bytes from 127.0.0.1:$port: one line" "${lines[1]}"
    run "$BUILD/receiver" -w 5 127.0.0.1 "$port" < <(printf 'no newline')
    equal "received 10 bytes from 127.0.0.1:$port: no newline" "${lines[1]}"
    run "$BUILD/receiver" -w 5 127.0.0.1 "$port" < <(echo)
    equal 0 "$status"
    equal "sent 0 bytes to 127.0.0.1:$port
received 0 bytes from 127.0.0.1:$port: " "$output"
}

@test "receiver: TEXT left out: end of input with nothing typed is an error, and nothing is sent" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    run "$BUILD/receiver" -w 5 127.0.0.1 "$port" </dev/null
    equal 1 "$status"
    equal 'receiver: nothing was typed: the input has ended' "$output"
    "$BUILD/sender" 127.0.0.1 "$port" 'the first to come'
    await_exit "$pid"
    like 'received 17 bytes .*: the first to come' "$(cat bind.out)"
}

@test "receiver: says what it sent before the reply comes, and waits for a late one" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    echo_pid=$pid
    hold "$echo_pid"
    start receiver "$BUILD/receiver" 127.0.0.1 "$port" hello
    await receiver.out "sent 5 bytes to 127.0.0.1:$port"
    # One that waits for half a second gives up; the one that waits for ever is still there.
    run "$BUILD/receiver" -w 0.5 127.0.0.1 "$port" hi
    equal 1 "$status"
    kill -0 "$pid"
    equal 1 "$(wc -l <receiver.out)"
    kill -CONT "$echo_pid"
    await_exit "$pid"
    equal 0 "$status"
    equal "received 5 bytes from 127.0.0.1:$port: hello" "$(tail -n 1 receiver.out)"
}

@test "receiver: -w: no reply in time is an error that says so, exit 1" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    start=${EPOCHREALTIME//[!0-9]/}
    run "$BUILD/receiver" -w 0.3 127.0.0.1 "$port" hello
    microseconds=$((${EPOCHREALTIME//[!0-9]/} - start))
    equal 1 "$status"
    equal "sent 5 bytes to 127.0.0.1:$port" "${lines[0]}"
    like "receiver: no reply from 127\.0\.0\.1:$port in 0\.3 seconds.*" "${lines[1]}"
    echo "waited for $microseconds microseconds"
    ((microseconds >= 300000 && microseconds < 3000000))
}

@test "receiver: -w: a reply in time ends the wait" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    run timeout 20 "$BUILD/receiver" -w 60 127.0.0.1 "$port" hello
    equal 0 "$status"
    equal "received 5 bytes from 127.0.0.1:$port: hello" "${lines[1]}"
}

@test "receiver: -w: where no server is, the time passes just the same" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    kill "$pid"
    await_exit "$pid"
    run "$BUILD/receiver" -w 0.1 127.0.0.1 "$port" hello
    equal 1 "$status"
    like "receiver: no reply from 127\.0\.0\.1:$port in 0\.1 seconds.*" "${lines[1]}"
}

@test "receiver: prints a reply of 1024 bytes whole, of a longer one says what was cut" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    head -c 65507 /dev/zero | tr '\0' x >long
    run "$BUILD/receiver" -w 5 127.0.0.1 "$port" < <(head -c 1024 long)
    equal 0 "$status"
    like "received 1024 bytes from 127\.0\.0\.1:$port: x{1024}" "${lines[1]}"
    for size in 1025 3000 65507; do
        run "$BUILD/receiver" -w 5 127.0.0.1 "$port" < <(head -c "$size" long)
        equal 0 "$status"
        like "received $size bytes from 127\.0\.0\.1:$port: x{1024} \[cut: 1024 of $size bytes\]" \
            "${lines[1]}"
    done
}

@test "receiver: an empty reply is a reply" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    run "$BUILD/receiver" -w 5 127.0.0.1 "$port" ''
    equal 0 "$status"
    equal "sent 0 bytes to 127.0.0.1:$port
received 0 bytes from 127.0.0.1:$port: " "$output"
}

@test "receiver: says whom the reply is from, if it is not from whom it asked" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    bind_pid=$pid asked=$port
    start receiver "$BUILD/receiver" 127.0.0.1 "$asked" hello
    await_exit "$bind_pid"
    receiver_port=$(sed -n 's/.* from 127\.0\.0\.1:\([0-9]*\): hello$/\1/p' bind.out)
    printf 'not me' | "$BUILD/probe" send 127.0.0.1 "$receiver_port"
    await_exit "$pid"
    equal 0 "$status"
    equal "sent 5 bytes to 127.0.0.1:$asked" "$(head -n 1 receiver.out)"
    like 'received 6 bytes from 127\.0\.0\.1:[0-9]+: not me' "$(tail -n 1 receiver.out)"
    [[ $(tail -n 1 receiver.out) != *":$asked: "* ]]
}

@test "receiver: -e gb2312 encodes what it sends and decodes the reply" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    run "$BUILD/receiver" -w 5 -e gb2312 127.0.0.1 "$port" '你好'
    [[ $output != *'can only read'* ]] || skip "this system's iconv can only read gb2312"
    equal 0 "$status"
    equal "sent 4 bytes to 127.0.0.1:$port
received 4 bytes from 127.0.0.1:$port: 你好" "$output"
    await echo.out '#1 returned 4 bytes'
    [[ $(cat echo.out) == *'\xc4\xe3\xba\xc3' ]]
}

@test "receiver: a text that the charset cannot express is an error, and nothing is sent" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    run "$BUILD/receiver" -w 5 -e ascii 127.0.0.1 "$port" '你好'
    equal 1 "$status"
    like 'receiver: cannot encode the text in ascii: .*' "$output"
    "$BUILD/sender" 127.0.0.1 "$port" 'the first to come'
    await_exit "$pid"
    like 'received 17 bytes .*: the first to come' "$(cat bind.out)"
}

@test "receiver: one reply is all it takes" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    bind_pid=$pid
    start receiver "$BUILD/receiver" 127.0.0.1 "$port" hello
    await_exit "$bind_pid"
    receiver_port=$(sed -n 's/.* from 127\.0\.0\.1:\([0-9]*\): hello$/\1/p' bind.out)
    hold "$pid"
    "$BUILD/sender" 127.0.0.1 "$receiver_port" first
    "$BUILD/sender" 127.0.0.1 "$receiver_port" second
    kill -CONT "$pid"
    await_exit "$pid"
    equal 0 "$status"
    equal 2 "$(wc -l <receiver.out)"
    like 'received 5 bytes from .*: first' "$(tail -n 1 receiver.out)"
}
